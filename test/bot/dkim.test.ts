/** Mails that are their senders', and those that are not. Above 400 lines: one table of forgeries, with one set of keys. */
import type { DKIMSignOptions } from 'mailauth';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../bot/config.ts';
import { authenticate, dnsResolver } from '../../bot/dkim.ts';
import { parseMessage } from '../../bot/message.ts';
import { type Dns, startDns } from '../service/dns.ts';
import { makeSigner, type Signer } from '../service/signing.ts';

const HOUR_MS = 3_600_000;
const now = new Date('2026-07-06T12:00:00Z');
const at = (hours: number): Date => new Date(now.getTime() + hours * HOUR_MS);
const rfcDate = (date: Date): string => date.toUTCString().replace('GMT', '+0000');

const BODY = 'Fine with me.\r\n\r\n#depbot send\r\n';
const FIELDS = {
  From: 'Jane Doe <Jane@Example.org>',
  To: 'depbot@bot.example',
  Subject: 'Re: [PATCH 1/2] a',
  Date: rfcDate(at(-1)),
  'Message-ID': '<1@example.org>',
  'In-Reply-To': '<draft@bot.example>',
};
const ALL = [...Object.keys(FIELDS), 'Content-Type', 'Content-Transfer-Encoding', 'References'];

/** A mail of these fields, changed or (undefined) left out. */
function mail(fields: Readonly<Record<string, string | undefined>> = {}, body = BODY): string {
  const lines = Object.entries({ ...FIELDS, ...fields }).filter(([, value]) => value !== undefined);
  return `${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`;
}

const jane = makeSigner('example.org');
const curve = makeSigner('example.org', { algorithm: 'ed25519-sha256', selector: 'curve' });
const weak = makeSigner('example.org', { selector: 'weak', bits: 768 });
const testing = makeSigner('example.org', { selector: 'testing', tags: '; t=y' });
const parent = makeSigner('example.co.uk');
const child = makeSigner('students.example.org');
const stranger = makeSigner('example.net');
const suffix = makeSigner('co.uk');
const unpublished = makeSigner('example.org', { selector: 'lost' });
const records = Object.assign(
  {},
  ...[jane, curve, weak, testing, parent, child, stranger, suffix].map((s) => s.records),
);

const signed = (raw = mail(), options: Partial<DKIMSignOptions> = {}, by: Signer = jane): Promise<Buffer> =>
  by.sign(raw, { signTime: at(-1), headerList: ALL, ...options });
const change = (raw: Buffer, from: string, to: string): Buffer => {
  const text = raw.toString('latin1');
  expect(text).toContain(from);
  return Buffer.from(text.replace(from, to), 'latin1');
};
const onTop = (raw: Buffer, line: string): Buffer => Buffer.concat([Buffer.from(line), raw]);

