/**
 * Answers to the rules' questions about objects: built by the tree's own make in the sandbox, in the configuration of
 * the question, without the series and then with it.
 *
 * A link of vmlinux is too dear. That a reference stays undefined is seen from the object (nm) and from where the
 * tree's own makefiles put the objects that provide the name; that a stub is in force from the preprocessed file and
 * the object. What the machine fails at is no answer, and says so.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildQuestion } from '../rules/build-question.ts';
import type { Arch, Attempt, Side } from '../rules/types.ts';
import type { BuildPlace } from './build-place.ts';
import { compilerFor } from './compilers.ts';
import { type Diagnostic, printDiagnostic, readDiagnostics } from './kbuild-log.ts';
import { type Limits, runSandboxed, type SandboxRun } from './sandbox.ts';
import { SRCTREE } from './toolchain.ts';

/** Both sides were built; or why they were not. */
export type BuildAnswer =
  | { readonly ok: true; readonly attempts: readonly [before: Attempt, after: Attempt] }
  | { readonly ok: false; readonly why: string };

export interface BuildOptions {
  readonly trustTree?: boolean;
  /** Commands of one make at a time. Default 2. */
  readonly parallel?: number;
  /** For all questions together, wall clock in milliseconds; what is not answered by then is not built. */
  readonly budgetMs?: number;
  readonly onProgress?: (text: string) => void;
}

const BUDGET_MS = 1_800_000;
const LIMITS = {
  wallMs: 900_000,
  cpuSec: 600,
  fileBytes: 2 ** 30,
  diskBytes: 8 * 2 ** 30,
  outputBytes: 4 * 2 ** 20,
} satisfies Partial<Limits>;
const [OUT, BEFORE, DEPBOT] = ['/out', '/before', '/depbot'];
const MOST_EXCERPT = 600;

/** What one side shows. */
interface Seen {
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly excerpt: string;
  readonly shows: boolean;
}

/** Nothing can be said: a fault of the machine, or of a tree that does not build for another reason. */
class NotBuilt extends Error {
  override readonly name = 'NotBuilt';
}

/** Answers all questions, in their order. The place is left with the tree after the series. Throws SandboxError, GitError. */
export async function answerQuestions(
  place: BuildPlace,
  questions: readonly BuildQuestion[],
  options: BuildOptions = {},
): Promise<BuildAnswer[]> {
  const until = performance.now() + (options.budgetMs ?? BUDGET_MS);
  const build = new Build(place, questions, options, until);
  const seen: Record<Side, (Seen | string)[]> = { before: [], after: [] };
  for (const side of ['before', 'after'] as const) {
    if (performance.now() < until) await place.show(side);
    for (const [i, question] of questions.entries()) {
      options.onProgress?.(`building ${question.object} ${side} the series (${i + 1} of ${questions.length})`);
      // what failed before needs no second half
      const known = side === 'after' ? seen.before[i] : undefined;
      seen[side].push(typeof known === 'string' ? known : await build.look(side, question));
    }
  }
  return questions.map((_, i) => answerOf(seen.before[i]!, seen.after[i]!));
}

function answerOf(before: Seen | string, after: Seen | string): BuildAnswer {
  if (typeof before === 'string') return { ok: false, why: before };
  if (typeof after === 'string') return { ok: false, why: after };
  const attempt = (side: Side, { argv, exitCode, excerpt, shows }: Seen): Attempt => ({
    ...{ rung: 3, side, argv, exitCode },
    excerpt: excerpt.slice(0, MOST_EXCERPT),
    agrees: shows === (side === 'after'),
  });
  return { ok: true, attempts: [attempt('before', before), attempt('after', after)] };
}

class Build {
  readonly #place: BuildPlace;
  readonly #questions: readonly BuildQuestion[];
  readonly #options: BuildOptions;
  /** Of performance.now(). */
  readonly #until: number;
  /** What was done already, or failed: several questions are about one configuration, or one object. */
  readonly #done = new Map<string, Promise<unknown>>();

