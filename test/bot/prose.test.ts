/** What a language model may say. Above 400 lines: the lies are one table. */

import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { footerText } from '../../bot/footer.ts';
import { isFaithful, openProse, unfaithful } from '../../bot/prose.ts';
import { commentTexts, renderReplies } from '../../bot/reply.ts';
import type { Finding } from '../../rules/types.ts';
import { type OpenaiMode, type OpenaiServer, startOpenai } from '../service/openai-server.ts';
import * as sample from '../support/sample-report.ts';

const findings = [sample.recursion, sample.undefinedInC, sample.configUpgrade, sample.undefinedSelect];
const input = { series: sample.sampleSeries, report: sample.sampleReport(findings), footer: sample.sampleFooter };
const texts = commentTexts(input);
const upgrade = texts.get(sample.configUpgrade)!;

const TEXT = `SENSORS_FOO is m without the series and n with it in 12 of the 311
existing configurations:

    mips defconfigs: 11
    Debian m68k: 1

The quoted line is the cause: SENSORS_FOO does not work unless COMMON_CLK, at
drivers/clk/Kconfig:23, is y on mips, says foo_probe().`;
/** TEXT with one thing changed. */
const but = (from: string | RegExp, to: string): string => {
  const changed = TEXT.replace(from, to);
  expect(changed).not.toBe(TEXT);
  return changed;
};

