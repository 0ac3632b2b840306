/**
 * The tree's own `scripts/kconfig/conf`: the oracle for our evaluator, and the second witness of a finding.
 *
 * `materialise` writes the few thousand files of a commit that conf and its shell macros read (of some
 * 90,000); `buildConf` makes the program from them; `runConf` runs it on one configuration. Everything a
 * series can change is run in the sandbox, with the files at SRCTREE, read-only. (Above 400 lines, because
 * these three share one cache and one layout of the sandbox.)
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  constants,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { dirname } from 'node:path/posix';
import type { Outcome, Tree } from '../rules/types.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import type { Limits, Mount, SandboxRun } from './sandbox.ts';
import { findOnPath, runSandboxed, SANDBOX_PATH, SandboxError } from './sandbox.ts';
import type { KconfigEnv } from './toolchain.ts';
import { SRCTREE } from './toolchain.ts';

// ---------------------------------------------------------------- files

const KCONFIG = /(^|\/)Kconfig[^/]*$/;
/** What conf reads by itself or through macros, from 6.1 on. Whatever a Kconfig file names is added. */
const WANTED = [
  KCONFIG,
  /^Makefile$/,
  /^arch\/[^/]+\/(Makefile[^/]*|configs\/.+|tools\/[^/]+)$/,
  /^kernel\/configs\/[^/]+$/,
  /^scripts\/[^/]+$/,
  /^scripts\/(include|kconfig)\/[^/]+$/,
];
const READ_AT_ONCE = 500;
const LINK_AT_ONCE = 64;
const MAX_PATTERNS = 64;
const KEEP_TREES = 24;
const KEEP_MS = 3_600_000;

/**
 * Folder below `cacheDir` with the files of `tree` that conf needs, read-only: made at the first call, found
 * at the next. File contents are kept once by blob id and hard-linked, so that a commit which differs in few
 * files costs few reads. `tree.commit` must name the content, also for a tree that is no commit.
 */
export async function materialise(tree: Tree, cacheDir: string): Promise<string> {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(tree.commit)) throw new TypeError(`not an object name: ${tree.commit}`);
  const trees = join(cacheDir, 'trees');
  const dir = join(trees, tree.commit);
  if (await touch(dir)) return dir;
  await mkdir(trees, { recursive: true });
  await prune(cacheDir);
  const unfinished = await temporaryFolder(join(trees, 'unfinished-'));
  try {
    await fill(unfinished, tree, join(cacheDir, 'blobs'));
    await rename(unfinished, dir);
  } catch (error) {
    // somebody else was faster: the same commit has the same files
    if (!(['ENOTEMPTY', 'EEXIST'].includes(codeOf(error)) && (await touch(dir)))) throw error;
  } finally {
    await remove(unfinished);
  }
  return dir;
}

async function fill(dir: string, tree: Tree, blobs: string): Promise<void> {
  const paths = (await tree.paths()).filter((path) => !path.split('/').includes('..'));
  let next = paths.filter((path) => WANTED.some((pattern) => pattern.test(path)));
  const have = new Set<string>();
  // a file that is named may name others; a chain is never long, and a hostile one ends here
  for (let round = 0; next.length > 0 && round < 8; round += 1) {
    const named = new Set<string>();
    for (let at = 0; at < next.length; at += READ_AT_ONCE) {
      const texts = await place(dir, next.slice(at, at + READ_AT_ONCE), tree, blobs);
      for (const [path, text] of texts) if (round > 0 || KCONFIG.test(path)) addNamed(text, named);
    }
    for (const path of next) have.add(path);
    const patterns = [...named].flatMap(pathPattern).slice(0, MAX_PATTERNS);
    next = paths.filter((path) => !have.has(path) && (named.has(path) || patterns.some((it) => it.test(path))));
  }
}

