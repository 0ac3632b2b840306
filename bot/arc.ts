/**
 * What hosts of lists say that they saw before they altered a mail: ARC (RFC 8617), through mailauth. A seal is worth as
 * much as its host, so only those count that the operator names.
 */

import type { ARCChainEntry, DKIMResult, DKIMVerifyResult, DNSResolver } from 'mailauth';
import { arc } from 'mailauth/lib/arc/index.js';
import type { Outcome } from '../rules/types.ts';

/** The signature of the last host over the mail as it is now; it covers what it covers. */
export type ArcSeen = Outcome<{ readonly signature: DKIMResult }, { readonly why: string }>;

export interface ArcOptions {
  /** Domain of the From, for which a good signature must have been seen. */
  readonly domain: string;
  /** Domains of trusted hosts, in lower case. */
  readonly hosts: readonly string[];
  readonly resolver: DNSResolver;
}

/**
 * Whether trusted hosts alone have sealed the mail, and the first of them saw a good DKIM signature of the domain or one
 * above it. Undefined where there is no seal, or nobody is trusted. `why` is the end of a sentence.
 */
export async function arcSeen(verified: DKIMVerifyResult, options: ArcOptions): Promise<ArcSeen | undefined> {
  const { domain, hosts, resolver } = options;
  const { arc: sets } = verified;
  const chain = sets?.chain || [];
  if (!sets || chain.length === 0 || hosts.length === 0) return undefined;
  const stranger = chain.map(hostOf).find((host) => !hosts.includes(host));
  if (stranger !== undefined) return { ok: false, why: `is of ${stranger || 'nobody'}, which is not trusted` };
  // Before the chain is verified, which rewrites the results of its last entry.
  const hasSeen = passesOf(chain[0]!).some((signer) => isAbove(signer, domain));
  const { status, signature } = await arc(Object.assign(sets, { chain }), {
    strict: true,
    minBitLength: 1024,
    resolver,
  });
  if (status.result !== 'pass' || !signature)
    return { ok: false, why: `is not good (${status.comment || status.result})` };
  return hasSeen ? { ok: true, signature } : { ok: false, why: `says of no signature of ${domain} that it was good` };
}

/** Whether `signer` is a domain or one above it. */
export function isAbove(signer: string, domain: string): boolean {
  return domain === signer || domain.endsWith(`.${signer}`);
}

/** Who sealed, where the seal and the signature beside it are of one domain. */
function hostOf(entry: ARCChainEntry): string {
  const [seal, message] = [entry['arc-seal'], entry['arc-message-signature']].map((field) =>
    String(field?.parsed?.['d']?.value ?? '').toLowerCase(),
  );
  return seal === message ? (seal ?? '') : '';
}

/** Domains whose DKIM signatures a host found good: RFC 8601, section 2.7.1. */
function passesOf(entry: ARCChainEntry): string[] {
  const results: unknown = entry['arc-authentication-results']?.parsed?.['dkim'];
  return [results].flat().flatMap((one) => {
    const { value, header } = (one ?? {}) as { value?: unknown; header?: { d?: unknown } };
    return value === 'pass' && typeof header?.d === 'string' ? [header.d.toLowerCase()] : [];
  });
}
