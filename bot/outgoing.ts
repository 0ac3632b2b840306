/** One mail that goes out, as the outbox keeps it: what is known of it, how far it has come, and whom it is still to reach. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { MessageId, Outcome } from '../rules/types.ts';
import { withoutRecipients } from './eml.ts';
import { isQuietHours } from './quiet-hours.ts';

/** One mail that goes out. All Message-IDs are without brackets. */
export interface Outgoing {
  /** `outgoingId` of its Message-ID; the name of its files. */
  readonly id: string;
  readonly messageId: MessageId;
  /**
   * A review of a patch, the answer to a command, what a maintainer has to know of a review, or a draft as one of its
   * maintainers is shown it.
   */
  readonly kind: 'reply' | 'answer' | 'notice' | 'preview';
  readonly via: 'draft' | 'smtp';
  /** Envelope: MAIL FROM, and every RCPT TO. Addresses alone. */
  readonly from: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  /** The mail it answers; of a preview, the draft. */
  readonly answers: MessageId;
  readonly series?: string;
  /** Addresses that may have it sent or discarded. */
  readonly maintainers: readonly string[];
  /** Of a draft, those of them who are shown it by mail. */
  readonly previews?: readonly string[];
  /** The line of the policy that allows it, for the operator. */
  readonly allowedBy: string;
  /** ISO 8601. */
  readonly addedAt: string;
  /** What it is not sent before, ISO 8601, and the hours of each day in which it is not sent; a person's word counts more. */
  readonly notBefore?: string;
  readonly quietHours?: readonly string[];
  /** When the day of somebody whom it is for has room for it again, ISO 8601; a draft is not filed before either. */
  readonly roomFrom?: string;
  /** Of a reply, what it tells. */
  readonly findings?: readonly Told[];
  /** Of a reply, the series: names under which its revisions are known, and which of them it is. */
  readonly lineage?: readonly string[];
  readonly revision?: number;
  /** Of a reply, the lists that its patch came by, as their List-Id says. */
  readonly listIds?: readonly string[];
  /** Of a reply, the sections of MAINTAINERS that its patch belongs to. */
  readonly sections?: readonly string[];
  /** Of an answer to somebody who had said stop by then, with that mail or before it: it goes there all the same. */
  readonly despiteStop?: true;
}

/** A recipient to whom a mail did not come, in the words of a mail server. */
export interface Bounce {
  readonly address: string;
  readonly why: string;
}

export const BouncesFile = z.array(z.strictObject({ address: z.string(), why: z.string() }));

/** Those of the bounces that a mail can have brought about, one an address. */
export function bouncesOf(mail: Outgoing, bounces: readonly Bounce[]): readonly Bounce[] {
  const to = new Set(mail.recipients.map(lower));
  const [only, ...more] = othersOf(mail);
  const ours = bounces.flatMap(({ address, why }) => {
    if (to.has(lower(address))) return [{ address, why }];
    return only !== undefined && more.length === 0 ? [{ address: only, why: `${address}: ${why}` }] : [];
  });
  return [...new Map(ours.map((one) => [lower(one.address), one])).values()];
}

/** In which revisions of a series a finding was told, and the last mail that told it. */
export interface Earlier {
  readonly revisions: readonly number[];
  readonly messageId: MessageId;
}

/** A finding as it is remembered. */
export interface Told {
  readonly rule: string;
  readonly key: string;
}

export const OutgoingFile = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  messageId: z.string().min(1),
  kind: z.enum(['reply', 'answer', 'notice', 'preview']),
  via: z.enum(['draft', 'smtp']),
  from: z.string().min(1),
  recipients: z.array(z.string().min(1)).min(1),
  subject: z.string(),
  answers: z.string(),
  series: z.exactOptional(z.string()),
  maintainers: z.array(z.string()),
  previews: z.exactOptional(z.array(z.string())),
  allowedBy: z.string(),
  addedAt: z.iso.datetime(),
  notBefore: z.exactOptional(z.iso.datetime()),
  quietHours: z.exactOptional(z.array(z.string().refine(isQuietHours))),
  roomFrom: z.exactOptional(z.iso.datetime()),
  findings: z.exactOptional(z.array(z.strictObject({ rule: z.string(), key: z.string() }))),
  lineage: z.exactOptional(z.array(z.string())),
  revision: z.exactOptional(z.int()),
  listIds: z.exactOptional(z.array(z.string())),
  sections: z.exactOptional(z.array(z.string())),
  despiteStop: z.exactOptional(z.literal(true)),
});

