/** One running service: what maintainers, strangers and failing servers do to it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MailStore } from '../../bot/mail-store.ts';
import { fixtures, fixtureTree } from '../support/fixture.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { BOT, posted, type Service, STRANGERS, Town, until } from './town.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const MAINTAINER = 'maintainer@example.com';
const LIMIT_MS = 60_000;
/** Named in MAINTAINERS, without an entry. */
const MIA = `mia@${STRANGERS}`;
const MAINTAINERS = `DRIVERS OF MIA\nM:\tMia <${MIA}>\nL:\tlinux-kernel@example.org\nF:\tdrivers/\n`;
const LOSS = fixtures().find(({ name }) => name === 'new-depends-drops-driver')!;
const SILENT = fixtures().find(({ name }) => name === 'depends-harmless')!;

describe.skipIf(TREE === undefined && !process.env['CI'])('a running service', () => {
  let kernel: TinyRepo;
  let dir: string;
  let town: Town;
  let service: Service;

  beforeAll(async () => {
    kernel = fixtureTree(LOSS, TREE!);
    kernel.commit('MAINTAINERS', { MAINTAINERS });
    dir = mkdtempSync(join(tmpdir(), 'db-'));
    town = await Town.build({
      dir,
      tree: kernel.dir,
      maintainer: MAINTAINER,
      list: 'linux-kernel@example.org',
      settings: '[page]\nlisten = "127.0.0.1:0"\n',
    });
    service = town.serve();
    await said('serving');
  });

  afterAll(async () => {
    await town.close();
    kernel.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const why = (): string => `${service.hasEnded() ? 'it ended; ' : ''}it said:\n${service.log()}`;
  const until_ = <T>(what: string, look: () => T | undefined | false): Promise<T> => until(what, look, LIMIT_MS, why);
  /** Waits for a line of the log that has all the words. */
  const said = (...words: string[]): Promise<string> =>
    until_(words.join(' … '), () =>
      service
        .log()
        .split('\n')
        .find((line) => words.every((word) => line.includes(word))),
    );
  const mailTo = (address: string, word: string): Promise<string> =>
    until_(`a mail to ${address} with "${word}"`, () =>
      mails().find((mail) => new RegExp(`^To: .*${address}`, 'm').test(mail) && mail.includes(word)),
    );
  const mails = (): string[] => town.mails.map(({ raw }) => Buffer.from(raw).toString().replaceAll('\r\n', '\n'));
  const idOf = (mail: string): string => /^Message-ID:\s*<(.*)>/im.exec(mail)![1]!;
  const patchId = idOf(readFileSync(join(LOSS.dir, 'series.mbox'), 'utf8'));
  /** Whether a mail is in the service's store, whose names are made of Message-IDs. */
  const hasRead = (id: string): boolean => {
    const store = new MailStore(join(dir, 'state/service/mail'), '2000-01-01');
    return store.has(id);
  };
  let draftId: string;

  test('a series that breaks a configuration: a draft, and nothing by SMTP', async () => {
    await town.post(join(LOSS.dir, 'series.mbox'));
    const draft = await until_('a draft', () => town.drafts()[0]);
    draftId = idOf(draft);
    expect(draft).toContain(`In-Reply-To: <${patchId}>`);
    expect(draft).toContain(`From: depbot <${BOT}>`);
    expect(mails()).toEqual([]);
  });

  test('its report is a page, with a picture; its counts are there for Prometheus', async () => {
    const home = /pages at (http:\S+)\//.exec(await said('pages at'))![1]!;
    const text = async (path: string): Promise<string> => (await fetch(`${home}${path}`)).text();
    const [path] = /\/series\/[0-9a-f]{32}/.exec(await text(`/?q=${encodeURIComponent(patchId)}&state=found`))!;
    const page = await text(path);
    for (const part of ['<span class="line add">', '<svg class="graph"', '<table class="matrix">', 'Rung 2'])
      expect(page).toContain(part);
    expect(await text('/metrics')).toMatch(/^depbot_mails\{state="drafted"\} 1$/m);
  });

  test('the same mails again: nothing', async () => {
    await town.post(join(LOSS.dir, 'series.mbox'));
    town.deliver(mailOf({ id: 'marker-1@x.example', subject: 'hello', body: 'no patch' }));
    await until_('the marker', () => hasRead('marker-1@x.example'));
    expect(town.drafts()).toHaveLength(1);
  });

  test('mail that is broken: named, kept, and the next one is read', async () => {
    town.deliver(
      Buffer.from(
        'Content-Type: multipart/mixed; boundary="x"\r\nSubject: [PATCH] a: b\r\nFrom: a@b.example\r\nMessage-ID: <broken@x.example>\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>hello\r\n',
      ),
    );
    await said('warning', 'kept in mail/unreadable');
  });

  test('a patch that does not apply: a line in the log, no mail', async () => {
    const mbox = readFileSync(join(LOSS.dir, 'series.mbox'), 'utf8').replaceAll(
      /^([-+ ])(?=\S)(?!--|\+\+)/gm,
      '$1other ',
    );
    town.deliver(
      posted(
        Buffer.from(
          mbox
            .replace(/^From .*\n/, '')
            .replace(patchId, 'elsewhere-1@x.example')
            .replace(/^Subject: /m, 'Subject: [PATCH] other: ')
            .replaceAll('\n', '\r\n'),
        ),
      ),
    );
    await said('other:', 'could not check (apply)');
    expect(town.drafts()).toHaveLength(1);
  });

  test('a command that is not signed: silence', async () => {
    town.deliver(mailOf({ id: 'forged-1@x.example', from: MAINTAINER, answers: draftId, body: '#depbot send' }));
    await said('forged-1@x.example', 'not obeyed, not answered');
    expect(mails()).toEqual([]);
    expect(town.drafts()).toHaveLength(1);
  });

  test('a command signed by another domain: silence', async () => {
    const mail = mailOf({ id: 'forged-2@x.example', from: MAINTAINER, answers: draftId, body: '#depbot send' });
    town.deliver(await town.signedByStranger(mail));
    await said('forged-2@x.example', 'not obeyed, not answered');
    expect(mails()).toEqual([]);
  });

  test('a signed command of a stranger: told once that it is not obeyed', async () => {
    for (const n of [1, 2]) {
      const mail = mailOf({
        id: `stranger-${n}@stranger.example`,
        from: 'eve@stranger.example',
        answers: draftId,
        body: `#depbot send\n\nMail ${n}.`,
      });
      town.deliver(await town.signedByStranger(mail));
      await said(`stranger-${n}@stranger.example`, 'send: not obeyed');
    }
    await mailTo('eve@stranger.example', 'nothing was done');
    await town.command('#depbot help', draftId);
    await mailTo(MAINTAINER, '#depbot check');
    expect(mails().filter((mail) => mail.includes('To: eve@stranger.example'))).toHaveLength(1);
    expect(town.drafts()).toHaveLength(1);
  });

  test('an unknown command: one private answer with those that exist', async () => {
    const id = await town.command('#depbot frobnicate now', draftId);
    const answer = await until_('the answer', () => mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`)));
    expect(answer).toContain('frobnicate');
    expect(answer).toContain('#depbot help');
    expect(answer).not.toMatch(/^Cc:/m);
  });

  test('#depbot check in reply to a patch: the report, by mail', async () => {
    const id = await town.command('#depbot check', patchId);
    const answer = await until_('the answer', () => mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`)));
    expect(answer).toMatch(/is y or m without the series and n\s+with\s+it/);
    expect(town.drafts()).toHaveLength(1);
  });

  test('#depbot check in reply to something else: says so', async () => {
    const id = await town.command('#depbot check', 'unknown@x.example');
    await until_('the answer', () =>
      mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`) && mail.includes('I do not have the series')),
    );
  });

  test('#depbot send while SMTP is away: sent once it is back, once', async () => {
    await town.stopSmtp();
    await town.command('#depbot send', draftId);
    await said('warning', 'smtp server', 'next attempt');
    await town.startSmtp();
    const sent = await until_('the mail', () => mails().filter((mail) => mail.includes(`Message-ID: <${draftId}>`))[0]);
    expect(sent).toContain(`In-Reply-To: <${patchId}>`);
    await until_('the draft gone', () => town.drafts().length === 0);
  });

  test('#depbot discard of what was sent: says so', async () => {
    const id = await town.command('#depbot discard', draftId);
    await until_('the answer', () =>
      mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`) && /did not discard|sent/.test(mail)),
    );
  });

  /** The series that breaks something, as another one of that title and revision. */
  const postRevision = (title: string, revision: number): string => {
    const id = `${title}-${revision}@x.example`;
    const mbox = readFileSync(join(LOSS.dir, 'series.mbox'), 'utf8').replace(/^From .*\n/, '');
    const mail = mbox.replace(patchId, id).replace(/^Subject: .*$/m, `Subject: [PATCH v${revision}] ${title}`);
    town.deliver(posted(Buffer.from(mail.replaceAll('\n', '\r\n'))));
    return id;
  };
  const draftFor = (id: string): Promise<string> =>
    until_(`a draft for ${id}`, () => town.drafts().find((draft) => draft.includes(`In-Reply-To: <${id}>`)));
  const fromMia = async (id: string, body: string, answers: string): Promise<string> => {
    town.deliver(await town.signedByStranger(mailOf({ id, from: MIA, answers, body })));
    return until_('an answer', () => mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`)));
  };

  test('a mail that comes back: noted for whom, and shown to the operator', async () => {
    const to = 'ann@example.org';
    const status = `Final-Recipient: rfc822; ${to}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user`;
    const parts = [
      'Content-Type: text/plain\r\n\r\nSorry.',
      `Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n${status}`,
      `Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <${draftId}>`,
    ];
    const head = [
      'From: MAILER-DAEMON@mx.example',
      'Subject: Undelivered',
      'Message-ID: <dsn@mx.example>',
      'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    ];
    const body = parts.map((part) => `--b\r\n${part}\r\n`).join('');
    town.deliver(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}--b--\r\n`));
    await said('warning', draftId, `did not come to ${to}: 5.1.1 smtp; 550 no such user`);
    const shown = spawnSync(process.execPath, ['bot/main.ts', 'outbox', '--config', town.config], { encoding: 'utf8' });
    expect(shown.stdout).toMatch(new RegExp(`^came back: .*<${draftId}>.*: from ${to}: 5\\.1\\.1`, 'm'));
    expect(shown.status).toBe(1);
  });

  test('a v2: the draft for v1 leaves the folder, and the one for v2 comes', async () => {
    await draftFor(postRevision('stubs', 1));
    const v2 = postRevision('stubs', 2);
    await draftFor(v2);
    await until_('one draft', () => town.drafts().length === 1);
    expect(await draftFor(v2)).not.toContain('Still there');
  });

  test('#depbot explain: where each fact was read, and what conf said', async () => {
    const id = await town.command('#depbot explain', 'stubs-2@x.example');
    const answer = await until_('the answer', () => mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`)));
    expect(answer).toMatch(/^> #depbot explain$[\s\S]*proved to\s+rung 2[\s\S]*conf[\s\S]*as claimed/m);
  });

  test('#depbot check with a base that is not there: says so, and runs nothing else', async () => {
    const id = await town.command('#depbot check base=no-such-branch', 'stubs-2@x.example');
    const answer = await until_('the answer', () => mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`)));
    expect(answer).toContain('"no-such-branch" is not in');
    const refused = await town.command('#depbot check base=--upload-pack=id', 'stubs-2@x.example');
    await until_('the answer', () =>
      mails().find((mail) => mail.includes(`In-Reply-To: <${refused}>`) && mail.includes('base= takes the name')),
    );
    expect(town.drafts()).toHaveLength(1);
  });

  test('#depbot invalid: v3 is silent', async () => {
    const draft = idOf(await draftFor('stubs-2@x.example'));
    const id = await town.command('#depbot invalid', 'stubs-2@x.example', draft);
    await until_('the answer', () =>
      mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`) && mail.includes('Noted as a false alarm')),
    );
    await said('false alarm, says', MAINTAINER);
    postRevision('stubs', 3);
    await said('v3', 'kept; a maintainer called it a false alarm');
    await until_('no draft', () => town.drafts().length === 0);
  });

  test('#depbot start of somebody whom MAINTAINERS names: a token, and with it an entry', async () => {
    const asked = await fromMia('start-1@stranger.example', '#depbot start', patchId);
    const token = /#depbot confirm ([0-9a-f]{32})$/m.exec(asked)![1]!;
    expect(asked).toMatch(/^To: .*mia@/m);
    const wrong = await fromMia(
      'confirm-0@stranger.example',
      `#depbot confirm ${token.replace(/^./, 'z')}`,
      idOf(asked),
    );
    expect(wrong).toContain('nothing of yours waits for that token');
    const done = await fromMia('confirm-1@stranger.example', `#depbot confirm ${token}`, idOf(asked));
    expect(done).toContain('DRIVERS OF MIA');
    await draftFor(postRevision('asked', 1));
    await said('asked', 'section DRIVERS OF MIA', MIA);
  });

  test('who asked by mail is shown the draft by mail, alone, and has it sent by an answer to that', async () => {
    const shown = await mailTo(MIA, 'Subject: Draft: Re: [PATCH v1] asked');
    expect(shown).toContain('Nobody has it but you');
    expect(shown).not.toMatch(/^Cc:/m);
    expect(mails().filter((mail) => mail.includes('Subject: Draft: ')).length).toBe(1);
    const answer = mailOf({ id: 'send-1@stranger.example', from: MIA, answers: idOf(shown), body: '#depbot send' });
    town.deliver(await town.signedByStranger(answer));
    const sent = await until_('the mail', () =>
      mails().find((one) => one.includes('In-Reply-To: <asked-1@x.example>')),
    );
    expect(sent).toMatch(/^Subject: Re: \[PATCH v1\] asked$/m);
  });

  test('the emergency stop: an answer waits for its end', async () => {
    const stop = join(dir, 'state/service/STOP');
    writeFileSync(stop, 'noise\n');
    const id = await town.command('#depbot help', patchId);
    await said('warning', 'emergency stop', 'noise');
    await said('help: answered');
    expect(mails().filter((mail) => mail.includes(`In-Reply-To: <${id}>`))).toEqual([]);
    rmSync(stop);
    await until_('the answer', () => mails().find((mail) => mail.includes(`In-Reply-To: <${id}>`)));
  });

  test('#depbot stop of a maintainer of the files: also for the section', async () => {
    const answer = await fromMia('stop-1@stranger.example', '#depbot stop', patchId);
    expect(answer).toMatch(/switched off[\s\S]*DRIVERS OF MIA/);
    expect(readFileSync(join(dir, 'state/service/stopped'), 'utf8')).toContain(
      `${MIA}\nsection DRIVERS OF MIA <${MIA}>\n`,
    );
  });

  test('Redis killed: started again, and the next series is checked', async () => {
    const pid = readFileSync(join(dir, 'state/service/redis/redis.pid'), 'utf8').trim();
    process.kill(Number(pid), 'SIGKILL');
    await said('Redis ended');
    await town.post(join(SILENT.dir, 'series.mbox'));
    await until_('an end of that', () =>
      /(nothing found|could not check)/.test(service.log().split('Redis ended')[1] ?? ''),
    );
  });

  test('Dovecot away for a while: a warning, then what came meanwhile', async () => {
    await town.stopDovecot();
    await said('warning', 'bot/INBOX');
    town.deliver(mailOf({ id: 'marker-2@x.example', subject: 'while away', body: 'no patch' }));
    await town.startDovecot();
    await until_('the mail', () => hasRead('marker-2@x.example'));
  });

  test('#depbot stop: the next series gets no draft', async () => {
    await town.command('#depbot stop', draftId);
    await said('stop: stopped');
    const mbox = readFileSync(join(LOSS.dir, 'series.mbox'), 'utf8').replace(/^From .*\n/, '');
    const again = mbox.replace(patchId, 'again-1@x.example').replace('[PATCH]', '[PATCH v2]');
    town.deliver(posted(Buffer.from(again.replaceAll('\n', '\r\n'))));
    await said('v2', 'kept; nobody opted in');
    expect(town.drafts().filter((draft) => draft.includes('again-1@x.example'))).toEqual([]);
    expect(mails().filter((mail) => mail.includes('again-1@x.example'))).toEqual([]);
  });

  test('SIGTERM: ends with status 0 and leaves no process', async () => {
    expect(await service.end('SIGTERM')).toBe(0);
    const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(dir) && !line.includes('dovecot'));
    expect(left).toEqual([]);
  });
});

function mailOf(parts: { id: string; from?: string; subject?: string; answers?: string; body: string }): Buffer {
  const { id, from = 'ann@x.example', subject = 'Re: a patch', answers, body } = parts;
  return Buffer.from(
    [
      `From: ${from}`,
      `To: ${BOT}`,
      `Subject: ${subject}`,
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${id}>`,
      ...(answers === undefined ? [] : [`In-Reply-To: <${answers}>`, `References: <${answers}>`]),
      '',
      body,
      '',
    ].join('\r\n'),
  );
}
