/** Whether those who asked to hear of a patch want to be told of a finding, and still do when the mail about it leaves. */

import type { Finding, Patch, Report, Series } from '../rules/types.ts';
import type { Dismissed } from './dismissed.ts';
import { lower, type Outgoing } from './outgoing.ts';
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

/**
 * Why a reply that waits would not be made as it is today; undefined where it would. Between the making and the hour of
 * a mail, people say stop, call a finding a false alarm or ignore a rule, and operators change entries. Recipients who
 * said stop are no reason: they are left out when it is sent.
 */
export function whyUnwanted(mail: Outgoing, { series, report, policy, dismissed }: Waiting): string | undefined {
  const patch = series.patches.find(({ message }) => message.messageId === mail.answers);
  const audience = patch && audienceOf(patch, policy);
  if (!patch || !audience) return 'nobody asks to hear of this patch any more';
  // What was young enough when the mail was made has not grown old by our waiting.
  const left = { bot: mail.from, stopped: policy.stoppedAddresses };
  if (mail.via === 'smtp' && audience.mode === 'draft') return 'it would be a draft now';
  const delivery = deliveryOf(patch.message, audience, left, new Date(mail.addedAt));
  const allowed = new Set([mail.from, ...policy.stoppedAddresses].map(lower));
  for (const { address } of delivery ? [...delivery.to, ...delivery.cc] : []) allowed.add(lower(address));
  const other = delivery && mail.recipients.find((one) => !allowed.has(lower(one)));
  if (other !== undefined) return `it goes to ${other}, and those who asked want it ${delivery!.mode} now`;
  for (const { rule, key } of mail.findings ?? []) {
    const finding = report.findings.find((one) => one.key === key && one.anchor.patch === patch.n);
    const why = finding && whyNotTold({ finding, patch, series, audience, policy }, dismissed);
    if (why !== undefined) return `of ${rule} (${key}): ${why}`;
  }
  return undefined;
}
