/**
 * Who is told: of a patch, those who asked for it in depbot.toml or by mail; of a mail, its recipients. Nobody else
 * hears anything, and nobody who said stop. Addresses are compared whole, without regard to case.
 */

import type { Address, Finding, Message, Patch, Series } from '../rules/types.ts';
import type { Config } from './config.ts';
import { isMailable } from './eml.ts';
import { listIdOf } from './list-id.ts';
import type { Maintainers } from './maintainers.ts';
import { pathMatcher } from './path-pattern.ts';
import { senderOf } from './sender.ts';

/** Who asked to hear of what, and how; in the configuration, or by mail. */
export type Maintainer = Config['maintainer'][number] & { readonly byMail?: true };
/**
 * How a maintainer hears of a patch: a draft for people to send, a mail to the maintainer alone, one to the author
 * with a copy to the maintainer, a reply to all.
 */
export type Mode = Maintainer['mode'];

/** What decides who hears what. */
export interface Policy {
  readonly entries: readonly Maintainer[];
  /** Of the operator's tree. */
  readonly maintainers: Maintainers;
  /** In lower case. */
  readonly stoppedAddresses: ReadonlySet<string>;
  /** In lower case: those whose entries in the configuration are off, and who asked for others by mail since. */
  readonly stoppedEntries: ReadonlySet<string>;
  /** Names of sections of MAINTAINERS that want no mails. */
  readonly stoppedSections: ReadonlySet<string>;
}

export interface Audience {
  readonly mode: Mode;
  /** Addresses of the entries that cover the patch, in the order of the file, without those who said stop. */
  readonly maintainers: readonly string[];
  /** Those of them who want a draft shown by mail. */
  readonly previews: readonly string[];
  /** Whether its mail came by a list of an entry, by its List-Id; one sent to us alone can name any list in To. */
  readonly cameByList: boolean;
  /** One line for the log: pattern or section, list, address and line of the configuration of each entry. */
  readonly because: string;
  /** Entries that cover the patch, with those of people who said stop. */
  readonly entries: readonly Maintainer[];
}

/** The quietest first. */
const MODES: readonly Mode[] = ['draft', 'private', 'author', 'list'];
/** Recipients of a mail that no person looks at before; patches to more are sent once a year, or to misuse us. */
const MAX_LIST_RECIPIENTS = 30;
/** Between a patch and a mail to all its recipients. An old patch, brought in anew, is an archive or a trick. */
const MAX_LIST_AGE_DAYS = 14;
const DAY_MS = 86_400_000;

/** Whether an entry covers a patch: by which of its lists and paths, or what it lacks. */
export type Cover =
  | {
      readonly covers: true;
      readonly list: string;
      readonly cameByList: boolean;
      /** `drivers/input/` or `section VFIO DRIVER`. */
      readonly by: string;
    }
  | { readonly covers: false; readonly why: string };

/**
 * Who asked to hear of a patch, undefined where nobody did, or none who has not said stop since. An entry covers it
 * when its mail went to one of the entry's lists and it touches a path, or belongs to a section, of the entry. The
 * quietest mode of all that cover it holds, also of those who said stop: that must not make us louder. No mode is
 * louder than `private` where a section of the patch said stop.
 */
export function audienceOf(patch: Patch, policy: Policy): Audience | undefined {
  const covering = policy.entries.flatMap((entry) => {
    const cover = coverOf(patch, entry, policy);
    return cover.covers ? [{ entry, ...cover }] : [];
  });
  const asking = covering.filter(({ entry }) => !isOff(entry, policy));
  if (asking.length === 0) return undefined;
  const asked = covering.map(({ entry }) => entry.mode);
  const mode = quietest(isStopped(patch, policy) ? [...asked, 'private'] : asked);
  const addressesOf = (entries: readonly Maintainer[]): string[] => [
    ...new Map(entries.map(({ address }) => [address.toLowerCase(), address])).values(),
  ];
  const theirs = asking.map(({ entry }) => entry);
  return {
    mode,
    maintainers: addressesOf(theirs),
    previews: addressesOf(theirs.filter(({ preview }) => preview)),
    cameByList: asking.some(({ cameByList }) => cameByList),
    because: asking.map(({ entry, by, list }) => `${by} on ${list} (${entry.address}, ${entry.from})`).join('; '),
    entries: covering.map(({ entry }) => entry),
  };
}

