/** Passwords, keys and certificates that depbot.toml names by file. What is wrong with one is a value: all is told at once. */

import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Outcome } from '../rules/types.ts';

type Read = Outcome<{ readonly text: string }, { readonly why: string }>;

/** Far above any bundle of certificates; Debian's of all authorities has 220 KiB. */
const MAX_BYTES = 1024 * 1024;
/** Permissions of the group and of others. */
const OTHERS = 0o077;

/** First line of a file that its owner alone may read. `why` has the file and what to do, never the secret. */
export function readSecret(path: string): Read {
  const read = readSmallFile(path);
  if (!read.ok) return read;
  const mode = statSync(path).mode & 0o777;
  if ((mode & OTHERS) !== 0)
    return {
      ok: false,
      why: `${path} may be read or written by others (mode ${mode.toString(8)}); run: chmod 600 ${path}`,
    };
  const text = read.text.split(/\r?\n/, 1)[0]!;
  if (text === '') return { ok: false, why: `${path} has nothing in its first line; write the secret there` };
  // NUL separates user and password where they are sent (RFC 4616).
  if (text.includes('\0')) return { ok: false, why: `${path} has a NUL in its first line; it should hold text` };
  return { ok: true, text };
}

/** Certificates of authorities in PEM form (RFC 7468), each of which was parsed. */
export function readCertificates(path: string): Read {
  const read = readSmallFile(path);
  if (!read.ok) return read;
  const blocks = read.text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null)
    return { ok: false, why: `${path} has no certificate in PEM form (-----BEGIN CERTIFICATE-----)` };
  for (const [at, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (error) {
      return { ok: false, why: `${path}: certificate ${at + 1} cannot be read (${(error as Error).message})` };
    }
  }
  return { ok: true, text: blocks.join('\n') };
}

function readSmallFile(path: string): Read {
  try {
    const stat = statSync(path);
    // A pipe would keep the start waiting, a device would never end.
    if (!stat.isFile()) return { ok: false, why: `${path} is not a file` };
    if (stat.size > MAX_BYTES) return { ok: false, why: `${path} is larger than ${MAX_BYTES} bytes` };
    return { ok: true, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { ok: false, why: `cannot be read (${(error as Error).message})` };
  }
}
