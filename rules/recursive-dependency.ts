import type { Cycle } from './kconfig/cycles.ts';
import { type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import type { Anchor, Attempt, Evidence } from './types.ts';

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
    const found = new Map<string, { cycle: Cycle; archs: string[] }>();
    return {
      onArch({ arch, newCycles }) {
        for (const cycle of newCycles) {
          const key = cycleKey(cycle);
          const known = found.get(key);
          if (known) known.archs.push(arch);
          else found.set(key, { cycle, archs: [arch] });
        }
      },
      finish: () => [...found].flatMap(([key, { cycle, archs }]) => candidate(change, key, cycle, archs) ?? []),
    };
  },
});

/** Equal for the same circle, wherever the walk began. */
export function cycleKey(cycle: Cycle): string {
  return cycle.steps
    .map((step) => `${step.symbol} ${step.relation} ${step.next}`)
    .sort()
    .join('; ');
}

function candidate(change: KernelChange, key: string, cycle: Cycle, archs: string[]): Candidate | undefined {
  const texts = cycle.steps.map(
    (step) => change.after.kconfig.files.get(step.path)?.text.split('\n')[step.line - 1] ?? '',
  );
  const anchor = anchorOf(change, cycle, texts);
  if (!anchor) return undefined;
  const symbols = [...new Set(cycle.steps.map((step) => step.symbol))].filter((name) => /^\w+$/.test(name));
  return {
    key: `recursive-dependency ${key}`,
    symbols,
    anchor,
    claim: { cycle: cycle.steps, archs, confError: cycle.stderr },
    evidence: cycle.steps.map(
      (step, i): Evidence => ({
        kind: 'source',
        side: 'after',
        commit: change.after.commit,
        path: step.path,
        line: step.line,
        text: texts[i]!,
      }),
    ),
    witness: { arch: archs[0]!, from: 'allnoconfig', settings: [] },
    confirm: (conf) => confirm(conf, archs[0]!, cycle),
  };
}

/** The step that the series added last: it closed the circle. Where none is its own line, the nearest change to one. */
function anchorOf(change: KernelChange, cycle: Cycle, texts: readonly string[]): Anchor | undefined {
  const added = cycle.steps.flatMap((step, i) => change.lines.added(step.path, step.line, texts[i]!) ?? []);
  const [last] = added.sort((a, b) => b.patch - a.patch);
  if (last) return last;
  for (const step of cycle.steps) {
    const anchor = change.lines.near(step.path, step.line);
    if (anchor) return anchor;
  }
  return undefined;
}

const MESSAGE = 'recursive dependency detected';

/** conf accepts the tree before, and refuses the one after in the words that the claim gives. */
async function confirm(conf: Conf, arch: string, cycle: Cycle): Promise<Attempt[]> {
  const before = await conf.olddefconfig('before', arch, '');
  const after = await conf.olddefconfig('after', arch, '');
  return [
    {
      rung: 2,
      side: 'before',
      argv: before.argv,
      exitCode: before.exitCode,
      excerpt: before.stderr.slice(0, 500),
      agrees: before.exitCode === 0 && !before.stderr.includes(MESSAGE),
    },
    {
      rung: 2,
      side: 'after',
      argv: after.argv,
      exitCode: after.exitCode,
      excerpt: after.stderr.slice(0, 2000),
      agrees: after.exitCode !== 0 && after.stderr.includes(cycle.stderr.trim()),
    },
  ];
}
