/**
 * The mbox form (RFC 4155; mboxrd quoting): a stream of bytes cut into mails, in bounded memory.
 * Also tells an mbox from a single mail, by its first line.
 */

/** A mail of an mbox, or how many bytes one had that is longer than allowed (at least so many, if reading stopped there). */
export type CutMail = { readonly raw: Uint8Array } | { readonly tooLong: number };

/**
 * A separator: sender, then a date as asctime writes it, perhaps with a zone. Only this form
 * counts, and only at the start or before a header field: "From the middle of the file ..." is
 * prose. Without an empty line above, as mails joined by hand come, the sender must be
 * a {@link SURE_SENDER} too.
 */
const SEPARATOR =
  /^From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d{1,2} \d{1,2}:\d{2}(?::\d{2})?(?: [A-Z]{1,5}| [+-]\d{4})* \d{4}/;
/** An object name as `git format-patch` writes it, the sender that mboxrd archives write, or an address. */
const SURE_SENDER = /^From (?:[0-9a-f]{40}|[0-9a-f]{64}|mboxrd@z|[^\s@]+@[^\s@]+) /;
const FIELD = /^>?[!-9;-~]+[ \t]*:|^>?From /;
/** Longer lines are passed on in pieces; none of them is a separator. */
const MAX_PIECE_BYTES = 64 * 1024;
/** How much of a line is looked at to know what it is. */
const LOOK_BYTES = 200;

/** A buffer that grows, and beyond the limit only counts. */
class MailBytes {
  readonly #limit: number;
  #bytes = Buffer.alloc(0);
  length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(piece: Uint8Array): void {
    const before = this.length;
    this.length += piece.length;
    if (this.length > this.#limit) {
      this.#bytes = Buffer.alloc(0);
      return;
    }
    if (this.length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(MAX_PIECE_BYTES, 2 * this.length));
      this.#bytes.copy(grown, 0, 0, before);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, before);
  }

  /** A copy of exact size; without the empty line that the mbox form puts below each mail. */
  take(isMbox: boolean): CutMail {
    if (this.length > this.#limit) return { tooLong: this.length };
    const tail = this.#bytes.toString('latin1', Math.max(0, this.length - 3), this.length);
    const blank = isMbox ? (/\n(\r?\n)$/.exec(tail)?.[1]?.length ?? 0) : 0;
    return { raw: Uint8Array.from(this.#bytes.subarray(0, this.length - blank)) };
  }
}

/** Takes bytes as they come, gives mails as they are complete. */
class MboxCutter {
  readonly #limit: number;
  #mail: MailBytes;
  #rest: Buffer = Buffer.alloc(0);
  #isLineStart = true;
  #afterBlank = false;
  /** A line that separates if a header field follows. */
  #candidate: Buffer | undefined;
  /** Unknown until the first line that is not blank. */
  isMbox: boolean | undefined;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
    this.#mail = new MailBytes(limitBytes);
  }

  /** Whether this is a single mail that is too long already. */
  get isHopeless(): boolean {
    return this.isMbox === false && this.#mail.length > this.#limit;
  }

  *push(chunk: Uint8Array): Generator<CutMail> {
    const bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let lf = bytes.indexOf(0x0a); lf >= 0; lf = bytes.indexOf(0x0a, at)) {
      yield* this.#line(bytes.subarray(at, lf + 1));
      this.#isLineStart = true;
      at = lf + 1;
    }
    // Copied, since a stream may use its chunk again.
    this.#rest = Buffer.from(bytes.subarray(at));
    if (this.#rest.length > MAX_PIECE_BYTES) {
      yield* this.#line(this.#rest);
      this.#isLineStart = false;
      this.#rest = Buffer.alloc(0);
    }
  }

  *end(): Generator<CutMail> {
    if (this.#rest.length > 0) yield* this.#line(this.#rest);
    if (this.#candidate) this.#mail.add(this.#candidate);
    if (this.#mail.length > 0 || this.isMbox) yield this.#mail.take(this.isMbox === true);
  }

  *#line(line: Buffer): Generator<CutMail> {
    const isStart = this.#isLineStart;
    const blank = isStart && isBlank(line);
    if (this.isMbox === undefined) {
      if (blank) return;
      this.isMbox = isStart && isSeparator(line);
      if (this.isMbox) return;
    }
    if (this.isMbox && this.#candidate) {
      if (FIELD.test(look(line))) {
        yield this.#mail.take(true);
        this.#mail = new MailBytes(this.#limit);
      } else {
        this.#mail.add(this.#candidate);
      }
      this.#candidate = undefined;
    }
    if (this.isMbox && isStart && isSeparator(line) && (this.#afterBlank || SURE_SENDER.test(look(line))))
      this.#candidate = Buffer.from(line);
    else this.#mail.add(this.isMbox && isStart && isEscapedFrom(line) ? line.subarray(1) : line);
    this.#afterBlank = blank;
  }
}

function look(line: Buffer): string {
  return line.toString('latin1', 0, LOOK_BYTES);
}

// The first byte is asked before the text is made: most lines are neither, and an mbox has millions.
function isSeparator(line: Buffer): boolean {
  return line[0] === 0x46 && line.length <= MAX_PIECE_BYTES && SEPARATOR.test(look(line));
}

/** mboxrd: `>From `, `>>From ` and so on lose one `>`. */
function isEscapedFrom(line: Buffer): boolean {
  return line[0] === 0x3e && /^>+From /.test(look(line));
}

function isBlank(line: Buffer): boolean {
  return line[0] === 0x0a || (line[0] === 0x0d && line[1] === 0x0a);
}

/**
 * Cuts a stream into mails. With a separator in the first line it is an mbox, and `>From ` loses
 * one `>`; without, all of it is one mail, its bytes untouched. Blank lines at the start are skipped.
 */
export async function* cutMails(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<CutMail> {
  const cutter = new MboxCutter(limitBytes);
  for await (const chunk of chunks) {
    yield* cutter.push(chunk);
    // Nothing after it can be a mail, and a device never ends.
    if (cutter.isHopeless) break;
  }
  yield* cutter.end();
}