/** Puts files into `dir` and returns their texts. */
async function place(
  dir: string,
  paths: readonly string[],
  tree: Tree,
  blobs: string,
): Promise<ReadonlyMap<string, string>> {
  const stored = new Map<string, string>();
  const texts = new Map<string, string>();
  const missing: string[] = [];
  for (const path of paths) {
    const sha = await tree.blob(path);
    if (sha === undefined) continue;
    const file = join(blobs, sha.slice(0, 2), sha);
    stored.set(path, file);
    const text = await readIfThere(file);
    if (text === undefined) missing.push(path);
    else texts.set(path, text);
  }
  for (const [path, text] of missing.length > 0 ? await tree.read(missing) : []) {
    texts.set(path, text);
    const file = stored.get(path);
    if (file !== undefined) await store(file, text);
  }
  const files = [...stored].filter(([path]) => texts.has(path));
  for (const folder of new Set(files.map(([path]) => dirname(path))))
    await mkdir(join(dir, folder), { recursive: true });
  for (let at = 0; at < files.length; at += LINK_AT_ONCE) {
    await Promise.all(
      files.slice(at, at + LINK_AT_ONCE).map(([path, file]) => put(file, join(dir, path), texts.get(path) ?? '')),
    );
  }
  return texts;
}

async function put(stored: string, to: string, text: string): Promise<void> {
  try {
    await link(stored, to);
  } catch (error) {
    // pruned under our hands by another process
    if (codeOf(error) !== 'ENOENT') throw error;
    await writeFile(to, text, { mode: modeOf(text) });
  }
}

