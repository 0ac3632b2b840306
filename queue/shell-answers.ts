/**
 * What `$(shell,…)` in Kconfig files answers: asked once, in the sandbox, and kept on disk.
 *
 * The reader of Kconfig asks `lookup`, notes what is missing, and reads again after `answer`. An answer is what
 * do_shell() of scripts/kconfig/preprocess.c makes of it. Every command has a sandbox of its own, 15 ms each:
 * in a common one, a command of a hostile series could change what its neighbours answer, and the cache would
 * hand that on to other series.
 *
 * Kept by toolchain and environment (one JSON file each), and in there by the command's text and the content
 * of each file of the tree that it names, or that a script so named mentions. A command that names more of
 * the tree than files (a folder, a pattern, `$srctree`) has its answer kept for that commit alone.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { basename, dirname } from 'node:path/posix';
import type { Tree } from '../rules/types.ts';
import { inParallel } from './in-parallel.ts';
import type { Limits } from './sandbox.ts';
import { runSandboxed } from './sandbox.ts';
import type { KconfigEnv } from './toolchain.ts';
import { SRCTREE } from './toolchain.ts';

export interface ShellAnswersOptions {
  /** Answers are kept below it; processes may share it. */
  readonly cacheDir: string;
  /** Of toolchainId. */
  readonly toolchainId: string;
  /** For the content of files that commands name. */
  readonly tree: Pick<Tree, 'commit' | 'blob' | 'read'>;
  /** Folder of the host with the tree's files (of materialise, or a checkout); asked when a command has to run. */
  readonly treeDir: () => Promise<string>;
  readonly trustTree?: boolean;
  /** Time of one command, in milliseconds. Default 10,000. */
  readonly wallMs?: number;
  /** Time of all commands together; what shares it, uses it up together. Default one of its own. */
  readonly budget?: ShellBudget;
  /** Commands at a time. Default 2. */
  readonly parallel?: number;
}

/** What is left for running commands, wall clock in milliseconds; `answer` counts it down. */
export interface ShellBudget {
  leftMs: number;
}

/** For one check, of all architectures before and after: five times what 6.12 takes on two slow processors. */
const SHELL_BUDGET_MS = 600_000;

export function newShellBudget(): ShellBudget {
  return { leftMs: SHELL_BUDGET_MS };
}

/** A command that has no answer of its own; it counts as having printed nothing. */
export interface Unanswered {
  readonly command: string;
  readonly why: 'timeout' | 'too-long' | 'nul-byte' | 'too-many' | 'out-of-time';
}

/** do_shell() reads this many bytes and keeps one less. */
const BUFFER_BYTES = 4096;
/** Linux' MAX_ARG_STRLEN: a longer command cannot be started, by conf neither. */
const MAX_COMMAND_BYTES = 131_071;
/** Of one environment; 6.12 has 120 on an architecture. */
const MAX_COMMANDS = 4096;
/** Of what a command says on standard error, this much is kept. */
const MAX_SAID_CHARS = 500;
const SHELL_LIMITS: Partial<Limits> = { cpuSec: 30, fileBytes: 64 * 2 ** 20, tmpBytes: 64 * 2 ** 20 };

/** Answers for one tree. */
export class ShellAnswers {
  readonly #options: ShellAnswersOptions;
  readonly #budget: ShellBudget;
  /** By environment, then by command. */
  readonly #known = new Map<string, Map<string, string>>();
  /** What commands said on standard error, likewise. */
  readonly #said = new Map<string, Map<string, string>>();
  readonly #loaded = new Map<string, Promise<void>>();
  readonly #blobs = new Map<string, Promise<string>>();
  readonly #mentions = new Map<string, Promise<Mentions>>();

  constructor(options: ShellAnswersOptions) {
    this.#options = options;
    this.#budget = options.budget ?? newShellBudget();
  }

  /** The answer, if it is at hand: after `load`, or an `answer` with this command. */
  lookup(command: string, env: KconfigEnv): string | undefined {
    return this.#of(env).get(command);
  }

  /** All answers at hand for an environment, by command: what runConf can replay. */
  recorded(env: KconfigEnv): ReadonlyMap<string, string> {
    return this.#of(env);
  }

  /** What an answered command said on standard error, its first characters; undefined when it said nothing. */
  said(command: string, env: KconfigEnv): string | undefined {
    return this.#said.get(envKey(env))?.get(command);
  }

