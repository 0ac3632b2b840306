/**
 * Is this mail really from the address in its From? DKIM (RFC 6376, 8301, 8463) through mailauth, and what a good
 * signature alone does not promise: that it is the From's domain that signed, that it covers all that we read, that
 * mailauth and our own parser read the same mail, and that it is fresh. Lists break signatures; where the operator
 * trusts a list's host, its ARC seal (RFC 8617) stands for the signature that it saw.
 */

import { createHash } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import type { DKIMResult, DNSResolver } from 'mailauth';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import type { Outcome } from '../rules/types.ts';
import { type ArcSeen, arcSeen, isAbove } from './arc.ts';
import { ConfigError } from './config.ts';
import { type HeaderFields, parseAddresses, parseDate, splitHeaders } from './message-headers.ts';
import { printable } from './printable.ts';

export interface Authentic {
  /** Mailbox of From, in lower case. */
  readonly address: string;
  /** Its domain. */
  readonly domain: string;
  /** When it was signed, where the signature says so. */
  readonly signedAt?: Date;
  /**
   * SHA-256 of what we read of the mail and what is signed, 64 hex digits. The same mail brought again has the same,
   * also with another Message-ID: many domains, kernel.org among them, do not sign that field.
   */
  readonly fingerprint: string;
}

export interface NotAuthentic {
  /** For the operator's log, on one line. */
  readonly why: string;
  /** It may be authentic: the domain's key could not be looked up now. */
  readonly retry?: true;
  /** A name server was asked for it. */
  readonly isLookedUp?: true;
}

export interface AuthenticateOptions {
  readonly resolver: DNSResolver;
  readonly now: Date;
  /** Oldest signature, and oldest Date, in milliseconds. */
  readonly maxAgeMs: number;
  /** Domains of hosts of lists whose ARC seals count, in lower case. */
  readonly arcHosts?: readonly string[];
  /** For all lookups together, in milliseconds; the mail may be authentic when they took longer. */
  readonly dnsMs?: number;
}

/** A mail that large holds no command. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_SIGNATURES = 10;
/** For all lookups of one mail together: who publishes a key has a name server that answers. */
const DNS_MS = 5000;
/** Clocks differ: a signature or Date from the future by no more than this is taken. */
const SKEW_MS = 15 * 60 * 1000;

/** Fields we act on: at most one of each, since a signature covers the last and our parser takes the first. */
const SINGLE = [
  'from',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'content-type',
  'content-transfer-encoding',
] as const;
/** Fields that must be there, and signed. */
const REQUIRED = ['from', 'subject', 'date'] as const;
/** Fields that must be signed where they are there: they tell which series or draft is meant. */
const SIGNED_IF_PRESENT = ['in-reply-to', 'references'] as const;

/**
 * Authentic when one DKIM signature is good and
 *
 * - its domain is that of the From, or a domain above it up to the organisational domain (`intel.com` for
 *   `x@linux.intel.com`; not the other way round, since a subdomain may be somebody else's to keep);
 * - it covers all of the body (no `l=`), From, Subject, Date, and In-Reply-To and References where present;
 * - it covers Content-Type and Content-Transfer-Encoding, or the mail is plain 7bit or 8bit text: else whoever
 *   passes it on could change how its body is to be read;
 * - it is not expired, and neither its `t=` nor the Date is from the future or older than `maxAgeMs`.
 *
 * Keys of RSA below 1024 bits, rsa-sha1 and keys in test mode do not count. Message-ID need not be signed; tell
 * replays by {@link Authentic.fingerprint}.
 *
 * Or a chain of ARC seals is good, all of `arcHosts`; the first of them saw a good DKIM signature of such a domain; and
 * the last one's signature covers what a DKIM signature must, as fresh.
 */
