/**
 * MIME structure (RFC 2045, 2046): a body's text parts, transfer-decoded to the exact bytes and then to text.
 *
 * A walker of its own: the stream splitters at hand do not accept the padding that RFC 2046
 * section 5.1.1 allows after a boundary, spend one turn of the event loop a line (a mail of empty
 * lines holds them for a minute), and the parsers above them re-flow, drop CRs and glue parts
 * together, which destroys patches.
 */

import { parseHeaderValue } from 'nodemailer/lib/mime-funcs';
import { decodeText } from './charset.ts';
import { toLf } from './line-ends.ts';
import { type HeaderFields, splitHeaders } from './message-headers.ts';

const MAX_DEPTH = 20;
const MAX_PARTS = 500;
/** What of a line is looked at behind a boundary, in bytes. */
const MAX_PADDING = 80;
/** What of a Content-Transfer-Encoding value is looked at, in characters. */
const MAX_VALUE = 200;

export interface TextPart {
  /** Lower-case, e.g. `text/plain` or `text/x-patch`. */
  readonly type: string;
  /** Decoded, LF line ends (CRs that are content stay). */
  readonly text: string;
}

export interface TextParts {
  readonly parts: readonly TextPart[];
  /** Types of the leaves that are no text of ours, e.g. `text/html`. */
  readonly others: readonly string[];
  readonly oddities: readonly string[];
}

/** The text parts of a mail in order: plain text and patches (by type, or by a file name ending in .patch or .diff). */
export function textParts(fields: HeaderFields, body: Buffer): TextParts {
  const found = { parts: [] as TextPart[], others: [] as string[], oddities: [] as string[] };
  walk(fields, body, 0, found);
  return found;
}

/** Most parts of a mail that are looked at for {@link topParts}. */
const MAX_TOP_PARTS = 20;

/** The parts of a multipart mail as they lie in it, with their fields, and not what lies in them; none for another mail. */
export function topParts(fields: HeaderFields, body: Buffer): readonly { fields: HeaderFields; body: Buffer }[] {
  const { value, params } = parseHeaderValue(fields.get('content-type')?.[0] ?? '', { stripComments: true });
  if (!/^multipart\//i.test(value.trim()) || !params['boundary']) return [];
  return splitParts(body, params['boundary'])
    .parts.slice(0, MAX_TOP_PARTS)
    .flatMap((part) => {
      const head = splitHeaders(part);
      return head.ok ? [{ fields: head.fields, body: part.subarray(head.bodyStart) }] : [];
    });
}

type Found = { parts: TextPart[]; others: string[]; oddities: string[] };

function walk(fields: HeaderFields, body: Buffer, depth: number, found: Found): void {
  if (found.parts.length + found.others.length >= MAX_PARTS) {
    note(found, `it has more than ${MAX_PARTS} MIME parts; the rest was not read`);
    return;
  }
  const contentType = parseHeaderValue(fields.get('content-type')?.[0] ?? 'text/plain', { stripComments: true });
  const disposition = parseHeaderValue(fields.get('content-disposition')?.[0] ?? '', { stripComments: true });
  const type = contentType.value.trim().toLowerCase() || 'text/plain';
  if (type.startsWith('multipart/')) {
    const boundary = contentType.params['boundary'];
    if (boundary === undefined || boundary === '') {
      note(found, 'it says multipart but names no boundary; read as plain text');
    } else if (depth >= MAX_DEPTH) {
      note(found, `its MIME parts are nested deeper than ${MAX_DEPTH}; the rest was not read`);
      return;
    } else {
      const split = splitParts(body, boundary);
      if (!split.closed) note(found, 'its last MIME part has no end; the mail may be cut short');
      for (const part of split.parts) {
        const head = splitHeaders(part);
        if (head.ok) walk(head.fields, part.subarray(head.bodyStart), depth + 1, found);
        else note(found, `a MIME part was left out: ${head.why}`);
      }
      return;
    }
  }
  const fileName = disposition.params['filename'] ?? contentType.params['name'] ?? '';
  if (!isText(type, fileName)) {
    found.others.push(type);
    return;
  }
  const bytes = decodeTransfer(fields.get('content-transfer-encoding')?.[0] ?? '', body, found);
  const { text, oddity } = decodeText(bytes, contentType.params['charset'] ?? '');
  if (oddity !== undefined) note(found, oddity);
  if (contentType.params['format']?.toLowerCase() === 'flowed')
    note(found, 'it is format=flowed; its lines were left as they came');
  found.parts.push({ type, text: toLf(text) });
}

function note(found: Found, oddity: string): void {
  if (!found.oddities.includes(oddity)) found.oddities.push(oddity);
}

function isText(type: string, fileName: string): boolean {
  if (type === 'text/plain' || /^(?:text|application)\/x-(?:patch|diff)$/.test(type)) return true;
  if (type.startsWith('multipart/')) return true;
  return /\.(?:patch|diff)$/i.test(fileName) && (type.startsWith('text/') || type === 'application/octet-stream');
}

/** Parts between the boundary lines, without the line end before each boundary, which belongs to it. */
function splitParts(body: Buffer, boundary: string): { parts: Buffer[]; closed: boolean } {
  const mark = Buffer.from(`--${boundary}`);
  // Line ends are searched with the mark: a body of a million `--b` in one line then costs one pass.
  const markInside = Buffer.concat([Buffer.from('\n'), mark]);
  const nextFrom = (from: number) => {
    const at = body.indexOf(markInside, from);
    return at < 0 ? at : at + 1;
  };
  const parts: Buffer[] = [];
  let start = -1;
  for (let at = body.indexOf(mark) === 0 ? 0 : nextFrom(0); at >= 0; at = nextFrom(at + mark.length)) {
    const tailStart = at + mark.length;
    const lf = body.indexOf(0x0a, tailStart);
    const lineEnd = lf < 0 ? body.length : lf;
    const line = body.toString('latin1', tailStart, Math.min(lineEnd, tailStart + MAX_PADDING));
    const tail = /^(--)?[ \t]*\r?$/.exec(line);
    if (!tail) continue;
    if (start >= 0) parts.push(body.subarray(start, Math.max(start, endBefore(body, at))));
    if (tail[1] !== undefined) return { parts, closed: true };
    start = Math.min(lineEnd + 1, body.length);
    if (parts.length > MAX_PARTS) return { parts, closed: false };
  }
  if (start >= 0) parts.push(body.subarray(start));
  return { parts, closed: false };
}

function endBefore(body: Buffer, boundaryAt: number): number {
  if (boundaryAt > 0 && body[boundaryAt - 1] === 0x0a) {
    return boundaryAt > 1 && body[boundaryAt - 2] === 0x0d ? boundaryAt - 2 : boundaryAt - 1;
  }
  return boundaryAt;
}

function decodeTransfer(header: string, body: Buffer, found: Found): Buffer {
  const encoding = header
    .slice(0, MAX_VALUE)
    .replace(/\([^)]*\)/g, '')
    .trim()
    .toLowerCase();
  switch (encoding) {
    case '':
    case '7bit':
    case '8bit':
    case 'binary':
      return body;
    case 'quoted-printable':
      return decodeQuotedPrintable(body);
    case 'base64':
      return decodeBase64(body, found);
    default:
      note(found, `transfer encoding "${encoding.slice(0, 40)}" is not known; left as it came`);
      return body;
  }
}

