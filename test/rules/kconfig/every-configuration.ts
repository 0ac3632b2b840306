/**
 * A small model in all its configurations: what the evaluator (values.ts) makes of every choice that a user has,
 * compared with what the solver calls possible. Exact equality is asked for, both ways.
 */

import type { Level } from '../../../rules/kconfig/cnf.ts';
import { isText } from '../../../rules/kconfig/domains.ts';
import type { ExprId } from '../../../rules/kconfig/expr.ts';
import type { KSymbol } from '../../../rules/kconfig/model.ts';
import { isValidValue } from '../../../rules/kconfig/number.ts';
import { SymbolType } from '../../../rules/kconfig/parse.ts';
import { type Goal, Solver } from '../../../rules/kconfig/solve.ts';
import { Values } from '../../../rules/kconfig/values.ts';
import { applySettings } from '../../../rules/kconfig/witness.ts';
import { checkReasons } from '../../oracle/core-check.ts';
import type { Tiny } from './tiny-kconfig.ts';

/** Something that a configuration can tell about a symbol: at least m, y, or a text. */
interface Atom {
  readonly symbol: KSymbol;
  readonly words: string;
  readonly expr: ExprId;
  readonly level: Level;
}

/** What one symbol can be, as truth values of its atoms. */
type Pattern = readonly boolean[];

type Input = readonly { readonly symbol: KSymbol; readonly value: string }[];

export interface Comparison {
  /** Configurations that differ in an atom. */
  readonly reachable: number;
  readonly asked: number;
  readonly differences: readonly string[];
}

/** Most combinations of all symbols' values that are asked for one by one. */
const MOST_VECTORS = 300;

/**
 * Compares every combination of values of all symbols (a sample of them where they are many), and every pair of
 * atoms. `texts` are values of each int, hex and string, beside the numbers and texts of the Kconfig file.
 */
export function compareAll(tiny: Tiny, source: string): Comparison {
  const { pool, model } = tiny;
  const texts = new Map<KSymbol, readonly string[]>();
  for (const symbol of model.declared) if (isText(symbol)) texts.set(symbol, candidates(symbol, source));
  const groups = model.declared.map((symbol) => atomsOf(tiny, symbol, texts.get(symbol) ?? []));
  const atoms = groups.flat();

  const reached = new Map<string, string>();
  const values = new Values(pool, model);
  for (const input of inputs(tiny, texts)) {
    applySettings(values, input);
    const bits = atoms.map(({ expr, level }) => (values.expr(expr) >= level ? '1' : '0')).join('');
    if (!reached.has(bits)) reached.set(bits, input.map(({ symbol, value }) => `${symbol.name}=${value}`).join(' '));
  }

  const solver = new Solver(pool, model);
  const differences: string[] = [];
  let asked = 0;
  const ask = (goals: readonly Goal[], how: string | undefined, words: () => string): void => {
    asked++;
    const answer = solver.solve(goals);
    const found = answer.verdict === 'gave-up' ? `gave up: ${answer.why}` : answer.verdict;
    const wanted = how === undefined ? 'impossible' : 'possible';
    if (found !== wanted) differences.push(`${words()}: ${found}, but ${how ?? 'no input'} makes it`);
    const quick = solver.isPossible(goals);
    if (quick !== (how !== undefined)) differences.push(`${words()}: isPossible says ${quick}`);
    if (answer.verdict === 'impossible' && goals.length === 2) {
      const fault = checkReasons(pool, model, goals, solver.whyNot(goals));
      if (fault !== undefined) differences.push(`${words()}: reasons: ${fault}`);
    }
    if (answer.verdict === 'possible') {
      for (const left of answer.settings) {
        applySettings(
          values,
          answer.settings.filter((setting) => setting !== left),
        );
        if (goals.every(({ expr, level, holds }) => values.expr(expr) >= level === holds))
          differences.push(`${words()}: ${left.symbol.name}=${left.value} is superfluous`);
      }
    }
  };

  for (const bits of vectors(groups, reached)) {
    const goals = atoms.map(({ expr, level }, i): Goal => ({ expr, level, holds: bits[i] === '1' }));
    ask(goals, reached.get(bits), () => describe(atoms, bits));
  }
  for (const [i, a] of atoms.entries()) {
    for (const [k, b] of atoms.entries()) {
      if (k < i || (k > i && a.symbol === b.symbol && isText(a.symbol))) continue;
      for (const [x, y] of k === i ? SAME : ALL) {
        const how = [...reached].find(([bits]) => bits[i] === x && bits[k] === y)?.[1];
        const goals = [
          { expr: a.expr, level: a.level, holds: x === '1' },
          { expr: b.expr, level: b.level, holds: y === '1' },
        ];
        ask(goals, how, () => describe([a, b], x + y));
      }
    }
  }
  return { reachable: reached.size, asked, differences };
}

