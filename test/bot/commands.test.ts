import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMANDS, commandsIn, helpText, STOP_LINE } from '../../bot/commands.ts';
import { STOP_SENTENCE } from '../../bot/footer.ts';
import { wrapProse } from '../../bot/wrap.ts';

const check = { word: 'check', args: [] };
const stop = { word: 'stop', args: [] };
const send = { word: 'send', args: [] };
const LONG_QUOTE = `> ${'x'.repeat(60)}`;

const obeyed: readonly (readonly [name: string, body: string, expected: readonly object[]])[] = [
  ['a line of its own', '#depbot check\n', [check]],
  [
    'arguments, as data',
    '#depbot check base=v6.12  --exec=$(id)',
    [{ word: 'check', args: ['base=v6.12', '--exec=$(id)'] }],
  ],
  ['two commands, in order', 'Hi\n\n#depbot check\n#depbot stop\n', [check, stop]],
  ['up to three leading blanks', '   #depbot check', [check]],
  ['blanks and tabs between and at the end', '#depbot \t check \t', [check]],
  ['no-break spaces, as phones put them', '#depbot\u00a0check', [check]],
  ['capitals, a colon and a full stop', '#Depbot: Stop.', [stop]],
  ['a line directly below a short quote', '> Does it break?\n#depbot check', [check]],
  ['a line below a long quote and a blank line', `${LONG_QUOTE}\n\n#depbot check`, [check]],
  ['a line below a long line of the sender', `${'x'.repeat(70)}\n#depbot check`, [check]],
  [
    'a line after a broken attribution and its quote',
    'On Mon, Mar 2, 2026 at 10:00 AM Jane Doe <jane.doe@example.org>\nwrote:\n> a\n\n#depbot check',
    [check],
  ],
  [
    'a line after trailers',
    'Cc: Jane Doe <jane@example.org>\nAcked-by: Max <max@example.org>\nThanks,\n#depbot check',
    [check],
  ],
  ['a line after words that end so', 'This is what Jane wrote\n\n#depbot check', [check]],
  ['a line after an attribution and its quote', 'On Mon, Jane wrote:\n> a\n\n#depbot check', [check]],
  ['a line above the signature', '#depbot check\n-- \nJane', [check]],
  ['a line above a forwarded mail', '#depbot check\n\n-----Original Message-----\nFrom: a', [check]],
  ['a line between dashes that are no mark', '-- Jane\n#depbot check', [check]],
  ['a line above a patch', '#depbot check\n\ndiff --git a/x b/x\n', [check]],
  [
    'a line below trailers',
    'Reviewed-by: Jane <j@x.org>\nTested-by: Bob <b@x.org>\nFixes: 1234567890ab ("x")\n#depbot check',
    [check],
  ],
  ['a line below a list of values', 'Kernel: v6.12\nArch: arm64\nConfig: defconfig\n\n#depbot check', [check]],
  ['a line below links', 'https://x.org/a@b.c\nhttps://x.org/10:30\n#depbot check', [check]],
  ['a line below words that end with a colon', 'It failed at 10:30, so:\n\n#depbot check', [check]],
  [
    'a line after a Chinese attribution and its quote',
    'Jane <j@x.org> 于2026年7月6日 10:00写道：\n> a\n\n#depbot check',
    [check],
  ],
  ['a sentence that only begins like a mail head', 'From: what I see\nit breaks\n#depbot check', [check]],
];

