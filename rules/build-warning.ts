import { type Diagnostic, newDiagnostics } from './diagnostic.ts';
import { defineRule, type Judged, type KernelChange } from './rule.ts';
import type { TrialRun } from './trial.ts';
import {
  blamedLine,
  type Change,
  changesAt,
  isMoved,
  judgedFrom,
  keyOf,
  renamesOf,
  wholeSeries,
} from './trial-news.ts';
import type { Anchor } from './types.ts';

export default defineRule({
  id: 'build-warning',
  severity: 'regression',
  rung: 3,
  doc: `
## What it finds
A warning that the compiler did not give without the series, in one of the configurations in which
depbot builds what the series changes: in files that the series changes with W=1, in others that
include a header which it changes without. A warning that only moves, be it with its function to another
file, is none.
## Why it matters
Builds with CONFIG_WERROR fail at it, and robots that build every tree report it later.
## Example
The last user of a static function goes, and the function stays.
## Instead
Mend the code; where the warning is wrong, say so in the patch.
## What it misses
Warnings far from every changed line that name nothing in one, those in code that was there and is
only built in more configurations now, and those of other programs than the compiler: sparse,
kernel-doc, modpost. Other compilers than this machine's. What is said of build-error holds as well.`,

  begin(change) {
    const silent: string[] = [];
    return {
      finish: () => [],
      judge: (runs) => findAll(change, runs, silent),
      undecided: () => silent.map((key) => ({ key, why: 'no line of the series can be named for it' })),
    };
  },
});

interface Shown {
  readonly change: Change;
  readonly warning: Diagnostic;
  readonly anchor: Anchor;
}

function findAll(change: KernelChange, runs: readonly TrialRun[], silent: string[]): readonly Judged[] {
  const { lines, changedPaths } = change;
  const renames = renamesOf(lines, changedPaths);
  const found = new Map<string, Shown>();
  for (const run of runs) {
    // there the base had another configuration
    const whole = run.trial.opened ? undefined : wholeSeries(run, change.series.patches.length);
    for (const one of whole ? changesAt(run, whole) : []) {
      if (one.after.state !== 'built') continue;
      for (const warning of newDiagnostics(one.before.diagnostics, one.after.diagnostics, renames)) {
        // kernel-doc and the like give no option
        if (warning.severity !== 'warning' || warning.option === undefined) continue;
        // what was not built before tells nothing of lines that were there
        const isOwn = warning.line !== undefined && lines.addedLines(warning.file).includes(warning.line);
        if ((one.before.state !== 'built' && !isOwn) || isMoved(lines, run.steps[0], warning)) continue;
        const key = keyOf('build-warning', warning);
        const anchor = blamedLine(lines, changedPaths, warning);
        if (!anchor) silent.push(key);
        else if (!found.has(key)) found.set(key, { change: one, warning, anchor });
      }
    }
  }
  const told = Map.groupBy(found, ([, { change: one, anchor }]) => JSON.stringify([one.target, anchor]));
  return [...told.values()].map((some): Judged => {
    const [[key, { change: one, anchor }]] = some as [(typeof some)[number]];
    const warnings = some.map(([, { warning }]) => warning);
    const isNew = one.before.state === 'absent';
    return { ...judgedFrom(key, one, warnings, anchor, { isNew }), severity: isNew ? 'error' : 'regression' };
  });
}
