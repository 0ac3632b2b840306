/** The clauses mean what conf does: in every configuration of small models, one concept each, and random ones. */

import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Encoding } from '../../../rules/kconfig/cnf.ts';
import { TooLargeError } from '../../../rules/kconfig/domains.ts';
import { compareAll } from './every-configuration.ts';
import { kconfigText, randomKconfig } from './random-kconfig.ts';
import { fixture, Tiny } from './tiny-kconfig.ts';

/** How many configurations can be told apart in each of test/fixtures/kconfig/solver. */
const FIXTURES = {
  blocks: 11,
  choice: 5,
  'choice-invisible': 6,
  'choice-member-declared-again': 7,
  'choice-of-many': 14,
  'choice-tristate': 4,
  'compared-symbols': 13,
  'conditional-depends': 21,
  'default-above-prompt': 19,
  hex: 7,
  'hidden-default-and-select': 9,
  imply: 18,
  'int-above-one-another': 102,
  'int-range': 11,
  'int-symbol-bounds': 6,
  'int-typed-or-default': 7,
  'module-literal': 24,
  negation: 6,
  octal: 12,
  'prompt-if': 4,
  'select-above-dependency': 26,
  'select-of-hidden': 9,
  'several-declarations': 14,
  'several-defaults': 6,
  string: 8,
  'string-against-tristate': 216,
  'string-order': 59,
  transitional: 52,
  'transitional-text': 8,
  'tristate-with-modules': 13,
  'tristate-without-modules': 3,
  undefined: 4,
  'visible-if': 8,
};

/** In a test run; a fault shows in fewer. */
const RANDOM_MODELS = 120;

describe('what the solver calls possible is what some configuration has, and nothing else', () => {
  it.each(Object.entries(FIXTURES))('%s', (name, configurations) => {
    const text = fixture(`solver/${name}.kconfig`);
    const { differences, reachable } = compareAll(new Tiny(text), text);
    expect(differences).toEqual([]);
    expect(reachable).toBe(configurations);
  });

  it('in every fixture that is there', () => {
    const there = readdirSync(new URL('../../fixtures/kconfig/solver/', import.meta.url)).sort();
    expect(there).toEqual(
      Object.keys(FIXTURES)
        .map((name) => `${name}.kconfig`)
        .sort(),
    );
  });

  it('in random models', () => {
    let asked = 0;
    fc.assert(
      fc.property(randomKconfig, (random) => {
        const text = kconfigText(random);
        const tiny = new Tiny(text);
        expect(tiny.cycles(), text).toEqual([]);
        const compared = compareAll(tiny, text);
        asked += compared.asked;
        if (compared.differences.length > 0) throw new Error(`${text}\n${compared.differences.slice(0, 5).join('\n')}`);
      }),
      { numRuns: RANDOM_MODELS },
    );
    expect(asked).toBeGreaterThan(20 * RANDOM_MODELS);
  });

  it('is compared with a solver that can be wrong', () => {
    // The comparison itself: an int whose values the file does not mention is not tried, and that shows.
    const text = 'config N\n\tint "N"\nconfig A\n\tbool\n\tdefault y if N > 12 && N < 14\n';
    const withoutValue = text.replaceAll('12', '0xc');
    expect(compareAll(new Tiny(text), text).differences).toEqual([]);
    expect(compareAll(new Tiny(withoutValue), withoutValue).differences).toEqual([]);
    expect(compareAll(new Tiny(text), '').differences).not.toEqual([]);
  });
});

describe('an encoding', () => {
  it('is made only of what a query reaches', () => {
    const text = [
      'config A\n\tbool "A"\n',
      'config B\n\tbool "B"\n\tdepends on A\n',
      'config C\n\tbool "C"\n\tdepends on B\n',
    ];
    const tiny = new Tiny(text.join(''));
    const encoding = new Encoding(tiny.pool, tiny.model);
    encoding.demand([encoding.symbolAtLeast(tiny.symbol('B').id, 2)]);
    const before = encoding.sat.size;
    encoding.demand([encoding.symbolAtLeast(tiny.symbol('B').id, 1)]);
    expect(encoding.sat.size).toBe(before);
    encoding.demand([encoding.symbolAtLeast(tiny.symbol('C').id, 2)]);
    expect(encoding.sat.size).toBe(before + 1);
  });

  it('refuses a comparison of too many values', () => {
    const values = Array.from({ length: 400 }, (_, i) => `N != ${3 * i} && M != ${3 * i + 1}`).join(' && ');
    const tiny = new Tiny(
      `config N\n\tint "N"\nconfig M\n\tint "M"\nconfig A\n\tbool\n\tdefault N < M\n\tdepends on ${values}\n`,
    );
    const encoding = new Encoding(tiny.pool, tiny.model);
    expect(() => encoding.demand([encoding.symbolAtLeast(tiny.symbol('A').id, 2)])).toThrow(TooLargeError);
  });
});
