import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { QuoteError } from '../../bot/quote.ts';
import { ReplyError, renderReplies, replySubject } from '../../bot/reply.ts';
import type { Finding, Report, Series } from '../../rules/types.ts';
import * as sample from '../support/sample-report.ts';

const { sampleSeries: series, sampleFooter: footer, sampleReport } = sample;
const golden = (name: string): string => join(import.meta.dirname, '../fixtures/replies', `${name}.txt`);
const render = (findings: readonly Finding[], report: Report = sampleReport(findings)) =>
  renderReplies({ series, report, footer });
const bodyOf = (...findings: Finding[]): string => render(findings)[0]?.body ?? '';
/** A body as one line: where prose is broken is not the point of a test. */
const wordsOf = (finding: Finding): string => bodyOf(finding).replace(/\s+/g, ' ');

describe('one reply for each patch that has findings', () => {
  const all = [sample.recursion, sample.undefinedInC, sample.configUpgrade, sample.undefinedSelect];

  test('three of four patches are answered, in the order of the series', () => {
    expect(render(all).map((reply) => reply.patch)).toEqual([1, 2, 3]);
  });

  test('a report without findings gives silence', () => {
    expect(render([])).toEqual([]);
  });

  test('each is in the thread of its own patch', () => {
    for (const reply of render(all)) {
      const message = series.patches[reply.patch - 1]?.message;
      expect(reply.answers).toBe(message?.messageId);
      expect(reply.references).toEqual([...(message?.references ?? []), message?.messageId]);
      expect(reply.subject).toBe(`Re: ${message?.subject}`);
    }
  });

  test.each([
    ['undefined-symbol', [sample.undefinedSelect, sample.undefinedInC]],
    ['config-upgrade', [sample.configUpgrade]],
    ['recursive-dependency', [sample.recursion]],
  ])('%s reads as its golden reply', async (name, findings) => {
    await expect(bodyOf(...findings)).toMatchFileSnapshot(golden(name));
  });

  test('the order of the findings does not matter', () => {
    expect(bodyOf(sample.undefinedInC, sample.undefinedSelect)).toBe(
      bodyOf(sample.undefinedSelect, sample.undefinedInC),
    );
  });

  test('more findings than anybody reads are counted', () => {
    const many = Array.from({ length: 15 }, (_, i) => ({ ...sample.undefinedSelect, key: `k${i}` }));
    expect(bodyOf(...many)).toContain('\n3 more findings in this patch are not shown here.\n');
    expect(bodyOf(...many.slice(0, 12))).not.toContain('not shown here');
  });
});

test('where the search for more was cut short is said, of rules that found something in the patch', () => {
  const findings = [sample.undefinedSelect];
  const report = sampleReport(findings);
  const cut = (rule: string): string => {
    const checked = { ...report.checked, cutShort: [{ rule, archs: ['x86', 'arm'] }] };
    return render(findings, { ...report, checked })[0]!.body;
  };
  expect(cut('undefined-symbol').replace(/\s+/g, ' ')).toContain(
    'The search for more of the kind was cut short on arm and x86: there may be others.',
  );
  expect(cut('lost-symbol')).toBe(render(findings)[0]!.body);
});

describe('subject', () => {
  test.each([
    ['[PATCH 1/2] a', 'Re: [PATCH 1/2] a'],
    ['Re: [PATCH 1/2] a', 'Re: [PATCH 1/2] a'],
    ['RE: Re[2]: re: [PATCH] a', 'Re: [PATCH] a'],
    ['rebase: fix', 'Re: rebase: fix'],
    ['a\r\nBcc: x@y', 'Re: a Bcc: x@y'],
  ])('%j becomes %j', (subject, expected) => {
    expect(replySubject(subject)).toBe(expected);
  });
});

