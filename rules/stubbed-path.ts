import { onBothSides } from './both-sides.ts';
import { grouped } from './config-groups.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { joined, type Loss, StubLosses } from './source/stub-loss.ts';
import { StubSearch } from './source/stub-search.ts';
import type { Attempt, Evidence } from './types.ts';

export default defineRule({
  id: 'stubbed-path',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A function that was there before the series and that now, itself or through functions of the series,
calls something of which a header has only a stub in some configuration: and there the stub's constant
keeps it from an end that it came to before.
## Why it matters
Everything compiles and links. What worked in that configuration fails at run time, and nothing in
Kconfig says that it needs one more option.
## Example
vfio_pci_core_mmap() calls a new helper that calls pcim_p2pdma_provider(), which without PCI_P2PDMA
returns NULL: mapping a BAR, which needed VFIO_PCI_CORE alone, needs PCI_P2PDMA.
## Instead
Keep the old way where the option is off, move what is needed out from under the option, or say in
Kconfig what the code depends on.
## What it misses
New drivers that never worked without an option. Stubs that look at their arguments, those in .c files
of their own, and weak functions. Functions whose result says nothing by convention (bool, void),
unless their callers in the same file show it. What a changed Kconfig line or makefile brings about by
itself. Old functions in headers, and calls through pointers that more than one table fills. Functions
of which it cannot be told that somebody comes to them without the option, and those that may have
failed without it before: what they called is followed through two files, further on it counts as fine.`,

  begin(change) {
    const search = new StubSearch(change);
    const chains = search.chains();
    // whoever asks first gets the error
    chains.catch(() => undefined);
    const losses = new StubLosses(change, search);
    const found = new Map<string, Loss>();
    return {
      wantsArchs: async () => (await chains).length > 0,
      async onArch(pair) {
        const some = await chains;
        if (some.length === 0 || pair.isCircular) return;
        for (const one of await losses.look(pair, some)) {
          const known = found.get(one.key);
          found.set(one.key, known ? joined(known, one) : one);
        }
      },
      async finish() {
        for (const one of await search.leftOut()) losses.leave(one, 'not looked at');
        const causes = Map.groupBy(found.values(), ({ needed }) => needed.join(' '));
        return [...causes.values()].map((some) => candidate(change, some));
      },
      // what is told needs no doubt beside it: that was of another architecture, or another way
      undecided: () => losses.undecided().filter(({ key }) => !found.has(key)),
    };
  },
});

/** Other functions of the same cause that are named, and whose configurations are shown to conf. */
const FEW_OTHERS = 4;

function candidate(change: KernelChange, losses: readonly Loss[]): Candidate {
  const [shown, ...others] = losses.toSorted(
    (a, b) => a.chain.length - b.chain.length || b.archs.length - a.archs.length || (a.key < b.key ? -1 : 1),
  ) as [Loss, ...Loss[]];
  const named = others.slice(0, FEW_OTHERS);
  const { owner, needed, chain, stub, ends, lost, takes, losers, witness } = shown;
  const told = shown.never.flatMap(({ lines }) => lines.map(({ path, line }) => `${path}:${line}`));
  const { commit } = change.after;
  return {
    key: `stubbed-path ${needed.join(' ')} ${shown.at.path} ${shown.function}`,
    symbols: [...new Set([...(owner === null ? [] : [owner]), ...needed])],
    anchor: shown.anchor,
    claim: {
      function: shown.function,
      at: shown.at,
      chain,
      stub,
      ends,
      lost,
      owner,
      needed,
      takes: takes.filter(({ path, line }) => !told.includes(`${path}:${line}`)),
      never: shown.never,
      neverTotal: shown.never.reduce((total, { archs }) => total + archs.length, 0),
      archs: [...shown.archs].sort(),
      configs: { count: losers.length, total: change.configs.length, groups: grouped(losers) },
      repairs: shown.repairs.map(({ kind, symbol, text }) => ({ kind, symbol, text })),
      others: named.map(({ function: name, at: { path, line } }) => ({ function: name, path, line })),
      notTried: others.length - named.length,
    },
    evidence: [shown.at, ...chain, stub, ends, lost, ...shown.never.flatMap(({ lines }) => lines), ...takes].map(
      ({ path, line, text }): Evidence => ({ kind: 'source', side: 'after', commit, path, line, text }),
    ),
    witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((loss) => confirm(conf, loss)))).flat(),
    builds: [shown, ...named].flatMap(({ builds }) => builds),
  };
}

/** The function is there on both sides, and what it needs is off with the series. */
function confirm(conf: Conf, { config, before, after, witness: { arch } }: Loss): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, run) => {
    const expected = side === 'before' ? before : after;
    const got = expected.map(({ symbol }) => ({ symbol, value: valueOn(lineOf(run.config ?? '', symbol)) ?? 'n' }));
    return {
      excerpt: run.exitCode === 0 ? got.map(({ symbol, value }) => `${symbol}=${value}`).join(' ') : run.stderr,
      agrees: run.exitCode === 0 && got.every(({ value }, i) => value === expected[i]!.value),
    };
  });
}
