/**
 * Who is told: of a series, those who asked for it in depbot.toml; of a mail, its recipients. Nobody else hears
 * anything, and nobody who said stop. Addresses are compared whole, without regard to case.
 */

import type { Address, Message, Series } from '../rules/types.ts';
import type { Config } from './config.ts';
import { isMailable } from './eml.ts';
import { pathMatcher } from './path-pattern.ts';

/** Who asked to hear of what, and how. */
export type Maintainer = Config['maintainer'][number];
/** How a maintainer hears of a series: a draft for people to send, a mail to the maintainer alone, a reply to all. */
export type Mode = Maintainer['mode'];

export interface Audience {
  readonly mode: Mode;
  /** Addresses of all entries that cover the series, in the order of the file. */
  readonly maintainers: readonly string[];
  /** One line for the log: pattern, list and address of each entry. */
  readonly because: string;
}

/** The quietest first. */
const MODES: readonly Mode[] = ['draft', 'private', 'list'];

/**
 * Who asked to hear of a series, undefined where nobody did. An entry covers it when one of its mails went to one of
 * the entry's lists and one of its patches touches a path of the entry. Of several entries the quietest mode holds.
 */
export function audienceOf(series: Series, maintainers: readonly Maintainer[]): Audience | undefined {
  const mails = [...(series.cover ? [series.cover] : []), ...series.patches.map(({ message }) => message)];
  const sentTo = new Set(mails.flatMap(({ to, cc }) => [...to, ...cc].map(({ address }) => address.toLowerCase())));
  const listIds = new Set(mails.flatMap((mail) => mail.listIds.map((id) => id.toLowerCase())));
  const diffs = series.patches.flatMap(({ diff }) => diff);
  const paths = new Set(
    diffs.flatMap(({ oldPath, newPath }) => [oldPath, newPath].filter((path) => path !== undefined)),
  );

  const covering = maintainers.flatMap((entry) => {
    const list = entry.lists.find((one) => sentTo.has(one.toLowerCase()) || listIds.has(listIdOf(one)));
    const pattern = list && entry.paths.find((one) => [...paths].some(pathMatcher(one)));
    return list && pattern ? [{ ...entry, because: `${pattern} on ${list} (${entry.address})` }] : [];
  });
  const mode = MODES.find((one) => covering.some((entry) => entry.mode === one));
  if (mode === undefined) return undefined;
  const addresses = new Map(covering.map(({ address }) => [address.toLowerCase(), address]));
  return {
    mode,
    maintainers: [...addresses.values()],
    because: covering.map(({ because }) => because).join('; '),
  };
}

/** RFC 2919 leaves the form to the list; that of mailman, mlmmj and vger: the address with a dot for its @. */
function listIdOf(list: string): string {
  return list.toLowerCase().replace('@', '.');
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

/**
 * Recipients of an answer to `message`: `private`, the maintainers alone; else (a draft is a mail to all that
 * somebody still has to send) everyone in it. Undefined when nobody is left in To: the mail is not to be written.
 */
export function recipientsOf(mode: Mode, message: Message, audience: Audience, left: Left): Recipients | undefined {
  const recipients =
    mode === 'private'
      ? {
          to: reachable(
            audience.maintainers.map((address) => ({ name: '', address })),
            left,
          ),
          cc: [],
        }
      : everyoneIn(message, left);
  return recipients.to.length > 0 ? recipients : undefined;
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
