/**
 * Trials (rules/trial.ts) done: the objects of each configuration built of the base, then, in a copy of that output
 * folder, after each patch of the series, as who bisects would.
 *
 * make compiles again what a patch touches, and no more; of an object that it leaves alone what was said before holds.
 * What the machine fails at, or the base itself, ends a trial without a result.
 */
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { Breakdown, Outcome, Trial, TrialRun, TrialStep } from '../rules/trial.ts';
import type { Sha } from '../rules/types.ts';
import type { BuildPlace } from './build-place.ts';
import { objectsFailed, objectsMade, readDiagnostics } from './kbuild-log.ts';
import { firstError, KernelMake, type MakeOptions, NotBuilt, type Where } from './kernel-make.ts';
import type { SandboxRun } from './sandbox.ts';

export interface TrialOptions extends MakeOptions {
  /** For all trials together, wall clock in milliseconds. */
  readonly budgetMs?: number;
  readonly onProgress?: (text: string) => void;
}

/** The series with its first patches, as far as there is something to build after them. */
export interface Prefix {
  readonly patches: number;
  readonly commit: Sha;
}

const BUDGET_MS = 1_800_000;

/** Does all trials. The place is left with the last commit. Throws SandboxError, GitError. */
export async function runTrials(
  place: BuildPlace,
  trials: readonly Trial[],
  prefixes: readonly Prefix[],
  options: TrialOptions = {},
): Promise<TrialRun[]> {
  const make = new KernelMake(place, options, performance.now() + (options.budgetMs ?? BUDGET_MS));
  const running = trials.map((trial) => new Running(make, trial));
  const steps: readonly Prefix[] = [{ patches: 0, commit: place.sides.before }, ...prefixes];
  for (const { patches, commit } of steps) {
    if (running.every(({ isOver }) => isOver)) break;
    await place.show(commit);
    const what = patches === 0 ? 'without the series' : `with patches 1 to ${patches}`;
    for (const [i, one] of running.entries()) {
      options.onProgress?.(`trying configuration ${i + 1} of ${running.length} ${what}`);
      await one.step(patches);
    }
  }
  return running.map((one) => one.result());
}

class Running {
  readonly #make: KernelMake;
  readonly #trial: Trial;
  readonly #steps: TrialStep[] = [];
  #objects: ReadonlyMap<string, Outcome> = new Map();
  #fault: string | undefined;

  constructor(make: KernelMake, trial: Trial) {
    this.#make = make;
    this.#trial = trial;
  }

  get isOver(): boolean {
    return this.#fault !== undefined;
  }

  result(): TrialRun {
    return { trial: this.#trial, steps: this.#steps, ...(this.#fault !== undefined && { fault: this.#fault }) };
  }

  async step(patches: number): Promise<void> {
    if (this.#fault !== undefined) return;
    const words = patches === 0 ? 'without the series' : `with patches 1 to ${patches}`;
    const { arch } = this.#trial.witness;
    try {
      this.#steps.push(await this.#step({ stage: patches === 0 ? 'before' : 'steps', arch, words }, patches));
    } catch (error) {
      if (!(error instanceof NotBuilt)) throw error;
      this.#fault = error.message;
    }
  }

  async #step(where: Where, patches: number): Promise<TrialStep> {
    const broken = (stage: Breakdown['stage'], run: Pick<SandboxRun, 'stderr'>): TrialStep => {
      const diagnostics = readDiagnostics(run.stderr).filter(({ severity }) => severity === 'error');
      return { patches, breakdown: { stage, diagnostics }, objects: new Map() };
    };
    let out: string;
    if (patches === 0) out = await this.#make.prepare(where, this.#trial.config);
    else {
      ({ out } = await this.#make.begin(where, this.#trial.config));
      const configured = await this.#make.configure(where, out);
      if (configured.exitCode !== 0)
        return broken(/\bolddefconfig\] Error/.test(configured.stderr) ? 'configure' : 'prepare', configured);
    }
    const { changed, including } = this.#trial;
    const { places, stderr } = await this.#make.places(where, out, [...changed, ...including]);
    if (!places) {
      if (patches === 0) throw new NotBuilt(`${where.words} make does not list its objects`);
      return broken('makefiles', { stderr });
    }
    const there = (some: readonly string[]): string[] => some.filter((object) => places.has(object));
    // what is there already says nothing any more
    const kept = there([...changed, ...including]);
    if (patches === 0 && kept.length > 0) await this.#make.run(where, ['rm', '-f', ...kept], out);
    const objects = new Map<string, Outcome>([
      ...(await this.#built(where, out, there(changed), true)),
      ...(await this.#built(where, out, there(including), false)),
    ]);
    for (const object of [...changed, ...including])
      if (!places.has(object)) objects.set(object, { state: 'absent', diagnostics: [] });
    this.#objects = objects;
    return { patches, objects };
  }

  /** What becomes of objects, by their path. */
  async #built(
    where: Where,
    out: string,
    objects: readonly string[],
    isChanged: boolean,
  ): Promise<ReadonlyMap<string, Outcome>> {
    if (objects.length === 0) return new Map();
    // a warning is none the less one where the configuration makes errors of them
    const variables = ['CONFIG_WERROR=', ...(isChanged ? ['W=1'] : [])];
    const run = await this.#make.make(where, out, ['-k', '-Otarget', ...variables, ...objects]);
    const found = outcomesOf(run, objects, this.#objects);
    const failed = [...found].filter(([, { state }]) => state === 'failed').map(([object]) => object);
    if (run.exitCode !== 0 && failed.length === 0)
      throw new NotBuilt(`${where.words} make fails: ${firstError(readDiagnostics(run.stderr), run)}`);
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
