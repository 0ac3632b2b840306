/** Trials of a series: planned on the architectures that can be built here, done, and told in the report. */
import { archsByFame } from '../rules/config-groups.ts';
import { KbuildError } from '../rules/kbuild/error.ts';
import { isKconfigPath } from '../rules/kconfig/files.ts';
import { openedTrial } from '../rules/opened-trial.ts';
import type { ArchPair, KernelChange } from '../rules/rule.ts';
import type { Built, Outcome, Trial, TrialRun } from '../rules/trial.ts';
import { changedUnits, changesCode, pathsOf } from '../rules/trial-code.ts';
import { objectsOf, type Seed, TrialPlanner } from '../rules/trial-plan.ts';
import type { AppliedSeries, Arch, Patch } from '../rules/types.ts';
import type { Prefix } from './trials.ts';
import type { Workshop } from './workshop.ts';

/** Architectures on which it is built what the series lets be on. */
const MOST_OPENED = 3;
/** Patches of a series after each of which it is built. */
const MOST_PREFIXES = 10;

/** What was tried of a series, and how it came out. Undefined where it changes nothing that is built. */
export async function tryOut(
  change: KernelChange,
  { commits }: Pick<AppliedSeries, 'commits'>,
  archs: readonly Arch[],
  seeds: readonly Seed[],
  pairOf: (arch: Arch) => Promise<ArchPair>,
  workshop: Workshop,
): Promise<{ readonly runs: readonly TrialRun[]; readonly built: Built } | undefined> {
  const code = await changedUnits(change);
  const isConfigured = commits.length > 1 && change.changedPaths.some(({ path }) => isBuildFile(path));
  const mayOpen = change.changedPaths.some(({ path }) => isKconfigPath(path));
  if (code.pieces.length === 0 && !isConfigured && !mayOpen) return undefined;
  const planner = new TrialPlanner(change, code);
  const missing: string[] = [];
  const opened: Trial[] = [];
  for (const arch of archsByFame(archs)) {
    const opens = mayOpen && opened.length < MOST_OPENED;
    if (planner.isDone && !opens) break;
    const why = await workshop.cannotBuild(arch);
    if (why !== undefined) {
      missing.push(arch);
      continue;
    }
    const pair = await pairOf(arch);
    const own = seeds.filter((seed) => seed.witness.arch === arch);
    if (!planner.isDone) await planner.onArch(pair, own);
    const trial = opens ? await openedTrial(change, pair).catch(unlessRefused) : undefined;
    if (trial) opened.push(trial);
  }
  const { trials: tried } = planner.plan(missing);
  const able = tried.length > 0 || !isConfigured ? undefined : await firstAble(archs, workshop);
  const trials = [...(able === undefined ? tried : [configurationOnly(able)]), ...opened];
  if (trials.length === 0 && code.pieces.length === 0 && !isConfigured) return undefined;
  const { prefixes, skipped } = prefixesOf(change, commits);
  const runs = trials.length === 0 ? [] : await workshop.tryOut(trials, prefixes);
  const runOf = new Map(runs.map((run) => [run.trial, run]));
  const plan = planner.plan(missing, (trial, object) => whyNot(runOf.get(trial), object));
  return { runs, built: { ...plan, trials: runs.map(told), skipped } };
}

/** Of makefiles that cannot be read make says itself what is wrong, where it builds anything. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof KbuildError)) throw error;
}

/** The best known architecture that can be built here. */
async function firstAble(archs: readonly Arch[], workshop: Workshop): Promise<Arch | undefined> {
  for (const arch of archsByFame(archs)) if ((await workshop.cannotBuild(arch)) === undefined) return arch;
  return undefined;
}

/** Whether make itself can come to another end by it. */
function isBuildFile(path: string): boolean {
  if (/^(?:Documentation|tools)\//.test(path)) return false;
  return path.startsWith('scripts/') || /(?:^|\/)(?:Kconfig|Makefile|Kbuild)[^/]*$/.test(path);
}

/** Where the series changes no code, whether it can be configured after each patch. */
function configurationOnly(arch: Arch): Trial {
  const witness = { arch, from: 'empty', settings: [] };
  return { witness, config: '', changed: [], including: [], owners: {} };
}

/** The whole series, and before it the patches that change something that is built. */
function prefixesOf(
  { series }: KernelChange,
  commits: AppliedSeries['commits'],
): { readonly prefixes: readonly Prefix[]; readonly skipped: readonly number[] } {
  const patchOf = (n: number): Patch | undefined => series.patches.find((patch) => patch.n === n);
  const early = commits.slice(0, -1).filter(({ n }) => changesCode(patchOf(n)));
  const chosen = [...early.slice(0, MOST_PREFIXES), ...commits.slice(-1)];
  return {
    prefixes: chosen.map(({ n, sha }, i) => ({
      patches: n,
      commit: sha,
      changesBuild: series.patches.some(
        (patch) => patch.n > (chosen[i - 1]?.n ?? 0) && patch.n <= n && pathsOf(patch).some(isBuildFile),
      ),
    })),
    skipped: early.slice(MOST_PREFIXES).map(({ n }) => n),
  };
}

/** Why a trial says nothing of an object with the series; undefined where it was compiled, or is to blame for not being. */
function whyNot(run: TrialRun | undefined, object: string): string | undefined {
  if (run === undefined || run.fault !== undefined) return run?.fault;
  const [before, after] = [run.steps[0], run.steps.at(-1)];
  if (after?.breakdown) return isError(after.breakdown) ? undefined : 'make fails before it, and does not say why';
  const { state, diagnostics = [] } = after?.objects.get(object) ?? {};
  if (state === 'absent') return 'make does not build it, though depbot took it to';
  if (state !== 'failed') return undefined;
  if (before?.objects.get(object)?.state === 'failed') return 'it does not compile without the series either';
  return isError({ diagnostics }) ? undefined : 'make fails, and does not say why';
}

function isError({ diagnostics }: Pick<Outcome, 'diagnostics'>): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

function told(run: TrialRun): Built['trials'][number] {
  const { trial, steps, fault } = run;
  const isThere = (object: string): boolean =>
    steps.some(({ objects }) => (objects.get(object)?.state ?? 'absent') !== 'absent');
  const all = objectsOf(trial);
  const notBuilt = all.flatMap((object) => {
    const why = fault === undefined ? whyNot(run, object) : undefined;
    return why === undefined ? [] : [{ object, why }];
  });
  return {
    ...trial.witness,
    objects: all.filter(isThere),
    ...(notBuilt.length > 0 && { notBuilt }),
    steps: steps.map(({ patches }) => patches),
    ...(fault !== undefined && { fault }),
  };
}
