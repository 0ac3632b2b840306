/** `depbot doctor`: against real servers, well and broken, each with what mends it. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../bot/config.ts';
import type { Sign } from '../../bot/doctor.ts';
import { diskSigns, nodeSign, treeSigns } from '../../bot/doctor-machine.ts';
import { redisSigns, serverSigns, settingsSigns } from '../../bot/doctor-servers.ts';
import { serveSettings } from '../../bot/serve-settings.ts';
import { openRepository } from '../../queue/repository.ts';
import { type Dns, startDns } from '../service/dns.ts';
import { type Dovecot, startDovecot } from '../service/dovecot.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../service/smtp-receiver.ts';
import { settings as leastSettings } from '../support/least-settings.ts';
import { Scratch, SEARCH_PATH } from '../support/redis.ts';
import { type Desk, openDesk } from '../support/run-depbot.ts';
import { type TinyRepo, tinyRepo } from '../support/tiny-repo.ts';

const scratch = new Scratch();
let dir: string;
let dovecot: Dovecot;
let smtp: SmtpReceiver;
let dns: Dns;
let tree: TinyRepo;
let desk: Desk;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-'));
  dovecot = await startDovecot(join(dir, 'd'), { users: { bot: 'sesame' }, drafts: true });
  smtp = await startSmtpReceiver({ login: { user: 'bot', password: 'sesame' } });
  dns = await startDns({});
  tree = tinyRepo({
    'scripts/kconfig/Makefile': 'x\n',
    Makefile: 'VERSION = 6\n',
    MAINTAINERS: 'VFIO DRIVER\nM:\tMia <mia@example.net>\nF:\tdrivers/vfio\n',
  });
  desk = openDesk([tree.dir]);
  writeFileSync(desk.path('right'), 'sesame\n', { mode: 0o600 });
  writeFileSync(desk.path('wrong'), 'open\n', { mode: 0o600 });
});
afterAll(async () => {
  await Promise.all([dovecot.close(), smtp.close(), dns.close(), scratch.clear()]);
  tree.remove();
  desk.remove();
  rmSync(dir, { recursive: true, force: true });
});

interface Changes {
  readonly imapSecret?: string;
  readonly folder?: string;
  readonly drafts?: string;
  readonly smtpPort?: number;
  readonly smtpSecret?: string;
  readonly dnsServer?: string;
}

/** A configuration of the servers above. */
function toml(changes: Changes = {}): string {
  const { imapSecret = 'right', folder = 'INBOX', drafts, smtpSecret = 'right', smtpPort, dnsServer } = changes;
  const server = (port: number, secret: string): string =>
    `host = "127.0.0.1"\nport = ${port}\ntls = "none"\nuser = "bot"\npassword_file = "${desk.path(secret)}"`;
  return [
    '[bot]\noperator = "Ann"\naddress = "bot@example.org"',
    `[tree]\ndir = "${tree.dir}"`,
    `[imap.kernel]\n${server(dovecot.port, imapSecret)}`,
    `[[mailbox]]\naccount = "kernel"\nfolder = "${folder}"`,
    `[drafts]\naccount = "kernel"${drafts === undefined ? '' : `\nfolder = "${drafts}"`}`,
    `[smtp]\n${server(smtpPort ?? smtp.port, smtpSecret)}`,
    '[[maintainer]]\naddress = "max@example.org"\nlists = ["l@example.org"]\npaths = ["fs/"]',
    `[commands]\ndns_servers = ["${dnsServer ?? dns.server}"]`,
  ].join('\n');
}

const servers = (changes?: Changes): Promise<Sign[]> =>
  serverSigns(serveSettings(parseConfig(toml(changes), 'x'), {}, 'x'), SEARCH_PATH);
const faults = (signs: readonly Sign[]): Sign[] => signs.filter(({ state }) => state === 'fault');

