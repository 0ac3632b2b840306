/** Whether those who asked to hear of a patch want to be told of a finding, and still do when the mail about it leaves. */

import type { Finding, Patch, Report, Series } from '../rules/types.ts';
import type { Dismissed } from './dismissed.ts';
import { lower, type Outgoing, othersOf } from './outgoing.ts';
import { type Audience, audienceOf, deliveryOf, isWanted, type Policy } from './policy.ts';

/** A finding of a patch, and who would be told. */
export interface ToTell {
  readonly finding: Finding;
  readonly patch: Patch;
  readonly series: Series;
  readonly audience: Audience;
  readonly policy: Policy;
}

/** Why a finding is not to be told, as the end of a sentence; undefined when it is. */
export function whyNotTold(
  { finding, patch, series, audience, policy }: ToTell,
  dismissed: Pick<Dismissed, 'whyNot'>,
): string | undefined {
  if (!isWanted(finding, audience)) return 'the configuration of who asked leaves it out';
  return dismissed.whyNot(finding, patch, series, { ...policy, entries: audience.entries });
}

/** What a reply was made of, and what decides who hears what, as it is now. */
export interface Waiting {
  readonly series: Series;
  readonly report: Report;
  readonly policy: Policy;
  readonly dismissed: Pick<Dismissed, 'whyNot'>;
}

/** Why a mail that waits is not wanted any more, as the end of a sentence, and what becomes of it. */
export interface Unwanted {
  readonly why: string;
  /** `tell`: it is discarded, but those who asked for it are to read it; `hold`: they are to decide on it. */
  readonly act: 'discard' | 'tell' | 'hold';
}

/**
 * Why a reply that waits would not be made as it is today; undefined where it would. Between the making and the hour of
 * a mail, people say stop, call a finding a false alarm or ignore a rule, and operators change entries. Recipients who
 * said stop are no reason: they are left out when it is sent.
 */
export function whyUnwanted(mail: Outgoing, { series, report, policy, dismissed }: Waiting): Unwanted | undefined {
  const patch = series.patches.find(({ message }) => message.messageId === mail.answers);
  const audience = patch && audienceOf(patch, policy);
  if (!patch || !audience) return { why: 'nobody asks to hear of this patch any more', act: 'discard' };
  for (const { rule, key } of mail.findings ?? []) {
    const finding = report.findings.find((one) => one.key === key && one.anchor.patch === patch.n);
    const why = finding && whyNotTold({ finding, patch, series, audience, policy }, dismissed);
    if (why !== undefined) return { why: `of ${rule} (${key}): ${why}`, act: 'discard' };
  }
  // What was young enough when the mail was made has not grown old by our waiting.
  const left = { bot: mail.from, stopped: policy.stoppedAddresses };
  if (mail.via === 'smtp' && audience.mode === 'draft') return { why: 'it would be a draft now', act: 'hold' };
  const delivery = deliveryOf(patch.message, audience, left, new Date(mail.addedAt));
  const allowed = new Set([mail.from, ...policy.stoppedAddresses].map(lower));
  for (const { address } of delivery ? [...delivery.to, ...delivery.cc] : []) allowed.add(lower(address));
  const other = delivery && mail.recipients.find((one) => !allowed.has(lower(one)));
  if (other === undefined) return undefined;
  return { why: `it goes to ${other}, and those who asked want it ${delivery!.mode} now`, act: 'tell' };
}

/** As {@link whyUnwanted}, of a draft that is to be shown to somebody who asked for that. */
export function whyNotShown(preview: Outgoing, draft: Outgoing, waiting: Waiting): Unwanted | undefined {
  const unwanted = whyUnwanted(draft, waiting);
  if (unwanted) return { why: unwanted.why, act: 'discard' };
  const patch = waiting.series.patches.find(({ message }) => message.messageId === draft.answers)!;
  const shown = new Set(audienceOf(patch, waiting.policy)?.previews.map(lower));
  const other = othersOf(preview).find((address) => !shown.has(address));
  return other === undefined ? undefined : { why: `${other} asks for no previews any more`, act: 'discard' };
}
