/** Random questions for the solver, its witnesses given to conf; and random configurations. */
import { cacheDir } from '../../queue/provision.ts';
import { faults, runSolver, SOLVER_ARCHS, tallyTable } from './solver-run.ts';

/** Of all architectures together. */
const RANDCONFIGS = 300;

export interface SolverPart {
  readonly tree: string;
  readonly version: string;
  readonly archs?: readonly string[];
  /** Of all architectures together. */
  readonly questions: number;
  /** Of each architecture. */
  readonly randconfigs?: number;
}

/** Whether conf agrees with every answer. Prints the table. */
export async function questionSolver({
  tree,
  version,
  questions,
  randconfigs,
  archs = SOLVER_ARCHS,
}: SolverPart): Promise<boolean> {
  const began = performance.now();
  const plan = {
    archs,
    questions: Math.ceil(questions / archs.length),
    randconfigs: randconfigs ?? Math.ceil(RANDCONFIGS / archs.length),
    facts: 100,
    confEvery: 1,
    linesEvery: 20,
    drawnEvery: 10,
  };
  const tallies = await runSolver(tree, cacheDir(), plan, (arch, tally) => {
    process.stderr.write(`depbot: solver, ${arch}: ${tally.faults.length} faults\n`);
  });
  process.stdout.write(faults(tallies));
  process.stdout.write(`\n${tallyTable(tallies)}\n`);
  const count = [...tallies.values()].reduce((sum, tally) => sum + tally.faults.length, 0);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(`${count} faults of the solver on Linux ${version}; ${minutes} minutes\n`);
  return count === 0;
}
