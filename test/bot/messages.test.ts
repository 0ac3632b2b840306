/** The manners of every mail we make, whatever the rule. */
import { describe, expect, test } from 'vitest';
import { renderReplies } from '../../bot/reply.ts';
import { columnsOf, isProse, WRAP_COLUMNS } from '../../bot/wrap.ts';
import type { Attempt, Finding, Side } from '../../rules/types.ts';
import * as sample from '../support/sample-report.ts';

const { sampleSeries: series, sampleFooter: footer } = sample;

/** Each finding, and each again with other values in the fields that its template branches on. */
const variants: Record<string, Finding> = {
  introduced: sample.undefinedSelect,
  'removed and renamed': sample.undefinedInC,
  removed: withClaim(sample.undefinedInC, { renamedTo: undefined, removed: undefined, total: 1, where: 'kbuild' }),
  'introduced under an old name': withClaim(sample.undefinedSelect, {
    renamedTo: 'REGMAP',
    similar: undefined,
    total: 3,
  }),
  upgrade: sample.configUpgrade,
  'upgrade of a symbol that goes': withClaim(sample.configUpgrade, { to: 'not defined', alsoChanged: [] }),
  'upgrade to several values': withClaim(sample.configUpgrade, {
    otherValues: [{ symbol: 'SENSORS_FOO', from: 'y', to: 'm', count: 1 }],
  }),
  'upgrade caused elsewhere': withClaim(sample.configUpgrade, {
    cause: { ...(sample.configUpgrade.claim.cause as object), line: 1, side: 'before' },
  }),
  'upgrade with a long tail': withClaim(sample.configUpgrade, {
    from: 'not defined',
    alsoChanged: Array.from({ length: 40 }, (_, i) => ({ symbol: `S${i}`, from: 'n', to: 'y', count: 1 })),
    configs: {
      count: 90,
      total: 311,
      groups: Array.from({ length: 20 }, (_, i) => ({ label: `arch ${i}`, count: 4, examples: ['a', 'b', 'c', 'd'] })),
    },
  }),
  recursion: sample.recursion,
  'recursion of many': withClaim(sample.recursion, {
    archs: ['arm', 'x86'],
    cycle: ['has a prompt that depends on', ...Array(21).fill('takes its default from')].map((relation, i) => ({
      symbol: `S${i}`,
      relation,
      next: `S${i + 1}`,
      path: 'Kconfig',
      line: i,
    })),
  }),
  'recursion of a choice': withClaim(sample.recursion, {
    cycle: [
      { symbol: '<choice>', relation: 'has the member', next: 'B', path: 'Kconfig', line: 9, choice: 'Kconfig:2' },
      { symbol: 'B', relation: 'depends on', next: 'A', path: 'Kconfig', line: 11 },
      { symbol: 'A', relation: 'is a member of', next: '<choice>', path: 'Kconfig', line: 5, choice: 'Kconfig:2' },
    ],
  }),
  built: {
    ...sample.recursion,
    witness: { arch: 'x86', from: 'empty', settings: [] },
    verification: { rung: 3, attempts: [builtOn('before', 'foo.o compiles'), builtOn('after', 'foo.c:3: error: bar')] },
  },
  derived: { ...sample.recursion, verification: { rung: 1, attempts: [] } },
};

function builtOn(side: Side, excerpt: string): Attempt {
  return { rung: 3, side, argv: ['make', 'foo.o'], exitCode: 0, excerpt, agrees: true };
}

function withClaim(finding: Finding, claim: Record<string, unknown>): Finding {
  return { ...finding, claim: { ...finding.claim, ...claim } };
}

