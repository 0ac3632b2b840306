/**
 * From a report to the outbox: who asked to hear of a patch gets the reply to it, by the mode of their entry. Nobody
 * else hears anything. Doing it again changes nothing: a reply's Message-ID is made of the patch and what the report
 * says of it, and no patch gets a second reply, also not when its series is another by then (a late cover letter).
 */

import { createHash } from 'node:crypto';
import type { Finding, MessageId, Patch, Reply, Report, Series } from '../rules/types.ts';
import { isAutomatic } from './automatic.ts';
import type { Dismissed } from './dismissed.ts';
import { type Envelope, messageIdFor, toEml } from './eml.ts';
import type { Footer } from './footer.ts';
import type { Log } from './log.ts';
import type { Outbox } from './outbox.ts';
import { type Earlier, outgoingId } from './outgoing.ts';
import { type Audience, audienceOf, deliveryOf, isProved, type Policy, pathsOf, textOf } from './policy.ts';
import type { Prose } from './prose.ts';
import { commentTexts, type ReplyInput, renderReplies } from './reply.ts';
import { lineageOf } from './superseded.ts';
import { whyNotTold } from './wanted.ts';

export interface AnnounceOptions {
  readonly outbox: Outbox;
  /** Findings about code that could not be built are sent, too. */
  readonly sendUnbuilt: boolean;
  /** As it is now. */
  readonly policy: () => Promise<Policy>;
  readonly dismissed: Pick<Dismissed, 'whyNot'>;
  /** Whether the series is still to be answered: no later revision has come meanwhile. */
  readonly isCurrent: () => boolean;
  /** Whether replies say that a program made them. */
  readonly isAutoSubmitted: boolean;
  /** Our own address. It is among the recipients of everything: the copy that comes back proves the delivery. */
  readonly bot: string;
  readonly footer: Footer;
  readonly templatesDir?: string;
  readonly prose?: Prose;
  readonly log: Log;
  readonly now: () => Date;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Revisions of a series in which a finding is told. */
const MOST_TOLD = 2;
/** How long a reply waits for a day that is not full: after that few care for it. */
const MOST_WAIT_DAYS = 7;
/** How long it is remembered what was told. */
const FOLLOW_DAYS = 180;

/** Puts the replies that a report deserves into the outbox; `key` names the series there. */
export async function announce(series: Series, whole: Report, key: string, options: AnnounceOptions): Promise<void> {
  const { log } = options;
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
  const policy = await options.policy();
  const heard = series.patches
    .filter(({ n }) => report.findings.some(({ anchor }) => anchor.patch === n))
    .map((patch) => ({ patch, audience: audienceOf(patch, policy) }));
  if (heard.every(({ audience }) => audience === undefined)) {
    log.info(`${series.subject}: ${countOf(report)}, kept; nobody opted in to hear of it, or they said stop`);
    return;
  }
  const audiences = new Map(heard.map(({ patch, audience }) => [patch.n, { patch, audience }]));
  const earlier = options.outbox.toldEarlier(
    lineageOf(series),
    series.revision,
    daysBefore(options.now(), FOLLOW_DAYS),
  );
  const told = toBeTold({ series, report, audiences, policy, earlier }, options);
  const input = await replyInput(series, told, options);
  const again = told.findings.flatMap((finding): [Finding, { revision: number; messageId: MessageId }][] => {
    const before = earlier.get(finding.key);
    return before ? [[finding, { revision: before.revisions.at(-1)!, messageId: before.messageId }]] : [];
  });
  for (const reply of renderReplies({ ...input, earlier: new Map(again) })) {
    const { patch, audience } = audiences.get(reply.patch)!;
    addReply({ reply, patch, audience: audience!, series, report: told, key, policy }, options);
  }
}

type Audiences = ReadonlyMap<number, { readonly patch: Patch; readonly audience: Audience | undefined }>;

interface Judging {
  readonly series: Series;
  readonly report: Report;
  readonly audiences: Audiences;
  readonly policy: Policy;
  readonly earlier: ReadonlyMap<string, Earlier>;
}

/**
 * The report with those findings alone that somebody is to hear of; why not of the others is in the log. What is still
 * there in a later revision is said once more, and then no more: who has heard it twice knows it.
 */
function toBeTold(
  { series, report, audiences, policy, earlier }: Judging,
  { dismissed, log }: AnnounceOptions,
): Report {
  const whyNot = (finding: Finding, patch: Patch, audience: Audience): string | undefined => {
    const revisions = earlier.get(finding.key)?.revisions ?? [];
    if (revisions.length >= MOST_TOLD) return `it was told of ${revisions.map((one) => `v${one}`).join(' and ')}`;
    return whyNotTold({ finding, patch, series, audience, policy }, dismissed);
  };
  const isTold = (finding: Finding): boolean => {
    const { patch, audience } = audiences.get(finding.anchor.patch)!;
    if (audience === undefined) return false;
    const why = whyNot(finding, patch, audience);
    if (why !== undefined) log.info(`${patch.message.subject}: ${finding.rule} (${finding.key}) kept; ${why}`);
    return why === undefined;
  };
  const told = { ...report, findings: report.findings.filter(isTold) };
  for (const { patch, audience } of audiences.values())
    if (audience === undefined)
      log.info(`Re: ${patch.message.subject}: kept; nobody opted in to hear of this patch, or they said stop`);
  return told;
}

interface NewReply {
  readonly reply: Reply;
  readonly patch: Patch;
  readonly audience: Audience;
  readonly series: Series;
  readonly report: Report;
  readonly key: string;
  readonly policy: Policy;
}

function addReply({ reply, patch, audience, series, report, key, policy }: NewReply, options: AnnounceOptions): void {
  const { log, outbox, bot, now } = options;
  if (isAutomatic(patch.message.raw)) {
    log.info(`${reply.subject}: kept; a program sent the patch, or it wants no automatic answer`);
    return;
  }
  const delivery = deliveryOf(patch.message, audience, { bot, stopped: policy.stoppedAddresses }, now());
  if (!delivery) {
    log.info(`${reply.subject}: kept; nobody is left in To: who would be there said stop or cannot be written to`);
    return;
  }
  const { mode, to, cc, notToAll } = delivery;
  const messageId = messageIdFor(
    patch.message.messageId,
    patchDigest(report, reply.patch),
    bot.slice(bot.lastIndexOf('@') + 1),
  );
  if (!options.isCurrent()) {
    log.info(`${reply.subject}: kept; a later revision of the series has come`);
    return;
  }
  const room = roomFor(audience, outbox, now());
  if (room.atMs > now().getTime() + MOST_WAIT_DAYS * DAY_MS && outbox.find(messageId) === undefined) {
    log.warn(`${reply.subject}: kept; ${room.why}, and there is no room within ${MOST_WAIT_DAYS} days`);
    return;
  }
  const isFull = room.atMs > now().getTime();
  const { isAutoSubmitted } = options;
  const from = { name: 'depbot', address: bot };
  const envelope: Envelope = { from, to, cc, messageId, date: now(), isAutoSubmitted };
  const everybody = [...to, ...cc].map(({ address }) => address);
  const embargoMs = Math.max(...audience.entries.map(({ embargo_hours }) => embargo_hours)) * HOUR_MS;
  const quietHours = audience.entries.flatMap(({ quiet_hours }) => quiet_hours ?? []);
  const added = outbox.add(
    {
      id: outgoingId(messageId),
      messageId,
      kind: 'reply',
      via: mode === 'draft' ? 'draft' : 'smtp',
      from: bot,
      recipients: [...new Set([...everybody, bot])],
      subject: reply.subject,
      answers: reply.answers,
      series: key,
      maintainers: audience.maintainers,
      ...(mode === 'draft' && audience.previews.length > 0 && { previews: audience.previews }),
      allowedBy: audience.because,
      addedAt: now().toISOString(),
      ...(embargoMs > 0 && { notBefore: embargoEnd(patch, embargoMs, now()) }),
      ...(quietHours.length > 0 && { quietHours }),
      ...(isFull && { roomFrom: new Date(room.atMs).toISOString() }),
      findings: report.findings
        .filter(({ anchor }) => anchor.patch === patch.n)
        .map(({ rule, key }) => ({ rule, key })),
      lineage: lineageOf(series),
      revision: series.revision,
      listIds: [...patch.message.listIds],
      sections: policy.maintainers.sectionsOfPatch(pathsOf(patch), textOf(patch)).map(({ name }) => name),
    },
    toEml(reply, envelope),
  );
  if (added === 'known') return;
  if (isFull) log.warn(`${reply.subject}: waits until ${new Date(room.atMs).toISOString()}; ${room.why}`);
  if (notToAll !== undefined) log.warn(`${reply.subject}: private, not ${audience.mode}: ${notToAll}`);
  log.info(`${reply.subject}: ${countOf(report)}, ${mode} reply by ${audience.because}`);
}

/** Counted from the patch's Date, and from now where that is in the future. */
function embargoEnd({ message: { date } }: Patch, embargoMs: number, now: Date): string {
  const sentMs = Math.min(now.getTime(), date === undefined ? now.getTime() : Date.parse(date));
  return new Date(sentMs + embargoMs).toISOString();
}

/** When all entries have room for one more reply, and which of them has the last; in the past where they have it now. */
function roomFor({ entries }: Audience, outbox: Outbox, now: Date): { readonly atMs: number; readonly why: string } {
  const since = daysBefore(now, MOST_WAIT_DAYS + 1);
  const rooms = entries.map(({ address, max_per_day, from }) => ({
    // A day after the one with which its day is full.
    atMs: (outbox.replyTimes(address, since).at(-max_per_day) ?? Number.NEGATIVE_INFINITY) + DAY_MS,
    why: `${address} has ${max_per_day} replies within a day (${from})`,
  }));
  return rooms.reduce((last, one) => (one.atMs > last.atMs ? one : last));
}

function daysBefore(now: Date, days: number): Date {
  return new Date(now.getTime() - days * DAY_MS);
}

function countOf({ findings }: Report): string {
  return `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`;
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
    rephrased.set(finding, await prose.rephrase(text));
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