/** Whether whose entry it is said stop, and did not ask for it since. */
export function isOff({ address, byMail }: Maintainer, policy: Policy): boolean {
  const who = address.toLowerCase();
  return policy.stoppedAddresses.has(who) || (byMail !== true && policy.stoppedEntries.has(who));
}

function quietest(modes: readonly Mode[]): Mode {
  return MODES.find((one) => modes.includes(one))!;
}

/** Whether and how an entry covers a patch, without regard to who said stop; but a section that did covers nothing. */
export function coverOf(patch: Patch, entry: Maintainer, { maintainers, stoppedSections }: Policy): Cover {
  const { message } = patch;
  const sentTo = new Set([...message.to, ...message.cc].map(({ address }) => address.toLowerCase()));
  const listIds = new Set(message.listIds.map((id) => id.toLowerCase()));
  const cameBy = entry.lists.find((one) => listIds.has(listIdOf(one)));
  const list = cameBy ?? entry.lists.find((one) => sentTo.has(one.toLowerCase()));
  if (!list) return { covers: false, why: `not sent to ${entry.lists.join(', ')}` };
  const paths = pathsOf(patch);
  const pattern = entry.paths.find((one) => paths.some(pathMatcher(one, maintainers.isFolder)));
  const wanted = new Set(entry.sections.filter((one) => !stoppedSections.has(one)));
  const [section] =
    pattern === undefined && wanted.size > 0
      ? maintainers.sectionsOfPatch(paths, textOf(patch), ({ name }) => wanted.has(name))
      : [];
  const by = pattern ?? (section && `section ${section.name}`);
  if (by === undefined) return { covers: false, why: 'none of its paths and sections' };
  return { covers: true, list, cameByList: cameBy !== undefined, by };
}

function isStopped(patch: Patch, { maintainers, stoppedSections }: Policy): boolean {
  return (
    stoppedSections.size > 0 &&
    maintainers.sectionsOfPatch(pathsOf(patch), textOf(patch), ({ name }) => stoppedSections.has(name)).length > 0
  );
}

/** Refs that entries which cover a patch of the series name for the choice of its base; none where none of them does. */
export function treesOf({ patches }: Series, entries: readonly Maintainer[], maintainers: Maintainers): string[] {
  // Where a series belongs does not depend on who said stop.
  const nobody: ReadonlySet<string> = new Set();
  const policy = { entries, maintainers, stoppedAddresses: nobody, stoppedEntries: nobody, stoppedSections: nobody };
  const covering = entries.filter(
    (entry) => entry.trees && patches.some((patch) => coverOf(patch, entry, policy).covers),
  );
  return [...new Set(covering.flatMap(({ trees = [] }) => trees))];
}

/** Paths that a patch touches, on both sides. */
export function pathsOf({ diff }: Patch): readonly string[] {
  return [...new Set(diff.flatMap(({ oldPath, newPath }) => [oldPath, newPath].filter((path) => path !== undefined)))];
}

/** What keywords of MAINTAINERS are looked for in. */
export function textOf({ message }: Patch): string {
  return `Subject: ${message.subject}\n\n${message.body}`;
}

/** Whether all entries of an audience want to hear of a finding: what one of them does not want is left out. */
export function isWanted({ rule, severity, verification }: Finding, { entries }: Audience): boolean {
  return entries.every(
    ({ rules, severities, least_rung }) =>
      (rules?.includes(rule) ?? true) && (severities?.includes(severity) ?? true) && verification.rung >= least_rung,
  );
}

/**
 * Whether a finding is proved well enough to be sent: one about Kconfig by the tree's own conf, which every finding is;
 * one about code by a build, unless the operator asks for all.
 */
