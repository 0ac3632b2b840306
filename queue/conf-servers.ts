/**
 * `conf --olddefconfig` for many configurations of many architectures: a few servers at a time, each asked all
 * that waits for it before another is started, since starting costs ten times what an answer does.
 */
import type { ConfRun } from './conf.ts';
import { runConf } from './conf.ts';
import type { ConfServerJob } from './conf-server.ts';
import { ConfServer } from './conf-server.ts';

/** A tree for one architecture. */
export interface ConfSource {
  /** Says which: others with the same key get the same answers. */
  readonly key: string;
  job(): Promise<ConfServerJob>;
  /** Runs the tree's programs bare: then there are no servers. */
  readonly trustTree?: boolean;
}

interface Asked {
  readonly source: ConfSource;
  readonly config: string;
  readonly resolve: (run: ConfRun) => void;
  readonly reject: (error: unknown) => void;
}

interface Idle {
  readonly key: string;
  readonly server: ConfServer;
  readonly timer: NodeJS.Timeout;
}

/** As many as the machines that this is made for have processors. */
const AT_ONCE = 2;
/** Servers that wait for a further configuration; each holds 30 MB. */
const MAX_IDLE = 4;
const IDLE_MS = 20_000;
/** Before the walls end it (CONF_LIMITS), with time left for an answer. */
const MAX_AGE_MS = 60_000;
/** Where so many wait for one server, a second one of the same is worth its start. */
const MANY = 24;

export class ConfServers {
  readonly #waiting: Asked[] = [];
  readonly #open = new Set<ConfServer>();
  readonly #serving = new Set<Promise<unknown>>();
  /** The longest idle first. */
  readonly #idle: Idle[] = [];
  /** Keys of the servers at work. */
  readonly #busy: string[] = [];
  #atWork = 0;
  /** One server could not tell, so that its tree may be hostile: from then on, each configuration has its own run. */
  #isPlain = false;
  #failed: { readonly error: unknown } | undefined;

  /**
   * What the conf of a tree does with a .config: the same as runConf. Throws SandboxError, and whatever
   * `source.job` throws; what waits then fails with it.
   */
  async olddefconfig(source: ConfSource, config: string): Promise<ConfRun> {
    if (this.#failed) throw this.#failed.error;
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ source, config, resolve, reject });
      this.#next();
    });
  }

  /**
   * Starts the server of a tree that configurations are likely to come for, where there is room: it reads the Kconfig
   * files meanwhile. Never throws: what fails, fails again when it is asked.
   */
  async prepare({ key, job, trustTree }: ConfSource): Promise<void> {
    const keys = [...this.#busy, ...this.#idle.map((idle) => idle.key)];
    if (this.#isPlain || this.#failed || trustTree === true || keys.includes(key) || keys.length >= MAX_IDLE) return;
    this.#busy.push(key);
    const opening = (async () => {
      const server = await ConfServer.open(await job());
      this.#open.add(server);
      await (this.#failed ? this.#end(server) : this.#putBack(key, server));
    })().catch(() => undefined);
    this.#serving.add(opening);
    await opening;
    this.#serving.delete(opening);
    this.#busy.splice(this.#busy.indexOf(key), 1);
    this.#next();
  }

  /** Ends all servers. What has no answer yet fails. */
  async close(): Promise<void> {
    this.#fail(new Error('conf was closed'));
    for (const { timer } of this.#idle) clearTimeout(timer);
    await Promise.all([...this.#open].map((server) => this.#end(server)));
    await Promise.allSettled(this.#serving);
  }

  #next(): void {
    while (this.#atWork < AT_ONCE) {
      const [asked] = this.#waiting.splice(this.#choose(), 1);
      if (asked === undefined) return;
      this.#atWork += 1;
      this.#run(asked)
        .then(asked.resolve, (error: unknown) => {
          asked.reject(error);
          this.#fail(error);
        })
        .finally(() => {
          this.#atWork -= 1;
          this.#next();
        });
    }
  }

  /** Which of those that wait is next; their number if none is yet. */
  #choose(): number {
    const { length } = this.#waiting;
    if (this.#isPlain) return 0;
    const idle = this.#waiting.findIndex(({ source }) => this.#idle.some(({ key }) => key === source.key));
    if (idle >= 0) return idle;
    const fresh = this.#waiting.findIndex(({ source }) => !this.#busy.includes(source.key));
    if (fresh >= 0) return fresh;
    return length >= MANY ? 0 : length;
  }

  async #run({ source, config }: Asked): Promise<ConfRun> {
    if (!this.#isPlain && source.trustTree !== true) {
      this.#busy.push(source.key);
      const serving = this.#serve(source, config);
      this.#serving.add(serving);
      const run = await serving.finally(() => {
        this.#serving.delete(serving);
        this.#busy.splice(this.#busy.indexOf(source.key), 1);
      });
      if (run !== undefined) return run;
      this.#isPlain = true;
    }
    if (this.#failed) throw this.#failed.error;
    return runConf({
      ...(await source.job()),
      ...(source.trustTree === true && { trustTree: true }),
      mode: 'olddefconfig',
      config,
    });
  }

  async #serve({ key, job }: ConfSource, config: string): Promise<ConfRun | undefined> {
    const idle = this.#idle.find((one) => one.key === key);
    if (idle) this.#take(idle);
    const server = idle?.server ?? (await ConfServer.open(await job()));
    this.#open.add(server);
    const run = this.#failed ? undefined : await server.olddefconfig(config);
    if (run === undefined || server.ageMs > MAX_AGE_MS || this.#failed) await this.#end(server);
    else await this.#putBack(key, server);
    return run;
  }

  #take(idle: Idle): void {
    this.#idle.splice(this.#idle.indexOf(idle), 1);
    clearTimeout(idle.timer);
  }

  async #putBack(key: string, server: ConfServer): Promise<void> {
    const timer = setTimeout(() => {
      this.#take(idle);
      void this.#end(server);
    }, IDLE_MS);
    const idle = { key, server, timer };
    this.#idle.push(idle);
    const [oldest] = this.#idle;
    if (this.#idle.length <= MAX_IDLE || oldest === undefined) return;
    this.#take(oldest);
    await this.#end(oldest.server);
  }

  async #end(server: ConfServer): Promise<void> {
    await server.close();
    this.#open.delete(server);
  }

  #fail(error: unknown): void {
    this.#failed ??= { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
