/**
 * Bytes to text by charset label (RFC 2046 section 4.1.2; labels as the WHATWG Encoding Standard reads them).
 * Never fails: hostile or wrong labels end in UTF-8 with replacement characters and a note.
 */

import { isAscii, isUtf8 } from 'node:buffer';

/** Labels that say nothing about the bytes, although some of them name a charset. */
const UNTOLD = new Set([
  '',
  'us-ascii',
  'ascii',
  'unknown-8bit',
  'x-unknown',
  'unknown',
  'default',
  'binary',
  '8bit',
  '7bit',
]);
/** Names seen in mail that the standard does not list. */
const ALIAS: Readonly<Record<string, string>> = {
  cp932: 'shift_jis',
  cp936: 'gbk',
  cp949: 'euc-kr',
  'utf-8-mac': 'utf-8',
};

export interface DecodedText {
  readonly text: string;
  /** One sentence when the label was unknown or the bytes do not fit it. */
  readonly oddity?: string;
}

/**
 * Decodes bytes by a charset label, which may be empty.
 *
 * Unlabelled (and us-ascii) bytes are UTF-8 if they are valid UTF-8, else windows-1252. An
 * unknown label is read as UTF-8 with replacement. A byte order mark is dropped.
 */
export function decodeText(bytes: Uint8Array, label: string): DecodedText {
  const name = label.trim().toLowerCase();
  if (UNTOLD.has(name)) return { text: decodeUntold(bytes) };
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(ALIAS[name] ?? name);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return {
      text: new TextDecoder().decode(bytes),
      oddity: `charset "${name.slice(0, 40)}" is not known; read as UTF-8`,
    };
  }
  const text = decoder.decode(bytes);
  if (decoder.encoding === 'utf-8' && text.includes('\uFFFD') && !isUtf8(bytes)) {
    return { text, oddity: 'some bytes are not valid UTF-8 and were replaced' };
  }
  return { text };
}

function decodeUntold(bytes: Uint8Array): string {
  // Header fields come by the thousand and are nearly all ASCII; a decoder for each would cost seconds.
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : new TextDecoder('windows-1252').decode(bytes);
}
