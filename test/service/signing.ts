/** A mail domain that signs: a key made now, DKIM signatures, and the record to publish for them. */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ARCSealOptions, DKIMSignOptions } from 'mailauth';
import { sealMessage } from 'mailauth/lib/arc/index.js';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';

export interface SignerOptions {
  readonly algorithm?: 'rsa-sha256' | 'ed25519-sha256';
  readonly selector?: string;
  /** Size of an RSA key. */
  readonly bits?: number;
  /** Put behind the record, as in `; t=y`. */
  readonly tags?: string;
}

export interface Signer {
  /** The mail with a DKIM-Signature on top; `options` are mailauth's, e.g. `signTime`. Throws when it cannot be made. */
  sign(raw: string | Uint8Array, options?: Partial<DKIMSignOptions>): Promise<Buffer>;
  /** The mail with an ARC set on top that says `seen`, as in `dkim=pass header.d=example.org`. */
  seal(raw: string | Uint8Array, seen: string, options?: Partial<ARCSealOptions>): Promise<Buffer>;
  /** TXT record by name, as `startDns` takes it. */
  readonly records: Readonly<Record<string, string>>;
}

/** Makes a key for `domain`; RSA of 2048 bits and the selector `test` unless told. */
export function makeSigner(domain: string, options: SignerOptions = {}): Signer {
  const { algorithm = 'rsa-sha256', selector = 'test', bits = 2048, tags = '' } = options;
  const isRsa = algorithm === 'rsa-sha256';
  const pair = isRsa ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519');
  const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const record = `v=DKIM1; k=${isRsa ? 'rsa' : 'ed25519'}; p=${published(pair.publicKey, isRsa)}${tags}`;
  return {
    async sign(raw, more = {}) {
      const bytes = Buffer.from(raw);
      const own: DKIMSignOptions = { signingDomain: domain, selector, privateKey, algorithm };
      const { signatures, errors } = await dkimSign(bytes, { ...own, ...more, signatureData: [{ ...own, ...more }] });
      if (errors.length > 0 || signatures === '')
        throw new Error(`not signed for ${domain}: ${JSON.stringify(errors)}`);
      return Buffer.concat([Buffer.from(signatures), bytes]);
    },
    async seal(raw, seen, more = {}) {
      const bytes = Buffer.from(raw);
      const own = { signingDomain: domain, selector, privateKey, algorithm, cv: 'none' };
      const set = await sealMessage(bytes, { ...own, authResults: `${domain};\r\n ${seen}`, ...more });
      if (set.length === 0) throw new Error(`not sealed for ${domain}`);
      return Buffer.concat([set, bytes]);
    },
    records: { [`${selector}._domainkey.${domain}`]: record },
  };
}

/** RFC 6376, section 3.6.1, and for ed25519 the bare 32 bytes: RFC 8463, section 4. */
function published(key: KeyObject, isRsa: boolean): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return (isRsa ? der : der.subarray(-32)).toString('base64');
}