  constructor(place: BuildPlace, questions: readonly BuildQuestion[], options: BuildOptions, until: number) {
    this.#place = place;
    this.#questions = questions;
    this.#options = options;
    this.#until = until;
  }

  /** What a side shows of a question, or why that cannot be told. */
  async look(side: Side, question: BuildQuestion): Promise<Seen | string> {
    try {
      return await this.#look(side, question);
    } catch (error) {
      if (!(error instanceof NotBuilt)) throw error;
      return error.message;
    }
  }

  async #look(side: Side, question: BuildQuestion): Promise<Seen> {
    const { arch, config, object, name } = question;
    const out = await this.#once(['output', side, arch, config], () => this.#prepare(side, arch, config));
    const argv = ['make', `ARCH=${arch}`, object];
    const providers = 'providers' in question ? question.providers : [];
    const places = await this.#once(['places', out], () => this.#places(side, arch, config, out));
    if (!places.has(object)) return { argv, exitCode: 0, excerpt: `make does not build ${object}`, shows: false };

    const made = await this.#once(['object', out, object], () => this.#make(side, arch, out, [object]));
    if (made.exitCode !== 0) {
      const errors = readDiagnostics(made.stderr).filter(({ severity }) => severity === 'error');
      const named = errors.find(({ text }) => mentions(text, name));
      if (named === undefined || question.expects === 'undefined-reference' || question.expects === 'stub-in-force')
        throw new NotBuilt(`${sideWords(side)} ${object} does not compile: ${firstError(errors, made)}`);
      return { argv, exitCode: made.exitCode!, excerpt: printDiagnostic(named), shows: true };
    }
    const undefinedNames = await this.#once(['names', out, object], () => this.#undefined(side, arch, out, object));
    const isUndefined = undefinedNames.has(name);
    switch (question.expects) {
      case 'error':
        return { argv, exitCode: 0, excerpt: `${object} compiles`, shows: false };
      case 'stub-in-force':
        return { argv, exitCode: 0, ...(await this.#stub(side, question, out, isUndefined)) };
      default: {
        const reached = providers.filter(
          (one) => places.get(one) === 'vmlinux' || (question.into === 'module' && places.has(one)),
        );
        return { argv, exitCode: 0, ...referenceTo(name, object, isUndefined, providers, reached) };
      }
    }
  }

  async #stub(
    side: Side,
    { arch, object, name, stub }: BuildQuestion & { expects: 'stub-in-force' },
    out: string,
    isUndefined: boolean,
  ): Promise<Pick<Seen, 'excerpt' | 'shows'>> {
    const preprocessed = object.replace(/o$/, 'i');
    // -dD keeps the macros: a stub can be one
    const made = await this.#make(side, arch, out, ['KCFLAGS=-dD', preprocessed]);
    if (made.exitCode !== 0)
      throw new NotBuilt(
        `${sideWords(side)} ${preprocessed} is not made: ${firstError(readDiagnostics(made.stderr), made)}`,
      );
    const script =
      '/^# [0-9]+ "/ { line = $2; file = $3; gsub(/"/, "", file); next }' +
      ' $0 ~ "(^|[^A-Za-z0-9_])" name "([^A-Za-z0-9_]|$)" { print line, file } { line++ }';
    const lines = await this.#run(side, ['awk', '-v', `name=${name}`, script, preprocessed], out);
    const hits = lines.stdout.split('\n').flatMap((text) => {
      const [, line, file] = /^(\d+) (\S+)$/.exec(text) ?? [];
      return file === undefined
        ? []
        : [{ line: Number(line), file: file.replace(`${SRCTREE}/`, '').replace(/^\.\//, '') }];
    });
    const defined = hits.find(({ file, line }) => file === stub.path && Math.abs(line - stub.line) <= NEAR_LINES);
    const isCalled = hits.some(({ file }) => file === object.replace(/o$/, 'c'));
    if (!isCalled) return { excerpt: `${object} does not call ${name}()`, shows: false };
    const where =
      defined === undefined ? 'no stub of it is in force' : `its ${name} is the one of ${stub.path}:${defined.line}`;
    const reference = isUndefined ? `refers to another ${name}` : `has no reference to another ${name}`;
    return { excerpt: `${object}: ${where}; the object ${reference}`, shows: defined !== undefined && !isUndefined };
  }

  /** Where make puts the objects of all questions about a configuration; those it does not build are not in it. */
  async #places(side: Side, arch: Arch, config: string, out: string): Promise<Map<string, 'vmlinux' | 'module'>> {
    const objects = new Set(
      this.#questions
        .filter((one) => one.arch === arch && one.config === config)
        .flatMap((one) => [one.object, ...('providers' in one ? one.providers : [])]),
    );
    const argv = ['make', '-rR', '--no-print-directory', '-s', '-f', `${DEPBOT}/object-lists-top.mk`, 'lists'];
    const env = {
      ...architecture(arch),
      tree: SRCTREE,
      here: DEPBOT,
      sub_make_done: '1',
      wanted: [...objects].join(' '),
    };
    const run = await this.#run(side, argv, out, env);
    if (run.exitCode !== 0) throw new NotBuilt(`make does not list its objects: ${lastLine(run.stderr)}`);
    const places = new Map<string, 'vmlinux' | 'module'>();
    for (const line of run.stdout.split('\n')) {
      const [place, ...some] = line.split(' ').filter((word) => word !== '');
      if (place === 'vmlinux' || place === 'module') for (const object of some) places.set(object, place);
    }
    return places;
  }

  /** Names that an object refers to and does not define. */
  async #undefined(side: Side, arch: Arch, out: string, object: string): Promise<Set<string>> {
    const run = await this.#run(side, [`${await crossCompile(arch)}nm`, '-u', '-f', 'posix', object], out);
    if (run.exitCode !== 0) throw new NotBuilt(`nm cannot read ${object}: ${lastLine(run.stderr)}`);
    return new Set(run.stdout.split('\n').map((line) => line.split(' ')[0]!));
  }

  #once<T>(what: readonly string[], ask: () => Promise<T>): Promise<T> {
    const key = JSON.stringify(what);
    const known = (this.#done.get(key) as Promise<T> | undefined) ?? ask();
    this.#done.set(key, known);
    return known;
  }

  /** A configured output folder with what every object needs (`make prepare`); with the series, a copy of that without. */
  async #prepare(side: Side, arch: Arch, config: string): Promise<string> {
    await crossCompile(arch);
    const base = side === 'after' ? (await this.#place.output('before', arch, config)).folder : undefined;
    const { folder, isNew } = await this.#place.output(side, arch, config);
    if (!isNew) return folder;
    await chmod(folder, 0o755);
    try {
      if (base !== undefined) await this.#run(side, ['cp', '-a', `${BEFORE}/.`, `${OUT}/`], folder, {}, base);
      // in place of a link that was put there, or of what root may not touch
      const given = await this.#run(side, ['rm', '-rf', `${OUT}/.config`], folder);
      if (given.exitCode !== 0) throw new NotBuilt(`.config cannot be replaced: ${lastLine(given.stderr)}`);
      await writeFile(join(folder, '.config'), config, { flag: 'wx' });
      const made = await this.#make(side, arch, folder, ['olddefconfig', 'prepare']);
      if (made.exitCode !== 0)
        throw new NotBuilt(
          `${sideWords(side)} "make prepare" fails: ${firstError(readDiagnostics(made.stderr), made)}`,
        );
      return folder;
    } catch (error) {
      await this.#place.discard(folder);
      throw error;
    }
  }

  async #make(side: Side, arch: Arch, out: string, targets: readonly string[]): Promise<SandboxRun> {
    const cross = await crossCompile(arch);
    const variables = Object.entries(architecture(arch)).map(([name, value]) => `${name}=${value}`);
    // objtool looks at objects that are made already, and needs a library that is not everybody's
    const own = ['CONFIG_OBJTOOL=', ...(cross === '' ? [] : [`CROSS_COMPILE=${cross}`])];
    const parallel = `-j${this.#options.parallel ?? 2}`;
    return await this.#run(
      side,
      ['make', '-s', '-C', SRCTREE, `O=${OUT}`, ...variables, ...own, parallel, ...targets],
      out,
    );
  }

  async #run(
    side: Side,
    argv: readonly string[],
    out: string,
    env: Readonly<Record<string, string>> = {},
    before?: string,
  ): Promise<SandboxRun> {
    const { trustTree } = this.#options;
    const leftMs = this.#until - performance.now();
    if (leftMs <= 0) throw new NotBuilt('the time for all builds of a check was over');
    const run = await runSandboxed({
      argv: argv as [string, ...string[]],
      cwd: OUT,
      readOnly: [
        { host: this.#place.src, inside: SRCTREE },
        { host: import.meta.dirname, inside: DEPBOT },
        ...(before === undefined ? [] : [{ host: before, inside: BEFORE }]),
      ],
      writable: [{ host: out, inside: OUT }],
      // the same for both sides, so that no file differs by it
      env: { KBUILD_BUILD_TIMESTAMP: '1970-01-01', KBUILD_BUILD_USER: 'depbot', KBUILD_BUILD_HOST: 'depbot', ...env },
      limits: { ...LIMITS, wallMs: Math.ceil(Math.min(LIMITS.wallMs, leftMs)) },
      ...(trustTree === undefined ? {} : { trustTree }),
    });
    const fault = faultOf(run);
    if (fault !== undefined) throw new NotBuilt(`${sideWords(side)} ${argv[0]} ${argv.at(-1)} ${fault}`);
    return run;
  }
}