  /** Brings the answers kept on disk that hold for this tree. `answer` does it too; done first, it saves a round. */
  load(env: KconfigEnv): Promise<void> {
    const key = envKey(env);
    let loading = this.#loaded.get(key);
    if (loading === undefined) {
      loading = this.#load(env);
      this.#loaded.set(key, loading);
      loading.catch(() => this.#loaded.delete(key));
    }
    return loading;
  }

  /**
   * Answers commands, as far as that has not been done; all have a `lookup` afterwards. Returns those that
   * came to nothing for a reason that the author of a series can cause. Throws SandboxError.
   */
  async answer(commands: readonly string[], env: KconfigEnv): Promise<readonly Unanswered[]> {
    await this.load(env);
    const known = this.#of(env);
    const open = [...new Set(commands)].filter((command) => !known.has(command));
    const unanswered: Unanswered[] = [];
    const fresh: Entry[] = [];
    const began = performance.now();
    const leftMs = (): number => this.#budget.leftMs - (performance.now() - began);
    try {
      await inParallel(open, this.#options.parallel ?? 2, async (command) => {
        const why = refusal(command, known.size, leftMs() < 1);
        const ran = why === undefined ? await this.#run(command, env, leftMs()) : undefined;
        known.set(command, ran?.answer ?? '');
        if (ran === undefined) unanswered.push({ command, why: why ?? (leftMs() < 1 ? 'out-of-time' : 'timeout') });
        else {
          this.#note(command, env, ran.said);
          fresh.push({ command, files: await this.#restsOn(command), ...ran });
        }
      });
    } finally {
      this.#budget.leftMs = leftMs();
    }
    if (fresh.length > 0) await keepEntries(this.#file(env), fresh);
    return unanswered;
  }

  #of(env: KconfigEnv): Map<string, string> {
    const key = envKey(env);
    const known = this.#known.get(key) ?? new Map<string, string>();
    this.#known.set(key, known);
    return known;
  }

  #note(command: string, env: KconfigEnv, said: string | undefined): void {
    if (said === undefined) return;
    const key = envKey(env);
    this.#said.set(key, (this.#said.get(key) ?? new Map()).set(command, said));
  }

  #file(env: KconfigEnv): string {
    return join(
      this.#options.cacheDir,
      'answers',
      `${this.#options.toolchainId}-${env['ARCH'] ?? 'none'}-${envKey(env)}.json`,
    );
  }

  async #load(env: KconfigEnv): Promise<void> {
    const known = this.#of(env);
    for (const { command, files, answer, said } of await readEntries(this.#file(env))) {
      const now = await Promise.all(files.map(([path]) => this.#blob(path)));
      if (known.has(command) || files.some(([, blob], at) => now[at] !== blob)) continue;
      known.set(command, answer);
      this.#note(command, env, said);
    }
  }

  /** Undefined when its time was over. */
  async #run(command: string, env: KconfigEnv, leftMs: number): Promise<Pick<Entry, 'answer' | 'said'> | undefined> {
    const { trustTree, wallMs = 10_000 } = this.#options;
    const treeDir = await this.#options.treeDir();
    const run = await runSandboxed({
      // head(1) stands for the fread() of do_shell(): a writer without end gets SIGPIPE there too
      argv: ['/bin/sh', '-c', `/bin/sh -c -- "$0" | head -c ${BUFFER_BYTES}`, command],
      readOnly: [{ host: treeDir, inside: SRCTREE }],
      env,
      limits: { ...SHELL_LIMITS, wallMs: Math.ceil(Math.min(wallMs, leftMs)) },
      ...(trustTree === undefined ? {} : { trustTree }),
    });
    if (run.timedOut) return undefined;
    const inTree = (text: string): string => (trustTree === true ? text.replaceAll(treeDir, SRCTREE) : text);
    const said = inTree(run.stderr.trim()).slice(0, MAX_SAID_CHARS);
    return { answer: inTree(shellAnswer(run.stdoutBytes)), ...(said !== '' && { said }) };
  }

  /** Blob of a file; empty when there is none. Path '' is the whole tree, its commit the blob. */
  #blob(path: string): Promise<string> {
    let blob = this.#blobs.get(path);
    if (blob === undefined) {
      const { tree } = this.#options;
      blob = path === '' ? Promise.resolve(tree.commit) : tree.blob(path).then((sha) => sha ?? '');
      this.#blobs.set(path, blob);
    }
    return blob;
  }