const left: readonly (readonly [name: string, body: string])[] = [
  ['nothing', ''],
  ['a mail without a command', 'Looks fine to me.\n'],
  ['four leading blanks', '    #depbot check'],
  ['a tab in front', '\t#depbot check'],
  ['a word in front', 'Say #depbot check'],
  ['a longer word', '#depbotcheck'],
  ['a quote', '> #depbot check'],
  ['a quote of a quote', '>> #depbot check\n> > #depbot check'],
  ['a quote without a blank', '>#depbot check'],
  ['an indented quote', '  > #depbot check'],
  ['a bar as the quote mark', '| #depbot check'],
  ['initials in front of the quote mark', 'JD> #depbot check'],
  ['the rest of a long quoted line that only begins like a command', `${LONG_QUOTE}\n#depbot is what I like`],
  ['a signature', 'Hi\n-- \n#depbot check'],
  ['a signature whose blank was dropped', 'Hi\n--\n#depbot check'],
  ['a mail forwarded by Outlook', '-----Original Message-----\n#depbot check'],
  ['a mail forwarded by Thunderbird', '-------- Forwarded Message --------\n#depbot check'],
  ['a mail forwarded by Gmail', '---------- Forwarded message ---------\nFrom: a\n\n#depbot check'],
  ['a mail forwarded in German', '----- Weitergeleitete Nachricht -----\n#depbot check'],
  ['a mail forwarded by Apple Mail', 'Begin forwarded message:\n\n#depbot check'],
  ['a mail below its head', 'From: Jane <j@x.org>\nSent: Monday\nTo: a\n\n#depbot check'],
  ['a mail below its head in bold', '*From:* Jane\n*Date:* Monday\n\n#depbot check'],
  ...[
    ['Chinese', '发件人: Jane <j@x.org>\n发送时间: 2026年7月6日 10:00\n收件人: a@x.org\n主题: Re: x'],
    ['Chinese, with wide colons', '发件人：Jane\n发送时间：2026年7月6日 10:00\n主题：x'],
    ['Chinese, in bold', '*发件人:* Jane\n*日期:* 2026年7月6日 10:00'],
    ['Russian', 'От: Jane <j@x.org>\nОтправлено: 6 июля 2026 г. 10:00\nКому: a\nТема: x'],
    ['Finnish', 'Lähettäjä: Jane\nLähetetty: 6. heinäkuuta 2026 10.00\nAihe: x'],
    ['Japanese', '差出人: Jane\n送信日時: 2026年7月6日 10:00\n宛先: a'],
    ['Arabic', 'من: Jane <j@x.org>\nتاريخ الإرسال: ٦ يوليو ٢٠٢٦ ١٠:٠٠\nإلى: a'],
    ['French', 'De : Jane <j@x.org>\nEnvoyé : lundi 6 juillet 2026 10:00\nÀ : a\nObjet : x'],
    ['Hindi', 'प्रेषक: Jane\nभेजा गया: 6 जुलाई 2026 10:00\nविषय: x'],
  ].map(([language, head]): [string, string] => [
    `a mail below its head in ${language}`,
    `好\n\n${head}\n\n#depbot check`,
  ]),
  ...[
    ['Chinese', 'Jane <j@x.org> 于2026年7月6日周一 10:00写道：'],
    ['Chinese, without an address', '在 2026/7/6 10:00, Jane 写道:'],
    ['Chinese, broken', 'Jane <j@x.org>\n于2026年7月6日周一 10:00写道：'],
    ['Russian', 'пн, 6 июл. 2026 г. в 10:00, Jane <j@x.org>:'],
    ['Russian, without an address', '06.07.2026 10:00, Jane пишет:'],
    ['Hebrew', 'בתאריך יום ב׳, 6 ביולי 2026 ב-10:00 מאת Jane <j@x.org>:\u200f'],
    ['Portuguese', 'Em seg., 6 de jul. de 2026 às 10:00, Jane <j@x.org> escreveu:'],
  ].map(([language, line]): [string, string] => [
    `a mail below its attribution in ${language}`,
    `${line}\n\n#depbot check`,
  ]),
  ['a mail below a ruler', `${'_'.repeat(32)}\n#depbot check`],
  ['a mail below its attribution, without quote marks', 'Fine.\n\nOn Mon, 6 Jul 2026, Jane wrote:\n\n#depbot check'],
  [
    'a mail below an attribution that is broken before its last word',
    'I agree.\n\nOn Mon, Mar 2, 2026 at 10:00 AM Jane Doe <jane.doe@example.org>\nwrote:\n\n#depbot check',
  ],
  [
    'a mail below one that is broken so in French',
    'ok\n\nLe lun. 2 mars 2026 à 10:00, Jane Doe <jane@example.org> a\nécrit :\n\n#depbot check',
  ],
  [
    'a mail below one that is broken before the name',
    'ok\n\nOn Mon, Mar 2, 2026 at 10:00 AM\nJane wrote:\n\n#depbot check',
  ],
  ['a mail below an attribution without colon', 'see\n\nJane Doe <jane@example.org> wrote\n\n#depbot check'],
  [
    'a mail below one of another language without colon',
    'ks.\n\nJane Doe <jane@example.org> kirjoitti\n\n#depbot check',
  ],
  ['a mail below a broken one without colon', 'On Mon, Jane Doe <jane@example.org>\nwrote\n\n#depbot check'],
  ['a mail below its sender alone', 'see\n\nFrom: Jane Doe <jane@example.org>\n\n#depbot check'],
  ['a mail below its sender alone, in Russian', 'см.\n\nОт: Jane Doe <jane@example.org>\n\n#depbot check'],
  ['a mail below a broken attribution', 'On Mon, 6 Jul 2026, Jane\n<j@x.org> wrote:\n\n#depbot check'],
  ['a context line of a diff', 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n #depbot check\n'],
  ['a line below a plain diff', '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n#depbot check\n'],
  ['a hunk without a head', '@@ -1,2 +1,2 @@\n #depbot check\n'],
  ['remarks below the --- of a patch', 'Fix foo.\n\n---\n#depbot check\n x | 2 +-\n'],
  ['an attached patch', `From ${'a'.repeat(40)} Mon Sep 17 00:00:00 2001\n#depbot check`],
  ['a part below scissors', '--- >8 ---\n#depbot check'],
  ['our footer, broken anew', `To stop such mails: ${STOP_SENTENCE}.`.replace('"#', '"\n#')],
  ['our footer, broken before its mark', 'To stop such mails:\n#depbot stop'],
  ['the end of our sentence', 'so reply\n#depbot stop".'],
  ['a line of thousands of characters', `#depbot check ${'x'.repeat(5000)}`],
];

/** Without the lines that they were read from. */
const orders = (body: string) => commandsIn(body).map(({ line: _, ...order }) => order);

describe('commandsIn', () => {
  it.each(obeyed)('obeys %s', (_, body, expected) => {
    expect(orders(body)).toEqual(expected);
    expect(orders(body.replaceAll('\n', '\r\n'))).toEqual(expected);
  });

  it.each(left)('does not obey %s', (_, body) => {
    expect(commandsIn(body)).toEqual([]);
    expect(commandsIn(body.replaceAll('\n', '\r\n'))).toEqual([]);
  });

  it.each([
    ['#depbot', ''],
    ['#depbot frobnicate now', 'frobnicate now'],
    ['#depbot constructor', 'constructor'],
    ['#depbot check\u001b[31m', 'check\ufffd[31m'],
    ['#depbot check \u202eevil', 'check \ufffdevil'],
    [`#depbot ${'é'.repeat(200)}`, `${'é'.repeat(97)}...`],
    [`#depbot check ${'a'.repeat(201)}`, `check ${'a'.repeat(91)}...`],
    [`#depbot check ${'a '.repeat(21)}`, `check ${'a '.repeat(21)}`.trim()],
  ])('does not know %j', (line, text) => {
    expect(orders(line)).toEqual([{ word: 'unknown', text }]);
  });

  it('takes three commands of a mail, and names the first of those beyond', () => {
    expect(orders('#depbot check\n'.repeat(3))).toEqual([check, check, check]);
    expect(commandsIn('#depbot check\n'.repeat(3) + '#depbot send\n'.repeat(2)).slice(3)).toEqual([
      { line: '#depbot send', word: 'left', why: expect.stringContaining('3 commands of a mail') },
    ]);
  });

  it.each([
    ['the rest of a long quoted line that a mailer broke', `${LONG_QUOTE}\n#depbot send`],
    ['the second rest of such a line', `${LONG_QUOTE}\n${'y'.repeat(60)}\n#depbot send`],
    [
      'a line right below a long quoted line of a patch',
      `> +\tdepends on PCI && (X86 || ARM64) && !COMPILE_TEST\n#depbot send`,
    ],
  ])('does not obey, but names, %s', (_, body) => {
    const named = { line: '#depbot send', word: 'left', why: expect.stringContaining('a blank line above it') };
    expect(commandsIn(body)).toEqual([named]);
    expect(commandsIn(body.replaceAll('\n', '\r\n'))).toEqual([named]);
  });

  const LONG = '#depbot check base=net-next/main config=NET=y,INET=y,IPV6=n';
  it.each<[string, string, string]>([
    ['a line that was wrapped', `${LONG}\narch=arm,arm64 verbose\nThanks`, `${LONG} arch=arm,arm64 verbose`],
    ['no line that would have had room', '#depbot check base=v6.12\nverbose', '#depbot check base=v6.12'],
    ['nothing that a person says', `${LONG}\nThanks a lot for this`, LONG],
    ['no quote', `${LONG}\n> verbose`, LONG],
    ['nothing after a blank line', `${LONG}\n\nverbose`, LONG],
    ['no other command', `${LONG}\n#depbot help`, LONG],
    [
      'a long name of a section',
      '#depbot start PCIE DRIVER FOR MARVELL ARMADA AND XILINX VERSAL\nHOST CONTROLLER',
      '#depbot start PCIE DRIVER FOR MARVELL ARMADA AND XILINX VERSAL HOST CONTROLLER',
    ],
    [
      'nothing behind a command without arguments',
      `#depbot help ${'x'.repeat(60)}\nverbose`,
      `#depbot help ${'x'.repeat(60)}`,
    ],
  ])('puts together %s', (_, body, line) => {
    expect(commandsIn(body)[0]?.line).toBe(line);
    expect(commandsIn(body.replaceAll('\n', '\r\n'))[0]?.line).toBe(line);
  });

  it('gives the line on one line, cut where it is long', () => {
    expect(commandsIn('  #depbot \t check\u00a0x')[0]?.line).toBe('#depbot check x');
    expect(commandsIn(`#depbot check ${'y'.repeat(300)}`)[0]?.line).toHaveLength(200);
  });

  it('finds nothing in a mail that is quoted as a whole, whatever it says', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('#depbot send', '', ' #depbot stop'))), (lines) => {
        const quoted = lines.flatMap((line) => line.split(/[\r\n]+/)).map((line) => `> ${line}`);
        expect(commandsIn(quoted.join('\n'))).toEqual([]);
      }),
    );
  });

  it('is quick with a mail made to be slow', () => {
    const hostile = `${`On ${'schrieb '.repeat(100)}x\n`.repeat(10_000)}${'-'.repeat(900)}\n#depbot check`;
    const start = performance.now();
    expect(orders(hostile)).toEqual([check]);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

describe('our own words', () => {
  const help = helpText('depbot@example.org');

  it('list every command and our address', () => {
    for (const word of Object.keys(COMMANDS)) expect(help).toContain(`    #depbot ${word} `);
    expect(help).toContain('depbot@example.org');
  });

  it('are not obeyed, neither as sent nor filled anew', () => {
    expect(commandsIn(help)).toEqual([]);
    expect(commandsIn(wrapProse(help))).toEqual([]);
    expect(commandsIn(wrapProse(`To stop such mails: ${STOP_SENTENCE}.`, 20))).toEqual([]);
  });

  it('name a line that is obeyed', () => {
    expect(STOP_SENTENCE).toContain(`"${STOP_LINE}"`);
    expect(orders(STOP_LINE)).toEqual([stop]);
    expect(orders(`${STOP_LINE}\n${STOP_LINE.replace('stop', 'send')}`)).toEqual([stop, send]);
  });
});
