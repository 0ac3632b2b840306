/**
 * Trials (rules/trial.ts) done: the objects of each configuration built of the base, then, in a copy of that output
 * folder, after each patch of the series, as who bisects would.
 *
 * make compiles again what a patch touches, and no more; of an object that it leaves alone what was said before holds.
 * What the machine fails at, or the base itself, ends a trial without a result.
 */
import { type Diagnostic, newDiagnostics } from '../rules/diagnostic.ts';
import type { Breakdown, Outcome, Trial, TrialRun, TrialStep } from '../rules/trial.ts';
import type { Sha } from '../rules/types.ts';
import { BuildPace, type BuildTimes, type OnBuildProgress, type Piece } from './build-pace.ts';
import type { BuildPlace } from './build-place.ts';
import { countMade, objectsFailed, objectsMade, readDiagnostics } from './kbuild-log.ts';
import { firstError, KernelMake, type MakeOptions, NotBuilt, type Where } from './kernel-make.ts';
import type { SandboxRun } from './sandbox.ts';

export interface TrialOptions extends MakeOptions {
  /** For all trials together, wall clock in milliseconds. */
  readonly budgetMs?: number;
  readonly onProgress?: OnBuildProgress;
  /** What such work took before; what this takes is added. */
  readonly times?: BuildTimes;
}

/** The series with its first patches, as far as there is something to build after them. */
export interface Prefix {
  readonly patches: number;
  readonly commit: Sha;
  /** Its last patch changes what make itself reads, so that it is configured anew. */
  readonly changesBuild: boolean;
}

const BUDGET_MS = 1_200_000;

/** Does all trials. The place is left with the last commit. Throws SandboxError, GitError. */
export async function runTrials(
  place: BuildPlace,
  trials: readonly Trial[],
  prefixes: readonly Prefix[],
  options: TrialOptions = {},
): Promise<TrialRun[]> {
  const make = new KernelMake(place, options, performance.now() + (options.budgetMs ?? BUDGET_MS));
  const steps: readonly Prefix[] = [{ patches: 0, commit: place.sides.before, changesBuild: true }, ...prefixes];
  const checkouts = steps.map(({ patches }) => pieceOf('checkout', patches));
  // what the whole series opens need not compile half-way
  const isLeftOut = ({ opened }: Trial, at: number): boolean => opened !== undefined && at > 0 && at < steps.length - 1;
  const plans = trials.map((trial) =>
    steps.map((step, at) =>
      isLeftOut(trial, at) ? undefined : piecesOf(trial, step, at < 2 || trial.opened !== undefined),
    ),
  );
  const pace = new BuildPace([...checkouts, ...plans.flat().flatMap((one) => one?.planned ?? [])], options);
  const running = trials.map((trial) => new Running(make, trial, pace));
  for (const [at, { patches, commit, changesBuild }] of steps.entries()) {
    if (running.every(({ isOver }) => isOver)) break;
    await pace.during(checkouts[at]!, `writing the tree ${patchWords(patches)}`, () => place.show(commit));
    for (const [i, one] of running.entries()) {
      const [pieces, ...later] = plans[i]!.slice(at);
      if (!pieces) continue;
      await one.step(patches, changesBuild, pieces);
      pace.drop(...pieces.planned, ...(one.isOver ? later.flatMap((other) => other?.planned ?? []) : []));
    }
  }
  return running.map((one) => one.result());
}

/** Work of one trial after some patches; without a change to what make reads it is configured only once. */
interface StepPieces {
  readonly configure: Piece;
  readonly objects: Piece;
  readonly planned: readonly Piece[];
}

function piecesOf({ changed, including }: Trial, { patches, changesBuild }: Prefix, isFirst: boolean): StepPieces {
  const configure = pieceOf('configure', patches);
  const objects = pieceOf('objects', patches, changed.length + including.length);
  return { configure, objects, planned: changesBuild || isFirst ? [configure, objects] : [objects] };
}

function pieceOf(kind: Piece['kind'], patches: number, objects = 0): Piece {
  return { kind, when: patches === 0 ? 'base' : 'later', objects };
}

function patchWords(patches: number): string {
  if (patches === 0) return 'without the series';
  return patches === 1 ? 'with patch 1' : `with patches 1 to ${patches}`;
}