/** RFC 2045 section 6.7: blanks at line ends are transport's, `=` at a line end joins, a `=` without two digits stays. */
function decodeQuotedPrintable(body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(body.length);
  let length = 0;
  let at = 0;
  while (at < body.length) {
    const lf = body.indexOf(0x0a, at);
    const lineEnd = lf < 0 ? body.length : lf;
    let end = lineEnd;
    if (lf >= 0 && end > at && body[end - 1] === 0x0d) end--;
    const eolStart = end;
    while (end > at && (body[end - 1] === 0x20 || body[end - 1] === 0x09)) end--;
    const isSoft = end > at && body[end - 1] === 0x3d;
    if (isSoft) end--;
    for (let i = at; i < end; i++) {
      const byte = body[i] ?? 0;
      const high = hexDigit(body[i + 1]);
      const low = hexDigit(body[i + 2]);
      if (byte === 0x3d && i + 2 < end && high >= 0 && low >= 0) {
        out[length++] = high * 16 + low;
        i += 2;
      } else {
        out[length++] = byte;
      }
    }
    if (!isSoft && lf >= 0) {
      for (let i = eolStart; i <= lf; i++) out[length++] = body[i] ?? 0;
    }
    at = lf < 0 ? body.length : lf + 1;
  }
  return out.subarray(0, length);
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}

/** RFC 2045 section 6.8. Padding may end a segment before the text does; list software appends plain footers, which are cut off. */
function decodeBase64(body: Buffer, found: Found): Buffer {
  const segments: Buffer[] = [];
  let segment: string[] = [];
  for (const raw of body.toString('latin1').split('\n')) {
    const line = raw.trim();
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(line)) {
      note(found, 'plain text follows the base64 part; it was cut off');
      break;
    }
    segment.push(line);
    if (line.endsWith('=')) {
      segments.push(Buffer.from(segment.join(''), 'base64'));
      segment = [];
    }
  }
  segments.push(Buffer.from(segment.join(''), 'base64'));
  return Buffer.concat(segments);
}
