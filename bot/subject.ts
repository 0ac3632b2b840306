/**
 * Subject lines of patches: `[PATCH net-next v2 3/9] title` and its many relatives
 * (Documentation/process/submitting-patches.rst, "The canonical patch format"; git-format-patch(1)).
 */

import type { Subject } from '../rules/types.ts';

/** Longest subject looked at, in characters. */
const MAX_CHARS = 2000;

/** Reply and forward marks of mail programs in several languages; the colon may be full-width. */
const REPLY_MARK =
  /^(?:re|aw|antw|antwort|sv|vs|vá|odp|res|ris|rif|r|yt|ynt|ref|fwd?|wg|tr|rv|enc|i|回复|回覆|答复|答覆|回信|转发|轉寄|返信)(?:\[\d+\]|\^\d+|\(\d+\))?\s?[:：]\s?/iu;
/** Any short word with a colon counts as a reply mark if patch brackets follow directly. */
const UNKNOWN_MARK = /^\p{L}{1,4}\s?[:：]\s?(?=\[[^\]]*(?:patch|rfc|\bv\d|\d\s?\/\s?\d))/iu;
const PATCH_WORDS = /patch|rfc|\bv\d|\d\s?\/\s?\d/i;
const RESEND_MARK = /^(?:resend|repost)\s?:\s?(?=\[)/i;

/** `2/5`, `1 / 2`, and Mercurial's `1 of 3`; also glued to the word PATCH. */
const COUNTER = /(?:(?<=^|[\s,;])|(?<=\bpatch))(\d{1,12})\s?(?:\/|(?<=\s)of(?=\s))\s?(\d{1,12})(?=$|[\s,;:])/i;
/** PATCH, RFC, RESEND and vN, alone or glued: `PATCHv3`, `RFC/PATCH`, `RFCv2`, `v1.1`. */
const KNOWN_WORD = /^(?:(?:patch(?:set|es)?|rfc|resend|repost)[-_/]?)*(?:v(\d{1,20})(?:\.(\d{1,4}))?)?$/i;
/** More than any series has had; beyond, revisions are not told apart. */
const MOST_REVISIONS = 99_999;

/**
 * Takes a decoded subject apart. Never fails: what is not understood stays in the title (no
 * brackets, or brackets that do not close) or becomes a tag (a word in brackets). `isPatch`
 * speaks for the subject only; a mail without it may still carry a diff.
 */
export function parseSubject(subject: string): Subject {
  let rest = subject.slice(0, MAX_CHARS).replace(/\s+/g, ' ').trim();
  let isReply = false;
  let isResend = false;
  const inBrackets: string[] = [];
  for (;;) {
    const mark =
      (inBrackets.length === 0 || startsLaterBracket(rest) ? REPLY_MARK.exec(rest) : null) ??
      // behind the patch's own brackets it begins the title: `[PATCH] ARM: [v7m] ...`
      (inBrackets.some((words) => PATCH_WORDS.test(words)) ? null : UNKNOWN_MARK.exec(rest));
    if (mark) {
      isReply = true;
      rest = rest.slice(mark[0].length);
      continue;
    }
    const resend = RESEND_MARK.exec(rest);
    if (resend) {
      isResend = true;
      rest = rest.slice(resend[0].length);
      continue;
    }
    const end = closingBracket(rest);
    if (end < 0) break;
    inBrackets.push(rest.slice(1, end));
    rest = rest.slice(end + 1).trim();
  }
  const words = readWords(inBrackets.join(' '));
  return { ...words, isReply, isResend: isResend || words.isResend, title: rest };
}

/** A list's own tag may stand before the reply mark: `[Intel-gfx] Re: [PATCH]`. */
function startsLaterBracket(rest: string): boolean {
  return /^[^\s[\]]{1,12}\s?[:：]\s?\[/.test(rest);
}

/** Index of the bracket that closes the one at 0, nested ones counted; -1 if there is none. */
function closingBracket(text: string): number {
  if (!text.startsWith('[')) return -1;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) return i;
  }
  return -1;
}

function readWords(text: string): Omit<Subject, 'isReply' | 'title'> {
  let flat = text.replace(/[[\]]/g, ' ').replace(/\s+/g, ' ').trim();
  const counter = COUNTER.exec(flat);
  if (counter) flat = `${flat.slice(0, counter.index)} ${flat.slice(counter.index + counter[0].length)}`;

  let version: RegExpExecArray | undefined;
  let isPatch = counter !== null;
  let isRfc = false;
  let isResend = false;
  const tags: string[] = [];
  for (const word of flat
    .split(/[\s,;]+/)
    .map((w) => w.replace(/:$/, ''))
    .filter((w) => w !== '')) {
    const known = KNOWN_WORD.exec(word);
    if (!known) {
      tags.push(word);
      continue;
    }
    if (/patch/i.test(word)) isPatch = true;
    if (/rfc/i.test(word)) isRfc = true;
    if (/resend|repost/i.test(word)) isResend = true;
    if (known[1] !== undefined) {
      isPatch = true;
      version ??= known;
    }
  }
  return {
    revision: version ? Math.min(Number(version[1]), MOST_REVISIONS) : 1,
    revisionInferred: version === undefined,
    ...(version?.[2] !== undefined && { subRevision: Number(version[2]) }),
    n: counter ? Number(counter[1]) : 1,
    total: counter ? Number(counter[2]) : 1,
    counterInferred: counter === null,
    isPatch,
    isRfc,
    isResend,
    tags,
  };
}
