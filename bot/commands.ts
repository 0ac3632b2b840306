/**
 * Commands by mail: lines `#depbot WORD ARGUMENTS` in what a person wrote, and nowhere else. Pure.
 *
 * A mail repeats other people's words in many forms: quotes, forwarded mails, patches, signatures. In doubt a line is
 * somebody else's: a command that is not seen can be sent again, one that nobody gave cannot be taken back.
 */

import { looksLikeDiff } from './diff.ts';
import { isHunkHeader } from './diff-hunk.ts';
import { printable } from './printable.ts';

/** Every command with what it does, as the help text says it. */
export const COMMANDS = {
  check: 'check the series that your mail answers, and mail you what was found',
  explain: 'mail you how each finding of that series was proved',
  ignore: 'tell you of no finding of a rule any more: ignore RULE; again: ignore RULE off',
  invalid: 'take what I said in the mail that you answer for a false alarm; RULE: only that',
  send: 'send the draft that your mail answers',
  discard: 'throw the draft that your mail answers away',
  start: 'hear of a section that names you: start SECTION, as MAINTAINERS has it',
  confirm: 'bring back the token that "start" was answered with',
  stop: 'write to you no more; from a maintainer, nor to the section',
  help: 'mail you this list',
} as const;

export type CommandWord = keyof typeof COMMANDS;

export type Command = {
  /** The whole line, put together where it was wrapped: printable, at most 200 characters. */
  readonly line: string;
} & (
  | {
      readonly word: CommandWord;
      /** As written, at most 20, each at most 200 characters; data, never options of a program. */
      readonly args: readonly string[];
    }
  | {
      /** A command that is not obeyed. */
      readonly word: 'left';
      /** Why not, and what to do, as a sentence. */
      readonly why: string;
    }
  | {
      readonly word: 'unknown';
      /** What followed `#depbot`: printable, on one line, at most 100 characters; may be empty. */
      readonly text: string;
    }
);

const MARK = '#depbot';
/** The line that stops us. */
export const STOP_LINE = `${MARK} stop`;

/** Commands taken from one mail; of the rest the first is named. */
const MAX_COMMANDS = 3;
const TOO_MANY = `I obey ${MAX_COMMANDS} commands of a mail: this one, and what may follow it, needs a mail of its own.`;
const MAYBE_QUOTED =
  'It stands below a long quoted line, and may be the end of that: send it again with a blank line above it.';
const MAX_ARGS = 20;
const MAX_ARG_CHARS = 200;
const MAX_TEXT_CHARS = 100;
const MAX_QUOTED_CHARS = 200;
/** No mailer that breaks lines at all breaks them before this column. */
const MIN_WRAP_COLUMN = 60;
/** Lines that are put to a command which was broken. */
const MAX_WRAPPED = 3;
/** A line longer than this, in characters, is no command and no mark of a mailer. */
const MAX_LINE_CHARS = 1000;
/** A quoted line at least this long may have been broken by a mailer that did not quote the rest again. */
const MIN_BROKEN_CHARS = 50;