  /** What of the tree bears on a command's answer: paths with their blobs, sorted. */
  async #restsOn(command: string): Promise<[string, string][]> {
    const named = namedIn(command);
    const seen = new Set<string>(named.whole ? [''] : []);
    let next = named.paths;
    // scripts call their neighbours: cc-version.sh asks min-tool-version.sh
    for (let depth = 0; depth < 4; depth += 1) {
      const mentions = await Promise.all(next.filter((path) => !seen.has(path)).map((path) => this.#mentionsOf(path)));
      for (const path of next) seen.add(path);
      // a folder, a pattern, something that is yet to come
      for (const path of depth === 0 ? next : []) if ((await this.#blob(path)) === '') seen.add('');
      if (mentions.some(({ whole }) => whole)) seen.add('');
      next = mentions.flatMap(({ paths }) => paths);
    }
    return Promise.all([...seen].sort().map(async (path): Promise<[string, string]> => [path, await this.#blob(path)]));
  }

  #mentionsOf(path: string): Promise<Mentions> {
    let found = this.#mentions.get(path);
    if (found === undefined) {
      found = this.#options.tree.read([path]).then((texts) => mentionsIn(path, texts.get(path) ?? ''));
      this.#mentions.set(path, found);
    }
    return found;
  }
}

function refusal(command: string, known: number, over: boolean): Unanswered['why'] | undefined {
  if (command.includes('\0')) return 'nul-byte';
  if (Buffer.byteLength(command) > MAX_COMMAND_BYTES) return 'too-long';
  if (known >= MAX_COMMANDS) return 'too-many';
  return over ? 'out-of-time' : undefined;
}

/**
 * What Kconfig makes of a command's output (at most BUFFER_BYTES are given): trailing newlines go, others
 * become spaces, and a NUL byte ends it. Source: do_shell() in scripts/kconfig/preprocess.c.
 */
export function shellAnswer(output: Uint8Array): string {
  let end = Math.min(output.length, BUFFER_BYTES - 1);
  while (end > 0 && output[end - 1] === 0x0a) end -= 1;
  const text = Buffer.from(output.subarray(0, end)).toString('utf8').replaceAll('\n', ' ');
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

// ---------------------------------------------------------------- what an answer rests on

interface Mentions {
  readonly paths: readonly string[];
  /** More of the tree than files that can be told. */
  readonly whole: boolean;
}

function namedIn(command: string): Mentions {
  const paths: string[] = [];
  let whole = command.includes('srctree');
  for (const match of command.matchAll(/(?<![\w./-])\/src(?![\w.-])([^\s"'`;|&<>()]*)/g)) {
    const rest = match[1] ?? '';
    if (/^\/[\w.+/-]*[\w.+-]$/.test(rest) && !/\/\.{0,2}\//.test(`${rest}/`)) paths.push(rest.slice(1));
    else whole = true;
  }
  return { paths, whole };
}

/** Files beside a script that its text names; a text that walks the tree rests on all of it. */
function mentionsIn(path: string, text: string): Mentions {
  // the start of a text is enough, and a bound on what a hostile one costs
  const words = text.slice(0, 65_536).match(/[\w+-][\w.+-]{0,60}\.(?:sh|pl|py|awk|sed|h|c|S|rs|json)(?![\w.-])/g);
  const names = new Set(words ?? []);
  names.delete(basename(path));
  return {
    paths: [...names].slice(0, 64).map((name) => `${dirname(path)}/${name}`),
    whole: /srctree|\/\.\./.test(text),
  };
}

// ---------------------------------------------------------------- on disk

interface Entry {
  readonly command: string;
  /** Path and blob of all that the answer rests on, as #restsOn gives it. */
  readonly files: readonly (readonly [string, string])[];
  readonly answer: string;
  /** On standard error, its first characters. */
  readonly said?: string;
}

const KEPT_VERSION = 2;

/** The entries of a file of answers; none where it is not one of ours. By hand: it is on the way of every start. */
function entriesOf(kept: unknown): readonly Entry[] {
  const { version, entries } = (kept ?? {}) as { readonly version?: unknown; readonly entries?: unknown };
  return version === KEPT_VERSION && Array.isArray(entries) && entries.every(isEntry) ? entries : [];
}

function isEntry(entry: unknown): entry is Entry {
  const { command, files, answer, said } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const isPair = (file: unknown): boolean => Array.isArray(file) && file.length === 2 && file.every(isString);
  const isRight = isString(command) && isString(answer) && (said === undefined || isString(said));
  return isRight && Array.isArray(files) && files.every(isPair);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

const MAX_KEPT_FILES = 512;
const MAX_KEPT_ENTRIES = 2000;
const MAX_KEPT_COMMAND = 4096;

const envKeys = new WeakMap<KconfigEnv, string>();

function envKey(env: KconfigEnv): string {
  let key = envKeys.get(env);
  if (key === undefined) {
    const sorted = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
    key = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
    envKeys.set(env, key);
  }
  return key;
}

/** Newest first. A file of another version or damaged is as good as none: it is written anew. */
async function readEntries(file: string): Promise<readonly Entry[]> {
  const text = await readFile(file, 'utf8').catch(absent);
  if (text === undefined) return [];
  try {
    return entriesOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Adds entries to what is in the file by now: another process may have written meanwhile. */
async function keepEntries(file: string, fresh: readonly Entry[]): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const entries = new Map<string, Entry>();
  for (const entry of [...fresh, ...(await readEntries(file))]) {
    const key = JSON.stringify([entry.command, entry.files]);
    if (entry.command.length <= MAX_KEPT_COMMAND && !entries.has(key)) entries.set(key, entry);
  }
  const kept = { version: KEPT_VERSION, entries: [...entries.values()].slice(0, MAX_KEPT_ENTRIES) };
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, JSON.stringify(kept));
  await rename(unfinished, file);
  await pruneFiles(folder);
}

async function pruneFiles(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= MAX_KEPT_FILES) return;
  const aged = await Promise.all(names.map(async (name) => ({ name, at: await changedAt(join(folder, name)) })));
  for (const { name } of aged.sort((a, b) => b.at - a.at).slice(MAX_KEPT_FILES / 2)) {
    await rm(join(folder, name), { force: true });
  }
}

/** Milliseconds; 0 for a file that another process has removed. */
async function changedAt(file: string): Promise<number> {
  return (await stat(file).catch(absent))?.mtimeMs ?? 0;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