const lookUp = async (name: string): Promise<string[][]> => {
  if (records[name] === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  return [[records[name]]];
};
const judge = (raw: Uint8Array, resolver = lookUp) => authenticate(raw, { resolver, now, maxAgeMs: 48 * HOUR_MS });

describe('authentic', () => {
  const good: readonly (readonly [name: string, raw: () => Promise<Uint8Array>])[] = [
    ['signed with RSA', () => signed()],
    ['signed with Ed25519', () => signed(mail(), {}, curve)],
    ['signed simple/simple', () => signed(mail(), { canonicalization: 'simple/simple' })],
    [
      'without Message-ID among what is signed, as kernel.org signs',
      () => signed(mail(), { headerList: ALL.filter((f) => f !== 'Message-ID') }),
    ],
    ['with an ampler header list than fields', () => signed(mail({ 'In-Reply-To': undefined }))],
    ['brought with LF alone', async () => Buffer.from((await signed()).toString().replaceAll('\r\n', '\n'))],
    ['with a body of 1 MB', () => signed(mail({}, `${'x'.repeat(70)}\r\n`.repeat(15_000)))],
    ['with fields that lists add', async () => onTop(await signed(), 'List-Id: <kvm.vger.kernel.org>\r\n')],
    ["beside another domain's signature", async () => stranger.sign(await signed(), { signTime: at(-1) })],
    [
      'whose first signature is bad, its second good',
      async () => change(await stranger.sign(await signed(), { signTime: at(-1) }), 'd=example.net', 'd=example.com'),
    ],
    [
      'as quoted-printable, where that is signed',
      () => signed(mail({ 'Content-Transfer-Encoding': 'quoted-printable' })),
    ],
    [
      'plain text of UTF-8, where the type is not signed',
      () =>
        signed(mail({ 'Content-Type': 'text/plain; charset="UTF-8"; format=flowed' }), {
          headerList: ALL.filter((f) => f !== 'Content-Type'),
        }),
    ],
    ['signed ten minutes ahead of our clock', () => signed(mail({ Date: rfcDate(at(0.15)) }), { signTime: at(0.15) })],
    ['signed two days ago', () => signed(mail({ Date: rfcDate(at(-47.9)) }), { signTime: at(-47.9) })],
    ['expiring in an hour', () => signed(mail(), { expires: at(1) })],
  ];
  it.each(good)('is a mail %s', async (_, raw) => {
    expect(await judge(await raw())).toMatchObject({ ok: true, address: 'jane@example.org', domain: 'example.org' });
  });

  it('is a mail whose domain is below the one that signs', async () => {
    const raw = await signed(mail({ From: 'bob@linux.example.co.uk' }), {}, parent);
    expect(await judge(raw)).toMatchObject({
      ok: true,
      address: 'bob@linux.example.co.uk',
      domain: 'linux.example.co.uk',
    });
  });

  it('tells when it was signed', async () => {
    expect(await judge(await signed())).toMatchObject({ signedAt: at(-1) });
  });
});

describe('not authentic', () => {
  const without = (name: string): Partial<DKIMSignOptions> => ({ headerList: ALL.filter((field) => field !== name) });
  const bad: readonly (readonly [name: string, why: RegExp, raw: () => Promise<Uint8Array>])[] = [
    ['is not signed', /has no DKIM signature/, async () => Buffer.from(mail())],
    ['has another body', /body hash did not verify/, async () => change(await signed(), 'Fine', 'Not fine')],
    [
      'has a line more',
      /body hash did not verify/,
      async () => Buffer.concat([await signed(), Buffer.from('#depbot send\r\n')]),
    ],
    ['has another subject', /bad signature/, async () => change(await signed(), '[PATCH 1/2] a', '[PATCH 2/2] b')],
    ['answers another mail', /bad signature/, async () => change(await signed(), '<draft@', '<other@')],
    ['has a second From on top', /more than one from/, async () => onTop(await signed(), 'From: eve@example.org\r\n')],
    [
      'has a second From below',
      /more than one from/,
      async () => change(await signed(), '\r\n\r\n', '\r\nFrom: eve@example.org\r\n\r\n'),
    ],
    ['has a second Subject', /more than one subject/, async () => onTop(await signed(), 'Subject: x\r\n')],
    [
      'has a second In-Reply-To',
      /more than one in-reply-to/,
      async () => onTop(await signed(), 'In-Reply-To: <x@y>\r\n'),
    ],
    [
      'has a second Content-Type',
      /more than one content-type/,
      () => signed(mail({ 'Content-Type': 'text/plain', 'content-type': 'text/html' })),
    ],
    [
      'got an In-Reply-To later',
      /does not cover in-reply-to/,
      async () =>
        onTop(await signed(mail({ 'In-Reply-To': undefined }), without('In-Reply-To')), 'In-Reply-To: <x@y>\r\n'),
    ],
    [
      'got References later, where their absence is signed',
      /bad signature/,
      async () =>
        onTop(
          await jane
            .sign(mail(), { signTime: at(-1), headerList: ALL })
            .then((raw) => change(raw, 'h=', 'h=References: ')),
          'References: <x@y>\r\n',
        ),
    ],
    ['leaves the subject unsigned', /does not cover subject/, () => signed(mail(), without('Subject'))],
    ['leaves the date unsigned', /does not cover date/, () => signed(mail(), without('Date'))],
    ['has no date', /has no date/, () => signed(mail({ Date: undefined }))],
    ['has a date that cannot be read', /Date that cannot be read/, () => signed(mail({ Date: 'yesterday' }))],
    [
      'is signed by another domain',
      /of example.net does not speak for example.org/,
      () => signed(mail(), {}, stranger),
    ],
    ['is signed by a domain below', /does not speak for/, () => signed(mail(), {}, child)],
    [
      'is signed by a public suffix',
      /does not speak for/,
      () => signed(mail({ From: 'bob@example.co.uk' }), {}, suffix),
    ],
    ['is signed in part', /l=/, () => signed(mail(), { maxBodyLength: 10 })],
    [
      'is signed in part, with a part added',
      /l=/,
      async () =>
        Buffer.concat([await signed(mail(), { maxBodyLength: BODY.length }), Buffer.from('#depbot stop\r\n')]),
    ],
    ['has a signature that has expired', /expired/, () => signed(mail(), { expires: at(-0.5) })],
    ['was signed long ago', /time more than 48 hours ago/, () => signed(mail(), { signTime: at(-49) })],
    ['has a date of long ago', /Date more than 48 hours ago/, () => signed(mail({ Date: rfcDate(at(-49)) }))],
    ['was signed in the future', /time in the future/, () => signed(mail(), { signTime: at(1) })],
    ['has a date in the future', /Date in the future/, () => signed(mail({ Date: rfcDate(at(1)) }))],
    ['has a weak key', /weak-key/, () => signed(mail(), {}, weak)],
    ['has a key in test mode', /test mode/, () => signed(mail(), {}, testing)],
    ['has a key that is not published', /no key/, () => signed(mail(), {}, unpublished)],
    ['has two addresses in From', /not one address/, () => signed(mail({ From: 'jane@example.org, eve@example.org' }))],
    ['has a group in From', /not one address/, () => signed(mail({ From: 'Us: jane@example.org;' }))],
    [
      'has an address in its display name alone',
      /not one address/,
      () => signed(mail({ From: '"jane@example.org" <>' })),
    ],
    ['has a homograph of the domain', /not one address/, () => signed(mail({ From: 'jane@ex\u0430mple.org' }))],
    ['has a homograph of the name', /not one address/, () => signed(mail({ From: 'j\u0430ne@example.org' }))],
    ['has a quoted local part', /not one address/, () => signed(mail({ From: '"jane doe"@example.org' }))],
    [
      'is multipart without its type signed',
      /does not cover content-type/,
      () => signed(mail({ 'Content-Type': 'multipart/mixed; boundary=x' }), without('Content-Type')),
    ],
    [
      'is UTF-16 without its type signed',
      /does not cover content-type/,
      () => signed(mail({ 'Content-Type': 'text/plain; charset=utf-16le' }), without('Content-Type')),
    ],
    [
      'became quoted-printable on its way',
      /does not cover content-transfer-encoding/,
      async () =>
        onTop(
          await signed(mail(), without('Content-Transfer-Encoding')),
          'Content-Transfer-Encoding: quoted-printable\r\n',
        ),
    ],
    ['has eleven signatures', /more than 10/, async () => onTop(await signed(), 'DKIM-Signature: v=1\r\n'.repeat(10))],
    [
      'has nothing but garbage for a signature',
      /no DKIM signature that can be read|not speak for|required tag/,
      async () => onTop(Buffer.from(mail()), 'DKIM-Signature: \u0001=;;;\r\n'),
    ],
    ['is too large', /larger than/, async () => Buffer.alloc(5 * 1024 * 1024, 'x')],
    ['is empty', /has no from/, async () => Buffer.alloc(0)],
  ];
  it.each(bad)('is a mail that %s', async (what, why, raw) => {
    const outcome = await judge(await raw());
    expect(outcome).toMatchObject({ ok: false, why: expect.stringMatching(why) });
    expect(outcome).not.toHaveProperty('retry');
    // What cannot vouch for it costs no lookup.
    if (/is not signed|by another domain/.test(what)) expect(outcome).not.toHaveProperty('isLookedUp');
  });

  it('is a mail with a line slipped into its header, where our parser would see the body', async () => {
    const raw = (await signed()).toString('latin1');
    const [head = '', ...body] = raw.split('\r\n\r\n');
    const forged = Buffer.from(`${head}\r\nX-Unsigned: a\r\n#depbot stop\r\n\r\n${body.join('\r\n\r\n')}`, 'latin1');
    const parsed = parseMessage(forged);
    expect(parsed.ok && parsed.message.body).toContain('#depbot stop');
    expect(await judge(forged)).toMatchObject({ ok: false, why: expect.stringContaining('no header field') });
  });
});

describe('the fingerprint', () => {
  const of = async (raw: Uint8Array): Promise<string> => {
    const outcome = await judge(raw);
    if (!outcome.ok) throw new Error(outcome.why);
    return outcome.fingerprint;
  };
  const open = { headerList: ALL.filter((field) => field !== 'Message-ID') };

  it('is the same for the same mail with another Message-ID, blanks or signature', async () => {
    const raw = await signed(mail(), open);
    const first = await of(raw);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await of(change(raw, '<1@example.org>', '<2@example.org>'))).toBe(first);
    expect(await of(change(raw, 'Fine with', 'Fine   with'))).toBe(first);
    expect(await of(Buffer.from(raw.toString().replaceAll('\r\n', '\n')))).toBe(first);
    expect(await of(await signed(mail(), open, curve))).toBe(first);
  });

  it('is another for another date, subject, thread or text', async () => {
    const others = [
      mail(),
      mail({ Date: rfcDate(at(-2)) }),
      mail({ Subject: 'x' }),
      mail({ 'In-Reply-To': '<x@y>' }),
      mail({}, '#depbot discard\r\n'),
    ];
    const prints = await Promise.all(others.map(async (raw) => of(await signed(raw))));
    expect(new Set(prints).size).toBe(others.length);
  });
});