const COMMAND = /^ {0,3}#depbot:?(?:[ \t\u00a0]+(.*))?$/i;
const QUOTED = /^[ \t]*(?:[>|]|[\w.-]{1,20}>)/;
/** An earlier sentence of ours whose end, broken by a mailer, is the command itself. */
const OUR_SENTENCE = /(?:such mails:|with (?:a|the) line)[ "']*$/i;

/**
 * The commands of a mail's decoded body, in order: 3 at most, and after them one that says so. What a mailer's or list's
 * mark tells to be another's words is left out, from the mark to the end: signature, forwarded mail, mail below its
 * attribution without quote marks, patch. So are quoted lines and our own footer. What may be the unmarked rest of a
 * quoted line that was broken is not obeyed, but given, as `left`: its sender may have meant it.
 */
export function commandsIn(body: string): Command[] {
  if (!/#depbot/i.test(body)) return [];
  const lines = body.split(/\r?\n/);
  const found: Command[] = [];
  let last = '';
  let isBroken = false;
  for (const [at, line] of lines.entries()) {
    if (found.length > MAX_COMMANDS || endsOwnWords(lines, at)) break;
    const isQuoted = QUOTED.test(line);
    const isRest: boolean = isBroken && line.trim() !== '';
    isBroken = (isQuoted || isRest) && line.length >= MIN_BROKEN_CHARS;
    const command = isQuoted || OUR_SENTENCE.test(last) ? undefined : readCommand(wholeLine(lines, at));
    if (command && found.length === MAX_COMMANDS) found.push({ line: command.line, word: 'left', why: TOO_MANY });
    else if (command && !isRest) found.push(command);
    // Prose of another that happens to begin so is no command, and not worth a mail.
    else if (command && command.word !== 'unknown') found.push({ line: command.line, word: 'left', why: MAYBE_QUOTED });
    if (line.trim() !== '') last = line.slice(-MAX_LINE_CHARS);
  }
  return found;
}

/** The text to answer `#depbot help` with; `botAddress` is ours. Its commands are indented too far to be obeyed. */
export function helpText(botAddress: string): string {
  const width = Math.max(...Object.keys(COMMANDS).map((word) => word.length));
  const list = Object.entries(COMMANDS).map(([word, does]) => `    ${MARK} ${word.padEnd(width)}  ${does}`);
  return [
    `I obey these lines, at the start of a line in a mail to ${botAddress} or in a reply on a list that I read:`,
    '',
    ...list,
    '',
    'They count only outside quotes, above the signature, and with a valid DKIM signature of the domain of your address.',
  ].join('\n');
}

/** A command with the lines that a mailer broke off: what could not have stood on the line before it, and is an argument. */
function wholeLine(lines: readonly string[], at: number): string {
  const word = COMMAND.exec(lines[at]!.trimEnd())?.[1]?.trim().split(/[ \t]/, 1)[0]?.toLowerCase() ?? '';
  const form = ARGUMENT_LINE[word];
  let whole = lines[at]!;
  for (let next = at + 1; form && next <= at + MAX_WRAPPED; next++) {
    const [before, line] = [lines[next - 1]!.trimEnd(), (lines[next] ?? '').trim()];
    const first = line.split(/[ \t]/, 1)[0]!;
    if (line === '' || before.length + 1 + first.length <= MIN_WRAP_COLUMN) break;
    if (!form.test(line) || QUOTED.test(line) || endsOwnWords(lines, next)) break;
    whole = `${whole.trimEnd()} ${line}`;
  }
  return whole;
}

/** Lines that consist of arguments of a command, and of nothing that a person would say. */
const ARGUMENT_LINE: Readonly<Record<string, RegExp>> = {
  check: /^(?:(?:base|arch|config)=\S+|verbose)(?:[ \t]+(?:(?:base|arch|config)=\S+|verbose))*$/,
  start: /^[A-Z0-9][^a-z]*$/,
  stop: /^[A-Z0-9][^a-z]*$/,
};

function readCommand(line: string): Command | undefined {
  if (line.length > MAX_LINE_CHARS) return undefined;
  const match = COMMAND.exec(line.trimEnd());
  if (match === null) return undefined;
  const text = (match[1] ?? '').trim();
  // With the closing quote mark of a sentence it is our footer, not a person's line.
  if (/["\u201d]\.?$/.test(text)) return undefined;
  const [first = '', ...args] = text.split(/[ \t\u00a0]+/);
  const word = first.toLowerCase().replace(/[.,;:!]$/, '');
  const isSound = printable(text) === text && args.length <= MAX_ARGS && args.every((a) => a.length <= MAX_ARG_CHARS);
  const quoted = { line: printable(cut(line.trim().replaceAll(/[ \t\u00a0]+/g, ' '), MAX_QUOTED_CHARS)) };
  return isSound && isWord(word)
    ? { ...quoted, word, args }
    : { ...quoted, word: 'unknown', text: printable(cut(text)) };
}

function isWord(word: string): word is CommandWord {
  return Object.hasOwn(COMMANDS, word);
}

function cut(text: string, most = MAX_TEXT_CHARS): string {
  const chars = [...text];
  return chars.length > most ? `${chars.slice(0, most - 3).join('')}...` : text;
}

/** Whether from this line on the mail repeats something. */
function endsOwnWords(lines: readonly string[], at: number): boolean {
  const line = lines[at]!;
  if (line.length > MAX_LINE_CHARS) return false;
  return (
    // RFC 3676, section 4.3; some mailers drop the blank.
    /^-- ?$/.test(line) ||
    // `-----Original Message-----`, `---------- Forwarded message ---------`, scissors.
    /^[ \t]*-{3,}[^-].*[^-]-{3,}[ \t]*$/.test(line) ||
    /^[ \t]*(?:begin forwarded message:|_{20,})/i.test(line) ||
    startsHeader(lines, at) ||
    (isAttribution(line) && !isQuoteNext(lines, at)) ||
    (isBrokenAttribution(line, lines[at + 1]) && !isQuoteNext(lines, at + 1)) ||
    startsPatch(lines, at)
  );
}

/** `Label: value` in any language and script; the trailers of patches have a hyphen in theirs. */
const FIELD = /^[\s\p{Cf}]*\*?\p{L}[\p{L}\p{M}\p{Cf} \u00a0.'\u2019]{0,30}(?::\*?(?:\s|$)|\*:\s|\uff1a)/u;
const ADDRESS = /[^\s@<>]@[^\s@<>]+\.[^\s@<>]/;
/** Of day, in the digits of any script. */
const TIME = /\p{Nd}{1,2}[:\uff1a]\p{Nd}{2}/u;
/** With a dot as Finns write it, a time is one beside a year only: else it is a version. */
const DOTTED_TIME = /\p{Nd}{1,2}\.\p{Nd}{2}/u;
const YEAR = /\p{Nd}{4}/u;
/** The field that stands alone above a mail that somebody has pasted, as mailers of some languages call it. */
const SENDER =
  /^[\s\p{Cf}]*\*?(?:from|von|absender|de|expéditeur|remitente|remetente|da|mittente|van|afzender|fra|avsender|afsender|från|avsändare|lähettäjä|od|nadawca|kimden|gönderen|от|від|发件人|寄件者|寄件人|差出人|보낸 ?사람)[ \u00a0]*\*?[ \u00a0]*[:\uff1a]/iu;
/** Lines of a head that are looked at. */
const MAX_FIELDS = 8;

/**
 * The head of a mail, as some mailers put it above the mail they repeat, without quote marks: fields, of which one has
 * an address or a time, under names of any language.
 */
function startsHeader(lines: readonly string[], at: number): boolean {
  const isField = (line = ''): boolean => line.length <= MAX_LINE_CHARS && FIELD.test(line);
  if (SENDER.test(lines[at]!) && ADDRESS.test(lines[at]!)) return true;
  if (!isField(lines[at]) || !isField(lines[at + 1])) return false;
  const some = lines.slice(at, at + MAX_FIELDS);
  const end = some.findIndex((line) => !isField(line));
  const fields = end === -1 ? some : some.slice(0, end);
  return (
    /^[ \t]*\*?(?:from|von|de)\b/i.test(fields[0]!) ||
    fields.some((line) => ADDRESS.test(line) || TIME.test(line) || isDated(line))
  );
}

function isDated(line: string): boolean {
  return YEAR.test(line) && (TIME.test(line) || DOTTED_TIME.test(line));
}

const SAID = 'wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef|skrev';
const HAS_SAID = new RegExp(`\\b(?:${SAID})`);
const ENDS_WITH_SAID = new RegExp(`(?:^|\\s)(?:${SAID})[\\s\\p{Cf}]*$`, 'u');
/** What stands behind the address where the colon is left out; trailers end with theirs. */
const ENDS_WITH_WORDS = /<[^\s@<>]+@[^\s@<>]+>(?:[ \t\u00a0]+\p{L}[\p{L}\p{M}]*){1,3}[\s\p{Cf}]*$/u;
const COLON = /[:\uff1a][\s\p{Cf}]*$/u;

/**
 * "On Monday Jane wrote:", in any language: it ends with a colon, and has an address, or a year and a time of day.
 * Without the colon, a few words behind the address, or a word for that and one of these.
 */
function isAttribution(line: string): boolean {
  const [end] = COLON.exec(line) ?? [];
  if (end === undefined)
    return ENDS_WITH_WORDS.test(line) || (ENDS_WITH_SAID.test(line) && (ADDRESS.test(line) || isDated(line)));
  const isSaid = /^(?:On|Am|Le|El|Il|Op|Den) /.test(line) && HAS_SAID.test(line);
  return isSaid || ADDRESS.test(line) || isDated(line.slice(0, -end.length));
}

/** One that a mailer has broken before its end. */
function isBrokenAttribution(line: string, next = ''): boolean {
  if (line.trim() === '' || line.length + next.length > MAX_LINE_CHARS || QUOTED.test(next)) return false;
  return (COLON.test(next) || ENDS_WITH_SAID.test(next)) && isAttribution(`${line.trimEnd()} ${next.trim()}`);
}

function isQuoteNext(lines: readonly string[], at: number): boolean {
  let next = at + 1;
  while (next < lines.length && lines[next]!.trim() === '') next++;
  return QUOTED.test(lines[next] ?? '');
}

function startsPatch(lines: readonly string[], at: number): boolean {
  const line = lines[at]!;
  return (
    /^(?:---|Index: .*|diff -.*|From [0-9a-f]{40,64} .*)[ \t]*$/.test(line) ||
    isHunkHeader(line) ||
    (line.startsWith('--- ') && looksLikeDiff(lines.slice(at, at + 3).join('\n')))
  );
}