/** Lines between where a name stands and a line of its definition. */
const NEAR_LINES = 3;

function referenceTo(
  name: string,
  object: string,
  isUndefined: boolean,
  providers: readonly string[],
  reached: readonly string[],
): Pick<Seen, 'excerpt' | 'shows'> {
  if (!isUndefined) return { excerpt: `${object} has no reference to ${name}`, shows: false };
  return reached.length > 0
    ? { excerpt: `${object} refers to ${name}, which ${reached[0]} provides`, shows: false }
    : { excerpt: `${object} refers to ${name}; make does not build ${providers.join(', ')}`, shows: true };
}

/** Variables of make that say for what it builds. */
function architecture(arch: Arch): Record<string, string> {
  return { ARCH: arch };
}

async function crossCompile(arch: Arch): Promise<string> {
  const compiler = await compilerFor(arch);
  if (!compiler.ok) throw new NotBuilt(compiler.why);
  return compiler.crossCompile;
}

/** What a run was ended by, that is not make's own end. */
function faultOf({ timedOut, flooded, overDisk, outOfMemory, signal }: SandboxRun): string | undefined {
  if (timedOut) return 'took too long';
  if (overDisk) return 'wrote more than it may, or the disk is full';
  if (outOfMemory) return 'needed more memory than it may have';
  if (flooded) return 'printed without end';
  return signal === undefined ? undefined : `was ended by ${signal}`;
}

function firstError(errors: readonly Diagnostic[], { stderr }: SandboxRun): string {
  const first = errors.find(({ severity }) => severity === 'error');
  return first === undefined ? lastLine(stderr) : printDiagnostic(first);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function sideWords(side: Side): string {
  return side === 'before' ? 'without the series' : 'with the series';
}

function mentions(text: string, name: string): boolean {
  return new RegExp(`(^|\\W)${name}(\\W|$)`).test(text);
}
