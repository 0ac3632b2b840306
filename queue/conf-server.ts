/**
 * One run of the tree's conf that completes many configurations of one architecture: it reads the Kconfig files
 * once, and a child process of it goes on with each configuration as conf itself would have (conf-server.c).
 *
 * The same sandbox as any run of conf. What it writes is data with limits, and only an answer without any fault
 * counts: else there is none, and runConf has to tell.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { ConfJob, ConfRun } from './conf.ts';
import { CONF_LIMITS, openReplay } from './conf.ts';
import { buildPreload, trust } from './conf-build.ts';
import { MAX_FILE_BYTES } from './conf-cache.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import { runSandboxed } from './sandbox.ts';
import { SRCTREE } from './toolchain.ts';

/** What conf is to read. Not for a tree that is run bare. */
export type ConfServerJob = Pick<ConfJob, 'dir' | 'conf' | 'env' | 'cacheDir'> & Required<Pick<ConfJob, 'answers'>>;

/** One answer, in milliseconds; the first has the reading of all Kconfig files before it. */
export interface ServerTimes {
  readonly firstMs: number;
  readonly nextMs: number;
}

const TIMES: ServerTimes = { firstMs: 60_000, nextMs: 30_000 };

/** Kinds of answers, and lengths for what there is not: of conf-server.c. */
const [ANSWER, ENDED] = [0, 1];
const NO_CONFIG = 0xffff_ffff;
const HEAD_BYTES = 20;
/** Of standard output, standard error and .config: what is kept of a run of its own. */
const MAX_BYTES = [CONF_LIMITS.outputBytes, CONF_LIMITS.outputBytes, MAX_FILE_BYTES] as const;
const MAX_ANSWER_BYTES = MAX_BYTES.reduce((sum, bytes) => sum + bytes, HEAD_BYTES);
/** With this status our own C files end conf. */
const PRELOAD_FAILED = 99;

interface Answer {
  readonly kind: number;
  /** As wait(2) gives it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly config: string | undefined;
}

export class ConfServer {
  readonly #home: string;
  readonly #times: ServerTimes;
  readonly #requests = new PassThrough();
  readonly #abort = new AbortController();
  readonly #openedAt = performance.now();
  #ended: Promise<unknown> = Promise.resolve();
  #received: Buffer[] = [];
  #receivedBytes = 0;
  /** What is to be there before it is looked at again. */
  #wantedBytes = HEAD_BYTES;
  /** Called when there may be an answer, or none will come. */
  #wake: (() => void) | undefined;
  #isOver = false;
  #isFirst = true;
  /** conf refuses the Kconfig files, and says so to every configuration. */
  #refusal: Answer | undefined;

  private constructor(home: string, times: ServerTimes) {
    this.#home = home;
    this.#times = times;
  }

