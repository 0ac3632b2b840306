/** What a change makes possible or impossible: what is found near it, against what asking of every symbol finds. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lossesOf } from '../../../rules/kconfig/lost.ts';
import { MayBeOn } from '../../../rules/kconfig/may-be-on.ts';
import type { KSymbol } from '../../../rules/kconfig/model.ts';
import { SymbolType } from '../../../rules/kconfig/parse.ts';
import { reachOf } from '../../../rules/kconfig/reach.ts';
import { Solver } from '../../../rules/kconfig/solve.ts';
import { newlyUnmet } from '../../../rules/kconfig/unmet.ts';
import { type KconfigPair, kconfigPair } from '../../support/kconfig-pair.ts';
import { kconfigText, randomKconfig } from './random-kconfig.ts';

/** A Kconfig file, and the same with one entry put in the place of another. */
const randomChange = fc
  .tuple(randomKconfig, randomKconfig, fc.nat({ max: 5 }))
  .map(([before, other, at]): [string, string] => {
    const place = at % before.entries.length;
    const entries = before.entries.with(place, other.entries[at % other.entries.length]!);
    return [kconfigText(before), kconfigText({ ...before, entries })];
  });

const RUNS = { numRuns: 400, seed: 20_261_128, interruptAfterTimeLimit: 60_000 };

function solvers({ store, before, after }: KconfigPair): { before: Solver; after: Solver } {
  return { before: new Solver(store.pool, before), after: new Solver(store.pool, after) };
}

const isLogical = ({ type }: KSymbol): boolean => type === SymbolType.bool || type === SymbolType.tristate;

describe('of random changes', () => {
  test('every symbol that is lost is found, at its level, and no other', async () => {
    let lost = 0;
    await fc.assert(
      fc.asyncProperty(randomChange, async ([from, to]) => {
        const pair = await kconfigPair(from, to);
        const { before, after } = solvers(pair);
        const has = (solver: Solver, id: number, level: 1 | 2): boolean | undefined =>
          solver.isPossible([{ expr: solver.pool.symbol(id), level, holds: true }]);
        const wanted = pair.before.declared.flatMap((symbol) => {
          const is = pair.after.symbols[symbol.id];
          if (!isLogical(symbol) || symbol.prompts.length === 0 || is?.type !== symbol.type) return [];
          const level = ([1, 2] as const).find((one) => has(after, symbol.id, one) === false);
          return level !== undefined && has(before, symbol.id, level) === true ? [`${symbol.name} ${level}`] : [];
        });
        lost += wanted.length;
        const found = lossesOf(before, after, pair.changes, pair.readers).lost;
        expect(found.map(({ symbol, level }) => `${symbol.name} ${level}`).sort(), `${from}\n---\n${to}`).toEqual(
          wanted.sort(),
        );
      }),
      RUNS,
    );
    expect(lost).toBeGreaterThan(20);
  }, 120_000);

  test('selects that become unmet are all among the symbols reached', async () => {
    let unmet = 0;
    await fc.assert(
      fc.asyncProperty(randomChange, async ([from, to]) => {
        const pair = await kconfigPair(from, to);
        const { before, after } = solvers(pair);
        const keys = (ids: readonly number[]): string[] =>
          newlyUnmet(before, after, ids)
            .found.map(({ edge, level }) => `${edge.from.name} ${edge.to.name} ${level}`)
            .sort();
        const wanted = keys(pair.after.declared.map(({ id }) => id));
        unmet += wanted.length;
        const { symbols, isCut } = reachOf(after, pair.changes, pair.readers);
        expect(isCut).toBe(false);
        expect(keys(symbols), `${from}\n---\n${to}`).toEqual(wanted);
      }),
      RUNS,
    );
    expect(unmet).toBeGreaterThan(20);
  }, 120_000);

  test('what has no way to be on is never on', async () => {
    let never = 0;
    await fc.assert(
      fc.asyncProperty(randomChange, async ([text]) => {
        const { store, before } = await kconfigPair(text, text);
        const mayBeOn = new MayBeOn(store.pool, before);
        const solver = new Solver(store.pool, before);
        for (const symbol of before.declared) {
          if (mayBeOn.symbol(symbol.id)) continue;
          never++;
          expect(solver.isPossible([{ expr: store.pool.symbol(symbol.id), level: 1, holds: true }]), text).not.toBe(
            true,
          );
        }
      }),
      RUNS,
    );
    expect(never).toBeGreaterThan(20);
  }, 120_000);
});

describe('where there is too much to ask', () => {
  const many = (n: number, entry: (i: number) => string): string =>
    Array.from({ length: n }, (_, i) => entry(i)).join('');

  test('what is lost is told as far as it was asked, and that there may be more', async () => {
    const all = many(2100, (i) => `config S${i}\n\tbool "s"\n\tdepends on A\n`);
    const pair = await kconfigPair(`config A\n\tbool "a"\n${all}`, `config A\n\tbool\n${all}`);
    const { before, after } = solvers(pair);
    const { lost, isCut } = lossesOf(before, after, pair.changes, pair.readers);
    expect(isCut).toBe(true);
    expect(lost.map(({ symbol }) => symbol.name)).toContain('S7');
    expect(lost.length).toBeLessThan(2100);
  });

  test('so it is with selects', async () => {
    const all = many(2100, (i) => `config S${i}\n\tbool "s"\n\tselect A\n`);
    const text = (own: string): string => `config B\n\tbool "b"\nconfig A\n\tbool "a"\n${own}${all}`;
    const pair = await kconfigPair(text(''), text('\tdepends on B\n'));
    const { before, after } = solvers(pair);
    const { found, isCut } = newlyUnmet(before, after, reachOf(after, pair.changes, pair.readers).symbols);
    expect(isCut).toBe(true);
    expect(found.length).toBe(2000);
  });

  test('a choice of thousands has one set of readers for all members', async () => {
    const text = `choice\n\tprompt "c"\n${many(3000, (i) => `config M${i}\n\tbool "m"\n`)}endchoice\n`;
    const { store, readers } = await kconfigPair(text, text);
    const of = (name: string): ReadonlySet<number> => readers.of(store.pool.symbolId(name));
    expect(of('M0').size).toBe(3000);
    expect(of('M1')).toBe(of('M2'));
  });
});