type Found = Omit<TrialStep, 'patches'>;

/** make ended before it came to any object. */
class NoObject extends NotBuilt {}

/** Throws NotBuilt where it is a program or a library of this machine that is lacking. */
function brokenDown({ stderr }: Pick<SandboxRun, 'stderr'>, stage?: Breakdown['stage']): Found {
  // each make above the one that failed says it again
  const diagnostics = newDiagnostics([], readDiagnostics(stderr)).filter(({ severity }) => severity === 'error');
  const isHost = ({ file, text }: Diagnostic): boolean =>
    /^(?:scripts|tools|certs|usr)\//.test(file) && text.endsWith('No such file or directory');
  const lacking = diagnostics.find(isHost)?.text ?? /^.*: (?:command )?not found$/m.exec(stderr)?.[0];
  if (lacking !== undefined) throw new NotBuilt(`this machine lacks something that make needs: ${lacking}`);
  const failed = /\bolddefconfig\] Error/.test(stderr) ? 'configure' : 'prepare';
  return { breakdown: { stage: stage ?? failed, diagnostics }, objects: new Map() };
}

class Running {
  readonly #make: KernelMake;
  readonly #trial: Trial;
  readonly #pace: BuildPace;
  readonly #steps: TrialStep[] = [];
  #objects: ReadonlyMap<string, Outcome> = new Map();
  /** Of the objects that make builds. */
  #places: ReadonlyMap<string, unknown> = new Map();
  #fault: string | undefined;

  constructor(make: KernelMake, trial: Trial, pace: BuildPace) {
    this.#make = make;
    this.#trial = trial;
    this.#pace = pace;
  }

