import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attribution, QuoteError, quoteFindings } from '../../bot/quote.ts';
import type { Finding, Patch } from '../../rules/types.ts';
import {
  anchorOn,
  configUpgrade,
  samplePatch,
  sampleSeries,
  undefinedInC,
  undefinedSelect,
} from '../support/sample-report.ts';

const [patch1] = sampleSeries.patches;
const at = (patch: Patch, first: string, last?: string): Finding => ({
  ...undefinedSelect,
  anchor: anchorOn(patch, 'drivers/hwmon/Kconfig', first, last),
});
const quotesOf = (patch: Patch, ...findings: Finding[]): string[] =>
  quoteFindings(patch, findings).map((part) => part.quote);
const withBody = (patch: Patch, change: (body: string) => string): Patch =>
  samplePatch(patch.n, patch.title, change(patch.message.body));

describe('attribution line', () => {
  const from = (name: string, dateHeader?: string): string => {
    const { dateHeader: _, ...message } = patch1.message;
    const sender = { name, address: 'jane@example.org' };
    return attribution({ ...message, from: sender, ...(dateHeader === undefined ? {} : { dateHeader }) });
  };

  test('the date is the sender’s own, not a normal form', () => {
    expect(from('Jörg Doe', 'Mon,  6 Jul 2026 10:11:12 +0200 (CEST)')).toBe(
      'On Mon, 6 Jul 2026 10:11:12 +0200 (CEST), Jörg Doe wrote:',
    );
  });
  test('the address stands for a missing name', () => {
    expect(from('', 'yesterday')).toBe('On yesterday, jane@example.org wrote:');
  });
  test('a missing date is left out, not made up', () => {
    expect(from('Jane Doe')).toBe('Jane Doe wrote:');
    expect(from('Jane Doe', 'x'.repeat(61))).toBe('Jane Doe wrote:');
  });
  test('a name cannot make a second line', () => {
    expect(from('Jane\r\nAcked-by: Eve\u2028\u001b[1m', 'now')).toBe('On now, Jane Acked-by: Eve [1m wrote:');
  });
});

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
])('quotes of a mail with %s', (_, eol) => {
  const patch: Patch = { ...patch1, message: { ...patch1.message, body: patch1.message.body.replaceAll('\n', eol) } };

  test('file, hunk, declaration and nearest lines, and the offending line last', () => {
    expect(quotesOf(patch, undefinedSelect)).toEqual([
      [
        '> +++ b/drivers/hwmon/Kconfig',
        '> @@ -400,6 +400,15 @@ config SENSORS_FOO',
        '> [...]',
        '> +config SENSORS_FOO2',
        '> +\ttristate "Foo 2 sensor"',
        '> +\tdepends on I2C',
        '> +\tdepends on OF || COMPILE_TEST',
        '> +\tdepends on !SENSORS_FOO',
        '> +\tselect REGMAP_I2CC',
      ].join('\n'),
    ]);
  });

  test('the second comment has a quote of its own, below the first, and nothing is quoted twice', () => {
    const parts = quoteFindings(patch, [undefinedInC, undefinedSelect]);
    expect(parts.map((part) => part.findings)).toEqual([[undefinedSelect], [undefinedInC]]);
    expect(parts[1]?.quote).toBe(
      [
        '> [...]',
        '> +++ b/drivers/hwmon/foo2.c',
        '> @@ -0,0 +1,8 @@',
        '> +// SPDX-License-Identifier: GPL-2.0',
        '> +#include <linux/module.h>',
        '> +',
        '> +#ifdef CONFIG_FOO2_DEBUG',
      ].join('\n'),
    );
  });
});

test('a further comment in the same hunk repeats neither file nor hunk', () => {
  const quotes = quotesOf(patch1, at(patch1, '+\tselect REGMAP_I2CC'), at(patch1, '+\tdepends on I2C'));
  expect(quotes[1]).toBe('> +\tdepends on OF || COMPILE_TEST\n> +\tdepends on !SENSORS_FOO\n> +\tselect REGMAP_I2CC');
});

test('findings on the same line share one quote, those on other lines do not', () => {
  const same = { ...undefinedSelect, key: 'other' };
  expect(quoteFindings(patch1, [undefinedSelect, same])[0]?.findings).toEqual([undefinedSelect, same]);
  expect(quoteFindings(patch1, [undefinedSelect, at(patch1, '+\tdepends on I2C')])).toHaveLength(2);
});

