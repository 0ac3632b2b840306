/** Private mails to one person: answers to commands and what else that person has to know, plain, in the thread. */

import type { Finding, Message, Report, Series } from '../rules/types.ts';
import { messageIdFor, toEml } from './eml.ts';
import { type Footer, footerText } from './footer.ts';
import { leftOpen, unbuilt } from './left-open.ts';
import type { Log } from './log.ts';
import type { Outbox } from './outbox.ts';
import { type Outgoing, outgoingId } from './outgoing.ts';
import { fitted, renderReplies, replySubject } from './reply.ts';
import { wrapProse } from './wrap.ts';

const OUR_FAULT = 'something went wrong on my side, and the reason is in the log of my operator';

/** What an answer needs of the mail that it answers. */
export type Answered = Pick<Message, 'messageId' | 'subject' | 'references' | 'from'>;

export interface AnswerOptions {
  readonly outbox: Outbox;
  readonly bot: string;
  readonly footer: Footer;
  readonly templatesDir?: string;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * Queues an answer to a command for its sender alone, paragraphs filled at 72 columns. One with the same `seed` is
 * queued once: its Message-ID is made of it. `more` is for a mail that answers something else.
 */
export function answer(
  command: Answered,
  seed: string,
  paragraphs: readonly string[],
  options: AnswerOptions,
  more: Partial<Pick<Outgoing, 'kind' | 'subject' | 'allowedBy' | 'notBefore' | 'quietHours' | 'despiteStop'>> = {},
): void {
  const { outbox, bot, footer, templatesDir, now, log } = options;
  const messageId = messageIdFor('answer', seed, bot.slice(bot.lastIndexOf('@') + 1));
  const reply = {
    patch: 0,
    answers: command.messageId,
    references: [...command.references.filter((id) => id !== command.messageId), command.messageId],
    subject: more.subject ?? replySubject(command.subject),
    body: `${mailable(wrapProse(paragraphs.join('\n\n')))}\n\n${footerText(footer, templatesDir)}\n`,
  };
  const to = command.from;
  const eml = toEml(reply, { from: { name: 'depbot', address: bot }, to: [to], cc: [], messageId, date: now() });
  const added = outbox.add(
    {
      id: outgoingId(messageId),
      messageId,
      kind: 'answer',
      via: 'smtp',
      from: bot,
      recipients: [...new Set([to.address, bot])],
      subject: reply.subject,
      answers: command.messageId,
      maintainers: [],
      allowedBy: `command in <${command.messageId}>`,
      addedAt: now().toISOString(),
      ...more,
    },
    eml,
  );
  if (added === 'added') log.info(`${reply.subject}: ${more.kind ?? 'answer'} to ${to.address}`);
}

/** What a mail can carry: what people wrote is in it, words of any length and any character. */
function mailable(text: string): string {
  return text
    .replaceAll(/[\r\0]/g, '\ufffd')
    .split('\n')
    .map(fitted)
    .join('\n');
}

/** What a report is told with: what a reply would say, what was looked at besides, or how each finding was proved. */
export type Detail = 'findings' | 'all' | 'proofs';

/**
 * What to say of a report to somebody who asked for it. What went wrong on our side is for the operator: folders of
 * the machine are in it, and nothing that the asker can mend.
 */
export function reportText(
  series: Series,
  report: Report,
  footer: Footer,
  templatesDir: string | undefined,
  detail: Detail = 'findings',
): readonly string[] {
  if (report.cannotCheck) {
    const { stage, why } = report.cannotCheck;
    const isOurs = stage === 'worker' || stage === 'sandbox';
    return [`I could not check "${series.subject}" (${stage}): ${isOurs ? OUR_FAULT : why}.`];
  }
  const base = report.applied?.base;
  const on = base ? ` Base: ${base.name ?? base.sha.slice(0, 12)}; ${base.detail}` : '';
  const { archs, configs, rules } = report.checked;
  const looked = `Compared: Kconfig of ${archs.length} architectures with ${configs} existing configurations (${rules.join(', ')}).`;
  const missing = listed('Not everything could be built; "#depbot check" tries again:', unbuilt(report));
  const besides = [...missing, ...(detail === 'all' ? lookedAt(report) : [])];
  if (report.findings.length === 0) return [`I found nothing in "${series.subject}".`, `${looked}${on}`, ...besides];
  if (detail === 'proofs') return [`${looked}${on}`, ...report.findings.flatMap(proofOf), ...besides];
  const replies = renderReplies({ series, report, footer, ...(templatesDir !== undefined && { templatesDir }) });
  return [
    ...replies.flatMap((reply) => [
      `What I have to say of "${reply.subject}":`,
      reply.body.replace(/\n-- \n[\s\S]*$/, '').trimEnd(),
    ]),
    ...besides,
  ];
}

/** Lines of one list in an answer; more is counted. */
const MAX_LISTED = 30;

function lookedAt(report: Report): string[] {
  const { series, checked, dropped } = report;
  const told = unbuilt(report);
  return [
    ...listed('Changed Kconfig files:', checked.changedFiles),
    ...listed('Changed symbols:', checked.changedSymbols),
    ...listed(
      'Suspected, and not told since it could not be proved:',
      dropped.map(({ rule, key, why }) => `${rule} (${key}): ${why}`),
    ),
    ...listed(
      'Left open:',
      leftOpen(report).filter((line) => !told.includes(line)),
    ),
    ...listed('Odd in the mails:', series.oddities),
  ];
}

/** Where each fact was read, and what programs said. */
function proofOf({ rule, anchor, evidence, witness, verification }: Finding): string[] {
  const facts = evidence.map((one) => {
    if (one.kind === 'source') return `${one.path}:${one.line} (${one.side}): ${one.text.trim()}`;
    if (one.kind === 'value')
      return `${one.symbol}=${one.value} (${one.side}, ${one.arch}, ${one.config})${one.because ? `: ${one.because}` : ''}`;
    return `${one.argv.join(' ')}: exit status ${one.exitCode}`;
  });
  const attempts = verification.attempts.map(
    ({ side, argv, exitCode, agrees }) =>
      `${side} the series: ${argv.join(' ')}: exit status ${exitCode}, ${agrees ? 'as claimed' : 'not as claimed'}`,
  );
  const settings = witness?.settings.map(({ symbol, value }) => `CONFIG_${symbol}=${value}`) ?? [];
  return [
    `${rule}, patch ${anchor.patch}, ${anchor.file}:${anchor.line}, proved to rung ${verification.rung}:`,
    ...listed('Read from:', facts),
    ...listed(witness ? `Shown by this configuration (${witness.arch}, on top of ${witness.from}):` : '', settings),
    ...listed('Tried:', attempts),
  ];
}

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MAX_LISTED ? [`and ${lines.length - MAX_LISTED} more`] : [];
  const shown = [...lines.slice(0, MAX_LISTED), ...more].map((line) => `    ${line.replaceAll(/\s+/g, ' ')}`);
  return [title, shown.join('\n')];
}