describe('isFaithful', () => {
  const faithful: readonly (readonly [name: string, candidate: () => string])[] = [
    ['the same text', () => TEXT],
    [
      'the same filled anew',
      () => but('SENSORS_FOO is m without the series and n', 'SENSORS_FOO is m without\nthe series and n'),
    ],
    ['other words', () => but('is the cause', 'causes this')],
    ['other words around a value', () => but('is m without the series', 'this is m without the series')],
    ['another form of the same negation', () => but('does not work', "doesn't work")],
    ['a name in quotes, with its owner', () => but('COMMON_CLK, at', `"COMMON_CLK"'s, at`)],
    ['no blank line before evidence', () => but(/:\n\n/, ':\n')],
  ];
  it.each(faithful)('takes %s', (_, candidate) => {
    expect(unfaithful(TEXT, candidate())).toBeUndefined();
    expect(isFaithful(TEXT, candidate())).toBe(true);
  });

  const lies: readonly (readonly [name: string, why: RegExp, candidate: () => string])[] = [
    ['another symbol', /nowhere/, () => but('COMMON_CLK', 'COMMON_CLOCK')],
    ['a symbol that is part of one', /nowhere/, () => but('COMMON_CLK', 'COMMON')],
    ['a name once more', /names are others/, () => but('The quoted line', 'The SENSORS_FOO quoted line')],
    ['another tense', /"was" is new/, () => but('is m', 'was m')],
    ['a comma less', /parted otherwise/, () => but('23, is', '23 is')],
    ['a sentence of two', /parted otherwise/, () => but('FOO does', 'FOO. Does')],
    ['brackets', /parted otherwise|is new/, () => but('on mips', '(on mips)')],
    ['a symbol more', /"USB" is nowhere/, () => but('quoted line', 'quoted line of USB')],
    ['a symbol less', /"COMMON_CLK" is missing/, () => but('COMMON_CLK', 'it')],
    [
      'symbols that have changed places',
      /another order/,
      () => but(/SENSORS_FOO does(.*) COMMON_CLK/, 'COMMON_CLK does$1 SENSORS_FOO'),
    ],
    ['another function', /nowhere/, () => but('foo_probe()', 'foo_remove()')],
    ['a function more', /nowhere/, () => but('foo_probe()', 'foo_probe() and bar()')],
    ['another path', /nowhere/, () => but('drivers/clk/', 'drivers/clock/')],
    ['another line', /nowhere/, () => but('Kconfig:23', 'Kconfig:24')],
    ['another number', /numbers/, () => but('in 12 of', 'in 13 of')],
    ['a number of the evidence', /numbers/, () => but('in 12 of', 'in 7 of')],
    ['a number more', /numbers/, () => but('The quoted line', 'The 1 quoted line')],
    ['a number as a word', /"two" is new/, () => but('The quoted line', 'The two quoted lines')],
    ['numbers that have changed places', /numbers/, () => but('12 of the 311', '311 of the 12')],
    ['values that have changed places', /numbers/, () => but(/is m (.*) and n/, 'is n $1 and m')],
    ['another value', /numbers/, () => but('is y', 'is n')],
    [
      'sides that have changed places',
      /with and without|negates/,
      () => but('without the series and n with it', 'with the series and n without it'),
    ],
    ['a side less', /with and without/, () => but('n with it', 'n then')],
    ['another architecture', /"arm" is nowhere/, () => but('y on mips', 'y on arm')],
    ['an architecture less', /"mips" is missing/, () => but('y on mips', 'y on it')],
    ['another configuration', /nowhere/, () => but('quoted line', 'quoted line of allnoconfig')],
    ['a hash', /nowhere/, () => but('quoted line', 'quoted line of 1a2b3c4d5e6f')],
    [
      'the name of somebody',
      /"Debian" is nowhere|"Linus" is nowhere/,
      () => but('The quoted line', 'The line that Linus quoted'),
    ],
    ['a negation less', /negates/, () => but('does not work', 'fails to work')],
    ['a negation more', /negates/, () => but('is the cause', 'is not the cause')],
    ['more than is claimed', /"all" is new/, () => but('existing', 'all existing')],
    ['blame', /"bug" is new/, () => but('is the cause', 'is the bug')],
    ['a demand', /"please" is new/, () => but('The quoted', 'Please look: the quoted')],
    ['an instruction at its end', /"please" is new/, () => `${TEXT}\nPlease revert it.`],
    ['an address of the web', /nowhere/, () => but('is the cause', 'is the cause (http://evil.example)')],
    ['an address of the web without a scheme', /nowhere/, () => but('is the cause', 'is the cause (evil.example/x)')],
    ['an address of mail', /nowhere/, () => but('is the cause', 'is the cause, says a@evil.example')],
    ['a changed line of evidence', /indented/, () => but('defconfigs: 11', 'defconfigs: 12')],
    ['another indent of it', /indented/, () => but('    mips', '   mips')],
    ['a tab for a blank in it', /control|indented/, () => but('    mips', '\tmips')],
    ['a line of evidence less', /indented/, () => but('    Debian m68k: 1\n', '')],
    ['a line of evidence more', /indented/, () => but('    Debian', '    arm: 3\n    Debian')],
    ['lines of evidence in another order', /indented/, () => but(/( {4}mips.*\n)( {4}Deb.*\n)/, '$2$1')],
    ['evidence as prose', /blocks/, () => TEXT.replace('    mips', 'mips').replace('    Debian', 'Debian')],
    [
      'prose as evidence',
      /blocks/,
      () => but('The quoted', '    The quoted').replace('drivers/clk', '    drivers/clk'),
    ],
    ['a new quote', /quoted line is changed/, () => but('The quoted', '> Yes.\n\nThe quoted')],
    ['a command', /starts with/, () => but('The quoted', '#depbot send\nThe quoted')],
    ['a command within a line', /nowhere/, () => but('The quoted', 'Then #depbot help the quoted')],
    ['the mark of a signature', /quoted line is changed/, () => but('The quoted', '-- \nThe quoted')],
    ['the start of a diff', /starts with/, () => but('The quoted', 'diff of it\nThe quoted')],
    ['a trailer', /starts with/, () => `${TEXT}\nAcked-by: the robot`],
    ['a trailer within a line', /trailer/, () => but('The quoted', 'It is acked-by: us. The quoted')],
    ['a line that reads Cc', /starts with/, () => `${TEXT}\nCc: stable`],
    ['a list', /starts with/, () => but('The quoted', '* The quoted')],
    ['bold type', /nowhere/, () => but('The quoted', 'The **quoted**')],
    ['a fence of code', /nowhere/, () => `\`\`\`\n${TEXT}\n\`\`\``],
    ['an escape sequence', /control/, () => but('The quoted', '\u001b[1mThe quoted')],
    ['a carriage return', /control/, () => but('The quoted', 'x\rThe quoted')],
    ['a mark that turns the text', /control/, () => but('The quoted', '\u202eThe quoted')],
    ['a blank of no width', /control/, () => but('The', 'T\u200bhe')],
    ['a homograph', /nowhere/, () => but('The quoted', 'The qu\u043eted')],
    ['half of it', /length|blocks|missing/, () => TEXT.slice(0, TEXT.length / 2 - 1)],
    ['twice as much', /length/, () => `${TEXT}\n${TEXT}`],
    ['nothing', /length/, () => ''],
  ];
  it.each(lies)('refuses %s', (_, why, candidate) => {
    expect(unfaithful(TEXT, candidate())).toMatch(why);
    expect(isFaithful(TEXT, candidate())).toBe(false);
  });

  const CLAIM =
    'With the series, FOO_CORE selects BAR, so the build of drivers/foo/core.o fails. Before the series it is enabled on arm64, and disabled on x86.';
  it.each([
    ['fails', 'succeeds', /"succeed" is new/],
    ['fails', 'works', /"work" is new/],
    ['is enabled', 'is not disabled', /negates/],
    ['is enabled', 'is', /"enabled" is missing/],
    ['selects', 'removes', /"remove" is new/],
    ['selects', 'is selected by', /"selected" is new/],
    ['fails', 'may fail', /"may" is new/],
    ['so the', 'if the', /"if" is new/],
    [/enabled(.*)disabled/, 'disabled$1enabled', /another order/],
  ])('refuses the contrary, or another claim: "%s" as "%s"', (from, to, why) => {
    const candidate = CLAIM.replace(from, to);
    expect(candidate).not.toBe(CLAIM);
    expect(unfaithful(CLAIM, candidate)).toMatch(why);
  });

  it.each([
    ['FOO is y and BAR is n.', 'BAR is y and FOO is n.'],
    ['FOO selects BAR; BAR depends on FOO.', 'FOO selects BAR; FOO depends on BAR.'],
    ['FOO is y where BAR, of arm64, is n.', 'FOO, BAR is y where, of arm64, is n.'],
    ['FOO can be y, and BAR cannot.', 'FOO cannot be y, and BAR can.'],
    ['foo() never calls bar(), which calls baz().', 'foo() calls bar(), which never calls baz().'],
    ['It fails without FOO, it works with BAR.', 'It fails, without FOO it works with BAR.'],
    ['a.c:7 includes b.h, b.h defines FOO.', 'b.h defines FOO, a.c:7 includes b.h.'],
    ['a.c:7 says y, b.c:9 says n.', 'a.c:7 says, b.c:9 says y n.'],
    ['FOO was y and is n.', 'FOO is y and was n.'],
    ['FOO is y, as FOO_A has BAR enabled.', 'FOO is y, as BAR has FOO_A enabled.'],
    ['FOO has called BAR.', 'FOO is called BAR.'],
    ['It declares foo().', 'It defines foo().'],
    ['It fails where FOO is n.', 'It fails and FOO is n.'],
    ['FOO has to be y.', 'FOO has been y.'],
    ['3 of arm, 4 of mips.', '3 of mips, 4 of arm.'],
    ['FOO is on in x86, off in arm.', 'FOO is on, off in x86, in arm.'],
  ])('refuses facts that are told of something else: %s', (said, candidate) => {
    expect(unfaithful(said, said)).toBeUndefined();
    expect(unfaithful(said, candidate)).toBeTypeOf('string');
  });

  it('takes small words, and others that say the same', () => {
    const said = CLAIM.replace('so the build of', 'and therefore the build for').replace(
      'it is enabled',
      'this is enabled',
    );
    expect(unfaithful(CLAIM, said)).toBeUndefined();
  });

  it('takes every comment of the templates as it is', () => {
    for (const text of texts.values()) expect(unfaithful(text, text)).toBeUndefined();
  });

  const words = TEXT.split(/(\s+)/);
  const isFact = (word: string): boolean => /[A-Z_0-9/]{2}|^\d+$/.test(word);

  it('refuses any comment that lost one of its facts, wherever it stood', () => {
    const places = words.flatMap((word, at) => (isFact(word) ? [at] : []));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.constantFrom('it', 'that', 'the symbol'), (at, to) => {
        const candidate = words.with(at, to).join('');
        expect(isFaithful(TEXT, candidate)).toBe(false);
      }),
    );
  });

  it('refuses any new name, number, address or character that is not seen, wherever it is put', () => {
    const strange = fc.oneof(
      fc.stringMatching(/^[A-Z]{3,8}_[A-Z]{2,8}$/),
      fc.stringMatching(/^[a-z]{2,8}_[a-z]{2,8}\(\)$/),
      fc.stringMatching(/^[a-z]{2,8}\/[a-z]{2,8}\.[ch]$/),
      fc.stringMatching(/^https?:\/\/[a-z]{1,9}\.org$/),
      fc.stringMatching(/^[1-9]\d{0,5}$/),
      fc.constantFrom('\u202e', '\u200b', '\u0007', '#depbot', 'Signed-off-by:', 'y', 'not', 'must'),
    );
    fc.assert(
      fc.property(fc.nat(words.length), strange, (at, word) => {
        const candidate = words.toSpliced(at, 0, ` ${word} `).join('');
        expect(isFaithful(TEXT, candidate)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, and takes time that its length bounds', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('\n', '\n    ', '> ', '()', '"', "'s", '\ud800', 'FOO_BAR', '\n-- \n'),
    );
    const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect([true, false]).toContain(isFaithful(a, b));
      }),
    );
    const start = performance.now();
    for (const long of ['A_'.repeat(4000), 'a '.repeat(4000), '"('.repeat(4000), 'X1 '.repeat(2600), '()'.repeat(4000)])
      isFaithful(long, long.replace(/..$/, 'b'));
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

describe('a reply whose comments were reworded', () => {
  const bodyOf = (rephrased?: ReadonlyMap<Finding, string>, model?: string): string => {
    const footer = { ...input.footer, ...(model !== undefined && { model }) };
    const replies = renderReplies({ ...input, footer, ...(rephrased && { rephrased }) });
    return replies.map(({ body }) => body).join('\n');
  };
  const reworded = new Map([[sample.configUpgrade, upgrade.replace('is the cause', 'causes this')]]);

  it('has the other words, and names the model below them alone', () => {
    const body = bodyOf(reworded, 'small-7b');
    expect(body).toContain('The quoted line causes this');
    expect(body).not.toContain('The quoted line is the cause');
    expect(body.replace(/\s+/g, ' ').match(/Comments worded by small-7b, from the facts above\./g)).toHaveLength(1);
  });

  it('says that a model did it also when the caller does not name it', () => {
    expect(bodyOf(reworded).replace(/\s+/g, ' ')).toContain('Comments worded by a language model, from');
  });

  it('is the reply of the templates when the words are those of the templates', () => {
    expect(bodyOf(texts, 'small-7b')).toBe(bodyOf());
    expect(bodyOf(undefined, 'small-7b')).toBe(bodyOf());
    expect(footerText({ ...input.footer, model: 'small-7b' })).not.toContain('small-7b');
  });

  it('has a comment for each finding that is shown', () => {
    expect([...texts.keys()]).toEqual(expect.arrayContaining(findings));
    const flat = bodyOf();
    for (const text of texts.values()) expect(flat).toContain(text);
  });
});

describe('openProse', () => {
  let server: OpenaiServer;
  let logged: string[] = [];
  const log = { info: (text: string) => logged.push(`info ${text}`), warn: (text: string) => logged.push(text) };
  const open = (more: object = {}) =>
    openProse({ baseUrl: server.baseUrl, model: 'small', timeoutMs: 20_000, ...more }, log);
  beforeAll(async () => {
    server = await startOpenai();
  });
  beforeEach(() => {
    logged = [];
    server.behave('rephrase');
  });
  afterAll(() => server.close());

  it('gives other words for the comments of every rule, with a word in the log for none', async () => {
    const prose = open();
    const said = await Promise.all([...texts].map(async ([, text]) => prose.rephrase(text)));
    expect(logged).toEqual([]);
    expect(said.filter((text, i) => text !== [...texts.values()][i]).length).toBeGreaterThan(1);
  });

  it('asks for the model, at temperature 0, with the comment between two lines nobody can know', async () => {
    await open({ apiKey: 'secret-key' }).rephrase(upgrade);
    const { body, authorization } = server.requests.at(-1)!;
    const { model, temperature, messages } = JSON.parse(body);
    expect([model, temperature, authorization]).toEqual(['small', 0, 'Bearer secret-key']);
    const lines = messages[1].content.split('\n');
    expect(lines.slice(1, -1).join('\n')).toBe(upgrade);
    expect(lines[0]).toMatch(/^=====[0-9a-f-]{36}=====$/);
    expect(lines.at(-1)).toBe(lines[0]);
    await open().rephrase(upgrade);
    expect(server.requests.at(-1)!.body).not.toContain(lines[0]);
  });

  it('takes a text with the lines around it for the text', async () => {
    server.behave('echo');
    expect(await open().rephrase(upgrade)).toBe(upgrade);
    expect(logged).toEqual([]);
  });

  it('tries again after a 503', async () => {
    server.behave('flaky');
    const before = server.requests.length;
    expect(await open().rephrase(upgrade)).not.toBe(upgrade);
    expect(server.requests.length - before).toBe(3);
    expect(logged).toEqual([]);
  });

  const bad: readonly (readonly [mode: OpenaiMode, why: RegExp])[] = [
    ['other-symbol', /refused: "NET_VENDOR_OTHER" is nowhere/],
    ['other-number', /refused: its numbers/],
    ['dropped-fact', /refused: "SENSORS_FOO" is missing|refused: ".*" is missing|refused: its names/],
    ['added-instruction', /refused: ("please" is new|its blocks)/],
    ['changed-evidence', /refused: an indented/],
    ['trailer', /refused: (a line starts with "Reviewed-by|its blocks|it has a trailer|its length)/],
    ['link', /refused: (?:its|"|a line)/],
    ['address', /refused: (?:its|"|a line)/],
    ['markup', /refused: /],
    ['other-arch', /refused: /],
    ['claims-more', /refused: "(?:every|always)" is new/],
    ['obeys', /refused: its length is another/],
    ['stream', /holds no text|JSON|stream/i],
    ['error', /500/],
    ['unauthorized', /401 wrong key \*\*\*/],
    ['busy', /no answer in time/],
    ['redirect', /Connection error/],
    ['hang', /no answer in time/],
    ['half', /no answer in time/],
    ['garbage', /JSON/],
    ['not-a-completion', /holds no text/],
    ['refusal', /holds no text/],
    ['cut', /cut the answer short/],
    ['huge', /longer than \d+ bytes/],
    ['close', /Connection error/],
  ];
  it.each(bad)('keeps the words of the template when the endpoint does this: %s', async (mode, why) => {
    server.behave(mode);
    const start = performance.now();
    const timeoutMs = /in time/.test(why.source) ? 400 : 20_000;
    expect(await open({ apiKey: 'secret-key', timeoutMs }).rephrase(upgrade)).toBe(upgrade);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^prose: small at 127\.0\.0\.1:\d+: .*; the words of the template are used$/);
    expect(logged[0]).toMatch(why);
    expect(logged[0]).not.toContain('secret-key');
  });

  it('tells the model once what was wrong, and takes the second text if it is faithful', async () => {
    server.behave('learns');
    const before = server.requests.length;
    const said = await open().rephrase(upgrade);
    expect(said).not.toBe(upgrade);
    expect(said).not.toContain('security');
    expect([server.requests.length - before, logged]).toEqual([2, []]);
    const { messages } = JSON.parse(server.requests.at(-1)!.body);
    expect(messages.map(({ role }: { role: string }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(messages[3].content).toMatch(
      /^That cannot be used: "It" is nowhere in the finding\. Edit the comment once more\.$/,
    );
  });

  it('asks no third time', async () => {
    server.behave('link');
    const before = server.requests.length;
    expect(await open().rephrase(upgrade)).toBe(upgrade);
    expect(server.requests.length - before).toBe(2);
  });

  it('takes the comment nowhere else than to the endpoint', async () => {
    server.behave('redirect');
    await open().rephrase(upgrade);
    expect(new Set(server.requests.map(({ path }) => path))).toEqual(new Set(['/v1/chat/completions']));
  });

  it('keeps them when there is no server, and leaves it alone for a while after three failures', async () => {
    const gone = await startOpenai();
    await gone.close();
    let ms = 0;
    const settings = { baseUrl: gone.baseUrl, model: 'small', timeoutMs: 300 };
    const prose = openProse(settings, log, () => ms);
    for (let i = 0; i < 5; i++) expect(await prose.rephrase(upgrade)).toBe(upgrade);
    expect(logged).toHaveLength(3);
    expect(logged[1]).not.toContain('not asked again');
    expect(logged[2]).toContain('not asked again for 5 minutes');
    ms = 5 * 60 * 1000 + 1;
    await prose.rephrase(upgrade);
    expect(logged).toHaveLength(4);
  });

  it('does not ask about a comment of many pages', async () => {
    const before = server.requests.length;
    const long = `FOO_BAR is gone.\n${'word '.repeat(2000)}`;
    expect(await open().rephrase(long)).toBe(long);
    expect(server.requests.length).toBe(before);
    expect(logged[0]).toContain('longer than 8000 characters');
  });
});
