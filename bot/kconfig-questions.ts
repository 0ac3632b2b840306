/**
 * `depbot kconfig solve`, `implies` and `needs`: questions about all configurations of a tree. Each configuration
 * that is printed was evaluated by depbot, and given to the tree's own conf.
 */

import { inParallel } from '../queue/in-parallel.ts';
import { type Answer, type Asked, agrees, askImplied, askNeeds, askPossible } from '../rules/kconfig/ask.ts';
import { isText } from '../rules/kconfig/domains.ts';
import { TYPES } from '../rules/kconfig/explanation.ts';
import type { ExprId, SymbolId } from '../rules/kconfig/expr.ts';
import { type FreeAnswer, isComputed } from '../rules/kconfig/free-answers.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import { similar } from '../rules/kconfig/near-name.ts';
import { SymbolType } from '../rules/kconfig/parse.ts';
import { isDeclared, namesIn, parseQuestion } from '../rules/kconfig/question.ts';
import type { Step } from '../rules/kconfig/reason-steps.ts';
import { Solver } from '../rules/kconfig/solve.ts';
import type { Arch } from '../rules/types.ts';
import { UsageError } from './check-command.ts';
import { type ArchAnswer, type GroupedAnswer, grouped, renderAnswers } from './kconfig-answers.ts';
import { renderUndeclared } from './kconfig-explain.ts';
import { type KconfigTreeDir, openTree, type TreeArguments } from './kconfig-tree.ts';
import type { World } from './main.ts';
import { printableMessage, wantsColour } from './printable.ts';

export interface QuestionArguments extends TreeArguments {
  /** `all`, or ARCH values; default all. */
  readonly arch?: readonly string[];
  readonly json?: boolean;
  /** False with --no-conf. */
  readonly conf: boolean;
}

/** A question that has been read, ready for any architecture. */
interface Question {
  /** For the JSON: what was asked, as it was written. */
  readonly words: Readonly<Record<string, string>>;
  readonly heading: string;
  readonly exprs: readonly ExprId[];
  readonly ask: (solver: Solver) => Asked;
  /** What is wrong with it, now that all architectures are there. */
  readonly wrong?: (models: readonly KconfigModel[]) => string | undefined;
  /** Which of the verdicts make the exit status 0. */
  readonly isGood: (verdicts: readonly Answer['verdict'][]) => boolean;
}

const CONF_RUNS_AT_A_TIME = 2;

/** Whether a configuration meets the expression; status 0 where one does on one of the architectures at least. */
export async function runSolve(text: string, args: QuestionArguments, world: World): Promise<number> {
  const tree = await openTree(args, world);
  const expr = read(tree, text);
  const question: Question = {
    words: { kind: 'solve', expression: text },
    heading: text,
    exprs: [expr],
    ask: (solver) => askPossible(solver, expr),
    isGood: (verdicts) => verdicts.includes('possible'),
  };
  return run(question, tree, args, world);
}

/** Whether the second expression holds wherever the first does; status 0 where that is so on all architectures. */
export async function runImplies(a: string, b: string, args: QuestionArguments, world: World): Promise<number> {
  const tree = await openTree(args, world);
  const exprs = [read(tree, a), read(tree, b)] as const;
  const question: Question = {
    words: { kind: 'implies', premise: a, conclusion: b },
    heading: `${a}  implies  ${b}`,
    exprs,
    ask: (solver) => askImplied(solver, ...exprs),
    isGood: (verdicts) => verdicts.every((verdict) => verdict === 'implied'),
  };
  return run(question, tree, args, world);
}

