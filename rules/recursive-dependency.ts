import { onBothSides } from './both-sides.ts';
import type { Cycle, CycleStep } from './kconfig/cycles.ts';
import { type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import type { Anchor, Arch, Attempt, Evidence } from './types.ts';

export default defineRule({
  id: 'recursive-dependency',
  severity: 'error',
  rung: 2,
  doc: `
## What it finds
Symbols that depend on themselves after the series, through "depends on", "select", "imply",
defaults or prompts, so that conf stops with "recursive dependency detected".
## Why it matters
No configuration of that architecture can be made any more: every build of it stops at once.
## Example
config FOO / select BAR, where BAR depends on BAZ and BAZ depends on FOO.
## Instead
Depend instead of select, or the other way round: see kconfig-language.rst, "Kconfig recursive
dependency limitations".
## What it misses
Nothing that conf reports. A circle that the tree had before the series is not repeated.`,

  begin(change) {
    const found = new Map<string, Found>();
    return {
      onArch({ arch, newCycles }) {
        for (const cycle of newCycles) {
          const key = cycleKey(cycle);
          const known = found.get(key);
          if (known) known.archs.push(arch);
          else found.set(key, { key, cycle, archs: [arch] });
        }
      },
      finish() {
        const told = [...found.values()].flatMap((one) => toldFrom(change, one) ?? []);
        const byLine = Map.groupBy(told, ({ anchor: { patch, file, line } }) => `${patch} ${file}:${line}`);
        return [...byLine.values()].map((ways) => candidate(change, ways));
      },
    };
  },
});

/** A circle, and the architectures that have it. */
interface Found {
  readonly key: string;
  readonly cycle: Cycle;
  readonly archs: Arch[];
}

/** The same, with its steps from the one that the series is responsible for. */
interface Told extends Found {
  readonly anchor: Anchor;
  readonly steps: readonly CycleStep[];
}

/** Equal for the same circle, wherever the walk began. */
export function cycleKey(cycle: Cycle): string {
  return cycle.steps
    .map((step) => `${step.symbol} ${step.relation} ${step.next}`)
    .sort()
    .join('; ');
}

/** Circles for conf to be asked about, of those that one line closes. */
const MOST_WAYS = 3;

/** One comment for all circles that one line closes: the one of most architectures is told, the shortest of such. */
function candidate(change: KernelChange, ways: readonly Told[]): Candidate {
  const [shown, ...others] = ways.toSorted(
    (a, b) => b.archs.length - a.archs.length || a.steps.length - b.steps.length,
  ) as [Told, ...Told[]];
  const archs = [...new Set(ways.flatMap((way) => way.archs))].sort();
  return {
    key: `recursive-dependency ${shown.key}`,
    symbols: [...new Set(shown.steps.map((step) => step.symbol))].filter((name) => /^\w+$/.test(name)),
    anchor: shown.anchor,
    claim: {
      cycle: shown.steps,
      archs,
      confError: shown.cycle.stderr,
    },
    evidence: shown.steps.map(
      (step): Evidence => ({
        kind: 'source',
        side: 'after',
        commit: change.after.commit,
        path: step.path,
        line: step.line,
        text: textOf(change, step),
      }),
    ),
    witness: { arch: shown.archs[0]!, from: 'allnoconfig', settings: [] },
    confirm: async (conf) => {
      const asked = [shown, ...others.slice(0, MOST_WAYS - 1)];
      return (await Promise.all(asked.map((way) => confirm(conf, way.archs[0]!, way.cycle)))).flat();
    },
  };
}

/** From the step that the series added last: it closed the circle. Where none is its own line, the nearest change to one. */
function toldFrom(change: KernelChange, found: Found): Told | undefined {
  const { steps } = found.cycle;
  const all = steps.map((step, at) => ({ at, step }));
  const added = all.flatMap(({ at, step }) => {
    const anchor = change.lines.added(step.path, step.line, textOf(change, step));
    return anchor ? [{ at, anchor }] : [];
  });
  const near = all.flatMap(({ at, step }) => {
    const anchor = change.lines.near(step.path, step.line);
    return anchor ? [{ at, anchor }] : [];
  });
  const [first] = added.length > 0 ? added.sort((a, b) => b.anchor.patch - a.anchor.patch) : near;
  return first && { ...found, anchor: first.anchor, steps: [...steps.slice(first.at), ...steps.slice(0, first.at)] };
}

function textOf(change: KernelChange, { path, line }: CycleStep): string {
  return change.after.kconfig.files.get(path)?.text.split('\n')[line - 1] ?? '';
}

const MESSAGE = 'recursive dependency detected';

/** conf accepts the tree before, and refuses the one after in the words that the claim gives. */
function confirm(conf: Conf, arch: string, cycle: Cycle): Promise<Attempt[]> {
  return onBothSides(conf, arch, '', (side, { exitCode, stderr }) =>
    side === 'before'
      ? { excerpt: stderr.slice(0, 500), agrees: exitCode === 0 && !stderr.includes(MESSAGE) }
      : { excerpt: stderr, agrees: exitCode !== 0 && stderr.includes(cycle.stderr.trim()) },
  );
}
