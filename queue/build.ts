/**
 * Answers to the rules' questions about objects: built by the tree's own make in the sandbox, in the configuration of
 * the question, without the series and then with it.
 *
 * A link of vmlinux is too dear. That a reference stays undefined is seen from the object (nm) and from where the
 * tree's own makefiles put the objects that have the name in them (nm, too), for a module from what modpost says of it
 * beside those that are built; that a stub is in force from the preprocessed file and the object. What the machine
 * fails at is no answer, and says so.
 */
import { shortConfig } from '../rules/both-sides.ts';
import type { BuildQuestion } from '../rules/build-question.ts';
import { printDiagnostic } from '../rules/diagnostic.ts';
import type { Attempt, Side } from '../rules/types.ts';
import { BuildPace, type BuildTimes, type OnBuildProgress, type Piece } from './build-pace.ts';
import type { BuildPlace } from './build-place.ts';
import { readDiagnostics } from './kbuild-log.ts';
import {
  type Destination,
  firstError,
  KernelMake,
  lastLine,
  type MakeOptions,
  NotBuilt,
  type Where,
} from './kernel-make.ts';
import type { SandboxRun } from './sandbox.ts';
import { SRCTREE } from './toolchain.ts';

/** Both sides were built; or why they were not. */
export type BuildAnswer =
  | { readonly ok: true; readonly attempts: readonly [before: Attempt, after: Attempt] }
  | { readonly ok: false; readonly why: string };

export interface BuildOptions extends MakeOptions {
  /** For all questions together, wall clock in milliseconds; what is not answered by then is not built. */
  readonly budgetMs?: number;
  readonly onProgress?: OnBuildProgress;
  /** What such work took before; what this takes is added. */
  readonly times?: BuildTimes;
}

const BUDGET_MS = 1_800_000;
const MOST_EXCERPT = 600;

/** What one side shows. */
interface Seen {
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly excerpt: string;
  readonly shows: boolean;
}

/** Answers all questions, in their order. The place is left with the tree after the series. Throws SandboxError, GitError. */
export async function answerQuestions(
  place: BuildPlace,
  questions: readonly BuildQuestion[],
  options: BuildOptions = {},
): Promise<BuildAnswer[]> {
  const until = performance.now() + (options.budgetMs ?? BUDGET_MS);
  const plan = planOf(questions);
  const pace = new BuildPace([...Object.values(plan.checkouts), ...plan.pieces.values()], options);
  const build = new Build(new KernelMake(place, options, until), questions, pace, plan.pieces);
  const seen: Record<Side, (Seen | string)[]> = { before: [], after: [] };
  for (const side of ['before', 'after'] as const) {
    if (performance.now() < until)
      await pace.during(plan.checkouts[side], `writing the tree ${sideWords(side)}`, () =>
        place.show(place.sides[side]),
      );
    for (const [i, question] of questions.entries()) {
      // what failed before needs no second half
      const known = side === 'after' ? seen.before[i] : undefined;
      seen[side].push(typeof known === 'string' ? known : await build.look(side, question));
      build.isOver(side, question);
    }
  }
  return questions.map((question, i) => answerOf(question, seen.before[i]!, seen.after[i]!));
}

function answerOf({ config }: BuildQuestion, before: Seen | string, after: Seen | string): BuildAnswer {
  if (typeof before === 'string') return { ok: false, why: before };
  if (typeof after === 'string') return { ok: false, why: after };
  const attempt = (side: Side, { argv, exitCode, excerpt, shows }: Seen): Attempt => ({
    ...{ rung: 3, side, argv, exitCode, ...shortConfig(config) },
    excerpt: excerpt.slice(0, MOST_EXCERPT),
    agrees: shows === (side === 'after'),
  });
  return { ok: true, attempts: [attempt('before', before), attempt('after', after)] };
}

interface Plan {
  readonly checkouts: Readonly<Record<Side, Piece>>;
  /** By what #once knows them by. */
  readonly pieces: ReadonlyMap<string, Piece>;
}

/** Several questions are about one configuration, or one object. */
function planOf(questions: readonly BuildQuestion[]): Plan {
  const [checkouts, pieces] = [{} as Record<Side, Piece>, new Map<string, Piece>()];
  for (const side of ['before', 'after'] as const) {
    checkouts[side] = pieceOf('checkout', side);
    for (const question of questions) {
      pieces.set(outputKey(side, question), pieceOf('configure', side));
      pieces.set(objectKey(side, question), pieceOf('objects', side, 1));
    }
  }
  return { checkouts, pieces };
}

function pieceOf(kind: Piece['kind'], side: Side, objects = 0): Piece {
  return { kind, when: side === 'before' ? 'base' : 'later', objects };
}

function outputKey(side: Side, { arch, config }: BuildQuestion): string {
  return JSON.stringify(['output', side, arch, config]);
}