/** What it takes to have a symbol; status 0 where it can be had on one of the architectures at least. */
export async function runNeeds(
  name: string,
  args: QuestionArguments & { readonly value?: string },
  world: World,
): Promise<number> {
  const { value } = args;
  if (value !== undefined && value !== 'm' && value !== 'y') throw new UsageError(`--value ${value}: it is m or y`);
  if (!/^\w+$/.test(name)) throw new UsageError(`${JSON.stringify(name)} is no symbol; solve takes expressions`);
  const tree = await openTree(args, world);
  const expr = read(tree, name);
  const id = tree.pool.lefts[expr]!;
  const symbol = tree.pool.names[id]!;
  const question: Question = {
    words: { kind: 'needs', symbol, ...(value && { value }) },
    heading: value === undefined ? symbol : `${symbol}=${value}`,
    exprs: [expr],
    ask: (solver) => askNeeds(solver, id, value),
    wrong: (models) => neverOn(models, id),
    isGood: (verdicts) => verdicts.includes('possible'),
  };
  return run(question, tree, args, world);
}

/** That the symbol has a number or a text wherever it is declared: it has that always. */
function neverOn(models: readonly KconfigModel[], id: SymbolId): string | undefined {
  const symbols = models
    .flatMap(({ symbols }) => symbols[id] ?? [])
    .filter(({ declarations }) => declarations.length > 0);
  const [first] = symbols;
  if (!first || !symbols.every(isText)) return undefined;
  const example = first.type === SymbolType.string ? `${first.name}="..."` : `${first.name}=1`;
  return `${first.name} is of type ${TYPES[first.type]}, neither on nor off; ask solve '${example}'`;
}

function read({ pool }: KconfigTreeDir, text: string): ExprId {
  const parsed = parseQuestion(pool, text);
  if (!parsed.ok) throw new UsageError(`${JSON.stringify(text)} is no expression: ${parsed.why}`);
  return parsed.expr;
}

/** Answers, and ends every conf that it has started for it. */
async function run(question: Question, tree: KconfigTreeDir, args: QuestionArguments, world: World): Promise<number> {
  return await answer(question, tree, args, world).finally(() => tree.side.close());
}

async function answer(
  question: Question,
  tree: KconfigTreeDir,
  args: QuestionArguments,
  world: World,
): Promise<number> {
  const archs = args.arch === undefined || args.arch.includes('all') ? tree.archs() : [...new Set(args.arch)];
  if (archs.length === 0) throw new UsageError(`${tree.dir}: there is no arch/*/Kconfig`);
  const began = world.now();
  const solvers: (readonly [Arch, Solver])[] = [];
  for (const arch of archs) solvers.push([arch, new Solver(tree.pool, await tree.model(arch))]);
  const readMs = world.now() - began;
  await refuseUnknown(question, tree, new Map(solvers));
  const wrong = question.wrong?.(solvers.map(([, { model }]) => model));
  if (wrong !== undefined) throw new UsageError(wrong);
  const asking = world.now();
  const asked = solvers.map(([arch, solver]) => ({ arch, solver, asked: question.ask(solver) }));
  const answered = world.now();
  // conf has answers of its own, and would not know ours.
  const withConf = args.conf && !tree.free;
  const answers = await inParallel(asked, CONF_RUNS_AT_A_TIME, (one) => confirm(one, tree, withConf));
  world.stderr.write(timeSpent(answers, readMs, answered - asking, world.now() - answered));
  const groups = grouped(answers);
  if (!tree.free && asksCompilers(answers, new Map(solvers)))
    world.stderr.write(
      'depbot: that rests on what commands such as the compiler answer here; --free-shell leaves it open\n',
    );
  const free = namedIn(JSON.stringify(groups), tree.free?.all ?? []);
  world.stdout.write(args.json ? asJson(question, groups, free) : asText(question, groups, free, world));
  const verdicts = answers.map(({ answer }) => answer.verdict);
  if (verdicts.includes('unknown')) return 2;
  return question.isGood(verdicts) ? 0 : 1;
}

function timeSpent(answers: readonly ArchAnswer[], readMs: number, answeredMs: number, confMs: number): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const archs = answers.length === 1 ? '1 architecture' : `${answers.length} architectures`;
  const runs = answers.filter(({ confirmedBy }) => confirmedBy === 'conf').length;
  const conf = runs === 0 ? '' : `; conf ran ${runs === 1 ? 'once' : `${runs} times`} in ${seconds(confMs)}`;
  return `depbot: ${archs} read in ${seconds(readMs)}, answered in ${seconds(answeredMs)}${conf}\n`;
}