test('a new declaration needs no lines of the one before it', () => {
  expect(quotesOf(patch1, at(patch1, '+config SENSORS_FOO2'))[0]?.split('\n').slice(2)).toEqual([
    '> [...]',
    '> +config SENSORS_FOO2',
  ]);
});

test('a deleted file is named by its old name', () => {
  const patch = samplePatch(
    1,
    'x',
    'diff --git a/lib/Kconfig b/lib/Kconfig\ndeleted file mode 100644\n--- a/lib/Kconfig\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-config A\n-\tbool\n',
  );
  const finding = { ...undefinedSelect, anchor: anchorOn(patch, 'lib/Kconfig', '-config A', '-\tbool') };
  expect(quotesOf(patch, finding)).toEqual([
    '> --- a/lib/Kconfig\n> +++ /dev/null\n> @@ -1,2 +0,0 @@\n> -config A\n> -\tbool',
  ]);
});

test('lines of the commit message are quoted without a file', () => {
  expect(quotesOf(patch1, at(patch1, 'Add a driver for the second revision.', ''))).toEqual([
    '> Add a driver for the second revision.\n>',
  ]);
});

test('a long range loses its middle, a short one does not', () => {
  const lines = Array.from({ length: 40 }, (_, i) => `+\tdefault ${i}`);
  const patch = samplePatch(
    1,
    'x',
    `diff --git a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -1,0 +1,40 @@\n${lines.join('\n')}\n`,
  );
  const finding = (last: number): Finding => ({
    ...undefinedSelect,
    anchor: anchorOn(patch, 'Kconfig', '+\tdefault 0', `+\tdefault ${last}`),
  });
  expect(quotesOf(patch, finding(39))[0]?.split('\n')).toHaveLength(2 + 8 + 1 + 8);
  expect(quotesOf(patch, finding(15))[0]).not.toContain('[...]');
});

test.each([
  ['a terminal escape', '\u001b[2J'],
  ['a NUL', '\0'],
  ['a lone carriage return', 'a\rb'],
  ['more than 900 octets', 'ü'.repeat(451)],
])('a line with %s is left out, its neighbours are not', (_, text) => {
  const patch = withBody(patch1, (body) => body.replace('depends on OF || COMPILE_TEST', text));
  const quote = quotesOf(patch, undefinedSelect)[0] ?? '';
  expect(quote).not.toContain(text);
  expect(quote).toContain('> +\tdepends on I2C\n> [...]\n> +\tdepends on !SENSORS_FOO\n');
});

test('what is offending and cannot be quoted leaves a gap', () => {
  const patch = withBody(patch1, (body) => body.replace('+\tselect REGMAP_I2CC', '+\tselect REGMAP_I2CC\u0007'));
  expect(quotesOf(patch, undefinedSelect)[0]?.endsWith('\n> +\tdepends on !SENSORS_FOO\n> [...]')).toBe(true);
});

test.each([
  [0, 1],
  [5, 4],
  [1, 5000],
  [1.5, 2],
])('lines %d to %d of a mail are refused', (first, last) => {
  const anchor = { ...undefinedSelect.anchor, mailLines: [first, last] as const };
  expect(() => quoteFindings(patch1, [{ ...undefinedSelect, anchor }])).toThrow(QuoteError);
});

test('quoting never alters a line, nor its place', () => {
  const [, patch2] = sampleSeries.patches;
  const range = (patch: Patch) =>
    fc.tuple(fc.nat(), fc.nat({ max: 30 })).map(([start, length]): Finding => {
      const total = patch.message.body.split('\n').length;
      const first = (start % total) + 1;
      return {
        ...configUpgrade,
        anchor: { ...configUpgrade.anchor, patch: patch.n, mailLines: [first, Math.min(total, first + length)] },
      };
    });
  for (const patch of [patch1, patch2 as Patch]) {
    fc.assert(
      fc.property(fc.array(range(patch), { maxLength: 5 }), (findings) => {
        const body = patch.message.body.split('\n');
        let next = 0;
        for (const part of quoteFindings(patch, findings)) {
          for (const quoted of part.quote.split('\n').filter((line) => line !== '> [...]')) {
            expect(quoted.startsWith('>')).toBe(true);
            next = body.indexOf(quoted.slice(2), next) + 1;
            expect(next).toBeGreaterThan(0);
          }
          expect(part.quote.endsWith(body[(part.findings[0]?.anchor.mailLines[1] ?? 0) - 1] ?? '?')).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  }
});
