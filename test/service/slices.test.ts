/** An archive in slices, as public-inbox has it from its 50,000th mail on: the service goes on where the server does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readConfigFile } from '../../bot/config.ts';
import { MailStore } from '../../bot/mail-store.ts';
import { Maintainers } from '../../bot/maintainers.ts';
import { serveSettings } from '../../bot/serve-settings.ts';
import { Service } from '../../bot/service.ts';
import { HeldQueue } from '../support/held-queue.ts';
import { GREETING, type ScriptedImap, startScriptedImap } from './scripted-imap.ts';

const SECONDS = { timeout: 20_000, interval: 50 };
let dir: string;
let server: ScriptedImap;
const stopping = new AbortController();
let running: Promise<void>;
afterEach(async () => {
  stopping.abort();
  await running;
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

test('the slice after the one that is watched is watched, too, once it is there', async () => {
  dir = mkdtempSync(join(tmpdir(), 'db-'));
  const mailIn = (folder: string): string =>
    `From: a@example.org\r\nSubject: x\r\nMessage-ID: <${folder}@example.org>\r\n\r\nbody\r\n`;
  const folders = ['list.0'];
  const opened = new Map<number, string>();
  server = await startScriptedImap({
    greeting: GREETING,
    answer: ({ tag, command, rest, connection }) => {
      if (command === 'LIST' && rest !== '"" ""')
        return `${folders.map((name) => `* LIST () "." ${name}\r\n`).join('')}${tag} OK done\r\n`;
      if (command === 'EXAMINE') opened.set(connection, rest.replaceAll('"', '').split(' ')[0]!);
      if (command !== 'UID FETCH') return undefined;
      const mail = mailIn(opened.get(connection)!);
      const size = `RFC822.SIZE ${mail.length} INTERNALDATE "01-Nov-2026 10:00:00 +0000"`;
      const what = rest.includes('BODY') ? `BODY[] {${mail.length}}\r\n${mail}` : size;
      return `* 1 FETCH (UID 7 ${what})\r\n${tag} OK done\r\n`;
    },
  });
  const config = join(dir, 'depbot.toml');
  writeFileSync(
    config,
    `
[bot]
operator = "a test"
address = "depbot@bot.example"
[imap.archive]
host = "127.0.0.1"
port = ${server.port}
tls = "none"
[[mailbox]]
account = "archive"
folder = "list.0"
[smtp]
host = "127.0.0.1"
port = ${server.port}
tls = "none"
[serve]
poll_s = 1
[[maintainer]]
address = "max@example.org"
lists = ["list@example.org"]
paths = ["drivers/"]
mode = "private"
[tree]
dir = "${dir}"
`,
  );
  const lines: string[] = [];
  const say = (text: string): void => void lines.push(text);
  const service = new Service({
    settings: serveSettings(readConfigFile(config), {}, config),
    state: join(dir, 'service'),
    log: { info: say, warn: say },
    world: { now: () => performance.now(), date: () => new Date('2026-11-01T12:00:00Z'), stop: stopping.signal },
    queue: new HeldQueue(),
    maintainers: { current: async () => Maintainers.parse('', () => false) },
  });
  running = service.run(stopping.signal).finally(() => service.close());
  const has = (folder: string): boolean =>
    new MailStore(join(dir, 'service/mail'), '2000-01-01').has(`${folder}@example.org`);
  await vi.waitFor(() => expect(has('list.0'), lines.join('\n')).toBe(true), SECONDS);
  expect([...opened.values()]).not.toContain('list.1');
  folders.push('list.1');
  await vi.waitFor(() => expect(has('list.1'), lines.join('\n')).toBe(true), SECONDS);
  expect(lines.filter((line) => line.includes('goes on in the folder list.1'))).toHaveLength(1);
});