/** `source "…"`, and `$(srctree)/…` in macros; `$(X)` stays in, for pathPattern. */
function addNamed(text: string, named: Set<string>): void {
  for (const match of text.matchAll(/^[ \t]*source[ \t]+"([^"\n]{1,400})"/gm))
    named.add((match[1] ?? '').replace(/^\$\(srctree\)\//, ''));
  for (const match of text.matchAll(/\$\(srctree\)\/([\w./+$()-]{1,400})/g))
    named.add((match[1] ?? '').replace(/\)+$/, ''));
}

/** For a name with macros in it; none for one without, or with more than any real one has. */
function pathPattern(named: string): RegExp[] {
  const parts = named.split(/(?:\$\([^()]*\))+/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return parts.length === 1 || parts.length > 4 ? [] : [new RegExp(`^${parts.join('[^/]*')}$`)];
}

async function store(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, text, { mode: modeOf(text) });
  await rename(unfinished, file);
}

/** A Tree has no modes; scripts begin with #! */
function modeOf(text: string): number {
  return text.startsWith('#!') ? 0o555 : 0o444;
}

/** Removes all but the newest trees, and contents that no tree has any more. Never those in use of late. */
async function prune(cacheDir: string): Promise<void> {
  const before = Date.now() - KEEP_MS;
  const trees: { path: string; mtimeMs: number }[] = [];
  for (const name of await namesIn(join(cacheDir, 'trees'))) {
    const path = join(cacheDir, 'trees', name);
    const info = await ifThere(stat(path));
    if (info !== undefined) trees.push({ path, mtimeMs: info.mtimeMs });
  }
  const old = trees
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .slice(KEEP_TREES)
    .filter(({ mtimeMs }) => mtimeMs < before);
  if (old.length === 0) return;
  for (const { path } of old) await rm(path, { recursive: true, force: true });
  for (const folder of await namesIn(join(cacheDir, 'blobs'))) {
    for (const name of await namesIn(join(cacheDir, 'blobs', folder))) {
      const file = join(cacheDir, 'blobs', folder, name);
      const info = await ifThere(stat(file));
      if (info !== undefined && info.nlink === 1 && info.mtimeMs < before) await ifThere(unlink(file));
    }
  }
}

// ---------------------------------------------------------------- the program

const TOOLS = { flex: 'flex', bison: 'bison', gcc: 'gcc libc6-dev' } as const;
const OBJECTS = ['confdata.o', 'expr.o', 'lexer.lex.o', 'menu.o', 'parser.tab.o', 'preprocess.o', 'symbol.o', 'util.o'];

export interface ConfOptions {
  readonly cacheDir: string;
  readonly trustTree?: boolean;
}

/**
 * Builds conf from `dir` (of materialise) and returns where it is; kept by the content of scripts/kconfig and
 * scripts/include. A tree whose conf does not build is a value. Throws SandboxError when a tool is missing.
 * Source: scripts/kconfig/Makefile, scripts/Makefile.host.
 */
export async function buildConf(
  dir: string,
  options: ConfOptions,
): Promise<Outcome<{ conf: string }, { why: 'conf-does-not-build'; output: string }>> {
  const digest = createHash('sha256').update(`conf 1 ${machine()}\n`);
  for (const folder of ['scripts/kconfig', 'scripts/include']) {
    for (const name of await namesIn(join(dir, folder))) {
      if (/\.[chly]$|^Makefile$/.test(name))
        digest.update(`${folder}/${name}\n`).update(await readFile(join(dir, folder, name)));
    }
  }
  const conf = join(options.cacheDir, 'conf', digest.digest('hex'), 'conf');
  if (await touch(conf)) return { ok: true, conf };
  const src = `${SRCTREE}/scripts/kconfig`;
  const sources = await confSources(dir);
  return make(conf, { ...options, readOnly: [{ host: dir, inside: SRCTREE }] }, [
    ['flex', '-o', '/out/lexer.lex.c', '-L', `${src}/lexer.l`],
    ['bison', '-o', '/out/parser.tab.c', '--defines=/out/parser.tab.h', '-t', '-l', `${src}/parser.y`],
    [
      'gcc',
      '-O2',
      '-std=gnu11',
      '-w',
      '-I',
      src,
      '-I',
      '/out',
      '-I',
      `${SRCTREE}/scripts/include`,
      '-o',
      '/out/conf',
      ...sources,
    ],
  ]);
}

async function confSources(dir: string): Promise<string[]> {
  const makefile = (await readIfThere(join(dir, 'scripts/kconfig/Makefile'))) ?? '';
  const listed = /^common-objs[ \t]*:=((?:[^\n\\]|\\\r?\n)*)/m.exec(makefile)?.[1]?.match(/[\w.-]+\.o/g) ?? OBJECTS;
  return ['conf.o', ...listed].map((object) => {
    const source = object.replace(/o$/, 'c');
    return /\.(lex|tab)\.c$/.test(source) ? `/out/${source}` : `${SRCTREE}/scripts/kconfig/${source}`;
  });
}

/** The stand-in for /bin/sh of queue/replay-sh.c. */
async function buildReplay(options: ConfOptions): Promise<string> {
  const source = join(import.meta.dirname, 'replay-sh.c');
  const digest = createHash('sha256')
    .update(machine())
    .update(await readFile(source))
    .digest('hex');
  const program = join(options.cacheDir, 'conf', digest, 'conf');
  if (await touch(program)) return program;
  // static: the dynamic linker would take longer than the answer
  const command = ['gcc', '-O2', '-static', '-o', '/out/conf', '/replay-sh.c'] as const;
  const made = await make(program, { ...options, readOnly: [{ host: source, inside: '/replay-sh.c' }] }, [command]);
  if (!made.ok) throw new SandboxError('failed', `cannot compile queue/replay-sh.c: ${made.output}`);
  return program;
}

async function make(
  target: string,
  options: ConfOptions & { readonly readOnly: readonly Mount[] },
  commands: readonly (readonly [keyof typeof TOOLS, ...string[]])[],
): Promise<Outcome<{ conf: string }, { why: 'conf-does-not-build'; output: string }>> {
  const out = await temporaryFolder(join(tmpdir(), 'depbot-conf-'));
  try {
    for (const argv of commands) {
      const tool = argv[0];
      if ((await findOnPath(tool, SANDBOX_PATH)) === undefined)
        throw new SandboxError(
          'failed',
          `${tool} is not installed; it is needed to build scripts/kconfig/conf: apt install ${TOOLS[tool]}`,
        );
      const run = await runSandboxed({
        argv,
        readOnly: options.readOnly,
        writable: [{ host: out, inside: '/out' }],
        env: {},
        ...trust(options),
      });
      if (run.exitCode !== 0)
        return {
          ok: false,
          why: 'conf-does-not-build',
          output: `${argv.join(' ')}: exit ${run.exitCode ?? run.signal}\n${run.stderr}`,
        };
    }
    const program = await readRegular(join(out, 'conf'));
    if (program === undefined) return { ok: false, why: 'conf-does-not-build', output: 'the compiler left no program' };
    await mkdir(dirname(target), { recursive: true });
    const unfinished = `${target}.${randomUUID()}`;
    await writeFile(unfinished, program, { mode: 0o555 });
    await rename(unfinished, target);
    return { ok: true, conf: target };
  } finally {
    await remove(out);
  }
}

// ---------------------------------------------------------------- runs

export type ConfMode =
  | 'olddefconfig'
  | 'alldefconfig'
  | 'allnoconfig'
  | 'allyesconfig'
  | 'allmodconfig'
  | 'randconfig'
  | 'savedefconfig'
  | 'listnewconfig'
  | 'defconfig';

export interface ConfJob extends ConfOptions {
  /** Of materialise, or a checkout. */
  readonly dir: string;
  /** Of buildConf. */
  readonly conf: string;
  readonly mode: ConfMode;
  /** Of toolchainEnv; says the architecture too. */
  readonly env: KconfigEnv;
  /** Text of the .config to start from. */
  readonly config?: string;
  /** Text of a fragment for alldefconfig, allnoconfig, … (KCONFIG_ALLCONFIG). */
  readonly allconfig?: string;
  /** For randconfig (KCONFIG_SEED). */
  readonly seed?: number;
  /** For defconfig: path in the tree, e.g. `arch/x86/configs/x86_64_defconfig`. */
  readonly defconfigPath?: string;
  /** Known answers to `$(shell,…)`: conf gets these without a shell. Not used when the tree is run bare. */
  readonly answers?: ReadonlyMap<string, string>;
  readonly limits?: Partial<Limits>;
}

export interface ConfRun {
  /** Absent when conf was killed. */
  readonly exitCode?: number;
  readonly timedOut: boolean;
  /** Text of the .config written; for savedefconfig of the defconfig. Undefined when there is none. */
  readonly config: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Commands that `answers` did not hold and a shell had to answer, in order. Empty without `answers`. */
  readonly asked: readonly string[];
}

const MAX_CONFIG_BYTES = 16 * 2 ** 20;
const CONF_LIMITS: Partial<Limits> = {
  wallMs: 120_000,
  cpuSec: 120,
  fileBytes: MAX_CONFIG_BYTES,
  outputBytes: 4 * 2 ** 20,
};

/** Runs conf once. What conf says or does is a value; throws SandboxError. Source: scripts/kconfig/conf.c. */
export async function runConf(job: ConfJob): Promise<ConfRun> {
  if (job.mode === 'defconfig' && job.defconfigPath === undefined) throw new TypeError('defconfig needs defconfigPath');
  const home = await temporaryFolder(join(tmpdir(), 'depbot-conf-'));
  const out = join(home, 'out');
  try {
    await mkdir(out);
    if (job.config !== undefined) await writeFile(join(out, '.config'), job.config);
    if (job.allconfig !== undefined) await writeFile(join(out, 'allconfig'), job.allconfig);
    const replay =
      job.answers === undefined || job.trustTree === true ? NO_REPLAY : await replayMounts(home, job.answers, job);
    const run = await runSandboxed({
      argv: ['/depbot/conf', modeOption(job), 'Kconfig'],
      cwd: '/out',
      readOnly: [{ host: job.dir, inside: SRCTREE }, { host: job.conf, inside: '/depbot/conf' }, ...replay.readOnly],
      writable: [{ host: out, inside: '/out' }, ...replay.writable],
      env: {
        ...job.env,
        // it is there, so that conf does not write one, and touch a file for each symbol (conf_write_autoconf)
        KCONFIG_AUTOCONFIG: '/dev/null',
        ...(job.allconfig === undefined ? {} : { KCONFIG_ALLCONFIG: 'allconfig' }),
        ...(job.seed === undefined ? {} : { KCONFIG_SEED: String(job.seed) }),
      },
      limits: { ...CONF_LIMITS, ...job.limits },
      ...trust(job),
    });
    const written = await readRegular(join(out, job.mode === 'savedefconfig' ? 'defconfig' : '.config'));
    return { ...outcome(run), config: written?.toString('utf8'), asked: await readAsked(replay.asked) };
  } finally {
    await remove(home);
  }
}

function modeOption(job: ConfJob): string {
  if (job.mode === 'defconfig') return `--defconfig=${job.defconfigPath}`;
  return job.mode === 'savedefconfig' ? '--savedefconfig=defconfig' : `--${job.mode}`;
}

function outcome(run: SandboxRun): Pick<ConfRun, 'exitCode' | 'timedOut' | 'stdout' | 'stderr'> {
  const { exitCode, timedOut, stdout, stderr } = run;
  return { ...(exitCode === undefined ? {} : { exitCode }), timedOut, stdout, stderr };
}

interface Replay {
  readonly readOnly: readonly Mount[];
  readonly writable: readonly Mount[];
  /** File of the host that collects commands without an answer. */
  readonly asked?: string;
}

const NO_REPLAY: Replay = { readOnly: [], writable: [] };

async function replayMounts(home: string, answers: ReadonlyMap<string, string>, options: ConfOptions): Promise<Replay> {
  const [shell, replay] = [await realpath('/bin/sh'), await buildReplay(options)];
  const [table, asked] = [join(home, 'answers'), join(home, 'asked')];
  await writeFile(table, Buffer.concat([...answers].flatMap(([command, answer]) => record(command, answer))));
  await writeFile(asked, '');
  return {
    readOnly: [
      { host: shell, inside: '/depbot/sh' },
      { host: replay, inside: shell },
      { host: table, inside: '/depbot/answers' },
    ],
    writable: [{ host: asked, inside: '/depbot/asked' }],
    asked,
  };
}

/** As queue/replay-sh.c reads it: typed arrays have the machine's byte order, as C has. */
function record(command: string, answer: string): Buffer[] {
  const [text, reply] = [Buffer.from(command), Buffer.from(answer)];
  return [Buffer.from(Uint32Array.of(text.length, reply.length).buffer), text, reply];
}

async function readAsked(file: string | undefined): Promise<string[]> {
  const bytes = file === undefined ? undefined : await readRegular(file);
  if (bytes === undefined) return [];
  const commands: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = new Uint32Array(Uint8Array.from(bytes.subarray(at, at + 8)).buffer)[0] ?? 0;
    if (at + 8 + length > bytes.length) break;
    commands.push(bytes.toString('utf8', at + 8, at + 8 + length));
    at += 8 + length;
  }
  return commands;
}

// ---------------------------------------------------------------- small change

/** A file that the sandbox could write: never through a link, from a pipe or without end. */
async function readRegular(path: string): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes(codeOf(error))) return undefined;
    throw error;
  }
  try {
    const info = await file.stat();
    return info.isFile() && info.size <= MAX_CONFIG_BYTES ? await file.readFile() : undefined;
  } finally {
    await file.close();
  }
}

function trust(options: ConfOptions): { readonly trustTree?: boolean } {
  return options.trustTree === undefined ? {} : { trustTree: options.trustTree };
}

/** Marks a kept thing as used; false when it is not there. */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return (await ifThere(utimes(path, now, now).then(() => true))) ?? false;
}

function readIfThere(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'));
}

async function namesIn(dir: string): Promise<string[]> {
  return ((await ifThere(readdir(dir))) ?? []).sort();
}

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