  /** Starts conf. Throws SandboxError where the libraries it needs do not build. */
  static async open(job: ConfServerJob, times: ServerTimes = TIMES): Promise<ConfServer> {
    const server = new ConfServer(await temporaryFolder(join(tmpdir(), 'depbot-conf-')), times);
    try {
      await server.#start(job);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  async #start(job: ConfServerJob): Promise<void> {
    const replay = await openReplay(this.#home, job.answers, job);
    const library = await buildPreload('conf-server', job);
    const run = runSandboxed({
      argv: ['/depbot/conf', '--olddefconfig', 'Kconfig'],
      readOnly: [
        { host: job.dir, inside: SRCTREE },
        { host: job.conf, inside: '/depbot/conf' },
        { host: library, inside: '/depbot/conf-server.so' },
        ...replay.readOnly,
      ],
      writable: replay.writable,
      env: {
        ...job.env,
        KCONFIG_AUTOCONFIG: '/dev/null',
        ...replay.env,
        LD_PRELOAD: `${replay.env['LD_PRELOAD']}:/depbot/conf-server.so`,
      },
      stdin: this.#requests,
      onStdout: (chunk) => this.#receive(chunk),
      signal: this.#abort.signal,
      limits: CONF_LIMITS,
      ...trust(job),
    });
    // why it ended is no matter: without an answer, a run of its own tells
    this.#ended = run.then(
      () => this.#end(),
      () => this.#end(),
    );
  }

  get ageMs(): number {
    return performance.now() - this.#openedAt;
  }

  /**
   * What conf does with a .config, one at a time; undefined where this server cannot tell, now and later.
   * `asked` of the run is empty: what conf asked of shells, it asked for all configurations.
   */
  async olddefconfig(config: string): Promise<ConfRun | undefined> {
    const bytes = Buffer.from(config);
    if (!this.#isOver) {
      this.#requests.write(Buffer.from(Uint32Array.of(bytes.length).buffer));
      this.#requests.write(bytes);
    }
    const answer = this.#refusal ?? (await this.#answer(this.#isFirst ? this.#times.firstMs : this.#times.nextMs));
    this.#isFirst = false;
    const exitCode = answer === undefined ? undefined : exitCodeOf(answer);
    if (answer === undefined || exitCode === undefined) {
      this.#end();
      return undefined;
    }
    if (answer.kind === ENDED) this.#refusal = answer;
    const { stdout, stderr } = answer;
    // what ended before it read the .config left it as it was
    return { exitCode, timedOut: false, config: answer.config ?? bytes.toString('utf8'), stdout, stderr, asked: [] };
  }

  /** Ends conf, and leaves nothing behind. */
  async close(): Promise<void> {
    this.#end();
    await this.#ended;
    await remove(this.#home);
  }

  #end(): void {
    this.#isOver = true;
    this.#abort.abort();
    this.#wake?.();
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > MAX_ANSWER_BYTES) this.#end();
    this.#wake?.();
  }

  /** The next answer, or undefined when none comes in time. */
  async #answer(withinMs: number): Promise<Answer | undefined> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake?.();
    }, withinMs);
    try {
      for (;;) {
        const answer = this.#take();
        if (answer !== undefined) return answer;
        if (this.#isOver || isLate) return undefined;
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes an answer from what was received, once it is whole; ends a server that writes anything else. */
  #take(): Answer | undefined {
    if (this.#receivedBytes < this.#wantedBytes) return undefined;
    const all = Buffer.concat(this.#received);
    const [kind = 0, status = 0, stdout = 0, stderr = 0, config = 0] = new Uint32Array(
      Uint8Array.from(all.subarray(0, HEAD_BYTES)).buffer,
    );
    const hasConfig = config !== NO_CONFIG;
    const lengths = [stdout, stderr, hasConfig ? config : 0] as const;
    this.#wantedBytes = lengths.reduce((sum, length) => sum + length, HEAD_BYTES);
    const isBounded = lengths.every((length, i) => length <= MAX_BYTES[i]!);
    // nothing comes unasked, so that nothing follows an answer
    if (!isBounded || all.length > this.#wantedBytes) this.#end();
    if (!isBounded || all.length !== this.#wantedBytes) return undefined;
    [this.#received, this.#receivedBytes, this.#wantedBytes] = [[], 0, HEAD_BYTES];
    let at = HEAD_BYTES;
    const texts = lengths.map((length) => all.toString('utf8', at, (at += length)));
    return { kind, status, stdout: texts[0]!, stderr: texts[1]!, config: hasConfig ? texts[2]! : undefined };
  }
}

/** The exit status of an answer without any fault: conf ended by itself, as it does with or without a .config. */
function exitCodeOf({ kind, status, config }: Answer): number | undefined {
  if (status > 0xffff || (status & 0xff) !== 0) return undefined;
  const exitCode = status >> 8;
  if (exitCode === PRELOAD_FAILED) return undefined;
  if (kind === ENDED) return exitCode !== 0 && config === undefined ? exitCode : undefined;
  return kind === ANSWER && config !== undefined ? exitCode : undefined;
}
