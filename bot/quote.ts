/**
 * From a patch mail and what was found in it to the quoted lines of a reply.
 *
 * Trimmed interleaved quoting (Documentation/process/submitting-patches.rst, "Use trimmed
 * interleaved replies"): file, hunk, a few lines of context, the offending lines, and nothing after
 * them, so that the comment stands right under what it is about. A quoted line is `> ` and the line
 * of the mail, byte for byte; an empty one is `>`. What is left out between is `> [...]`.
 */

import type { Anchor, FileDiff, Finding, Hunk, Message, Patch } from '../rules/types.ts';

/** Lines of context above the offending line. */
const CONTEXT_LINES = 3;
/** An offending range longer than twice this loses its middle. */
const RANGE_END_LINES = 8;
/** RFC 5322, section 2.1.1 allows 998 octets a line; room is left for people who quote us. */
const MAX_LINE_OCTETS = 900;
const GAP = '> [...]';

/** A finding that points outside the mail it is about: a bug of a rule, never of a sender. */
export class QuoteError extends Error {
  override readonly name = 'QuoteError';
  readonly patch: number;
  readonly anchor: Anchor;

  constructor(patch: number, anchor: Anchor, wrong: string) {
    super(`quoting patch ${patch} for ${anchor.file}:${anchor.line}: ${wrong}`);
    this.patch = patch;
    this.anchor = anchor;
  }
}

/** One run of quoted lines and the findings whose comments follow it. */
export interface QuotedPart {
  /** LF line ends, none at the end. */
  readonly quote: string;
  readonly findings: readonly Finding[];
}

/**
 * Line above the quotes: `On <Date header as sent>, <name> wrote:`. Without a usable Date header the
 * date is left out; without a display name the address stands for it.
 */
export function attribution(message: Message): string {
  const name = oneLine(message.from.name) || oneLine(message.from.address) || 'the sender';
  const date = oneLine(message.dateHeader ?? '');
  return date === '' || date.length > 60 ? `${name.slice(0, 200)} wrote:` : `On ${date}, ${name.slice(0, 200)} wrote:`;
}

/**
 * Quotes for all findings in one patch, in the order of the mail. Findings that end on the same line
 * share a part; no line is quoted twice.
 *
 * Lines that no mail can carry (control characters, more than 900 octets) count as left out.
 * Throws QuoteError when an anchor lies outside the mail's body.
 */
export function quoteFindings(patch: Patch, findings: readonly Finding[]): QuotedPart[] {
  const body = patch.message.body.split(/\r?\n/);
  const parts: QuotedPart[] = [];
  let lastQuoted = 0;
  for (const group of groupByEnd(findings)) {
    const wanted = new Set<number>();
    for (const { anchor } of group) {
      checkAnchor(patch, anchor, body.length);
      for (const line of linesFor(patch, anchor, body)) {
        wanted.add(line);
      }
    }
    const numbers = withoutHoles([...wanted].filter((line) => line > lastQuoted).sort((a, b) => a - b));
    parts.push({ quote: quoteLines(body, numbers, lastQuoted).join('\n'), findings: group });
    lastQuoted = numbers.at(-1) ?? lastQuoted;
  }
  return parts;
}

function groupByEnd(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<number, Finding[]>();
  for (const finding of findings) {
    const end = finding.anchor.mailLines[1];
    groups.set(end, [...(groups.get(end) ?? []), finding]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

function checkAnchor(patch: Patch, anchor: Anchor, total: number): void {
  const [first, last] = anchor.mailLines;
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last < first || last > total) {
    throw new QuoteError(patch.n, anchor, `mail lines ${first} to ${last} are not lines of a body of ${total}`);
  }
}

/** Mail lines that one anchor needs, unsorted. */
function linesFor(patch: Patch, anchor: Anchor, body: readonly string[]): number[] {
  const [first, last] = anchor.mailLines;
  const wanted = clipped(first, last);
  const file = patch.diff.findLast((diff) => diff.mailLine <= first);
  const hunk = file?.hunks.findLast((candidate) => candidate.mailLine <= first);
  if (file === undefined || hunk === undefined || last > (hunk.lines.at(-1)?.mailLine ?? hunk.mailLine)) {
    return wanted;
  }
  const nameLine = fileNameLine(file, body);
  if (nameLine !== undefined) {
    wanted.push(nameLine);
  }
  wanted.push(hunk.mailLine, ...contextLines(file, hunk, first));
  return wanted;
}

/** A single missing line is quoted: marking it would take as much room. */
function withoutHoles(numbers: readonly number[]): number[] {
  return numbers.flatMap((line, i) => (numbers[i - 1] === line - 2 ? [line - 1, line] : [line]));
}

function clipped(first: number, last: number): number[] {
  const all = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return last - first < 2 * RANGE_END_LINES
    ? all(first, last)
    : [...all(first, first + RANGE_END_LINES - 1), ...all(last - RANGE_END_LINES + 1, last)];
}

/** The `+++` line of a file, or its `---` line when the patch deletes it. */
function fileNameLine(file: FileDiff, body: readonly string[]): number | undefined {
  const marker = file.kind === 'delete' ? '--- ' : '+++ ';
  const end = file.hunks[0]?.mailLine ?? file.mailLine;
  for (let line = file.mailLine; line < end; line++) {
    if (body[line - 1]?.startsWith(marker)) {
      return line;
    }
  }
  return undefined;
}

/**
 * Context above mail line `first`. In Kconfig files it starts at the declaration that the line
 * belongs to, which is also quoted when it is further up: a `select` says little without its symbol.
 */
function contextLines(file: FileDiff, hunk: Hunk, first: number): number[] {
  const above = hunk.lines.filter((line) => line.mailLine < first);
  const nearest = above.slice(-CONTEXT_LINES);
  if (/^(Kconfig|Config)/.test((file.newPath ?? file.oldPath ?? '').split('/').at(-1) ?? '')) {
    const opens = (text: string): boolean => /^\s*(menu)?config\s|^\s*(choice|menu|if)\b/.test(text);
    if (hunk.lines.some((line) => line.mailLine === first && opens(line.text))) {
      return [];
    }
    const declaration = above.findLast((line) => opens(line.text));
    if (declaration !== undefined) {
      return [declaration.mailLine, ...nearest.map((line) => line.mailLine).filter((n) => n > declaration.mailLine)];
    }
  }
  while (nearest[0] !== undefined && nearest[0].text.trim() === '') {
    nearest.shift();
  }
  return nearest.map((line) => line.mailLine);
}

/** `numbers` ascending; a gap is marked where lines are missing, also after `previous` unless that is 0. */
function quoteLines(body: readonly string[], numbers: readonly number[], previous: number): string[] {
  const out: string[] = [];
  let before = previous;
  for (const number of numbers) {
    const text = body[number - 1] ?? '';
    if (!isMailable(text)) {
      continue;
    }
    // The numbers of a hunk header say themselves that something lies before it.
    const afterName = /^> (\+\+\+|---) /.test(out.at(-1) ?? '') && text.startsWith('@@ ');
    if (before !== 0 && number > before + 1 && !afterName) {
      out.push(GAP);
    }
    out.push(text === '' ? '>' : `> ${text}`);
    before = number;
  }
  const last = numbers.at(-1);
  if (last !== undefined && before !== last) {
    out.push(GAP);
  }
  return out;
}

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Tab is the only control character that survives every mail system (and no terminal acts on it). */
function isMailable(text: string): boolean {
  return !CONTROL.test(text) && Buffer.byteLength(text) <= MAX_LINE_OCTETS;
}

function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
}