function objectKey(side: Side, { arch, config, object }: BuildQuestion): string {
  return JSON.stringify(['object', side, arch, config, object]);
}

class Build {
  readonly #make: KernelMake;
  readonly #questions: readonly BuildQuestion[];
  readonly #pace: BuildPace;
  readonly #pieces: Plan['pieces'];
  /** What was done already, or failed: several questions are about one configuration, or one object. */
  readonly #done = new Map<string, Promise<unknown>>();

  constructor(make: KernelMake, questions: readonly BuildQuestion[], pace: BuildPace, pieces: Plan['pieces']) {
    this.#make = make;
    this.#questions = questions;
    this.#pace = pace;
    this.#pieces = pieces;
  }

  /** Nothing more is done for it on a side. */
  isOver(side: Side, question: BuildQuestion): void {
    this.#pace.drop(this.#pieces.get(outputKey(side, question))!, this.#pieces.get(objectKey(side, question))!);
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
    const where = { stage: side, arch, words: sideWords(side) };
    const output = outputKey(side, question);
    const out = await this.#once(output, () =>
      this.#pace.during(this.#pieces.get(output)!, `configuring for ${arch} ${where.words}`, () =>
        this.#make.prepare(where, config),
      ),
    );
    const argv = ['make', `ARCH=${arch}`, object];
    const places = await this.#once(`places ${out}`, () => this.#places(where, config, out));
    const place = places.get(object);
    if (place === undefined)
      return {
        argv: KernelMake.placesCommand(arch),
        exitCode: 0,
        excerpt: `make does not build ${object}`,
        shows: false,
      };

    const made = await this.#made(where, question, out, object);
    if (made.exitCode !== 0) {
      const errors = readDiagnostics(made.stderr).filter(({ severity }) => severity === 'error');
      const named = errors.find(({ text }) => mentions(text, name));
      if (named === undefined || question.expects === 'undefined-reference' || question.expects === 'stub-in-force')
        throw new NotBuilt(`${where.words} ${object} does not compile: ${firstError(errors, made)}`);
      return { argv, exitCode: made.exitCode!, excerpt: printDiagnostic(named), shows: true };
    }
    const isUndefined = (await this.#undefined(where, out, object)).has(name);
    switch (question.expects) {
      case 'error':
        return { argv, exitCode: 0, excerpt: `${object} compiles`, shows: false };
      case 'stub-in-force':
        return { argv, exitCode: 0, ...(await this.#stub(where, question, out, isUndefined)) };
      default:
        if (isUndefined && place === 'module')
          return { argv, exitCode: 0, ...(await this.#modpost(where, question, out, places)) };
        return { argv, exitCode: 0, ...(await this.#reference(where, question, out, isUndefined, places)) };
    }
  }

  async #stub(
    where: Where,
    { object, name, stub }: BuildQuestion & { expects: 'stub-in-force' },
    out: string,
    isUndefined: boolean,
  ): Promise<Pick<Seen, 'excerpt' | 'shows'>> {
    const preprocessed = object.replace(/o$/, 'i');
    // -dD keeps the macros: a stub can be one
    const made = await this.#make.make(where, out, ['-s', 'KCFLAGS=-dD', preprocessed]);
    if (made.exitCode !== 0)
      throw new NotBuilt(
        `${where.words} ${preprocessed} is not made: ${firstError(readDiagnostics(made.stderr), made)}`,
      );
    const script =
      '/^# [0-9]+ "/ { line = $2; file = $3; gsub(/"/, "", file); next }' +
      ' $0 ~ "(^|[^A-Za-z0-9_])" name "([^A-Za-z0-9_]|$)" { print line, file } { line++ }';
    const lines = await this.#make.run(where, ['awk', '-v', `name=${name}`, script, preprocessed], out);
    const hits = lines.stdout.split('\n').flatMap((text) => {
      const [, line, file] = /^(\d+) (\S+)$/.exec(text) ?? [];
      return file === undefined
        ? []
        : [{ line: Number(line), file: file.replace(`${SRCTREE}/`, '').replace(/^\.\//, '') }];
    });
    const defined = hits.find(({ file, line }) => file === stub.path && Math.abs(line - stub.line) <= NEAR_LINES);
    const isCalled = hits.some(({ file }) => file === object.replace(/o$/, 'c'));
    if (!isCalled) return { excerpt: `${object} does not call ${name}()`, shows: false };
    const told = defined === undefined ? 'uses no stub of' : `uses the stub of ${stub.path}:${defined.line} for`;
    const reference = isUndefined ? 'refers to another one' : 'refers to no other';
    return { excerpt: `${object} ${told} ${name}() and ${reference}`, shows: defined !== undefined && !isUndefined };
  }

  /** A module can also refer to what other modules export: modpost says whether one of those that are built does. */
  async #modpost(
    where: Where & { readonly stage: Side },
    question: Extract<BuildQuestion, { readonly providers: readonly string[] }>,
    out: string,
    places: ReadonlyMap<string, Destination>,
  ): Promise<Pick<Seen, 'excerpt' | 'shows'>> {
    const { name, object, providers } = question;
    const there = providers.filter((one) => places.has(one));
    const defining = await this.#defining(where, question, out, there);
    const missing = await this.#make.modpost(where, out, object, name, there);
    const built = there.join(', ');
    if (missing === undefined) return { excerpt: `${object} refers to ${name}, which ${built} exports`, shows: false };
    // two that do not agree show nothing
    if (defining.length > 0)
      throw new NotBuilt(`${where.words} modpost does not find that ${defining.join(', ')} exports ${name}`);
    const why = providers.length > 0 ? withoutIt(there, providers) : 'nothing exports it';
    return { excerpt: `modpost: ${missing}; ${why}`, shows: true };
  }

  /** What is built in is linked with nothing but what is built in too (scripts/link-vmlinux.sh). */
  async #reference(
    where: Where & { readonly stage: Side },
    question: Extract<BuildQuestion, { readonly providers: readonly string[] }>,
    out: string,
    isUndefined: boolean,
    places: ReadonlyMap<string, Destination>,
  ): Promise<Pick<Seen, 'excerpt' | 'shows'>> {
    const { name, object, providers } = question;
    if (!isUndefined) return { excerpt: `${object} has no reference to ${name}`, shows: false };
    const there = providers.filter((one) => places.get(one) === 'vmlinux');
    const [defining] = await this.#defining(where, question, out, there);
    if (defining !== undefined)
      return { excerpt: `${object} refers to ${name}, which ${defining} provides`, shows: false };
    const modular = providers.find((one) => places.get(one) === 'module');
    const why =
      there.length > 0 || modular === undefined
        ? withoutIt(there, providers)
        : `${object} goes into vmlinux, and ${modular} into a module`;
    return { excerpt: `${object} refers to ${name}; ${why}`, shows: true };
  }

  #undefined(where: Where, out: string, object: string): Promise<ReadonlySet<string>> {
    return this.#once(`names ${out} ${object}`, () => this.#make.undefinedNames(where, out, object));
  }

  /** Those of some providers that have the name in them: it may stand under an #if. */
  async #defining(
    where: Where & { readonly stage: Side },
    question: BuildQuestion,
    out: string,
    providers: readonly string[],
  ): Promise<readonly string[]> {
    const found: string[] = [];
    for (const one of providers) {
      const made = await this.#made(where, question, out, one);
      if (made.exitCode !== 0)
        throw new NotBuilt(`${where.words} ${one} does not compile: ${firstError(readDiagnostics(made.stderr), made)}`);
      const names = await this.#once(`defined ${out} ${one}`, () => this.#make.definedNames(where, out, one));
      if (names.has(question.name)) found.push(one);
      else if ((await this.#undefined(where, out, one)).has(question.name))
        throw new NotBuilt(`${where.words} ${one} exports ${question.name} and has it from elsewhere`);
    }
    return found;
  }

  /** Where make puts the objects of all questions about a configuration; those it does not build are not in it. */
  async #places(where: Where, config: string, out: string): Promise<ReadonlyMap<string, Destination>> {
    const objects = this.#questions
      .filter((one) => one.arch === where.arch && one.config === config)
      .flatMap((one) => [one.object, ...('providers' in one ? one.providers : [])]);
    const { places, stderr } = await this.#make.places(where, out, [...new Set(objects)]);
    if (places === undefined) throw new NotBuilt(`make does not list its objects: ${lastLine(stderr)}`);
    return places;
  }

  /** An object of the configuration of a question: its own, or one beside it that nobody has planned. */
  #made(
    where: Where & { readonly stage: Side },
    question: BuildQuestion,
    out: string,
    object: string,
  ): Promise<SandboxRun> {
    const key = objectKey(where.stage, { ...question, object });
    const piece = this.#pieces.get(key) ?? pieceOf('objects', where.stage, 1);
    return this.#once(key, () =>
      this.#pace.during(piece, `building ${object} ${where.words}`, () => this.#make.make(where, out, ['-s', object])),
    );
  }

  #once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = (this.#done.get(key) as Promise<T> | undefined) ?? ask();
    this.#done.set(key, known);
    return known;
  }
}

/** Lines between where a name stands and a line of its definition. */
const NEAR_LINES = 3;

/** Why providers do not have a name; `there` are those that are built. */
function withoutIt(there: readonly string[], providers: readonly string[]): string {
  if (there.length === 0) return `make does not build ${providers.join(', ')}`;
  return `${there.join(', ')} ${there.length > 1 ? 'do' : 'does'} not define it`;
}

function sideWords(side: Side): string {
  return side === 'before' ? 'without the series' : 'with the series';
}

function mentions(text: string, name: string): boolean {
  return new RegExp(`(^|\\W)${name}(\\W|$)`).test(text);
}