export function isProved({ verification }: Finding, sendUnbuilt: boolean): boolean {
  return sendUnbuilt || verification.notBuilt === undefined;
}

/** Whether a maintainer's entry has this address. */
export function isOptedIn(address: string, entries: readonly Maintainer[]): boolean {
  return entries.some((entry) => isSame(entry.address, address));
}

export interface Recipients {
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
}

export interface Left {
  /** Address of the bot. It does not write to itself. */
  readonly bot: string;
  /** Addresses of people who do not want to hear from it. */
  readonly stopped: ReadonlySet<string>;
}

/** How a reply to a patch goes out. */
export interface Delivery extends Recipients {
  readonly mode: Mode;
  /** Why it is private although a louder mode was asked for. */
  readonly notToAll?: string;
}

/**
 * Mode and recipients of a reply to `message`: `private`, the maintainers alone; `author`, the sender, with the
 * maintainers in Cc; else (a draft is a mail to all that somebody still has to send) everyone in it, and nobody who is
 * not. Undefined when nobody is left in To: the mail is not to be written.
 *
 * Anybody can send us a patch, in another's name, with a List-Id, To and Cc of their choice: in mode `list` we would
 * write to whomever they like. So a reply to all, or to the author, is private instead where the mail did not come by
 * the list, has many recipients, or is not of these days. What is left is that a forger can have us write to a few once
 * for each patch; who minds that reads the list's own archive, where only the list can put mails, and no mailbox that
 * takes mail.
 */
export function deliveryOf(message: Message, audience: Audience, left: Left, now: Date): Delivery | undefined {
  const all = everyoneIn(message, left);
  const isLoud = audience.mode === 'list' || audience.mode === 'author';
  const notToAll = isLoud ? whyNotToAll(message, audience, all, now) : undefined;
  const mode = notToAll === undefined ? audience.mode : 'private';
  const asked = reachable(
    audience.maintainers.map((address) => ({ name: '', address })),
    left,
  );
  const { to, cc } =
    mode === 'private'
      ? { to: asked, cc: [] }
      : mode === 'author'
        ? { to: all.to, cc: asked.filter(({ address }) => !all.to.some((one) => isSame(address, one.address))) }
        : all;
  return to.length === 0 ? undefined : { mode, to, cc, ...(notToAll !== undefined && { notToAll }) };
}

function whyNotToAll(
  message: Message,
  { cameByList }: Audience,
  { to, cc }: Recipients,
  now: Date,
): string | undefined {
  if (!cameByList) return 'the patch did not come by the list: no List-Id of it';
  if (!senderOf(message)) return `the patch was sent by ${message.from.address}, and does not say for whom`;
  const { date } = message;
  const count = to.length + cc.length;
  if (count > MAX_LIST_RECIPIENTS) return `the patch has ${count} recipients, more than ${MAX_LIST_RECIPIENTS}`;
  const ageMs = date === undefined ? Number.NaN : Math.abs(now.getTime() - Date.parse(date));
  return ageMs <= MAX_LIST_AGE_DAYS * DAY_MS
    ? undefined
    : `the patch has the date ${date ?? '(none)'}, which is not within ${MAX_LIST_AGE_DAYS} days of today`;
}

/**
 * A reply to all: To the sender, who is not always the one in From, Cc the other recipients, each once. To is empty if
 * the sender cannot or will not be written to.
 */
export function everyoneIn(message: Message, left: Left): Recipients {
  const sender = senderOf(message) ?? message.from;
  const others = [...message.to, ...message.cc].filter(({ address }) => !isSame(address, sender.address));
  return { to: reachable([sender], left), cc: reachable(others, left) };
}

function reachable(addresses: readonly Address[], { bot, stopped }: Left): Address[] {
  const unwanted = new Set([bot, ...stopped].map((address) => address.toLowerCase()));
  const kept = addresses.filter((one) => isMailable(one) && !unwanted.has(one.address.toLowerCase()));
  return [...new Map(kept.map((one) => [one.address.toLowerCase(), one])).values()];
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