describe('when the key cannot be looked up', () => {
  const failing = (code: string) => async (): Promise<string[][]> => {
    throw Object.assign(new Error(code), { code });
  };

  it.each(['ETIMEOUT', 'ESERVFAIL', 'ECONNREFUSED'])('%s is worth another try', async (code) => {
    const why = expect.stringContaining(code);
    expect(await judge(await signed(), failing(code))).toEqual({ ok: false, why, retry: true, isLookedUp: true });
  });

  it.each(['ENOTFOUND', 'ENODATA'])('%s is not', async (code) => {
    expect(await judge(await signed(), failing(code))).toEqual({
      ok: false,
      why: expect.stringContaining('no key'),
      isLookedUp: true,
    });
  });

  it('does not count where another signature is good', async () => {
    const raw = await signed(await signed(mail(), {}, curve).then((bytes) => bytes.toString()));
    const outcome = await judge(raw, (name) => (name.startsWith('test.') ? failing('ETIMEOUT')() : lookUp(name)));
    expect(outcome).toMatchObject({ ok: true });
  });

  it('nobody is asked about domains that could not vouch for the mail', async () => {
    const asked: string[] = [];
    await judge(await stranger.sign(await signed(), { signTime: at(-1) }), async (name) => {
      asked.push(name);
      return lookUp(name);
    });
    expect(asked).toEqual(['test._domainkey.example.org']);
  });
});

