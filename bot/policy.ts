/**
 * Who is told: of a patch, those who asked for it in depbot.toml; of a mail, its recipients. Nobody else hears
 * anything, and nobody who said stop. Addresses are compared whole, without regard to case.
 */

import type { Address, Finding, Message, Patch } from '../rules/types.ts';
import type { Config } from './config.ts';
import { isMailable } from './eml.ts';
import { pathMatcher } from './path-pattern.ts';

/** Who asked to hear of what, and how. */
export type Maintainer = Config['maintainer'][number];
/** How a maintainer hears of a patch: a draft for people to send, a mail to the maintainer alone, a reply to all. */
export type Mode = Maintainer['mode'];

export interface Audience {
  readonly mode: Mode;
  /** Addresses of the entries that cover the patch, in the order of the file, without those who said stop. */
  readonly maintainers: readonly string[];
  /** Whether its mail came by a list of an entry, by its List-Id; one sent to us alone can name any list in To. */
  readonly cameByList: boolean;
  /** One line for the log: pattern, list and address of each entry. */
  readonly because: string;
}

/** The quietest first. */
const MODES: readonly Mode[] = ['draft', 'private', 'list'];
/** Recipients of a mail that no person looks at before; patches to more are sent once a year, or to misuse us. */
const MAX_LIST_RECIPIENTS = 30;
/** Between a patch and a mail to all its recipients. An old patch, brought in anew, is an archive or a trick. */
const MAX_LIST_AGE_DAYS = 14;
const DAY_MS = 86_400_000;

/**
 * Who asked to hear of a patch, undefined where nobody did, or none who has not said stop since. An entry covers it
 * when its mail went to one of the entry's lists and it touches a path of the entry. The quietest mode of all that
 * cover it holds, also of those who said stop: that must not make us louder. `stopped` is in lower case.
 */
export function audienceOf(
  { message, diff }: Patch,
  maintainers: readonly Maintainer[],
  stopped: ReadonlySet<string>,
): Audience | undefined {
  const sentTo = new Set([...message.to, ...message.cc].map(({ address }) => address.toLowerCase()));
  const listIds = new Set(message.listIds.map((id) => id.toLowerCase()));
  const paths = new Set(
    diff.flatMap(({ oldPath, newPath }) => [oldPath, newPath].filter((path) => path !== undefined)),
  );

  const covering = maintainers.flatMap((entry) => {
    const cameBy = entry.lists.find((one) => listIds.has(listIdOf(one)));
    const list = cameBy ?? entry.lists.find((one) => sentTo.has(one.toLowerCase()));
    const pattern = list && entry.paths.find((one) => [...paths].some(pathMatcher(one)));
    if (!list || !pattern) return [];
    return [{ ...entry, cameByList: cameBy !== undefined, because: `${pattern} on ${list} (${entry.address})` }];
  });
  const mode = MODES.find((one) => covering.some((entry) => entry.mode === one));
  const asking = covering.filter(({ address }) => !stopped.has(address.toLowerCase()));
  if (mode === undefined || asking.length === 0) return undefined;
  const addresses = new Map(asking.map(({ address }) => [address.toLowerCase(), address]));
  return {
    mode,
    maintainers: [...addresses.values()],
    cameByList: asking.some(({ cameByList }) => cameByList),
    because: asking.map(({ because }) => because).join('; '),
  };
}

/** RFC 2919 leaves the form to the list; that of mailman, mlmmj and vger: the address with a dot for its @. */
function listIdOf(list: string): string {
  return list.toLowerCase().replace('@', '.');
}

/**
 * Whether a finding is proved well enough to be sent: one about Kconfig by the tree's own conf, which every finding is;
 * one about code by a build, unless the operator asks for all.
 */
export function isProved({ verification }: Finding, sendUnbuilt: boolean): boolean {
  return sendUnbuilt || verification.notBuilt === undefined;
}

/** Whether a maintainer's entry has this address. */
export function isOptedIn(address: string, maintainers: readonly Maintainer[]): boolean {
  return maintainers.some((entry) => isSame(entry.address, address));
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
  /** Why it is private although a reply to all was asked for. */
  readonly notToAll?: string;
}

/**
 * Mode and recipients of a reply to `message`: `private`, the maintainers alone; else (a draft is a mail to all that
 * somebody still has to send) everyone in it, and nobody who is not. Undefined when nobody is left in To: the mail is
 * not to be written.
 *
 * Anybody can send us a patch, in another's name, with a List-Id, To and Cc of their choice: in mode `list` we would
 * write to whomever they like. So a reply to all is private instead where the mail did not come by the list, has many
 * recipients, or is not of these days. What is left is that a forger can have us write to a few once for each patch;
 * who minds that reads the list's own archive, where only the list can put mails, and no mailbox that takes mail.
 */
export function deliveryOf(message: Message, audience: Audience, left: Left, now: Date): Delivery | undefined {
  const all = everyoneIn(message, left);
  const notToAll = audience.mode === 'list' ? whyNotToAll(message, audience, all, now) : undefined;
  const mode = notToAll === undefined ? audience.mode : 'private';
  const asked = audience.maintainers.map((address) => ({ name: '', address }));
  const { to, cc } = mode === 'private' ? { to: reachable(asked, left), cc: [] } : all;
  return to.length === 0 ? undefined : { mode, to, cc, ...(notToAll !== undefined && { notToAll }) };
}

function whyNotToAll(
  { date }: Message,
  { cameByList }: Audience,
  { to, cc }: Recipients,
  now: Date,
): string | undefined {
  if (!cameByList) return 'the patch did not come by the list: no List-Id of it';
  const count = to.length + cc.length;
  if (count > MAX_LIST_RECIPIENTS) return `the patch has ${count} recipients, more than ${MAX_LIST_RECIPIENTS}`;
  const ageMs = date === undefined ? Number.NaN : Math.abs(now.getTime() - Date.parse(date));
  return ageMs <= MAX_LIST_AGE_DAYS * DAY_MS
    ? undefined
    : `the patch has the date ${date ?? '(none)'}, which is not within ${MAX_LIST_AGE_DAYS} days of today`;
}

/** A reply to all: To the sender, Cc the other recipients, each once. To is empty if the sender cannot or will not be written to. */
export function everyoneIn({ from, to, cc }: Message, left: Left): Recipients {
  const others = [...to, ...cc].filter(({ address }) => !isSame(address, from.address));
  return { to: reachable([from], left), cc: reachable(others, left) };
}

function reachable(addresses: readonly Address[], { bot, stopped }: Left): Address[] {
  const unwanted = new Set([bot, ...stopped].map((address) => address.toLowerCase()));
  const kept = addresses.filter((one) => isMailable(one) && !unwanted.has(one.address.toLowerCase()));
  return [...new Map(kept.map((one) => [one.address.toLowerCase(), one])).values()];
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