describe('proof and commands', () => {
  const set = (value: string, isString?: true): Finding => ({
    ...sample.undefinedSelect,
    witness: { arch: 'x86', from: 'allnoconfig', settings: [{ symbol: 'A', value, ...(isString && { isString }) }] },
  });

  test.each([
    ['y', '-e A'],
    ['m', '-m A'],
    ['n', '-d A'],
    ['0x10', '--set-val A 0x10'],
    ['-5', "--set-val A '-5'"],
  ])('the setting %j is %s of scripts/config', (value, argument) => {
    expect(bodyOf(set(value))).toContain(`\n    scripts/config ${argument}\n`);
  });

  test.each([
    ['abc', '--set-str A abc'],
    ["a'; rm -rf /", "--set-str A 'a'\\''; rm -rf /'"],
    ['$(reboot)', "--set-str A '$(reboot)'"],
    ['', "--set-str A ''"],
    ['n', '--set-str A n'],
    ['64', '--set-str A 64'],
  ])('of a string, the setting %j is %s of scripts/config', (value, argument) => {
    expect(bodyOf(set(value, true))).toContain(`\n    scripts/config ${argument}\n`);
  });

  test('a long witness goes over several lines and is not cut', () => {
    const settings = Array.from({ length: 12 }, (_, i) => ({ symbol: `SYMBOL_NUMBER_${i}`, value: 'y' }));
    const body = bodyOf({ ...sample.undefinedSelect, witness: { arch: 'x86', from: 'allnoconfig', settings } });
    expect(body).toMatch(
      /scripts\/config (-e SYMBOL_NUMBER_\d+ ?)+\\\n( {8}(-e SYMBOL_NUMBER_\d+ ?)+\\\n)* {8}.*SYMBOL_NUMBER_11\n/,
    );
  });

  test('a distribution configuration is no make target', () => {
    const witness = { arch: 'x86', from: 'Debian amd64; reboot', settings: [] };
    const body = bodyOf({ ...sample.configUpgrade, witness });
    expect(body).toContain('\n    # without the series, then with it, from the .config of Debian amd64; reboot\n');
    expect(body).not.toContain('make ARCH=x86 Debian');
  });

  test('the rung that was reached is said', () => {
    const run = { rung: 3, argv: ['make'], exitCode: 0, agrees: true } as const;
    const attempts = [
      { ...run, side: 'before', excerpt: 'make does not build a.o' },
      { ...run, side: 'after', excerpt: 'a.o refers to b' },
    ] as const;
    const at = (rung: 1 | 2 | 3): string => wordsOf({ ...sample.undefinedSelect, verification: { rung, attempts } });
    expect(at(1)).toContain('neither conf nor a build was run');
    expect(at(2)).toContain('nothing was built');
    expect(at(3)).toContain('Built for x86. Without the series: make does not build a.o. With it: a.o refers to b.');
    expect(at(3)).not.toContain('nothing was built');
  });

  test('a stub that a build showed is shown by a command, and not where nothing was built', () => {
    const place = { path: 'drivers/foo/bar.c', line: 7, text: 'return bar_get();' };
    const claim = {
      ...{ function: 'foo_start', at: place, chain: [{ ...place, callee: 'bar_get', patch: null }] },
      ...{ stub: { ...place, gives: 'NULL' }, ends: place, lost: { ...place, isStillReached: false } },
      ...{ owner: 'SENSORS_FOO', needed: ['BAR'], takes: [], never: [], neverTotal: 0, archs: ['x86'] },
      ...{ configs: { count: 0, total: 1, groups: [] }, repairs: [], others: [], notTried: 0 },
    };
    const witness = { arch: 'x86', from: 'empty', settings: [{ symbol: 'SENSORS_FOO', value: 'y' }] };
    const at = (rung: 2 | 3): string =>
      bodyOf({
        ...{ ...sample.undefinedSelect, rule: 'stubbed-path', claim, witness },
        verification: { rung, attempts: [] },
      });
    expect(at(3)).toContain('\n    make ARCH=x86 drivers/foo/bar.i\n    grep -w bar_get drivers/foo/bar.i\n');
    expect(at(2)).not.toContain('bar.i');
  });

  test('a proof that holds for all of a mail is told once, others under each comment', () => {
    const told = (...findings: Finding[]): number =>
      bodyOf(...findings).match(/^This is derived|this tree agrees/gm)?.length ?? 0;
    const twin = { ...sample.undefinedInC, verification: sample.undefinedSelect.verification };
    expect(told(sample.undefinedSelect, twin)).toBe(1);
    expect(bodyOf(sample.undefinedSelect, twin).indexOf('agrees')).toBeGreaterThan(
      bodyOf(sample.undefinedSelect, twin).indexOf('FOO2_DEBUG.'),
    );
    expect(told(sample.undefinedSelect, sample.undefinedInC)).toBe(2);
  });

  test('an attempt that disagreed is not counted as a run that confirms', () => {
    const [before, after] = sample.configUpgrade.verification.attempts;
    const attempts = [{ ...before, agrees: false }, after] as Finding['verification']['attempts'];
    const body = wordsOf({ ...sample.configUpgrade, verification: { rung: 2, attempts } });
    expect(body).toContain('(run with the series)');
    expect(wordsOf(sample.configUpgrade)).toContain('(run without and with the series)');
  });

  test.each([
    ['the series names none', 'The series names none.'],
    ['base-commit 1a2b of the series', 'Base-commit 1a2b of the series.'],
    ['1a2b3c4d5e6f was given', '1a2b3c4d5e6f was given.'],
    ['abcdef012345 was given', 'abcdef012345 was given.'],
  ])('why it is the base, %j, becomes a sentence', (detail, expected) => {
    const { applied, ...rest } = sampleReport([sample.recursion]);
    const report = { ...rest, applied: { ...applied, base: { ...applied?.base, detail } } } as Report;
    expect(renderReplies({ series, report, footer })[0]?.body).toContain(`(1a2b3c4d5e6f). ${expected}\n`);
  });

  test('a series without Kconfig files is not said to be compared on architectures', () => {
    const report = sampleReport([sample.undefinedInC]);
    const none = { ...report, checked: { ...report.checked, archs: [], configs: 0, changedFiles: [] } };
    const text = renderReplies({ series, report: none, footer })[0]?.body ?? '';
    expect(text).toContain('\nCompared: references to symbols before and after the series');
    expect(text).not.toContain('Kconfig of');
    expect(bodyOf(sample.undefinedInC)).toContain('Kconfig of arm, arm64, loongarch');
  });

  test('base without a name is its object name', () => {
    const { applied, ...rest } = sampleReport([sample.recursion]);
    const base = { sha: sample.SHA, how: 'tree-tip', detail: 'The tip.' } as const;
    const report = { ...rest, applied: { ...applied, base } } as Report;
    expect(renderReplies({ series, report, footer })[0]?.body).toContain('\nBase: 1a2b3c4d5e6f. The tip.\n');
  });
});

