/**
 * npm run demo:service: the whole line of `depbot serve` in one terminal, on 127.0.0.1 only. Dovecot, an SMTP
 * receiver, a DNS server, Redis and the service are started; the example series comes by SMTP; the draft is shown as
 * IMAP shows it in the Drafts folder; the maintainer signs `#depbot send`; the mail is shown as it was received.
 *
 * Exit status: 0 when all of that happened, 1 when it did not, 2 when set-up was not possible.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { BOT, Town, until } from './town.ts';

const EXAMPLE = fileURLToPath(new URL('../fixtures/example/config-upgrade.mbox', import.meta.url));
/** The patch of the example that has a finding. */
const ANSWERED = '20261109094103.71820-2-rowan@ashby.example';
const MAINTAINER = 'maren@input.example';
const LIST = 'linux-input@lists.example.org';
/** A cold start builds conf and asks for the answers of 21 architectures, on whatever else the machine has to do. */
const LIMIT_MS = 30 * 60_000;
const MINUTE_MS = 60_000;

export interface DemoResult {
  /** The draft as it lay in the Drafts folder. */
  readonly draft: string;
  /** What the receiver got, and for whom. */
  readonly received: string;
  readonly recipients: readonly string[];
  /** Drafts left at the end. */
  readonly draftsLeft: number;
  /** Mails that the bot sent in all. */
  readonly mails: number;
}

/** Runs the demo on a kernel tree; `say` gets what happens, line by line. Throws where a step does not come about. */
export async function runDemo(tree: string, say: (text: string) => void, cacheDir?: string): Promise<DemoResult> {
  const dir = mkdtempSync(join(tmpdir(), 'depbot-demo-'));
  const clean = (): void => rmSync(dir, { recursive: true, force: true });
  let town: Town | undefined;
  try {
    say('1. Starting Dovecot (IMAP), an SMTP receiver and a DNS server on 127.0.0.1, and depbot serve with its Redis.');
    town = await Town.build({
      dir,
      tree,
      maintainer: MAINTAINER,
      list: LIST,
      ...(cacheDir !== undefined && { cacheDir }),
    });
    const service = town.serve();
    const why = (): string => `the service said:\n${service.log()}`;
    const wait = async <T>(what: string, look: () => T | undefined | false): Promise<T> => {
      let minutes = 0;
      const patience = setInterval(() => say(`   (waiting for ${what}: ${++minutes} min)`), MINUTE_MS);
      try {
        return await until(
          what,
          () => (service.hasEnded() ? fail(`the service ended early; it said:\n${service.log()}`) : look()),
          LIMIT_MS,
          why,
        );
      } finally {
        clearInterval(patience);
      }
    };
    await wait('the service', () => service.log().includes('serving'));

    say(`2. ${MAINTAINER} has opted in to drafts for patches on ${LIST}, which the bot reads as a subscriber.`);
    say(
      '   Somebody posts the example series there, and its mails come by SMTP. depbot compares the configurations of all',
    );
    say('   architectures without the series and with it: a minute or two, more when it is the first time.');
    await town.postBySmtp(EXAMPLE);
    await wait('a draft', () => town!.drafts()[0]);
    const [draft = ''] = await town.draftsByImap();
    say(
      '3. It has found something. The draft of a reply, as IMAP shows it in the Drafts folder; nobody has got it yet:',
    );
    say(indented(draft));

    say(`4. ${MAINTAINER} agrees, and answers the draft with "#depbot send", in a mail that is signed (DKIM).`);
    await town.commandBySmtp('#depbot send', /^Message-ID:\s*<(.*)>/im.exec(draft)![1]!);
    const mail = await wait('the mail', () =>
      town!.mails.find(({ from, raw }) => from === BOT && raw.includes(`In-Reply-To: <${ANSWERED}>`)),
    );
    await wait('the end of the draft', () => town!.drafts().length === 0);
    const received = Buffer.from(mail.raw).toString('utf8');
    say(`5. The SMTP receiver has got the reply, for ${mail.recipients.join(', ')}. Its header:`);
    say(indented(received.slice(0, received.indexOf('\r\n\r\n'))));
    const isSame = received === draft.replaceAll(/\r?\n/g, '\r\n');
    say(isSame ? '   It is the draft, byte for byte, and answers the patch.' : '   It is not the draft!');

    say('6. What the service wrote to its log meanwhile:');
    say(indented(service.log()));
    const status = await service.end('SIGTERM');
    say(`7. Stopped (exit status ${status}). Everything is cleaned up.`);
    const result = {
      draft,
      received,
      recipients: mail.recipients,
      draftsLeft: town.drafts().length,
      mails: town.mails.filter(({ from }) => from === BOT).length,
    };
    if (!isSame || status !== 0) throw new Error(`the mail is ${isSame ? '' : 'not '}the draft; exit status ${status}`);
    return result;
  } finally {
    await town?.close();
    clean();
  }
}

function fail(text: string): never {
  throw new Error(text);
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => `    ${line}`)
    .join('\n');
}

async function main(): Promise<number> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  try {
    const { tree } = await provision(['packages', 'service-packages', 'demo-packages', 'tree', 'debian-configs']);
    const { recipients } = await runDemo(tree!, say, cacheDir(process.env));
    return recipients.length > 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`depbot: ${(error as Error).message}\n`);
    return error instanceof ProvisionError ? 2 : 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