const SAME = [
  ['0', '0'],
  ['1', '1'],
] as const;
const ALL = [...SAME, ['0', '1'], ['1', '0']] as const;
/** Values that no atom asks for. */
const OTHERS = new Map<SymbolType, readonly string[]>([
  [SymbolType.int, ['-9999', '-9998', '9998', '9999']],
  [SymbolType.hex, ['0x9999']],
  [SymbolType.string, ['Zz', 'a ', 'none of these']],
]);

function describe(atoms: readonly Atom[], bits: string): string {
  return atoms.map(({ words }, i) => (bits[i] === '1' ? words : `!(${words})`)).join(', ');
}

function atomsOf(tiny: Tiny, symbol: KSymbol, texts: readonly string[]): Atom[] {
  const { pool } = tiny;
  const itself = pool.symbol(symbol.id);
  if (symbol.type === SymbolType.bool) return [{ symbol, words: symbol.name, expr: itself, level: 1 }];
  if (symbol.type === SymbolType.tristate) {
    return [
      { symbol, words: `${symbol.name}>=m`, expr: itself, level: 1 },
      { symbol, words: `${symbol.name}=y`, expr: itself, level: 2 },
    ];
  }
  return texts.map((text) => {
    const words = `${symbol.name} = "${text}"`;
    return { symbol, words, expr: tiny.expr(words), level: 2 };
  });
}

/** Values to try: what the file mentions, the numbers next to it, and something else. */
function candidates({ type }: KSymbol, source: string): readonly string[] {
  const mentioned = [...source.matchAll(/"([^"]*)"|\b(?:0x[0-9a-f]+|\d+)\b/g)].map((match) => match[1] ?? match[0]);
  if (type === SymbolType.string) return [...new Set([...mentioned, '', 'else'])];
  const numbers = ['0', ...mentioned].filter((text) => /^(0x[0-9a-f]+|-?\d+)$/.test(text)).map(Number);
  const near = [...new Set(numbers.flatMap((n) => [n - 1, n, n + 1]))].filter((n) => type === SymbolType.int || n >= 0);
  const texts = near.sort((a, b) => a - b).map((n) => (type === SymbolType.int ? `${n}` : `0x${n.toString(16)}`));
  return texts.filter((text) => isValidValue(text, type));
}

/** Every input that can matter, the values of one symbol after those of the other. */
function* inputs({ model }: Tiny, texts: ReadonlyMap<KSymbol, readonly string[]>): Generator<Input> {
  const settable = model.declared.filter(
    ({ prompts, isTransitional, choice }) => !choice && (prompts.length > 0 || isTransitional),
  );
  const valuesOf = (symbol: KSymbol): readonly string[] => {
    if (symbol.type === SymbolType.bool) return ['n', 'y'];
    return symbol.type === SymbolType.tristate ? ['n', 'm', 'y'] : [...texts.get(symbol)!, ...OTHERS.get(symbol.type)!];
  };
  const options: Input[][] = settable.map((symbol) => [[], ...valuesOf(symbol).map((value) => [{ symbol, value }])]);
  for (const { members } of model.choices) {
    const ordered = members.map((symbol) => [{ symbol, value: 'y' }]);
    options.push([[], ...ordered]);
  }
  yield* product(options);
}

function* product(options: readonly Input[][], at = 0): Generator<Input> {
  if (at === options.length) return yield [];
  for (const rest of product(options, at + 1)) for (const own of options[at]!) yield [...own, ...rest];
}

/** Combinations of what each symbol can be: all, or those reached and as many others, evenly spread. */
function* vectors(groups: readonly Atom[][], reached: ReadonlyMap<string, string>): Generator<string> {
  const patterns = groups.map((atoms) => patternsOf(atoms));
  const total = patterns.reduce((product, of) => product * of.length, 1);
  const step = Math.max(1, Math.floor(total / MOST_VECTORS));
  const seen = new Set<string>();
  for (let at = 0; at < total; at += step) {
    let rest = at;
    const bits = patterns
      .map((of) => {
        const pattern = of[rest % of.length]!;
        rest = Math.floor(rest / of.length);
        return pattern.map((bit) => (bit ? '1' : '0')).join('');
      })
      .join('');
    seen.add(bits);
    yield bits;
  }
  let left = MOST_VECTORS;
  for (const bits of reached.keys()) {
    if (seen.has(bits) || left-- < 0) continue;
    // A text that is none of the candidates: no question of ours.
    yield bits;
  }
}

function patternsOf(atoms: readonly Atom[]): readonly Pattern[] {
  const [first] = atoms;
  if (!first) return [[]];
  if (first.symbol.type === SymbolType.bool) return [[false], [true]];
  if (first.symbol.type === SymbolType.tristate)
    return [
      [false, false],
      [true, false],
      [true, true],
    ];
  return atoms.map((_, i) => atoms.map((_other, k) => k === i));
}