describe('hostile texts', () => {
  test.each(['\n', '\r\n'])('a value cannot begin a line of the mail (%j)', (eol) => {
    const claim = {
      ...sample.undefinedSelect.claim,
      consequence: `it fails${eol}Signed-off-by: Eve <eve@x>${eol}#depbot send`,
    };
    expect(bodyOf({ ...sample.undefinedSelect, claim })).not.toMatch(/^(Signed-off-by|#depbot)/m);
    expect(bodyOf({ ...sample.undefinedSelect, claim })).toContain('Signed-off-by: Eve');
  });

  test('a trailer in what conf prints gets a bar in front', () => {
    const claim = { ...sample.recursion.claim, confError: 'error\nAcked-by: Eve <eve@x>\n' };
    const body = bodyOf({ ...sample.recursion, claim });
    expect(body).toContain('\n    | Acked-by: Eve <eve@x>\n');
    expect(body).not.toMatch(/^\s*Acked-by/m);
  });

  test('terminal escapes and bidirectional controls do not get through', () => {
    const claim = { ...sample.recursion.claim, confError: 'a\u001b[2Jb\u202ec\u0007' };
    expect(bodyOf({ ...sample.recursion, claim })).toContain('    a\ufffd[2Jb\ufffdc\ufffd\n');
  });

  test('no line is too long for a mail', () => {
    const path = `${'ü'.repeat(2000)}/Kconfig`;
    const references = [1, 2].map((line) => ({ path, line, text: '\u{1f427}'.repeat(5000) }));
    const claim = { ...sample.undefinedSelect.claim, references, total: 2, consequence: 'x: '.repeat(5000) };
    for (const line of bodyOf({ ...sample.undefinedSelect, claim }).split('\n')) {
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(900);
    }
  });

  test('what conf prints is cut after a screenful', () => {
    const claim = { ...sample.recursion.claim, confError: 'line\n'.repeat(50) };
    expect(bodyOf({ ...sample.recursion, claim })).toContain('    line\n    [30 more lines]\n');
  });

  test('a thread of thousands keeps its first and newest references', () => {
    const references = Array.from({ length: 5000 }, (_, i) => `${i}@x`);
    const [first] = series.patches;
    const long: Series = { ...series, patches: [{ ...first, message: { ...first.message, references } }] };
    const [reply] = renderReplies({ series: long, report: sampleReport([sample.undefinedSelect], long), footer });
    expect(reply?.references).toHaveLength(100);
    expect([reply?.references[0], ...(reply?.references.slice(-2) ?? [])]).toEqual([
      '0@x',
      '4999@x',
      first.message.messageId,
    ]);
  });
});

describe('a report that does not fit is our bug and is thrown', () => {
  test.each<[string, Finding]>([
    ['a patch the series has not', { ...sample.recursion, anchor: { ...sample.recursion.anchor, patch: 9 } }],
    ['a symbol that is none', { ...sample.recursion, symbols: ["X'; reboot"] }],
    [
      'a symbol in the claim that is none',
      { ...sample.undefinedSelect, claim: { ...sample.undefinedSelect.claim, symbol: '`x`' } },
    ],
    [
      'a setting that is none',
      {
        ...sample.recursion,
        witness: { arch: 'x86', from: 'allnoconfig', settings: [{ symbol: '$(x)', value: 'y' }] },
      },
    ],
  ])('%s', (_, finding) => {
    expect(() => render([finding])).toThrow(ReplyError);
  });

  test('but not a symbol with a dash, as conf takes it', () => {
    expect(render([{ ...sample.recursion, symbols: ['S-S'] }])).toHaveLength(1);
  });

  test('lines outside the mail', () => {
    const anchor = { ...sample.recursion.anchor, mailLines: [5000, 5000] as const };
    expect(() => render([{ ...sample.recursion, anchor }])).toThrow(QuoteError);
  });

  test('findings without a base', () => {
    const { applied: _, ...report } = sampleReport([sample.recursion]);
    expect(() => render([], report)).toThrow('names no base');
  });
});
