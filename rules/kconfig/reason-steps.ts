/**
 * Why something cannot be, in an order that a person can follow: from the symbols asked about to what they depend on,
 * each step a statement of the Kconfig files.
 */

import type { SymbolName } from '../types.ts';
import type { Reason } from './cnf.ts';
import { unicode } from './explain.ts';
import type { Cut, Position } from './explanation.ts';
import { type ExprId, type ExprPool, NONE, type SymbolId } from './expr.ts';
import type { Edge, KconfigModel, KSymbol } from './model.ts';
import { dependencies } from './properties.ts';
import { isDeclared, namesIn } from './question.ts';
import type { Goal } from './solve.ts';

/** What can turn a symbol on. */
export interface Ways {
  readonly hasPrompt: boolean;
  /** As statements, macros expanded. */
  readonly defaults: Cut<string>;
  readonly selectedBy: Cut<SymbolName>;
  readonly impliedBy: Cut<SymbolName>;
}

export interface Step extends Position {
  readonly kind: Reason['kind'];
  /** The symbol that the statement says something about. */
  readonly symbol?: SymbolName;
  /** The statement as it stands in the file, continued lines joined. */
  readonly text: string;
  /** The expression in it, where macros of the text hide it. */
  readonly expanded?: string;
  /** For kind `select`: whose block it stands in. */
  readonly by?: SymbolName;
  /** For kinds `definition` and `default`: all that can turn the symbol on. */
  readonly ways?: Ways;
  /** Symbols in it that this architecture does not declare. */
  readonly undeclared: readonly SymbolName[];
}

const MOST_ITEMS = 5;
const MOST_TEXT_CHARS = 300;

/** Orders what Solver.whyNot gave for these goals. */
export function stepsOf(pool: ExprPool, model: KconfigModel, goals: readonly Goal[], core: readonly Reason[]): Step[] {
  const place = ({ path, line }: Position): string => `${path}:${line}`;
  const whole = new Set(core.filter(({ kind }) => kind === 'select' || kind === 'default').map(place));
  // The condition of a select or default that is there as a whole is no step of its own.
  const open = new Set(core.filter((reason) => reason.kind !== 'if' || !whole.has(place(reason))));
  const queue = new Set<SymbolId>();
  const follow = (e: ExprId): void => pool.symbolsOf(e, (id) => queue.add(id));
  for (const { expr } of goals) follow(expr);
  const steps: Step[] = [];
  // A set grows while it is walked.
  for (const id of queue) {
    const symbol = model.symbols[id];
    if (!symbol || symbol.declarations.length === 0) continue;
    const lines = linesAbout(symbol);
    const found = [...open].filter((one) => isAbout(one, symbol, lines)).sort(definitionFirst);
    for (const reason of found) {
      open.delete(reason);
      steps.push(step(pool, model, reason, symbol));
      follow(reason.expr);
    }
    for (const neighbour of found.flatMap((reason) => neighbours(reason, symbol))) {
      if (typeof neighbour === 'number') follow(neighbour);
      else queue.add(neighbour.id);
    }
  }
  for (const reason of open) steps.push(step(pool, model, reason, reason.symbol));
  return steps;
}

const definitionFirst = (a: Reason, b: Reason): number =>
  Number(b.kind === 'definition') - Number(a.kind === 'definition') || a.line - b.line;

/** `path:line` of every statement that bears on the symbol. */
function linesAbout(symbol: KSymbol): Set<string> {
  const lines = new Set<string>();
  for (const declaration of symbol.declarations)
    for (const { path, line } of dependencies(declaration)) lines.add(`${path}:${line}`);
  for (const property of [
    ...symbol.prompts,
    ...symbol.defaults,
    ...symbol.ranges,
    ...symbol.selects,
    ...symbol.implies,
    ...symbol.selectedBy,
    ...symbol.impliedBy,
    ...(symbol.choice?.defaults ?? []),
  ])
    lines.add(`${property.in.path}:${property.line}`);
  return lines;
}

function isAbout({ kind, symbol: about, path, line }: Reason, symbol: KSymbol, lines: ReadonlySet<string>): boolean {
  if (kind === 'definition' || kind === 'default') return about === symbol;
  if (kind === 'choice') return symbol.choice !== undefined && about?.choice === symbol.choice;
  return lines.has(`${path}:${line}`);
}

/** Where the explanation goes on: symbols, and expressions with more of them. */
function neighbours(reason: Reason, symbol: KSymbol): readonly (KSymbol | ExprId)[] {
  switch (reason.kind) {
    case 'definition':
      return [
        ...symbol.prompts.map(({ cond }) => cond),
        ...symbol.defaults.flatMap(({ value, cond }) => [value, cond]),
        ...[...symbol.selectedBy, ...symbol.impliedBy].map(({ from }) => from),
      ];
    case 'default':
      return symbol.defaults.flatMap(({ value, cond }) => [value, cond]);
    case 'choice':
      return symbol.choice!.members;
    case 'select':
      return selectAt(reason) ? [selectAt(reason)!.from, selectAt(reason)!.to] : [];
    default:
      return [];
  }
}

function selectAt({ symbol, path, line }: Reason): Edge | undefined {
  return symbol?.selectedBy.find((edge) => edge.in.path === path && edge.line === line);
}

function step(pool: ExprPool, model: KconfigModel, reason: Reason, about: KSymbol | undefined): Step {
  const { kind, path, line, expr } = reason;
  const text = statementAt(model, path, line);
  const symbol = kind === 'select' ? reason.symbol : about;
  const hasMacro = text.includes('$(') && expr !== NONE;
  return {
    kind,
    ...(symbol && { symbol: symbol.name }),
    path,
    line,
    text,
    ...(hasMacro && { expanded: unicode(pool.print(expr), MOST_TEXT_CHARS) }),
    ...(kind === 'select' && selectAt(reason) && { by: selectAt(reason)!.from.name }),
    ...((kind === 'definition' || kind === 'default') && symbol && { ways: waysOf(pool, symbol) }),
    undeclared: namesIn(pool, expr).filter((name) => !isDeclared(pool, model, name)),
  };
}

function waysOf(pool: ExprPool, { prompts, defaults, selectedBy, impliedBy }: KSymbol): Ways {
  const words = defaults.map(({ value, cond }) => {
    const text = `default ${pool.print(value)}${cond === NONE ? '' : ` if ${pool.print(cond)}`}`;
    return unicode(text, MOST_TEXT_CHARS);
  });
  return {
    hasPrompt: prompts.length > 0,
    defaults: few(words),
    selectedBy: few(selectedBy.map(({ from }) => from.name)),
    impliedBy: few(impliedBy.map(({ from }) => from.name)),
  };
}

function few(all: readonly string[]): Cut<string> {
  const different = [...new Set(all)];
  return { items: different.slice(0, MOST_ITEMS), more: Math.max(0, different.length - MOST_ITEMS) };
}

function statementAt(model: KconfigModel, path: string, line: number): string {
  const text = model.declarations.find((declaration) => declaration.path === path)?.file.text ?? '';
  let start = 0;
  for (let at = 1; at < line && start >= 0; at++) start = text.indexOf('\n', start) + 1 || -1;
  const rest = start < 0 ? '' : text.slice(start, start + 4 * MOST_TEXT_CHARS);
  const whole = /^(?:\\\n|[^\n])*/.exec(rest)![0];
  return unicode(whole.replace(/\\\n/g, ' ').replace(/\s+/g, ' ').trim(), MOST_TEXT_CHARS);
}
