/**
 * From a report to the outbox: who asked to hear of the series gets its replies, by the mode of their entry. Nobody
 * else hears anything. Doing it again for the same report changes nothing: a reply's Message-ID is made of the patch
 * and the report.
 */

import { createHash } from 'node:crypto';
import type { Finding, Report, Series } from '../rules/types.ts';
import { type Envelope, messageIdFor, toEml } from './eml.ts';
import type { Log } from './log.ts';
import { type Outbox, outgoingId } from './outbox.ts';
import { audienceOf, type Maintainer, recipientsOf } from './policy.ts';
import type { Prose } from './prose.ts';
import { commentTexts, type Footer, type ReplyInput, renderReplies } from './reply.ts';

export interface AnnounceOptions {
  readonly outbox: Outbox;
  readonly maintainers: readonly Maintainer[];
  /** Our own address. It is among the recipients of everything: the copy that comes back proves the delivery. */
  readonly bot: string;
  /** Addresses that get nothing. */
  readonly stopped: () => ReadonlySet<string>;
  readonly footer: Footer;
  readonly templatesDir?: string;
  readonly prose?: Prose;
  readonly log: Log;
  readonly now: () => Date;
}

/** Puts the replies that a report deserves into the outbox; `key` names the series there. */
export async function announce(series: Series, report: Report, key: string, options: AnnounceOptions): Promise<void> {
  const { log, outbox, bot } = options;
  const stopped = options.stopped();
  if (report.cannotCheck) {
    log.info(`${series.subject}: could not check (${report.cannotCheck.stage}): ${report.cannotCheck.why}`);
    return;
  }
  if (report.findings.length === 0) {
    log.info(`${series.subject}: nothing found`);
    return;
  }
  const found = `${report.findings.length} ${report.findings.length === 1 ? 'finding' : 'findings'}`;
  const asking = options.maintainers.filter(({ address }) => !stopped.has(address.toLowerCase()));
  const audience = audienceOf(series, asking);
  if (!audience) {
    log.info(`${series.subject}: ${found}, kept; nobody opted in to hear of it`);
    return;
  }
  const digest = reportDigest(report);
  for (const reply of renderReplies(await replyInput(series, report, options))) {
    const { message } = series.patches.find((patch) => patch.n === reply.patch)!;
    const recipients = recipientsOf(audience.mode, message, audience, { bot, stopped });
    if (!recipients) {
      log.info(
        `${series.subject}: ${found}, kept; nobody is left in To: who would be there said stop or cannot be written to`,
      );
      continue;
    }
    const envelope: Envelope = {
      from: { name: 'depbot', address: bot },
      ...recipients,
      messageId: messageIdFor(message.messageId, digest, bot.slice(bot.lastIndexOf('@') + 1)),
      date: options.now(),
    };
    const everybody = [...recipients.to, ...recipients.cc].map(({ address }) => address);
    const added = outbox.add(
      {
        id: outgoingId(envelope.messageId),
        messageId: envelope.messageId,
        kind: 'reply',
        via: audience.mode === 'draft' ? 'draft' : 'smtp',
        from: bot,
        recipients: [...new Set([...everybody, bot])],
        subject: reply.subject,
        answers: reply.answers,
        series: key,
        maintainers: audience.maintainers,
        allowedBy: audience.because,
        addedAt: options.now().toISOString(),
      },
      toEml(reply, envelope),
    );
    if (added === 'added') log.info(`${reply.subject}: ${found}, ${audience.mode} reply by ${audience.because}`);
  }
}

/** What replies are made of; comments reworded where a language model is set up. */
export async function replyInput(
  series: Series,
  report: Report,
  { footer, templatesDir, prose }: Pick<AnnounceOptions, 'footer' | 'templatesDir' | 'prose'>,
): Promise<ReplyInput> {
  const input: ReplyInput = { series, report, footer, ...(templatesDir !== undefined && { templatesDir }) };
  if (!prose) return input;
  const rephrased = new Map<Finding, string>();
  for (const [finding, text] of commentTexts(input)) {
    const facts = finding.evidence.map((one) => JSON.stringify(one));
    rephrased.set(finding, await prose.rephrase(text, facts));
  }
  return { ...input, footer: { ...footer, model: prose.model }, rephrased };
}

/** SHA-256 of what a report says of the series, 64 hex digits: equal for two runs that found the same. */
export function reportDigest({ series, applied, findings }: Report): string {
  const said = findings.map(({ rule, key, anchor, claim }) => ({ rule, key, anchor, claim }));
  return createHash('sha256')
    .update(JSON.stringify([series.id, applied?.base.sha, said]))
    .digest('hex');
}