export async function authenticate(
  raw: Uint8Array,
  options: AuthenticateOptions,
): Promise<Outcome<Authentic, NotAuthentic>> {
  if (raw.length > MAX_BYTES) return no(`it is larger than ${MAX_BYTES} bytes`);
  // mailauth takes a turn for each bare LF; a signature is over CR LF anyway (RFC 6376, section 3.4).
  const bytes = Buffer.from(Buffer.from(raw).toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
  const head = readHead(bytes);
  if (!head.ok) return head;
  const { fields, address, domain } = head;
  const { results, arc, isAway, isLookedUp } = await verify(bytes, domain, options);
  const authentic = ({ signTime }: DKIMResult): Outcome<Authentic, NotAuthentic> => ({
    ok: true,
    address,
    domain,
    ...(signTime && { signedAt: new Date(signTime) }),
    fingerprint: fingerprint(fields, bytes.subarray(head.bodyStart)),
  });
  const reasons: string[] = [];
  let isTemporary = false;
  for (const result of results) {
    const wrong = wrongWith(result, fields, domain, options);
    if (wrong === undefined) return authentic(result);
    isTemporary ||= result.status.result === 'temperror';
    reasons.push(`the signature of ${result.signingDomain || 'no domain'} ${wrong}`);
  }
  if (arc !== undefined) {
    const wrong = arc.ok ? wrongCover(arc.signature, fields, options) : arc.why;
    if (arc.ok && wrong === undefined) return authentic(arc.signature);
    isTemporary ||= !arc.ok && isAway;
    reasons.push(`its ARC seal ${wrong}`);
  }
  const why = reasons.length === 0 ? 'it has no DKIM signature that can be read' : reasons.slice(0, 3).join('; ');
  return { ...no(why), ...(isTemporary && { retry: true }), ...(isLookedUp && { isLookedUp }) };
}

function no(why: string): { ok: false; why: string } {
  return { ok: false, why: printable(why).replaceAll(/\s+/g, ' ').slice(0, 500) };
}

/** The header section, when it can be read in one way only, with one plain address in From. */
function readHead(
  bytes: Buffer,
): Outcome<{ fields: HeaderFields; bodyStart: number; address: string; domain: string }, { why: string }> {
  const head = splitHeaders(bytes);
  if (!head.ok) return no(head.why);
  const { fields, bodyStart } = head;
  // A line that is no field starts our body; mailauth reads it as a part of the field above, which need not be signed.
  if (bodyStart < bytes.length && bytes.subarray(Math.max(0, bodyStart - 4), bodyStart).toString() !== '\r\n\r\n')
    return no('its header has a line that is no header field');
  const twice = SINGLE.find((name) => (fields.get(name)?.length ?? 0) > 1);
  if (twice !== undefined) return no(`it has more than one ${twice} field`);
  const missing = REQUIRED.find((name) => !fields.has(name));
  if (missing !== undefined) return no(`it has no ${missing} field`);
  const signatures = fields.get('dkim-signature')?.length ?? 0;
  if (signatures === 0 && !fields.has('arc-seal')) return no('it has no DKIM signature');
  if (signatures > MAX_SIGNATURES) return no(`it has more than ${MAX_SIGNATURES} DKIM signatures`);

  const from = fields.get('from')![0]!;
  const [mailbox, ...others] = parseAddresses(from);
  const written = /^(?:[^<>]*<([^<>\s]+)>|([^<>\s]+))$/.exec(from);
  const address = (written?.[1] ?? written?.[2] ?? '').toLowerCase();
  const domain = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@((?:[a-z0-9-]+\.)+[a-z0-9-]+)$/.exec(address)?.[1];
  if (domain === undefined || others.length > 0 || mailbox?.address.toLowerCase() !== address)
    return no('its From is not one address in plain ASCII');
  return { ok: true, fields, bodyStart, address, domain };
}

async function verify(
  bytes: Buffer,
  domain: string,
  options: AuthenticateOptions,
): Promise<{
  readonly results: DKIMResult[];
  readonly arc?: ArcSeen;
  readonly isAway: boolean;
  readonly isLookedUp: boolean;
}> {
  const { now, arcHosts = [], dnsMs = DNS_MS } = options;
  const tooLong = Promise.withResolvers<never>();
  tooLong.promise.catch(() => undefined);
  const timer = setTimeout(() => {
    tooLong.reject(Object.assign(new Error(`no answer from DNS within ${dnsMs} ms`), { code: 'ETIMEOUT' }));
  }, dnsMs);
  let isAway = false;
  let isLookedUp = false;
  // Nobody makes us look up the names of domains that could not vouch for this mail.
  const resolver: DNSResolver = async (name, type) => {
    const signer = name.slice(name.indexOf('._domainkey.') + '._domainkey.'.length).toLowerCase();
    if (!isAbove(signer, domain) && !arcHosts.includes(signer))
      throw Object.assign(new Error('not aligned'), { code: 'ENOTFOUND' });
    isLookedUp = true;
    return Promise.race([options.resolver(name, type), tooLong.promise]).catch((error: NodeJS.ErrnoException) => {
      isAway ||= error.code !== 'ENOTFOUND' && error.code !== 'ENODATA';
      throw error;
    });
  };
  try {
    const verified = await dkimVerify(bytes, { strict: true, curTime: now, minBitLength: 1024, resolver });
    const arc = await arcSeen(verified, { domain, hosts: arcHosts, resolver });
    return {
      results: verified.results.filter(({ status }) => status.result !== 'none'),
      ...(arc && { arc }),
      isAway,
      isLookedUp,
    };
  } finally {
    clearTimeout(timer);
  }
}

/** What keeps a signature from vouching for the mail, as the end of a sentence; undefined when nothing does. */
function wrongWith(
  result: DKIMResult,
  fields: HeaderFields,
  domain: string,
  options: AuthenticateOptions,
): string | undefined {
  const { status, signingDomain = '' } = result;
  if (!status.aligned || !isAbove(signingDomain.toLowerCase(), domain)) return `does not speak for ${domain}`;
  if (status.result === 'temperror') return `could not be checked (${status.comment || 'DNS failure'})`;
  if (status.result !== 'pass')
    return `is not good (${status.comment || status.policy?.['dkim-rules'] || status.result})`;
  return wrongCover(result, fields, options);
}

/** What a good signature leaves open, as the end of a sentence: parts of the mail, or its time. */
function wrongCover(
  result: DKIMResult,
  fields: HeaderFields,
  { now, maxAgeMs }: AuthenticateOptions,
): string | undefined {
  if (result.status.testing) return 'is of a key in test mode';
  if (result.canonBodyLengthLimited) return 'covers only a part of the body (l=)';

  const signed = new Set((result.signingHeaders?.keys ?? '').split(':').map((key) => key.trim().toLowerCase()));
  const isOpen = (name: string): boolean => fields.has(name) && !signed.has(name);
  const open = [...REQUIRED, ...SIGNED_IF_PRESENT].find(isOpen);
  if (open !== undefined) return `does not cover ${open}`;
  const form = (['content-type', 'content-transfer-encoding'] as const).find(isOpen);
  if (form !== undefined && !isPlainText(fields))
    return `does not cover ${form}, and the mail is not plain 7bit or 8bit text`;

  const date = Date.parse(parseDate(fields.get('date')![0]!) ?? '');
  const times: readonly (readonly [string, number])[] = [
    ['Date', date],
    ['time', result.signTime ? Date.parse(result.signTime) : date],
  ];
  for (const [what, ms] of times) {
    if (Number.isNaN(ms)) return `has a ${what} that cannot be read`;
    if (ms > now.getTime() + SKEW_MS) return `has a ${what} in the future`;
    if (ms < now.getTime() - maxAgeMs) return `has a ${what} more than ${Math.round(maxAgeMs / 3_600_000)} hours ago`;
  }
  return undefined;
}

/** One part of text in a charset that holds ASCII as it is, not encoded: what any header would have it read as. */
function isPlainText(fields: HeaderFields): boolean {
  const type = fields.get('content-type')?.[0] ?? 'text/plain';
  const encoding = fields.get('content-transfer-encoding')?.[0] ?? '7bit';
  return (
    /^text\/plain[ \t]*(?:;[ \t]*(?:charset[ \t]*=[ \t]*"?(?:utf-8|us-ascii|iso-8859-\d+|windows-125\d)"?|format[ \t]*=[ \t]*"?(?:flowed|fixed)"?|delsp[ \t]*=[ \t]*"?(?:yes|no)"?)[ \t]*)*;?$/i.test(
      type,
    ) && /^(?:7bit|8bit|binary)$/i.test(encoding)
  );
}

/** Blanks do not count: a relaxed signature leaves them free (RFC 6376, section 3.4). */
function fingerprint(fields: HeaderFields, body: Buffer): string {
  const hash = createHash('sha256');
  for (const name of [...REQUIRED, ...SIGNED_IF_PRESENT]) {
    hash.update(`${name}:${(fields.get(name)?.[0] ?? '').replaceAll(/\s+/g, '')}\n`);
  }
  return hash.update(body.toString('latin1').replaceAll(/[ \t\r\n]+/g, ''), 'latin1').digest('hex');
}

export interface DnsOptions {
  /** Addresses of servers, with `:PORT` where it is not 53; absent for those of this machine. */
  readonly servers?: readonly string[];
  /** Milliseconds for the first question to a server; the second gets longer. */
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs?: () => number;
}

const MAX_CACHED = 1000;
const FOUND_MS = 5 * 60 * 1000;
const NOT_FOUND_MS = 60 * 1000;

/**
 * A resolver for {@link authenticate}. Answers are kept five minutes, "there is no such name" one minute, failures
 * not at all. Rejects with the error of node:dns, `code` ENOTFOUND or ENODATA where there is nothing.
 * Throws ConfigError for servers that are not addresses.
 */
export function dnsResolver({ servers, timeoutMs = 3000, nowMs = () => performance.now() }: DnsOptions): DNSResolver {
  const dns = new Resolver({ timeout: timeoutMs, tries: 2 });
  try {
    if (servers !== undefined) dns.setServers(servers);
  } catch (cause) {
    const message = `commands.dns_servers: ${(cause as Error).message}; give addresses, as in ["127.0.0.1:5353"]`;
    throw new ConfigError(message, { cause });
  }
  /** Oldest use first. */
  const cache = new Map<string, { answer: Promise<string[][]>; until: number }>();
  const ask = (name: string): Promise<string[][]> => {
    const entry = { answer: dns.resolveTxt(name), until: nowMs() + FOUND_MS };
    cache.set(name, entry);
    if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value!);
    entry.answer.catch(({ code }: NodeJS.ErrnoException) => {
      entry.until = code === 'ENOTFOUND' || code === 'ENODATA' ? nowMs() + NOT_FOUND_MS : 0;
    });
    return entry.answer;
  };
  return (name, rrtype) => {
    if (rrtype !== 'TXT') return Promise.reject(new TypeError(`asked for ${rrtype} of ${name}; only TXT is looked up`));
    const key = name.toLowerCase();
    const known = cache.get(key);
    cache.delete(key);
    if (known === undefined || known.until <= nowMs()) return ask(key);
    cache.set(key, known);
    return known.answer;
  };
}