describe('dnsResolver', () => {
  let dns: Dns;
  const name = 'test._domainkey.example.org';
  beforeAll(async () => {
    dns = await startDns(records);
  });
  afterEach(() => dns.behave('answer'));
  afterAll(() => dns.close());
  const open = (nowMs?: () => number) =>
    dnsResolver({ servers: [dns.server], timeoutMs: 100, ...(nowMs && { nowMs }) });
  const countOf = (wanted: string): number => dns.asked.filter((one) => one === wanted).length;

  it('brings a key of several strings, by which a mail is authentic', async () => {
    const resolver = open();
    expect(((await resolver(name, 'TXT')) as string[][])[0]?.join('')).toBe(records[name]);
    expect(await authenticate(await signed(), { resolver, now, maxAgeMs: HOUR_MS * 2 })).toMatchObject({ ok: true });
  });

  it('asks once in five minutes, at once for many, and again after that', async () => {
    let ms = 0;
    const resolver = open(() => ms);
    const before = countOf(name);
    await Promise.all([resolver(name, 'TXT'), resolver(name.toUpperCase(), 'TXT')]);
    ms = 299_000;
    await resolver(name, 'TXT');
    expect(countOf(name) - before).toBe(1);
    ms = 301_000;
    await resolver(name, 'TXT');
    expect(countOf(name) - before).toBe(2);
  });

  it('keeps for a minute that there is nothing', async () => {
    let ms = 0;
    const resolver = open(() => ms);
    const lost = 'lost._domainkey.example.org';
    await expect(resolver(lost, 'TXT')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    ms = 59_000;
    await expect(resolver(lost, 'TXT')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(countOf(lost)).toBe(1);
    ms = 61_000;
    await expect(resolver(lost, 'TXT')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(countOf(lost)).toBe(2);
  });

  it.each(['silent', 'servfail', 'garbage'] as const)(
    'gives up on a server that is %s, soon, and tries again',
    async (mode) => {
      const resolver = open();
      dns.behave(mode);
      const start = performance.now();
      const outcome = await authenticate(await signed(), { resolver, now, maxAgeMs: HOUR_MS * 2 });
      expect(outcome).toMatchObject({ ok: false, retry: true });
      expect(performance.now() - start).toBeLessThan(5000);
      dns.behave('answer');
      expect(await authenticate(await signed(), { resolver, now, maxAgeMs: HOUR_MS * 2 })).toMatchObject({ ok: true });
    },
  );

  it('gives up on a server that is not there', async () => {
    const gone = await startDns({});
    await gone.close();
    const resolver = dnsResolver({ servers: [gone.server], timeoutMs: 100 });
    expect(await authenticate(await signed(), { resolver, now, maxAgeMs: HOUR_MS * 2 })).toMatchObject({
      ok: false,
      retry: true,
    });
  });

  it('says which setting is wrong', () => {
    expect(() => dnsResolver({ servers: ['dns.example.org'] })).toThrow(ConfigError);
    expect(() => dnsResolver({ servers: ['dns.example.org'] })).toThrow(/commands\.dns_servers.*dns\.example\.org/);
  });
});

describe('a name server that does not answer', () => {
  const silent = (): Promise<string[][]> => new Promise(() => undefined);

  it('holds a mail up for its time, however many signatures it has, and leaves it to be judged again', async () => {
    let raw: Buffer = await signed();
    for (const by of [curve, weak, testing]) raw = await signed(raw.toString('latin1'), {}, by);
    const before = performance.now();
    const judged = await authenticate(raw, { resolver: silent, now, maxAgeMs: 48 * HOUR_MS, dnsMs: 200 });
    expect(judged).toMatchObject({ ok: false, retry: true, why: expect.stringContaining('could not be checked') });
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('takes no time from a mail whose keys come in time', async () => {
    const options = { resolver: lookUp, now, maxAgeMs: 48 * HOUR_MS, dnsMs: 2000 };
    expect(await authenticate(await signed(), options)).toMatchObject({ ok: true });
  });
});

describe('a seal of a list (ARC)', () => {
  const LIST = 'lists.example.com';
  const list = makeSigner(LIST);
  const second = makeSigner('relay.example.com');
  const names: Readonly<Record<string, string>> = { ...records, ...list.records, ...second.records };
  const resolver = async (name: string): Promise<string[][]> => {
    if (names[name] === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return [[names[name]]];
  };
  const SEEN = 'dkim=pass header.d=example.org';
  const trusting = (raw: Uint8Array, arcHosts = [LIST], look = resolver) =>
    authenticate(raw, { resolver: look, now, maxAgeMs: 48 * HOUR_MS, arcHosts });
  /** As a list sends it on: with a footer below, which breaks the signature. */
  const altered = async (raw?: string): Promise<Buffer> =>
    Buffer.concat([await signed(raw), Buffer.from('-- \r\nA list\r\n')]);
  const sealed = async (seen = SEEN, raw?: string, by = list): Promise<Buffer> =>
    by.seal(await altered(raw), seen, { signTime: at(-1), headerList: ALL });

  it('stands for the signature that the list has broken', async () => {
    expect((await judge(await altered())).ok).toBe(false);
    expect(await trusting(await sealed())).toMatchObject({ ok: true, address: 'jane@example.org', signedAt: at(-1) });
    expect((await trusting(await sealed('dkim=fail header.d=other.example; dkim=pass header.d=example.org'))).ok).toBe(
      true,
    );
  });

  it('stands for it through two trusted hosts', async () => {
    const twice = await second.seal(await sealed(), 'arc=pass', { signTime: at(-1), cv: 'pass', headerList: ALL });
    expect((await trusting(twice, [LIST, 'relay.example.com'])).ok).toBe(true);
    expect(await trusting(twice)).toMatchObject({ ok: false, why: expect.stringContaining('is of relay.example.com') });
  });

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['nobody is trusted', () => sealed(SEEN, undefined, second), /is of relay\.example\.com, which is not trusted/],
    ['saw no good signature', () => sealed('dkim=fail header.d=example.org'), /says of no signature of example\.org/],
    ['saw one of another domain', () => sealed('dkim=pass header.d=example.net'), /says of no signature/],
    ['saw one of a domain below', () => sealed('dkim=pass header.d=students.example.org'), /says of no signature/],
    [
      'saw only the sender host',
      () => sealed('spf=pass smtp.mailfrom=example.org; dmarc=pass'),
      /says of no signature/,
    ],
    [
      'is of a mail that was changed since',
      async () => change(await sealed(), '#depbot send', '#depbot stop'),
      /is not good/,
    ],
    [
      'is of results that were changed since',
      async () => change(await sealed('dkim=fail header.d=example.org'), 'dkim=fail', 'dkim=pass'),
      /is not good/,
    ],
    [
      'leaves the subject open',
      async () => list.seal(await altered(), SEEN, { signTime: at(-1), headerList: ['From', 'Date'] }),
      /does not cover/,
    ],
    [
      'is three days old',
      async () => list.seal(await altered(), SEEN, { signTime: at(-72), headerList: ALL }),
      /hours ago/,
    ],
    ['has a second From', async () => onTop(await sealed(), 'From: eve@x.example\r\n'), /more than one from field/],
    [
      'is one of Authentication-Results alone',
      async () => onTop(await altered(), `Authentication-Results: ${LIST}; ${SEEN}\r\n`),
      /signature of example\.org is not good/,
    ],
  ])('does not stand for it where it %s', async (_, raw, why) => {
    expect(await trusting(await raw())).toMatchObject({ ok: false, why: expect.stringMatching(why) });
  });

  it('is not looked at where the operator trusts nobody, and its host is not looked up', async () => {
    const asked: string[] = [];
    const noting = async (name: string): Promise<string[][]> => {
      asked.push(name);
      return resolver(name);
    };
    expect((await trusting(await sealed(), [], noting)).ok).toBe(false);
    expect(asked.filter((name) => name.includes(LIST))).toEqual([]);
  });

  it('may be good later, when its key cannot be looked up now', async () => {
    const away = async (name: string): Promise<string[][]> => {
      if (name.endsWith(LIST)) throw Object.assign(new Error('timed out'), { code: 'ETIMEOUT' });
      return resolver(name);
    };
    expect(await trusting(await sealed(), [LIST], away)).toMatchObject({ ok: false, retry: true });
  });
});
