/** The solver's part of `npm run oracle`: what is asked of each architecture, and the table of it. */

import { openDirectory } from '../../queue/dir-kconfig.ts';
import { inParallel } from '../../queue/in-parallel.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { writeConfig } from '../../rules/kconfig/dotconfig.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { randomise } from './randconfig.ts';
import { CHECKS, SolverOracle, type Tally } from './solver-oracle.ts';
import { questions } from './solver-questions.ts';
import { alignedTable } from './table.ts';

/** Two big ones, those with most choices and selects of their own, one that is big-endian, one without much. */
export const SOLVER_ARCHS = ['x86', 'arm64', 'arm', 'powerpc', 's390', 'mips'] as const;

export interface SolverPlan {
  readonly archs: readonly string[];
  /** Of each architecture. */
  readonly questions: number;
  /** Of each architecture. */
  readonly randconfigs: number;
  /** Pairs and triples of symbols that are asked for of each randconfig. */
  readonly facts: number;
  /** Every how many questions conf is asked as well. */
  readonly confEvery: number;
  /** Every how many of those conf is also asked without each of the lines. */
  readonly linesEvery: number;
  /** Every how many randconfigs conf makes one. */
  readonly drawnEvery: number;
}

/** KCONFIG_PROBABILITY in turn: conf's own, few modules, mostly modules, much, little. */
const PROBABILITIES = [undefined, '50:30:10', '10:20:70', '80', '15'];
/** Runs of conf at a time. */
const PARALLEL = 2;

/** Asks all of it; `onArch` hears of each architecture when it is done. */
export async function runSolver(
  tree: string,
  cacheDir: string,
  plan: SolverPlan,
  onArch: (arch: string, tally: Tally) => void,
): Promise<Map<string, Tally>> {
  const source = openDirectory(tree);
  const side = await KconfigSide.open(source, { cacheDir });
  const tallies = new Map<string, Tally>();
  try {
    for (const [at, arch] of plan.archs.entries()) {
      const model = await side.model(arch);
      const oracle = new SolverOracle(source.pool, model, (config) => side.olddefconfig(arch, config));
      const all = questions(source.pool, model, at + 1, plan.questions);
      await inParallel([...all.entries()], PARALLEL, ([i, question]) => {
        if (i % plan.confEvery !== 0) return oracle.ask(question, 'no conf');
        return oracle.ask(question, i % (plan.confEvery * plan.linesEvery) === 0 ? 'conf, each line' : 'conf');
      });
      const values = new Values(source.pool, model);
      for (let seed = 1; seed <= plan.randconfigs; seed++) {
        const probability = PROBABILITIES[seed % PROBABILITIES.length];
        const name = `randconfig, seed ${seed}${probability === undefined ? '' : `, probability ${probability}`}`;
        values.clear();
        randomise(values, seed, probability);
        values.calculate();
        const drawn = writeConfig(values);
        if (seed % plan.drawnEvery === 0) {
          const run = await side.conf(arch, {
            mode: 'randconfig',
            seed,
            ...(probability !== undefined && { probability }),
          });
          oracle.tally.check('dice', run.config === drawn, () => `${name}: conf draws another one`);
        }
        oracle.randconfig(drawn, name, seed, plan.facts);
      }
      tallies.set(arch, oracle.tally);
      onArch(arch, oracle.tally);
    }
  } finally {
    await side.close();
  }
  return tallies;
}

/** A line for each architecture, `good/all` in each column; columns without a check are left out. */
export function tallyTable(tallies: ReadonlyMap<string, Tally>): string {
  const columns = CHECKS.filter((check) => [...tallies.values()].some(({ counts }) => counts.has(check)));
  const row = (name: string, of: readonly Tally[]): string[] => {
    const cells = columns.map((check) => {
      const counts = of.flatMap((tally) => tally.counts.get(check) ?? []);
      const sum = (which: 'good' | 'all'): number => counts.reduce((total, count) => total + count[which], 0);
      return counts.length === 0 ? '-' : `${sum('good')}/${sum('all')}`;
    });
    return [name, ...cells];
  };
  return alignedTable([
    ['', ...columns],
    ...[...tallies].map(([arch, tally]) => row(arch, [tally])),
    row(`total (${tallies.size})`, [...tallies.values()]),
  ]);
}

/** Every fault, under its architecture; empty without any. */
export function faults(tallies: ReadonlyMap<string, Tally>): string {
  return [...tallies].flatMap(([arch, tally]) => tally.faults.map((fault) => `\nARCH=${arch} ${fault}\n`)).join('');
}
