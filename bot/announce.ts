/**
 * From a report to the outbox: who asked to hear of a patch gets the reply to it, by the mode of their entry. Nobody
 * else hears anything. Doing it again changes nothing: a reply's Message-ID is made of the patch and what the report
 * says of it, and no patch gets a second reply, also not when its series is another by then (a late cover letter).
 */

import { createHash } from 'node:crypto';
import type { Finding, Report, Series } from '../rules/types.ts';
import { type Envelope, messageIdFor, toEml } from './eml.ts';
import type { Log } from './log.ts';
import { type Outbox, outgoingId } from './outbox.ts';
import { audienceOf, deliveryOf, isProved, type Maintainer } from './policy.ts';
import type { Prose } from './prose.ts';
import { commentTexts, type Footer, type ReplyInput, renderReplies } from './reply.ts';

export interface AnnounceOptions {
  readonly outbox: Outbox;
  readonly maintainers: readonly Maintainer[];
  /** Findings about code that could not be built are sent, too. */
  readonly sendUnbuilt: boolean;
  /** Our own address. It is among the recipients of everything: the copy that comes back proves the delivery. */
  readonly bot: string;
  /** Addresses that get nothing, in lower case. */
  readonly stopped: () => ReadonlySet<string>;
  readonly footer: Footer;
  readonly templatesDir?: string;
  readonly prose?: Prose;
  readonly log: Log;
  readonly now: () => Date;
}

/** Puts the replies that a report deserves into the outbox; `key` names the series there. */
export async function announce(series: Series, whole: Report, key: string, options: AnnounceOptions): Promise<void> {
  const { log, outbox, bot } = options;
  const stopped = options.stopped();
  const report = { ...whole, findings: whole.findings.filter((one) => isProved(one, options.sendUnbuilt)) };
  if (report.cannotCheck) {
    log.info(`${series.subject}: could not check (${report.cannotCheck.stage}): ${report.cannotCheck.why}`);
    return;
  }
  for (const finding of whole.findings.filter((one) => !report.findings.includes(one)))
    log.info(`${series.subject}: ${finding.rule} (${finding.key}): kept; not built: ${finding.verification.notBuilt}`);
  if (whole.findings.length > 0 && report.findings.length === 0) return;
  if (report.findings.length === 0) {
    log.info(`${series.subject}: nothing found`);
    return;
  }
  const found = `${report.findings.length} ${report.findings.length === 1 ? 'finding' : 'findings'}`;
  const answered = new Map(
    series.patches
      .filter(({ n }) => report.findings.some(({ anchor }) => anchor.patch === n))
      .map((patch) => [patch.n, { patch, audience: audienceOf(patch, options.maintainers, stopped) }]),
  );
  if ([...answered.values()].every(({ audience }) => audience === undefined)) {
    log.info(`${series.subject}: ${found}, kept; nobody opted in to hear of it, or they said stop`);
    return;
  }
  for (const reply of renderReplies(await replyInput(series, report, options))) {
    const { patch, audience } = answered.get(reply.patch)!;
    if (!audience) {
      log.info(`${reply.subject}: kept; nobody opted in to hear of this patch, or they said stop`);
      continue;
    }
    const delivery = deliveryOf(patch.message, audience, { bot, stopped }, options.now());
    if (!delivery) {
      log.info(`${reply.subject}: kept; nobody is left in To: who would be there said stop or cannot be written to`);
      continue;
    }
    const { mode, to, cc, notToAll } = delivery;
    const envelope: Envelope = {
      from: { name: 'depbot', address: bot },
      to,
      cc,
      messageId: messageIdFor(
        patch.message.messageId,
        patchDigest(report, reply.patch),
        bot.slice(bot.lastIndexOf('@') + 1),
      ),
      date: options.now(),
    };
    const everybody = [...to, ...cc].map(({ address }) => address);
    const added = outbox.add(
      {
        id: outgoingId(envelope.messageId),
        messageId: envelope.messageId,
        kind: 'reply',
        via: mode === 'draft' ? 'draft' : 'smtp',
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
    if (added === 'known') continue;
    if (notToAll !== undefined) log.warn(`${reply.subject}: private, not to all: ${notToAll}`);
    log.info(`${reply.subject}: ${found}, ${mode} reply by ${audience.because}`);
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

/**
 * SHA-256 of what a report says of patch n, 64 hex digits: equal for two runs that found the same in it, whatever its
 * series is called.
 */
export function patchDigest({ applied, findings }: Report, n: number): string {
  const said = findings
    .filter(({ anchor }) => anchor.patch === n)
    .map(({ rule, key, anchor: { file, line, mailLines }, claim }) => ({ rule, key, file, line, mailLines, claim }));
  return createHash('sha256')
    .update(JSON.stringify([applied?.base.sha, said]))
    .digest('hex');
}
