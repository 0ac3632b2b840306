import type { Diagnostic } from './diagnostic.ts';
import { defineRule, type Judged, type KernelChange } from './rule.ts';
import type { OpenedEntry, TrialRun } from './trial.ts';
import {
  anyLine,
  blamedLine,
  type Change,
  changesAt,
  errorsOfSeries,
  judgedFrom,
  keyOf,
  newErrors,
  otherTargets,
  renamesOf,
  wholeSeries,
} from './trial-news.ts';
import type { Finding, SymbolName } from './types.ts';

export default defineRule({
  id: 'build-error',
  severity: 'regression',
  rung: 3,
  doc: `
## What it finds
An object that does not compile any more with the series, or a new one that does not compile, in one
of the configurations in which depbot builds what the series changes; also a "make prepare" that
fails. The objects are those whose source the series changes, some of those that include a header
which it changes, and those of entries that the series lets be on where they could not be, or without
what they selected: these are built in a configuration of that kind, and without the series in the
nearest one that had the entry, so that what does not compile there either is not told.
## Why it matters
Whoever has such a configuration has no kernel.
## Example
A function gets another parameter, and a driver that the author does not build still calls it with
the old ones.
## Instead
Change every user in the same patch: "git grep -w" finds them.
## What it misses
Architectures without a compiler on this machine, configurations beyond the four that are tried (the
report lists the changed lines that none of them compiles), most includers of a header that thousands
of files include, links of vmlinux and modules, Rust, and what only a makefile changes. An object that
did not compile without the series either is passed over, also where only its name or that of its
symbol is new, and one of which another finding says why.`,

  begin(change) {
    const silent: Silent[] = [];
    return {
      finish: () => [],
      judge: (runs, told) => findAll(change, runs, told, silent),
      undecided: () => silent,
    };
  },
});

/** What a finding has shown not to compile: it says why, which is more. */
function failedTargets({ witness, verification: { attempts } }: Finding): string[] {
  const failed = attempts.filter(({ rung, side, exitCode }) => rung === 3 && side === 'after' && exitCode !== 0);
  return failed.map(({ argv }) => `${witness?.arch} ${argv.at(-1)}`);
}

/** The entry that an object is built for because the series opens it. */
function entryOf({ trial, target }: Change): OpenedEntry | undefined {
  return trial.opened?.entries.find(({ symbol }) => symbol === trial.owners[target]);
}

/** Whether a finding has shown by a build what an entry lacks: it says why, which is more. */
function isTold(told: readonly Finding[], owner: SymbolName): boolean {
  return told.some(
    ({ symbols, verification: { attempts } }) =>
      symbols.includes(owner) && attempts.some(({ rung, side }) => rung === 3 && side === 'after'),
  );
}

interface Silent {
  readonly key: string;
  readonly why: string;
}

interface Shown {
  readonly change: Change;
  readonly errors: readonly [Diagnostic, ...Diagnostic[]];
}

function findAll(
  change: KernelChange,
  runs: readonly TrialRun[],
  told: readonly Finding[],
  silent: Silent[],
): readonly Judged[] {
  const { lines, changedPaths } = change;
  const renames = renamesOf(lines, changedPaths);
  const known = new Set(told.flatMap(failedTargets));
  const found = new Map<string, Shown[]>();
  const older = new Set<string>();
  for (const run of runs) {
    const whole = wholeSeries(run, change.series.patches.length);
    const { opened } = run.trial;
    // the base had another configuration there
    if (!whole || (opened && whole.breakdown)) continue;
    for (const one of changesAt(run, whole)) {
      if (one.after.state !== 'failed' || one.before.state === 'failed') continue;
      const entry = entryOf(one);
      if (opened && (!entry || (entry.couldBeOn && one.before.state !== 'built'))) continue;
      if (entry && isTold(told, entry.symbol)) continue;
      const all = newErrors(one, renames);
      if (!all || known.has(`${one.trial.witness.arch} ${one.target}`)) continue;
      const [first, ...rest] = errorsOfSeries(one, all, lines, changedPaths);
      if (!first) {
        older.add(keyOf('build-error', all[0]));
        continue;
      }
      // what several objects stumble over is told once
      const key = keyOf('build-error', first);
      found.set(key, [...(found.get(key) ?? []), { change: one, errors: [first, ...rest] }]);
    }
  }
  for (const key of older) silent.push({ key, why: 'it may have failed under its old name as well' });
  return [...found].flatMap(([key, some]): Judged[] => {
    const [shown] = some as [Shown];
    const { change: one, errors } = shown;
    const entry = entryOf(one);
    const anchor = entry?.anchor ?? blamedLine(lines, changedPaths, errors[0]) ?? anyLine(lines, changedPaths);
    if (!anchor) {
      silent.push({ key, why: 'no line of the series can be named for it' });
      return [];
    }
    const source = one.target.replace(/\.o$/, '');
    const isAdded = changedPaths.some(
      ({ path, status }) => status === 'added' && path.replace(/\.[cS]$/, '') === source,
    );
    const isNew = isAdded || one.before.state === 'absent';
    const opened = entry ? { symbol: entry.symbol, lacks: entry.lacks } : null;
    const claim = { isNew, opened, others: otherTargets(some) };
    const judged = judgedFrom(key, one, errors, anchor, claim);
    return [{ ...judged, severity: isNew ? 'error' : 'regression' }];
  });
}
