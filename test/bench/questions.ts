/**
 * questions.ts TREE CACHE ARCH SYMBOL ARCHS...: what questions about all configurations take in one process, without
 * conf. Prints JSON, in milliseconds: the median and the slowest tenth of whole answers (witness or reason) to
 * questions about pairs of symbols, all different, on one architecture; then what SYMBOL needs on all of ARCHS, and
 * the reading of these. Names with Cpu have processor time.
 */
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { askNeeds, askPossible } from '../../rules/kconfig/ask.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import { parseQuestion } from '../../rules/kconfig/question.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { median } from './measure.ts';

const QUESTIONS = 200;
/** Steps through the symbols that share no factor with their number, so that no pair comes twice. */
const STEPS = [7919, 104_729] as const;

const [tree = '', cacheDir = '', arch = '', symbol = '', ...archs] = process.argv.slice(2);
const source = openDirectory(tree);
const side = await KconfigSide.open(source, { cacheDir });

/** Processor time of this process, its garbage collection included. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const model = await side.model(arch);
const solver = new Solver(source.pool, model);
const symbols = model.declared.filter(({ type }) => type === SymbolType.bool || type === SymbolType.tristate);
const took: number[] = [];
const tookCpu: number[] = [];
const verdicts: string[] = [];
for (let i = 0; i < QUESTIONS; i++) {
  const [a, b] = STEPS.map((step) => symbols[(i * step) % symbols.length]!.name);
  const parsed = parseQuestion(source.pool, `${a} && ${i % 2 === 0 ? '!' : ''}${b}`);
  if (!parsed.ok) throw new Error(parsed.why);
  const began = performance.now();
  const beganCpu = cpuMs();
  verdicts.push(askPossible(solver, parsed.expr).answer.verdict);
  took.push(performance.now() - began);
  tookCpu.push(cpuMs() - beganCpu);
}

let [readMs, needsMs, needsCpuMs] = [0, 0, 0];
for (const one of archs) {
  const began = performance.now();
  const other = new Solver(source.pool, await side.model(one));
  const read = performance.now();
  const readCpu = cpuMs();
  askNeeds(other, source.pool.symbolId(symbol));
  readMs += read - began;
  needsMs += performance.now() - read;
  needsCpuMs += cpuMs() - readCpu;
}
const impossible = verdicts.filter((verdict) => verdict === 'impossible').length;
const unknown = verdicts.filter((verdict) => verdict === 'unknown').length;
process.stdout.write(
  JSON.stringify({
    solveMs: median(took),
    solveCpuMs: median(tookCpu),
    slowMs: took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.9)],
    needsMs,
    needsCpuMs,
    readMs,
    questions: took.length,
    impossible,
    unknown,
  }),
);
