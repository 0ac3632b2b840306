import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AnswerOptions, answer, reportText } from '../../bot/answer.ts';
import { commandsIn, helpText } from '../../bot/commands.ts';
import { STOP_SENTENCE } from '../../bot/footer.ts';
import { parseMessage } from '../../bot/message.ts';
import { Outbox } from '../../bot/outbox.ts';
import type { Outgoing } from '../../bot/outgoing.ts';
import type { Message } from '../../rules/types.ts';
import { message } from '../fixtures/mail/make.ts';
import { configUpgrade, sampleFooter, sampleReport, sampleSeries, undefinedSelect } from '../support/sample-report.ts';

const BOT = 'depbot@bot.example';
const FOOTER = { ...sampleFooter, stop: STOP_SENTENCE };
const COMMAND = message({
  id: 'c@x.example',
  from: 'Max <max@example.org>',
  subject: 'RE: [PATCH] x',
  inReplyTo: 'b@x.example',
  references: ['a@x.example', 'b@x.example'],
  headers: ['Cc: list@example.org', 'Reply-To: eve@x.example'],
});

let dir: string;
let outbox: Outbox;
let lines: string[];
let options: AnswerOptions;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'answer-'));
  lines = [];
  const log = { info: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };
  outbox = new Outbox(dir, log);
  options = { outbox, bot: BOT, footer: FOOTER, log, now: () => new Date('2026-11-22T10:00:00Z') };
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const queued = (): readonly Outgoing[] => outbox.list('to-send');
function only(): { meta: Outgoing; mail: Message; raw: string } {
  const [meta, ...more] = queued();
  expect(more).toEqual([]);
  const raw = Buffer.from(outbox.read(meta!.id));
  const parsed = parseMessage(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return { meta: meta!, mail: parsed.message, raw: raw.toString() };
}

describe('an answer', () => {
  test('goes to the sender alone, in the thread of the command, and says who we are', () => {
    answer(COMMAND, 'seed', ['One.', 'Two.'], options);
    const { meta, mail, raw } = only();
    expect(meta).toMatchObject({
      kind: 'answer',
      via: 'smtp',
      recipients: ['max@example.org', BOT],
      answers: 'c@x.example',
      maintainers: [],
      allowedBy: 'command in <c@x.example>',
    });
    expect(mail).toMatchObject({
      from: { address: BOT },
      to: [{ name: 'Max', address: 'max@example.org' }],
      cc: [],
      subject: 'Re: [PATCH] x',
      inReplyTo: 'c@x.example',
      references: ['a@x.example', 'b@x.example', 'c@x.example'],
    });
    expect(mail.body.startsWith('One.\n\nTwo.\n\n-- \ndepbot, a robot run by the Example Lab.\n')).toBe(true);
    expect(raw).toMatch(/^Auto-Submitted: auto-replied\r$/m);
    expect(raw).not.toMatch(/eve@|list@/);
    expect(lines).toEqual(['Re: [PATCH] x: answer to max@example.org']);
  });

  test('is queued once for a seed, whatever it says, and anew for another', () => {
    answer(COMMAND, 'stranger max@example.org', ['One.'], options);
    outbox.move(only().meta.id, 'to-send', 'accepted');
    answer({ ...COMMAND, messageId: 'd@x.example' }, 'stranger max@example.org', ['Two.'], options);
    expect([queued().length, lines.length]).toEqual([0, 1]);
    answer(COMMAND, 'done c@x.example', ['One.'], options);
    expect(queued()).toHaveLength(1);
  });

  test('has lines of at most 72 columns, and leaves quotes and lists as they are', () => {
    const quote = `> ${'quoted '.repeat(20)}`;
    answer(COMMAND, 'seed', [`${'word '.repeat(40)}`, quote, helpText(BOT)], options);
    const { body } = only().mail;
    const prose = body.split('\n').filter((line) => !/^[> ]/.test(line));
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(72);
    expect(body).toContain(`\n${quote.trimEnd()}`);
    expect(body).toMatch(/^ {4}#depbot check {4}check the series/m);
  });

  test('is no command, should it come back to us', () => {
    answer(COMMAND, 'seed', [helpText(BOT), 'I do not know the command "merge".'], options);
    expect(only().mail.body).toContain('#depbot stop');
    expect(commandsIn(only().mail.body)).toEqual([]);
  });

  test.each([
    ['of ASCII', 'x'.repeat(1100)],
    ['of characters of four octets', '\u{1f600}'.repeat(400)],
  ])('cuts a word %s that no mail can carry, and nothing else', (_, word) => {
    const series = { ...sampleSeries, subject: `[PATCH] Input: ${word}` };
    answer(COMMAND, 'seed', reportText(series, sampleReport([]), FOOTER, undefined), options);
    const { body } = only().mail;
    expect(Math.max(...body.split('\n').map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(900);
    expect(body).toContain(`${word.slice(0, 400)}`);
    expect(body).toMatch(/\.\.\.$/m);
    expect(body).not.toContain('\ufffd');
    expect(body).toContain('Compared: Kconfig of 8 architectures');
  });

  test('may have characters in it that no mail can carry', () => {
    answer(COMMAND, 'seed', ['One\rTwo\0.'], options);
    expect(only().mail.body.startsWith('One\ufffdTwo\ufffd.\n')).toBe(true);
  });

  test('to a command without a thread begins one', () => {
    answer(message({ id: 'c@x.example', subject: '' }), 'seed', ['One.'], options);
    expect(only().mail).toMatchObject({ subject: 'Re:', references: ['c@x.example'] });
  });
});

describe('the words for a report', () => {
  const words = (report: Parameters<typeof reportText>[1]): string =>
    reportText(sampleSeries, report, FOOTER, undefined).join('\n\n');

  test('say that nothing was found, where it was looked, and on what base', () => {
    const text = words(sampleReport([]));
    expect(text).toContain('I found nothing in "[PATCH v2 0/4] hwmon: Foo 2 sensor".');
    expect(text).toContain('8 architectures with 311 existing configurations (config-upgrade,');
    expect(text).toContain('Base: v6.12.117; The base-commit of the cover letter');
  });

  test('say why it could not be checked, and nothing of what was found', () => {
    const cannotCheck = { stage: 'apply', why: 'patch 2 does not apply', patch: 2 } as const;
    const text = words({ ...sampleReport([undefinedSelect]), cannotCheck });
    expect(text).toBe('I could not check "[PATCH v2 0/4] hwmon: Foo 2 sensor" (apply): patch 2 does not apply.');
  });

  test.each(['worker', 'sandbox'] as const)('keep what went wrong on our machine (%s) to ourselves', (stage) => {
    const cannotCheck = { stage, why: "EACCES: permission denied, mkdir '/home/op/.cache/depbot'" };
    const text = words({ ...sampleReport([]), cannotCheck });
    expect(text).toContain(`(${stage}): something went wrong on my side`);
    expect(text).not.toMatch(/EACCES|\/home/);
  });

  test('are the replies, each under its subject, without their signatures', () => {
    const text = words(sampleReport([undefinedSelect, configUpgrade]));
    expect(text.match(/^What I have to say of "Re: \[PATCH v2 [12]\/4\]/gm)).toHaveLength(2);
    expect(text).toContain('> +\tselect REGMAP_I2CC');
    expect(text).toContain('> +\tdepends on COMMON_CLK');
    expect(text).not.toMatch(/^-- $|a robot run by/m);
    expect(text).not.toContain('I found nothing');
  });
});

test('who asks is told what could not be built, and in full what else is left open', () => {
  const report = sampleReport([]);
  const trial = { arch: 'x86', from: 'empty', settings: [], objects: [], steps: [0], fault: 'make took too long' };
  const notCompiled = [{ path: 'a.c', lines: [[3, 4]] as const, why: 'make took too long' }];
  const built = { trials: [trial], notCompiled, sampled: [], left: [], skipped: [] };
  const told = (detail: 'findings' | 'all' | 'proofs'): string => {
    const checked = { ...report.checked, built };
    return reportText(sampleSeries, { ...report, checked }, FOOTER, undefined, detail).join('\n');
  };
  for (const detail of ['findings', 'all', 'proofs'] as const)
    expect(told(detail)).toContain('"#depbot check" tries again:\n    not built on x86: make took too long');
  expect(told('findings')).not.toContain('a.c');
  expect(told('all')).toContain('Left open:\n    not compiled: a.c:3-4: make took too long');
});