/** A symbol that no architecture declares is a mistake; one that only those asked about lack is answered. */
async function refuseUnknown(
  { exprs }: Question,
  tree: KconfigTreeDir,
  solvers: ReadonlyMap<Arch, Solver>,
): Promise<void> {
  const models = [...solvers.values()].map(({ model }) => model);
  const others = tree.archs().filter((arch) => !solvers.has(arch));
  for (const name of new Set(exprs.flatMap((e) => namesIn(tree.pool, e)))) {
    const isKnown = (): boolean => models.some((model) => isDeclared(tree.pool, model, name));
    while (!isKnown() && others.length > 0) models.push(await tree.model(others.shift()!));
    if (isKnown()) continue;
    const declared = new Map(models.flatMap((model) => model.declared.map((symbol) => [symbol.name, symbol])));
    const similarNames = similar(declared.values(), name);
    throw new UsageError(renderUndeclared({ ok: false, why: 'undeclared', symbol: name, similar: similarNames }));
  }
}

async function confirm(
  { arch, solver, asked }: { arch: Arch; solver: Solver; asked: Asked },
  { side }: KconfigTreeDir,
  withConf: boolean,
): Promise<ArchAnswer> {
  const { answer } = asked;
  if (!('witness' in answer)) return { arch, answer };
  if (!withConf) return { arch, answer, confirmedBy: 'evaluator' };
  const { config, stderr } = await side.olddefconfig(arch, answer.witness.config);
  const { CROSS_COMPILE: crossCompile } = await side.env(arch);
  if (config !== undefined && agrees(solver, asked, answer.witness, config))
    return { arch, answer, confirmedBy: 'conf', ...(crossCompile && { crossCompile }) };
  const why =
    config === undefined
      ? `conf refused the configuration that depbot found (${stderr.trim().slice(0, 200)})`
      : 'conf makes another configuration of the settings that depbot found, which is a fault of depbot; please report it';
  return { arch, answer: { verdict: 'unknown', undeclared: answer.undeclared, why } };
}

/** Whether a reason is a line with macros, or a symbol whose default has some. */
function asksCompilers(answers: readonly ArchAnswer[], solvers: ReadonlyMap<Arch, Solver>): boolean {
  return answers.some(({ arch, answer }) => {
    const { pool, model } = solvers.get(arch)!;
    const isShell = ({ text, symbol }: Step): boolean => {
      const id = symbol === undefined ? undefined : pool.findSymbol(symbol);
      return text.includes('$(') || (id !== undefined && (model.symbols[id]?.defaults.some(isComputed) ?? false));
    };
    return 'because' in answer && answer.because.some(isShell);
  });
}

/** Those whose symbol the text names. */
function namedIn(text: string, free: readonly FreeAnswer[]): FreeAnswer[] {
  const words = new Set(text.match(/\w+/g));
  return free.filter(({ symbol }) => words.has(symbol));
}

function asText(
  { heading }: Question,
  groups: readonly GroupedAnswer[],
  free: readonly FreeAnswer[],
  world: World,
): string {
  const columns = Math.min(world.stdout.columns ?? 80, 100);
  const lines = free.map(({ symbol, command }) => `    ${symbol}: ${printableMessage(command)}\n`);
  const legend = lines.length > 0 ? `\nNo settings, but y where the command succeeds:\n\n${lines.join('')}` : '';
  return renderAnswers(heading, groups, { columns, isColour: wantsColour(world) }) + legend;
}

/** See docs/questions.md. */
function asJson({ words }: Question, answers: readonly GroupedAnswer[], free: readonly FreeAnswer[]): string {
  const open = free.length > 0 ? { free } : {};
  return `${JSON.stringify({ schema: 1, question: words, answers, ...open }, null, 2)}\n`;
}