describe.each(Object.entries(variants))('%s', (_, finding) => {
  const [reply] = renderReplies({ series, report: sample.sampleReport([finding]), footer });
  const body = reply?.body ?? '';
  const lines = body.split('\n');
  const ours = lines.filter((line) => !line.startsWith('>'));
  const prose = lines.filter(isProse);
  const [text = '', signature = ''] = body.split('\n-- \n');

  test('prose has at most 72 columns and no white space at its ends', () => {
    expect(prose.filter((line) => columnsOf(line) > WRAP_COLUMNS || /[ \t]$/.test(line))).toEqual([]);
  });

  test('attribution, quote, one blank line, claim, in this order', () => {
    expect(lines[0]).toMatch(/^On .* wrote:$/);
    const claim = lines.findIndex((line, i) => i > 0 && !line.startsWith('>'));
    expect(claim).toBeGreaterThan(2);
    expect(lines[claim]).toBe('');
    expect(isProse(lines[claim + 1] ?? '')).toBe(true);
  });

  test('every quoted line is a line of the patch’s mail', () => {
    const mail = series.patches[finding.anchor.patch - 1]?.message.body.split('\n');
    const quoted = lines.filter((line) => line.startsWith('>') && line !== '> [...]');
    expect(quoted.length).toBeGreaterThan(1);
    expect(quoted.filter((line) => !mail?.includes(line.slice(2)))).toEqual([]);
  });

  test('it names every symbol, the base, the architectures and the proof', () => {
    for (const symbol of finding.symbols) {
      expect(text).toContain(symbol);
    }
    expect(text).toContain('v6.12.117 (1a2b3c4d5e6f)');
    expect(text.replace(/\s+/g, ' ')).toContain('arm, arm64, loongarch, mips, powerpc, riscv, um and x86');
    expect(text).toMatch(/nothing\s+was\s+built|Built\s+for\s+\w+\.|neither\s+conf\s+nor\s+a\s+build\s+was\s+run/);
  });

  test('it shows how to reproduce, in one block', () => {
    expect(text.match(/^To reproduce/gm)).toHaveLength(1);
    expect(text).toMatch(/\n {4}(make ARCH=|git grep )/);
  });

  test('its signature says who runs it, who reads answers and how to stop it, in four lines', () => {
    for (const word of [footer.operator, footer.contact, '#depbot']) {
      expect(signature).toContain(word);
    }
    expect(signature.trimEnd().split('\n').length).toBeLessThanOrEqual(4);
  });

  test('it gives no trailers, praise, orders, greetings or exclamation marks', () => {
    expect(ours.filter((line) => /^\s*[\w-]+-by\s*:/i.test(line))).toEqual([]);
    expect(prose.join(' ')).not.toMatch(/\b(please|thanks?|great|nice|good|hi|hello|sorry|should|must|kindly)\b|!/i);
  });

  test('it has no gaps of two blank lines, no unfilled fields, and one line end at its end', () => {
    expect(body).not.toMatch(/\n\n\n|\{\{|\}\}|\{%|\bundefined\b(?!-)|\bnull\b|\[object|\bNaN\b/);
    expect(body).toMatch(/[^\n]\n$/);
  });

  test('no line of ours makes it look like a patch or a command', () => {
    expect(ours.filter((line) => /^(diff |--- |\+\+\+ |Index:|From |#|pw-bot:)/.test(line))).toEqual([]);
  });
});

test('a choice is named by its place', () => {
  const [reply] = renderReplies({ series, report: sample.sampleReport([variants['recursion of a choice']!]), footer });
  expect(reply?.body).not.toContain('<choice>');
  expect(reply?.body.replace(/\s+/g, ' ')).toContain('because the choice at Kconfig:2 depends on itself:');
  expect(reply?.body).toContain('    Kconfig:9: the choice at Kconfig:2 has the member B\n');
  expect(reply?.body).toContain('    Kconfig:11: B depends on A\n');
  expect(reply?.body).toContain('    Kconfig:5: A is a member of the choice at Kconfig:2\n');
});

test('long lists are cut and counted', () => {
  const body = (name: string): string =>
    renderReplies({ series, report: sample.sampleReport([variants[name] as Finding]), footer })[0]?.body ?? '';
  expect(body('upgrade with a long tail')).toContain('\n    and 34 more\n');
  expect(body('upgrade with a long tail')).toContain('\n    and 12 more groups\n');
  expect(body('upgrade with a long tail')).toContain('        a, b, c\n        and 1 more\n');
  expect(body('recursion of many')).toContain('\n    and 10 more\n');
  expect(body('recursion')).not.toMatch(/^ {4}and \d+ more/m);
});
