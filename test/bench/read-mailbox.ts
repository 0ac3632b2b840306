/** read-mailbox.ts PORT USER: reads a mailbox of an IMAP server of this machine to its end, as serve does. Prints JSON. */
import { watchMailbox } from '../../bot/inbox.ts';

const [port = '', user = ''] = process.argv.slice(2);
const done = new AbortController();
let mails = 0;
let bytes = 0;
const say = (text: string): void => void process.stderr.write(`${text}\n`);
await watchMailbox({
  account: { name: 'bench', host: '127.0.0.1', port: Number(port), tls: 'none', user, password: 'sesame' },
  folder: 'INBOX',
  firstDays: 2,
  pollMs: 60_000,
  signal: done.signal,
  log: { info: () => undefined, warn: say },
  load: () => undefined,
  record: async (batch) => {
    mails += batch.length;
    bytes += batch.reduce((sum, { raw }) => sum + raw.length, 0);
  },
  onNextSlice: () => undefined,
  onCaughtUp: () => done.abort(),
  now: () => new Date(),
});
process.stdout.write(JSON.stringify({ mails, bytes }));
