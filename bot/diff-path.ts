/**
 * File names in diffs: git's C-style quoting, `a/` and `b/` prefixes, `/dev/null`, GNU diff's time stamps
 * (git-diff(1), "Generating patch text with -p"; git-config(1), core.quotePath).
 */

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** Longest line with names looked at, in characters: two names of PATH_MAX, every byte of them escaped. */
const MAX_LINE = 2 * 4 * 4096 + 10;

/** A name as one side of a diff gives it: `null` for `/dev/null`. */
export type SideName = string | null;

/**
 * Takes a C-style quoted name off the start of the text: its value, and where the text goes on.
 * Undefined if it is not quoted or never closed. Octal escapes are UTF-8 bytes.
 */
export function unquote(text: string): { name: string; end: number } | undefined {
  const match = /^"((?:[^"\\]|\\.){0,16384})"/.exec(text);
  if (!match) return undefined;
  const bytes: Buffer[] = [];
  for (const piece of (match[1] ?? '').matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gu)) {
    const [whole, octal, letter] = piece;
    if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8) & 0xff]));
    else if (letter !== undefined)
      bytes.push(ESCAPES[letter] === undefined ? Buffer.from(letter) : Buffer.from([ESCAPES[letter]]));
    else bytes.push(Buffer.from(whole));
  }
  return { name: Buffer.concat(bytes).toString(), end: match[0].length };
}

/** The name after `--- ` or `+++ `, still with its prefix. A tab ends an unquoted name; a time stamp of 1970 means no file. */
export function sideName(text: string): SideName {
  const quoted = unquote(text);
  if (quoted) return quoted.name;
  const tab = text.indexOf('\t');
  const name = (tab < 0 ? text : text.slice(0, tab)).trimEnd();
  const isEpoch = tab >= 0 && /^(?:1970-01-01 00:00:00|1969-12-31 (?:1[2-9]|2\d):\d\d:\d\d)/.test(text.slice(tab + 1));
  return name === '/dev/null' || isEpoch ? null : name;
}

/** The one name that `diff --git a/NAME b/NAME` holds, with its prefixes; undefined when the two differ (a rename says them again). */
export function gitNames(rest: string): { old: string; new: string } | undefined {
  if (rest.length > MAX_LINE) return undefined;
  const first = unquote(rest);
  if (first) {
    const tail = rest.slice(first.end).trimStart();
    return { old: first.name, new: unquote(tail)?.name ?? tail };
  }
  const quoteAt = rest.endsWith('"') ? rest.indexOf(' "') : -1;
  const late = quoteAt > 0 ? unquote(rest.slice(quoteAt + 1)) : undefined;
  if (late) return { old: rest.slice(0, quoteAt), new: late.name };
  // Names may hold spaces: only the cut in the middle gives two that agree below the prefix.
  const middle = (rest.length - 1) / 2;
  if (!Number.isInteger(middle) || rest[middle] !== ' ') return undefined;
  const old = rest.slice(0, middle);
  const now = rest.slice(middle + 1);
  return old === now || belowPrefix(old) === belowPrefix(now) ? { old, new: now } : undefined;
}

/** Without git's prefix: `a/` and `b/`, or those of diff.mnemonicPrefix. */
function belowPrefix(name: string): string {
  return /^[abciow12]\//.test(name) ? name.slice(2) : name;
}

/**
 * Names without prefix. Both sides are looked at, since only together they show what the prefix
 * is: one letter each; the same name twice has none; else GNU diff's two directory names go
 * (`linux.orig/` and `linux/`). `odd` is set when there was no prefix, which `git am` would miss.
 */
export function stripPrefixes(old: SideName, now: SideName): { old: SideName; new: SideName; odd: boolean } {
  const names = [old, now].filter((name) => name !== null);
  if (names.length === 0) return { old, new: now, odd: false };
  const strip = (cut: (name: string) => string, odd: boolean) => ({
    old: old === null ? null : cut(old),
    new: now === null ? null : cut(now),
    odd,
  });
  if (names.every((name) => belowPrefix(name) !== name) && !(old === now)) return strip(belowPrefix, false);
  const rest = names.map((name) => name.slice(name.indexOf('/') + 1));
  if (names.length === 2 && old !== now && names.every((name) => name.includes('/')) && rest[0] === rest[1]) {
    return strip((name) => name.slice(name.indexOf('/') + 1), false);
  }
  return strip((name) => name, true);
}