/** How far the sending of a mail has come. All addresses in lower case. */
export interface Progress {
  /**
   * `waiting`: the server does not have it; `handing-over`: it is given the end of the mail, and if that ends without a
   * word nobody knows whether it has it; `in-doubt`: so it ended.
   */
  readonly step: 'waiting' | 'handing-over' | 'in-doubt';
  /** ISO 8601, the moment of doubt: the server had the mail by then, or never. */
  readonly doubtSince?: string;
  /** How often it ended in doubt. */
  readonly unknowns: number;
  /** Who got it, by the word of the server. */
  readonly got: readonly string[];
  /** Who does not get it, and why: the server refused for good, or they said stop. */
  readonly refused: readonly { readonly address: string; readonly why: string }[];
  /** While it is handed over, and in doubt: who does not get it with that, since the server put them off. */
  readonly late?: readonly string[];
  /** A person has it sent. */
  readonly approved?: true;
  /** It was held since a server refused some: a person who has it sent all the same wants the others to have it. */
  readonly mayLack?: true;
  /** The record of it is damaged: nobody knows who got it. */
  readonly isLost?: true;
}

/** Before the first delivery. */
export const NOTHING_YET: Progress = { step: 'waiting', unknowns: 0, got: [], refused: [] };
/** Of a mail whose record is damaged: it may have gone to anybody. */
export const LOST: Progress = { ...NOTHING_YET, step: 'handing-over', isLost: true };

/** Recipients but the bot: its own copy is a proof, no delivery. */
export function othersOf({ recipients, from }: Outgoing): readonly string[] {
  return recipients.map(lower).filter((address) => address !== lower(from));
}

/** Those of them who got it. */
export function reachedOf(mail: Outgoing, { got }: Progress): readonly string[] {
  return othersOf(mail).filter((address) => got.includes(address));
}

/** Whether a copy proves the next delivery: it goes to the bot, and none can come of an earlier one. */
export function hasProof(
  { recipients, from }: Outgoing,
  { got, refused, late = [], isLost }: Pick<Progress, 'got' | 'refused' | 'late' | 'isLost'>,
): boolean {
  const bot = lower(from);
  const isPassedOver = late.includes(bot) || refused.some(({ address }) => address === bot);
  return isLost !== true && got.length === 0 && recipients.map(lower).includes(bot) && !isPassedOver;
}

/** What is left to send of a mail; not ok where somebody's stop leaves nobody to write to. */
export type Left = Outcome<
  {
    readonly recipients: readonly string[];
    /** The mail without the names of those who said stop since it was made. */
    readonly eml: Uint8Array;
    readonly stopped: Progress['refused'];
  },
  { readonly why: string }
>;

/** `eml` are the bytes of the mail. */
export function leftOf(mail: Outgoing, progress: Progress, eml: Uint8Array, quiet: ReadonlySet<string>): Left {
  const { got, refused } = progress;
  const done = new Set([...got, ...refused.map(({ address }) => address)]);
  const isUnwanted = (address: string) => mail.despiteStop !== true && quiet.has(address) && !got.includes(address);
  const unwanted = new Set(othersOf(mail).filter(isUnwanted));
  const left = withoutRecipients(eml, unwanted);
  const recipients = mail.recipients.filter((one) => !done.has(lower(one)) && !unwanted.has(lower(one)));
  const isNobodyLeft = recipients.every((one) => lower(one) === lower(mail.from));
  if (unwanted.size > 0 && (isNobodyLeft ? got.length === 0 : left.to.length === 0)) {
    return { ok: false, why: `nobody is left in To: ${[...unwanted].join(', ')} said stop` };
  }
  const stopped = [...unwanted]
    .filter((address) => !done.has(address))
    .map((address) => ({ address, why: 'said stop' }));
  return { ok: true, recipients, eml: left.eml, stopped };
}

/** Whether it goes to somebody besides those who asked for it. */
export function isForOthers({ recipients, from, maintainers }: Outgoing): boolean {
  const asked = new Set([from, ...maintainers].map(lower));
  return recipients.some((one) => !asked.has(lower(one)));
}

/** For the log. */
export function nameOf({ messageId, subject }: Outgoing): string {
  return `<${messageId}> ${JSON.stringify(subject)}`;
}

/** Addresses are compared so. */
export function lower(address: string): string {
  return address.toLowerCase();
}

export const ProgressFile = z.strictObject({
  step: z.enum(['waiting', 'handing-over', 'in-doubt']),
  doubtSince: z.exactOptional(z.iso.datetime()),
  unknowns: z.int().min(0),
  got: z.array(z.string()),
  refused: z.array(z.strictObject({ address: z.string(), why: z.string() })),
  late: z.exactOptional(z.array(z.string())),
  approved: z.exactOptional(z.literal(true)),
  mayLack: z.exactOptional(z.literal(true)),
  isLost: z.exactOptional(z.literal(true)),
});

/** Name of a mail's files: the first 32 hex digits of the SHA-256 of its Message-ID (without brackets). */
export function outgoingId(messageId: MessageId): string {
  return createHash('sha256').update(messageId).digest('hex').slice(0, 32);
}