  get #baseConfig(): string {
    return this.#trial.opened?.control ?? this.#trial.config;
  }

  get isOver(): boolean {
    return this.#fault !== undefined;
  }

  result(): TrialRun {
    return { trial: this.#trial, steps: this.#steps, ...(this.#fault !== undefined && { fault: this.#fault }) };
  }

  async step(patches: number, changesBuild: boolean, pieces: StepPieces): Promise<void> {
    if (this.#fault !== undefined) return;
    const words = patchWords(patches);
    const { arch } = this.#trial.witness;
    try {
      const where: Where = { stage: patches === 0 ? 'before' : 'steps', arch, words };
      const found = patches === 0 ? await this.#base(where, pieces) : await this.#later(where, changesBuild, pieces);
      this.#steps.push({ patches, ...found });
    } catch (error) {
      if (!(error instanceof NotBuilt)) throw error;
      this.#fault = error.message;
    }
  }

  /** `make prepare` can take longer than all objects. */
  #configuring<T>({ arch, words }: Where, { configure }: StepPieces, work: () => Promise<T>): Promise<T> {
    return this.#pace.during(configure, `configuring for ${arch} ${words}`, work);
  }

  async #base(where: Where, pieces: StepPieces): Promise<Found> {
    const out = await this.#configuring(where, pieces, () => this.#make.prepare(where, this.#baseConfig));
    const isListed = await this.#list(where, out);
    if (isListed !== true) throw new NotBuilt(`${where.words} make does not list its objects`);
    // what is there already says nothing any more
    const kept = [...this.#places.keys()];
    if (kept.length > 0) await this.#make.run(where, ['rm', '-f', ...kept], out);
    return { objects: await this.#objectsNow(where, out, pieces) };
  }

  /** Where make itself reads the same as before, its own look at what is out of date is enough. */
  async #later(where: Where, changesBuild: boolean, pieces: StepPieces): Promise<Found> {
    const { out, isReady } = await this.#make.begin(where, this.#trial.config, this.#baseConfig);
    if (changesBuild || !isReady || this.#steps.at(-1)?.breakdown) {
      // olddefconfig has dropped the symbols that come with this patch
      if (isReady) await this.#make.give(where, out, this.#trial.config);
      const configured = await this.#configuring(where, pieces, () => this.#make.configure(where, out));
      if (configured.exitCode !== 0) return brokenDown(configured);
      const isListed = await this.#list(where, out);
      if (isListed !== true) return brokenDown(isListed, 'makefiles');
    }
    try {
      return { objects: await this.#objectsNow(where, out, pieces) };
    } catch (error) {
      if (!(error instanceof NoObject)) throw error;
      const configured = await this.#make.configure(where, out);
      if (configured.exitCode !== 0) return brokenDown(configured);
      throw error;
    }
  }

  /** Asks where the objects go; what make says where it cannot tell. */
  async #list(where: Where, out: string): Promise<true | Pick<SandboxRun, 'stderr'>> {
    const { changed, including } = this.#trial;
    const { places, stderr } = await this.#make.places(where, out, [...changed, ...including]);
    this.#places = places ?? new Map();
    return places === undefined ? { stderr } : true;
  }

  async #objectsNow(where: Where, out: string, { objects }: StepPieces): Promise<ReadonlyMap<string, Outcome>> {
    const { changed, including } = this.#trial;
    const there = (some: readonly string[]): string[] => some.filter((object) => this.#places.has(object));
    const absent = [...changed, ...including].filter((object) => !this.#places.has(object));
    this.#objects = await this.#pace.during(objects, `building for ${where.arch} ${where.words}`, async (made) => {
      const [own, others] = [there(changed), there(including)];
      return new Map<string, Outcome>([
        ...(await this.#built(where, out, own, true, made)),
        ...(await this.#built(where, out, others, false, (more) => made(own.length + more))),
        ...absent.map((object): [string, Outcome] => [object, { state: 'absent', diagnostics: [] }]),
      ]);
    });
    return this.#objects;
  }

  /** What becomes of objects, by their path. */
  async #built(
    where: Where,
    out: string,
    objects: readonly string[],
    isChanged: boolean,
    made: (objects: number) => void,
  ): Promise<ReadonlyMap<string, Outcome>> {
    if (objects.length === 0) return new Map();
    // a warning is none the less one where the configuration makes errors of them
    const variables = ['CONFIG_WERROR=', ...(isChanged ? ['W=1'] : [])];
    const run = await this.#make.make(
      where,
      out,
      ['-k', '-Otarget', ...variables, ...objects],
      countMade(objects, made),
    );
    if (run.stdoutCut + run.stderrCut > 0)
      throw new NotBuilt(`${where.words} make prints more than is kept, so that nothing can be compared`);
    const found = outcomesOf(run, objects, this.#objects);
    const failed = [...found].filter(([, { state }]) => state === 'failed').map(([object]) => object);
    if (run.exitCode !== 0 && failed.length === 0)
      throw new NoObject(`${where.words} make fails: ${firstError(readDiagnostics(run.stderr), run)}`);
    if (!isChanged || failed.length === 0) return found;
    // a makefile may make errors of all warnings, and those of W=1 are nobody's
    const plain = await this.#make.make(where, out, ['-k', '-Otarget', 'CONFIG_WERROR=', ...failed]);
    const again = outcomesOf(plain, failed, this.#objects);
    for (const [object, { state, diagnostics }] of again) {
      const warnings = found.get(object)!.diagnostics.map((one): Diagnostic => ({ ...one, severity: 'warning' }));
      found.set(object, { state, diagnostics: state === 'built' ? warnings : diagnostics });
    }
    return found;
  }
}

/** What became of objects that a make was asked for; `known` says what of those that it had no need to make again. */
export function outcomesOf(
  { stdout, stderr }: Pick<SandboxRun, 'stdout' | 'stderr'>,
  objects: readonly string[],
  known: ReadonlyMap<string, Outcome>,
): Map<string, Outcome> {
  const [made, failed] = [objectsMade(stdout), objectsFailed(stderr)];
  const objectOf = ({ file, unit }: Diagnostic): string => (unit ?? file).replace(/\.\w+$/, '.o');
  const diagnostics = Map.groupBy(readDiagnostics(stderr), objectOf);
  return new Map(
    objects.map((object): [string, Outcome] => {
      const own = diagnostics.get(object) ?? [];
      // of what is lacking make itself says so
      if (failed.has(object))
        return [object, { state: 'failed', diagnostics: own.length > 0 ? own : (diagnostics.get('') ?? []) }];
      const before = known.get(object);
      const isSame = !made.has(object) && before?.state === 'built' && own.length === 0;
      return [object, isSame ? before : { state: 'built', diagnostics: own }];
    }),
  );
}
