/**
 * select-edges.ts TREE ARCH CACHE: every select of an architecture, asked whether it can force its target above the
 * target's direct dependency. Prints JSON: milliseconds without reading the files, selects, unmet ones, given up.
 */
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { levelsOf, unmetGoals } from '../../rules/kconfig/unmet.ts';

const [tree = '', arch = '', cacheDir = ''] = process.argv.slice(2);
const source = openDirectory(tree);
const side = await KconfigSide.open(source, { cacheDir });
const model = await side.model(arch);
const began = performance.now();
const solver = new Solver(source.pool, model);
let [selects, unmet, gaveUp] = [0, 0, 0];
for (const symbol of model.declared) {
  for (const edge of symbol.selects) {
    selects++;
    const answers = levelsOf(edge).map((level) => solver.isPossible(unmetGoals(source.pool, edge, level)));
    if (answers.includes(undefined)) gaveUp++;
    else if (answers.includes(true)) unmet++;
  }
}
process.stdout.write(JSON.stringify({ solveMs: performance.now() - began, selects, unmet, gaveUp }));
