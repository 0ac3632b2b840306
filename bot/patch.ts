/**
 * A mail as a patch: author, title, log, trailers, diff. Reads what `git am` reads: in-body
 * headers, a scissors line, `---`, the diff (git-mailinfo(1), git-am(1) "DISCUSSION").
 */

import type { Address, Message, Outcome, Patch } from '../rules/types.ts';
import { parseDiff } from './diff.ts';
import { filesLost } from './diff-stat.ts';
import { decodeWords, parseAddresses } from './message-headers.ts';
import { parseSubject } from './subject.ts';
import { splitTrailers } from './trailers.ts';

const MARK = /^(?:8<|>8|%<|>%)$/;
/** Longest scissors line, in characters. */
const MAX_SCISSORS = 200;

/** How the oddity begins that says that the mail was cut: what came of the patch is not the patch. */
export const CUT_SHORT = 'its diff is cut short: ';

export type ParsedPatch = Outcome<{ patch: Patch; oddities: string[] }, { why: string }>;

/**
 * Reads a mail as a patch; `n` and `total` are as its subject says. Not ok when it carries no
 * diff. Oddities are those of the mail and of its diff; see {@link CUT_SHORT}.
 */
export function parsePatch(message: Message): ParsedPatch {
  const lines = message.body.split('\n');
  const start = afterScissors(lines);
  // Lines above the scissors are blanked, not cut, so that line numbers stay those of the mail.
  const body = start === 0 ? message.body : [...lines.slice(0, start).fill(''), ...lines.slice(start)].join('\n');
  const { files, oddities: diffOddities, cutShort } = parseDiff(body);
  if (files.length === 0)
    return {
      ok: false,
      why: diffOddities[0] === undefined ? 'it carries no diff' : `it carries no readable diff (${diffOddities[0]})`,
    };

  const oddities = [...message.oddities, ...diffOddities];
  const inBody = readInBodyHeaders(lines, start);
  if (inBody.from === null)
    oddities.push("the From: line in its text has no readable address; the mail's From was taken");
  const subject = parseSubject(message.subject);
  const title = inBody.subject === undefined ? subject.title : parseSubject(inBody.subject).title;
  const logEnd = endOfLog(lines, inBody.next, files[0]?.mailLine ?? 1);
  const { log, trailers } = splitTrailers(lines.slice(inBody.next, logEnd).join('\n'));
  const cut = cutShort ?? filesLost(lines, logEnd, files);
  if (cut !== undefined) oddities.push(`${CUT_SHORT}${cut}`);
  const patch: Patch = {
    n: subject.n,
    total: subject.total,
    message,
    title,
    author: inBody.from ?? message.from,
    log,
    trailers,
    diff: files,
    ...(start > 0 && { scissors: true }),
  };
  return { ok: true, patch, oddities };
}

/** Index of the line after the last scissors line above the `---` or the diff, as git looks for it; 0 without one. */
function afterScissors(lines: readonly string[]): number {
  let start = 0;
  for (const [i, line] of lines.entries()) {
    if (/^(?:diff -|Index: |---\s*$|--- \S|@@ -)/.test(line)) break;
    if (isScissors(line)) start = i + 1;
  }
  return start;
}

/**
 * Perforation: dashes and scissors, with the blanks behind them. A line of it has at least one
 * pair of scissors, is at least 8 bytes wide, more than a third of it perforation and less than
 * half of that blanks (git-mailinfo(1), --scissors). Applying leaves the cut to git, so its
 * counting is kept: the line end is a blank, scissors at the end are one wide.
 */
function isScissors(line: string): boolean {
  const text = line.trim();
  if (text.length < 8 || text.length > MAX_SCISSORS || !/8<|>8|%<|>%/.test(text)) return false;
  const perforation = (`${line}\n`.match(/(?:8<|>8|%<|>%|-)(?:8<|>8|%<|>%|-|\s)*/g) ?? []).join('');
  const blanks = perforation.replace(/\S/g, '').length;
  const lastMark = text.match(/8<|>8|%<|>%|./gsu)?.at(-1) ?? '';
  const width = Buffer.byteLength(text) - (MARK.test(lastMark) ? 1 : 0);
  return width >= 8 && width < 3 * perforation.length && 2 * blanks < perforation.length;
}

interface InBody {
  /** Null when there is such a line but no address in it. */
  from?: Address | null;
  subject?: string;
  /** Index of the first line of the log. */
  next: number;
}

/** In-body headers, optionally below git's `From <commit> Mon Sep 17 …` line as attached patches have it. */
function readInBodyHeaders(lines: readonly string[], start: number): InBody {
  const found: InBody = { next: start };
  let at = start;
  while (at < lines.length && (lines[at] ?? '').trim() === '') at++;
  const isMailHead = /^From [0-9a-f]{40,64} /.test(lines[at] ?? '');
  if (isMailHead) at++;
  const known = isMailHead ? /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/ : /^(From|Subject|Date):[ \t]+(.*)$/i;
  let hasAny = isMailHead;
  for (;;) {
    const match = known.exec(lines[at] ?? '');
    if (!match) break;
    hasAny = true;
    let value = match[2] ?? '';
    while (/^[ \t]+\S/.test(lines[at + 1] ?? '')) value += ` ${(lines[++at] ?? '').trim()}`;
    const key = match[1]?.toLowerCase();
    if (key === 'from') found.from ??= parseAddresses(value)[0] ?? null;
    else if (key === 'subject') found.subject ??= decodeWords(value);
    at++;
  }
  if (hasAny) found.next = at;
  return found;
}

/** The log ends at the first `---` line above the diff, else at the diff, whose `diff -u` or `Index:` line counts as its start. */
function endOfLog(lines: readonly string[], start: number, diffMailLine: number): number {
  for (let i = start; i < diffMailLine - 1; i++) {
    if (/^(?:---[ \t]*|diff -.*|Index: .*)$/.test(lines[i] ?? '')) return i;
  }
  return Math.max(start, diffMailLine - 1);
}
