/**
 * Whether the lines that an entry of the corpus undoes do any harm on this tree: not every one does, since something
 * else may give what is lacking. Asked of conf, and of the solver over all configurations of all architectures, by the
 * entry's symbols alone: no rule, none of their limits, and nothing of what they leave unsaid takes part.
 */

import type { CheckOptions } from '../../queue/check.ts';
import { ConfServers } from '../../queue/conf-servers.ts';
import { openTree } from '../../queue/git-tree.ts';
import { fromTree, KconfigSide } from '../../queue/kconfig-side.ts';
import type { Repository } from '../../queue/repository.ts';
import { archs as archsOf } from '../../queue/toolchain.ts';
import { directDependencyOf, edgeExpr, visibleExpr } from '../../rules/kconfig/conditions.ts';
import type { ExprId } from '../../rules/kconfig/expr.ts';
import { KconfigStore, type KconfigTree } from '../../rules/kconfig/files.ts';
import type { Edge, KconfigModel, KSymbol } from '../../rules/kconfig/model.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { levelsOf, unmetGoals } from '../../rules/kconfig/unmet.ts';
import type { Arch, Report, Side } from '../../rules/types.ts';

const NO_EFFECT =
  'wherever it is on with the patch, on any architecture, the dependencies and selects that it had before hold, too';

/** Classes of which a proof is known, and what it says. */
const PROOFS: Readonly<Record<string, string>> = {
  'link-error': NO_EFFECT,
  'compile-error': NO_EFFECT,
  'runtime-or-stub': NO_EFFECT,
  'unmet-direct-dependency': 'no configuration of any architecture has such a dependency unmet',
  'unreachable-option': 'wherever it could be set before, on any architecture, it can be set with the patch',
  'recursive-dependency': 'conf accepts the tree on every architecture',
};

/** What proves that a patch does no harm of its class; undefined where it does, or nobody knows. */
export async function proofOf(
  cls: string,
  owners: ReadonlySet<string>,
  { applied }: Report,
  repo: Repository,
  options: Omit<CheckOptions, 'now'>,
): Promise<string | undefined> {
  const says = PROOFS[cls];
  if (says === undefined || applied === undefined) return undefined;
  const store = options.store ?? new KconfigStore();
  const confServers = new ConfServers();
  const open = async (commit: string): Promise<Opened> => {
    const kconfig = await store.open(openTree(repo, commit));
    return { kconfig, side: await KconfigSide.open(fromTree(kconfig), { cacheDir: options.cacheDir, confServers }) };
  };
  try {
    const sides = { before: await open(applied.base.sha), after: await open(applied.head) };
    const archs = archsOf(await openTree(repo, applied.head).paths());
    for (const arch of archs) {
      if (cls === 'recursive-dependency') {
        if ((await sides.after.side.olddefconfig(arch, '')).exitCode !== 0) return undefined;
        continue;
      }
      const solvers = {
        before: new Solver(store.pool, await modelFor(cls, sides.before, arch)),
        after: new Solver(store.pool, await modelFor(cls, sides.after, arch)),
      };
      if (!isHarmless(cls, owners, solvers)) return undefined;
    }
    return `proved harmless: ${says}`;
  } finally {
    await confServers.close();
  }
}

interface Opened {
  readonly kconfig: KconfigTree;
  readonly side: KconfigSide;
}

/** Code that this machine's compilers cannot build is no less broken: there their answers are left open. */
async function modelFor(cls: string, { kconfig, side }: Opened, arch: Arch): Promise<KconfigModel> {
  return PROOFS[cls] === NO_EFFECT ? await kconfig.openModel(await side.world(arch)) : await side.model(arch);
}

/** The same for one architecture, of a class that the solver decides. */
export function isHarmless(
  cls: string,
  owners: ReadonlySet<string>,
  { before, after }: Readonly<Record<Side, Solver>>,
): boolean {
  const symbols = after.model.declared.filter(({ name }) => owners.has(name));
  if (PROOFS[cls] === NO_EFFECT) return symbols.every((owner) => isWithoutEffect(before, after, owner));
  return cls === 'unmet-direct-dependency'
    ? symbols.every((owner) => isAlwaysMet(after, owner))
    : symbols.every((owner) => isKept(before, after, owner));
}

/** Whether nothing can tell that the owner lost dependencies or selects: others see to the same. */
function isWithoutEffect(before: Solver, after: Solver, owner: KSymbol): boolean {
  const was = before.model.symbols[owner.id];
  const { pool } = after;
  if (!was || !isSameBut(was, owner) || !isKept(before, after, owner)) return false;
  const holds = (on: ExprId, what: ExprId, { type }: KSymbol): boolean =>
    levelsOfType(type).every(
      (level) =>
        after.isPossible([
          { expr: on, level, holds: true },
          { expr: what, level, holds: false },
        ]) === false,
    );
  return (
    holds(pool.symbol(owner.id), directDependencyOf(pool, was), owner) &&
    was.selects.every((edge) => holds(edgeExpr(pool, edge), pool.symbol(edge.to.id), edge.to))
  );
}

/** For a bool m is as good as y. */
function levelsOfType(type: SymbolType): readonly (1 | 2)[] {
  return type === SymbolType.bool ? [1] : [1, 2];
}

/** Whether a symbol has gained nothing, and lost nothing but dependencies and selects. */
function isSameBut(was: KSymbol, is: KSymbol): boolean {
  const targets = new Set(was.selects.map(({ to }) => to.name));
  return (
    was.type === is.type &&
    was.prompts.length === is.prompts.length &&
    was.defaults.length === is.defaults.length &&
    was.ranges.length === is.ranges.length &&
    was.implies.length === is.implies.length &&
    is.selects.length <= was.selects.length &&
    is.selects.every(({ to }) => targets.has(to.name))
  );
}

/** Whether no select by the owner, by what it selects in turn, or of the owner, is ever unmet. */
function isAlwaysMet(after: Solver, owner: KSymbol): boolean {
  const { pool } = after;
  const isOn = { expr: pool.symbol(owner.id), level: 1, holds: true } as const;
  const edges = new Set<Edge>(owner.selects);
  // The set grows while it is walked.
  for (const { to } of edges) for (const edge of to.selects) edges.add(edge);
  const unmet = (edge: Edge, more: readonly (typeof isOn)[]): boolean =>
    levelsOf(edge).some((level) => after.isPossible([...unmetGoals(pool, edge, level), ...more]) !== false);
  return ![...edges].some((edge) => unmet(edge, [isOn])) && !owner.selectedBy.some((edge) => unmet(edge, []));
}

/** Whether the owner can be set wherever it could be: no configuration meets its conditions before and not those after. */
function isKept(before: Solver, after: Solver, owner: KSymbol): boolean {
  const was = before.model.symbols[owner.id];
  if (!was || was.prompts.length === 0) return false;
  const { pool } = after;
  return levelsOfType(owner.type).every(
    (level) =>
      after.isPossible([
        { expr: visibleExpr(pool, was), level, holds: true },
        { expr: visibleExpr(pool, owner), level, holds: false },
      ]) === false,
  );
}
