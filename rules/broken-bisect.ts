import { PatchLines } from './anchor.ts';
import { type Diagnostic, printDiagnostic } from './diagnostic.ts';
import { type ChangedPath, defineRule, type Judged, type KernelChange } from './rule.ts';
import type { Outcome, TrialRun, TrialStep } from './trial.ts';
import { changesCode } from './trial-code.ts';
import {
  anyLine,
  blamedLine,
  type Change,
  changesAt,
  commandFor,
  errorsOfSeries,
  judgedFrom,
  keyOf,
  newErrors,
  otherTargets,
  stateWords,
  wholeSeries,
} from './trial-news.ts';
import type { Patch } from './types.ts';

export default defineRule({
  id: 'broken-bisect',
  severity: 'regression',
  rung: 3,
  doc: `
## What it finds
A patch of a series with which, without the later ones, a configuration cannot be made, "make
prepare" fails or an object does not compile, though it does without the series and with all of it.
Named are the patch that breaks it and the one that repairs it.
## Why it matters
Who bisects comes to that commit, and cannot tell whether it is good or bad.
## Example
Patch 1 calls a function that patch 2 declares.
## Instead
Put the patch that others rely on first; change a function and all its users in one patch. "git rebase
--exec 'make ...'" builds each.
## What it misses
References that stay undefined until the link, warnings, and all but the first ten patches of a long
series. What is said of build-error holds as well.`,

  begin(change) {
    return { finish: () => [], judge: (runs) => findAll(change, runs) };
  },
});

interface Shown {
  readonly change: Change;
  readonly errors: readonly [Diagnostic, ...Diagnostic[]];
  readonly breaks: number;
  readonly repairs: number | null;
  /** With all patches. */
  readonly whole: Pick<Outcome, 'state'>;
}

function findAll(change: KernelChange, runs: readonly TrialRun[]): readonly Judged[] {
  const found = new Map<string, Shown[]>();
  for (const run of runs) {
    for (const shown of brokenIn(run, change.series.patches)) {
      const key = keyOf('broken-bisect', shown.errors[0]);
      found.set(key, [...(found.get(key) ?? []), shown]);
    }
  }
  return [...found].flatMap(([key, some]): Judged[] => {
    const [{ change: one, errors, breaks, repairs, whole }] = some as [Shown];
    const patch = change.series.patches.find(({ n }) => n === breaks);
    if (!patch) return [];
    // as the patch leaves its files: later ones may change them again
    const lines = new PatchLines({ ...change.series, patches: [patch] });
    const changed = changedBy(patch);
    const anchor = blamedLine(lines, changed, errors[0]) ?? anyLine(lines, changed);
    if (!anchor) return [];
    const judged = judgedFrom(key, one, errors, anchor, {
      breaks,
      repairs,
      wasBuilt: one.before.state === 'built',
      others: otherTargets(some),
    });
    const argv = commandFor(one.trial, one.target);
    const agreed = { rung: 3, argv, agrees: true } as const;
    const during = printDiagnostic(errors[0]);
    const alone = breaks === 1 ? 'with patch 1 alone' : `with patches 1 to ${breaks} alone`;
    return [
      {
        ...judged,
        verification: {
          rung: 3,
          attempts: [
            { ...agreed, side: 'before', exitCode: 0, excerpt: stateWords(one.target, one.before) },
            { ...agreed, side: 'after', exitCode: 0, excerpt: stateWords(one.target, whole) },
            { ...agreed, side: 'after', exitCode: 2, excerpt: `${alone}: ${during}` },
          ],
        },
      },
    ];
  });
}

/** Targets that fail after a patch, and neither without the series nor with all of it. */
function brokenIn(run: TrialRun, patches: readonly Patch[]): Shown[] {
  const whole = wholeSeries(run, patches.length);
  if (!whole || whole.breakdown) return [];
  const found = new Map<string, Shown>();
  for (const [i, step] of run.steps.entries()) {
    if (step.patches === 0 || step.patches === patches.length) continue;
    for (const one of changesAt(run, step)) {
      const isWhole = whole.objects.get(one.target)?.state !== 'failed';
      if (one.after.state !== 'failed' || one.before.state === 'failed' || !isWhole || found.has(one.target)) continue;
      const early = patches.filter(({ n }) => n <= step.patches);
      const lines = new PatchLines({ patches: early });
      // what fails without a word may be the machine's fault
      const [first, ...rest] = errorsOfSeries(one, newErrors(one) ?? [], lines, early.flatMap(changedBy));
      if (!first) continue;
      const at = run.steps.findIndex((later, j) => j > i && !isBroken(later, one.target));
      const [last, next] = [run.steps[at - 1]!.patches, run.steps[at]!.patches];
      // one of those in between, which were not tried, may have done it
      const isOne = patches.every((patch) => patch.n <= last || patch.n >= next || !changesCode(patch));
      const state = whole.objects.get(one.target)?.state ?? 'built';
      found.set(one.target, {
        change: one,
        errors: [first, ...rest],
        breaks: step.patches,
        repairs: isOne ? next : null,
        whole: { state },
      });
    }
  }
  return [...found.values()];
}

function isBroken({ breakdown, objects }: TrialStep, target: string): boolean {
  return breakdown !== undefined || objects.get(target)?.state === 'failed';
}

function changedBy({ diff }: Patch): ChangedPath[] {
  return diff.flatMap(({ oldPath, newPath, kind }): ChangedPath[] => {
    const path = newPath ?? oldPath;
    const status = ({ create: 'added', delete: 'deleted', rename: 'renamed' } as const)[kind as 'create'] ?? 'modified';
    return path === undefined ? [] : [{ path, status }];
  });
}
