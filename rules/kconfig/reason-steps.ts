/** Why something cannot be, as data that can be printed: each step a statement of the Kconfig files. */

import type { SymbolName } from '../types.ts';
import { unicode } from './explain.ts';
import { type Cut, type Position, TYPES } from './explanation.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import { isComputed } from './free-answers.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import type { Reason, ReasonKind } from './reason.ts';

/** What can turn a symbol on, or give an int, hex or string its value. */
export interface Ways {
  readonly type: (typeof TYPES)[number];
  readonly hasPrompt: boolean;
  /** As statements, macros expanded unless nothing but y, m or n is left of them. */
  readonly defaults: Cut<string>;
  readonly ranges: Cut<string>;
  readonly selectedBy: Cut<SymbolName>;
  readonly impliedBy: Cut<SymbolName>;
}

export interface Step extends Position {
  readonly kind: ReasonKind;
  /** The symbol that the statement says something about; of a select the target, of a menu or `if` around none. */
  readonly symbol?: SymbolName;
  /** The statement as it stands in the file, continued lines joined. */
  readonly text: string;
  /** The expression in it, where macros of the text hide it. */
  readonly expanded?: string;
  /** Of a select or imply: whose block it stands in. */
  readonly by?: SymbolName;
  /** Of a choice, where it has one. */
  readonly prompt?: string;
  /** For kinds `definition` and `default`. */
  readonly ways?: Ways;
  /** Symbols in it that this architecture does not declare, as far as that matters. */
  readonly undeclared: readonly SymbolName[];
}

const MOST_ITEMS = 5;
const MOST_TEXT_CHARS = 300;

/** What Solver.whyNot gave, in its order. What is not declared is told where it is asked for. */
export function stepsOf(pool: ExprPool, model: KconfigModel, core: readonly Reason[]): Step[] {
  const place = ({ path, line }: Position): string => `${path}:${line}`;
  const whole = new Set(core.filter(({ kind }) => kind === 'select' || kind === 'default').map(place));
  const undeclared = new Set(core.filter(({ kind }) => kind === 'undeclared').map(({ expr }) => pool.lefts[expr]!));
  return core
    .filter(({ kind }) => kind !== 'undeclared')
    .filter((reason) => reason.kind !== 'if' || !whole.has(place(reason)))
    .map((reason) => step(pool, model, reason, undeclared));
}

function step(pool: ExprPool, model: KconfigModel, reason: Reason, undeclared: ReadonlySet<SymbolId>): Step {
  const { kind, symbol, path, line, expr, from } = reason;
  const text = statementAt(model, path, line);
  const prompt = kind === 'choice' ? symbol?.choice?.declaration.prompt?.text : undefined;
  const absent = new Set<SymbolName>();
  pool.symbolsOf(expr, (id) => {
    if (undeclared.has(id)) absent.add(pool.names[id]!);
  });
  return {
    kind,
    ...(symbol && { symbol: symbol.name }),
    path,
    line,
    text,
    ...(text.includes('$(') && expr !== NONE && { expanded: unicode(pool.print(expr), MOST_TEXT_CHARS) }),
    ...(from && { by: from.name }),
    ...(prompt !== undefined && { prompt: unicode(prompt, MOST_TEXT_CHARS) }),
    ...((kind === 'definition' || kind === 'default') && symbol && { ways: waysOf(pool, model, symbol) }),
    undeclared: [...absent],
  };
}

function waysOf(pool: ExprPool, model: KconfigModel, symbol: KSymbol): Ways {
  const { type, prompts, defaults, ranges, selectedBy, impliedBy } = symbol;
  const words = (text: string, cond: ExprId): string =>
    unicode(cond === NONE ? text : `${text} if ${pool.print(cond)}`, MOST_TEXT_CHARS);
  return {
    type: TYPES[type],
    hasPrompt: prompts.length > 0,
    defaults: few(
      defaults.map((property) => {
        const { value, cond, in: declaration, line } = property;
        // `default n` would hide that the machine has answered
        const isAnswer = pool.ops[value] === Op.symbol && pool.lefts[value]! <= pool.y && isComputed(property);
        return isAnswer ? statementAt(model, declaration.path, line) : words(`default ${pool.print(value)}`, cond);
      }),
    ),
    ranges: few(ranges.map(({ low, high, cond }) => words(`range ${pool.word(low)} ${pool.word(high)}`, cond))),
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