describe('the servers', () => {
  test('are all well, and nothing was sent or written', async () => {
    const signs = await servers();
    expect(signs.map(({ what, state }) => [what, state])).toEqual([
      ['Redis', 'ok'],
      ['IMAP kernel', 'ok'],
      ['IMAP kernel/INBOX', 'ok'],
      ['IMAP kernel, drafts', 'ok'],
      ['SMTP', 'ok'],
      ['DNS', 'ok'],
    ]);
    expect(smtp.mails).toEqual([]);
    expect(dns.asked).toContain('depbot._domainkey.example.org');
  });

  test.each<[string, Changes, Partial<Sign>]>([
    [
      'a password of IMAP',
      { imapSecret: 'wrong' },
      { what: 'IMAP kernel', detail: 'refuses the login', mend: '[imap.kernel]' },
    ],
    ['a folder', { folder: 'INBX' }, { what: 'IMAP kernel/INBX', detail: 'INBX', mend: '[[mailbox]] folder' }],
    [
      'a folder for drafts',
      { drafts: 'Nowhere' },
      { what: 'IMAP kernel, drafts', detail: 'Nowhere', mend: '[drafts] folder' },
    ],
    ['a password of SMTP', { smtpSecret: 'wrong' }, { what: 'SMTP', detail: 'wrong user or password', mend: '[smtp]' }],
    ['a port of SMTP', { smtpPort: 1 }, { what: 'SMTP', detail: 'ECONNREFUSED', mend: '[smtp]' }],
  ])('%s that is wrong is the only fault', async (_, changes, sign) => {
    const found = faults(await servers(changes));
    expect(found).toEqual([
      {
        what: sign.what,
        state: 'fault',
        detail: expect.stringContaining(sign.detail!),
        mend: expect.stringContaining(sign.mend!),
      },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/sesame|"open/);
  });

  test('DNS that fails is a fault, a name that is not there is none', async () => {
    dns.behave('servfail');
    expect(faults(await servers())).toMatchObject([{ what: 'DNS', mend: expect.stringContaining('dns_servers') }]);
    dns.behave('answer');
    expect(faults(await servers())).toEqual([]);
  });

  test('Redis: one that is named, one that is not there, none to start', async () => {
    const redis = await scratch.redis(scratch.dir());
    expect(await redisSigns(redis, SEARCH_PATH)).toMatchObject([{ state: 'ok' }]);
    expect(await redisSigns({ url: 'redis://127.0.0.1:1' }, SEARCH_PATH)).toMatchObject([
      { state: 'fault', mend: expect.stringContaining('redis_url') },
    ]);
    expect(await redisSigns(undefined, '/nonexistent')).toMatchObject([
      { state: 'fault', mend: 'apt install redis-server util-linux' },
    ]);
  });
});

test('the settings: each problem with what mends it', () => {
  const { signs, settings } = settingsSigns('depbot.toml', () => leastSettings({ smtp: '', maintainer: '' }));
  expect(settings).toBeUndefined();
  expect(signs).toMatchObject([
    {
      state: 'fault',
      detail: expect.stringContaining('nobody has asked'),
      mend: expect.stringContaining('add [[maintainer]]'),
    },
    {
      state: 'fault',
      detail: expect.stringContaining('smtp.host is not set'),
      mend: 'in [smtp]: host = "smtp.example.org"',
    },
  ]);
});

describe('the tree', () => {
  const signs = async (repo: TinyRepo, lines = '', now = new Date()): Promise<Sign[]> => {
    const repository = await openRepository({ treeDir: repo.dir, stateDir: desk.path('state') });
    try {
      return await treeSigns(repository, parseConfig(lines, 'x'), { date: () => now, env: {} });
    } finally {
      await repository.close();
    }
  };

  test('has to be a kernel, with the refs that are named', async () => {
    const other = tinyRepo({ README: 'x\n' });
    expect(await signs(other)).toMatchObject([
      { state: 'fault', detail: expect.stringContaining('no scripts/kconfig') },
    ]);
    other.remove();
    const found = await signs(tree, '[tree]\ncandidates = ["master", "net/main"]');
    expect(faults(found)).toMatchObject([{ what: 'ref net/main', mend: expect.stringContaining('fetch') }]);
  });

  test('has the sections that are asked for', async () => {
    const asked = (name: string): string =>
      `[[maintainer]]\naddress = "a@example.org"\nlists = ["l@example.org"]\nsections = ["${name}"]`;
    expect(faults(await signs(tree, asked('VFIO DRIVER')))).toEqual([]);
    expect(faults(await signs(tree, asked('VFIO DRIVERS')))).toEqual([
      {
        what: 'section VFIO DRIVERS',
        state: 'fault',
        detail: 'MAINTAINERS of the tree has no section "VFIO DRIVERS"; did you mean "VFIO DRIVER"?',
        mend: 'mend sections of [[maintainer]], x:1',
      },
    ]);
  });

  test('is better when somebody fetches into it', async () => {
    const remote = async (): Promise<Sign> => (await signs(tree)).find(({ what }) => what === 'remotes')!;
    expect(await remote()).toMatchObject({ state: 'note', detail: expect.stringContaining('has none') });
    tree.git('remote', 'add', 'origin', 'https://example.org/linux.git');
    expect(await remote()).toMatchObject({ state: 'note', detail: '1, and nobody has fetched' });
    const head = join(tree.dir, '.git/FETCH_HEAD');
    writeFileSync(head, '');
    expect(await remote()).toMatchObject({ state: 'ok', detail: '1, fetched today' });
    utimesSync(head, 0, Date.now() / 1000 - 30 * 86_400);
    expect(await remote()).toMatchObject({ state: 'note', detail: expect.stringContaining('fetched 30 days ago') });
  });

  test('has remotes that can be reached, where depbot fetches itself', async () => {
    const remote = (name: string, url: string): string => `[[remote]]\nname = "${name}"\nurl = "${url}"\n`;
    const found = await signs(tree, remote('next', tree.dir) + remote('gone', '/nonexistent/linux'));
    expect(found.filter(({ what }) => what.startsWith('remote'))).toMatchObject([
      { what: 'remote next', state: 'ok', detail: `${tree.dir}, 1 branch` },
      { what: 'remote gone', state: 'fault', detail: expect.stringContaining('/nonexistent/linux') },
    ]);
  });

  test('tells of a clock that stands in the past', async () => {
    const clock = (found: readonly Sign[]): Sign => found.find(({ what }) => what === 'clock')!;
    expect(clock(await signs(tree)).state).not.toBe('fault');
    expect(clock(await signs(tree, '', new Date('2001-01-01')))).toMatchObject({
      state: 'fault',
      mend: expect.stringContaining('ntp'),
    });
  });
});

test('the disk: a folder that cannot be had is a fault', () => {
  const config = parseConfig('[paths]\ncache = "/proc/depbot"\nstate = "/tmp/depbot-state"', 'x');
  expect(diskSigns(config, { env: {} })).toMatchObject([
    { what: 'disk, cache', state: 'fault' },
    { what: 'disk, state', state: 'ok', detail: expect.stringContaining('GiB free below /tmp/depbot-state') },
  ]);
});

test('Node: an older one is a note', () => {
  expect([nodeSign('24.1.0').state, nodeSign('22.19.0').state]).toEqual(['ok', 'note']);
});

describe('the command', () => {
  test('says all of it, in marks and as JSON, and ends with 0 or 1', async () => {
    writeFileSync(desk.path('depbot.toml'), toml());
    const well = await desk.run(['doctor', '--config', desk.path('depbot.toml')]);
    const lines = well.stdout.split('\n');
    expect(lines.filter((line) => line.startsWith('✗'))).toEqual([]);
    expect(well.status).toBe(0);
    for (const what of [
      'Node',
      'git',
      'disk, cache',
      'tree',
      'settings',
      'Redis',
      'IMAP kernel',
      'SMTP',
      'DNS',
      'sandbox, ',
    ])
      expect(
        lines.some((line) => line.startsWith(`✓ ${what}`)),
        what,
      ).toBe(true);
    writeFileSync(desk.path('depbot.toml'), toml({ smtpPort: 1 }));
    const ill = await desk.run(['doctor', '--json', '--config', desk.path('depbot.toml')], {
      env: { PATH: '/nonexistent' },
    });
    expect(ill.status).toBe(1);
    const { isWell, signs } = JSON.parse(ill.stdout);
    expect(isWell).toBe(false);
    expect(faults(signs).map(({ what }) => what)).toEqual(expect.arrayContaining(['git', 'Redis', 'SMTP', 'sandbox']));
    for (const { mend } of faults(signs)) expect(mend).toMatch(/\w/);
  }, 60_000);

  test('goes on where the file is wrong or absent', async () => {
    const run = await desk.run(['doctor', '--config', desk.path('none.toml')], { env: { PATH: '/nonexistent' } });
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^✗ settings: .*cannot be read/m);
    expect(run.stdout).toMatch(/^[✓·] builds for x86/m);
    expect(run.stdout).toMatch(/^✗ sandbox: .*\n {4}apt install /m);
  }, 60_000);
});
