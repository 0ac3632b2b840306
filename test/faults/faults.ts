/**
 * npm run faults [-- --series 800 --mails 5000 --kills 50 --seed 1]
 *
 * A mailbox of generated mails goes through `depbot serve` twice, with a real Dovecot, Redis and SMTP receiver: once
 * undisturbed, and once while connections are cut, servers are restarted and depbot is killed at random moments. Then
 * both are compared: the same series, the same drafts and mails, none lost, none doubled, none to anybody who did not
 * ask. Exit status: 0 so it is, 1 it is not, 2 set-up was not possible.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { ProvisionError, provision } from '../../queue/provision.ts';
import { glibcRand } from '../oracle/glibc-rand.ts';
import { alignedTable } from '../oracle/table.ts';
import { BOT } from '../service/town.ts';
import { fixtures, fixtureTree } from '../support/fixture.ts';
import { type Mailbox, makeMailbox } from './mailbox.ts';
import { type Came, type Faults, MAINTAINERS, runOnce } from './run.ts';
import { type WorkerFaults, workerFaults } from './workers.ts';

interface Options {
  readonly series: number;
  readonly mails: number;
  readonly kills: number;
  readonly seed: number;
}

const LISTS = { draft: 'drafts@lists.example.org', mail: 'mails@lists.example.org', other: 'other@lists.example.org' };
/** Of one run; a series of the small tree takes about a second on one core. */
const LIMIT_MS = 60 * 60_000;
const FIXTURE = fixtures().find(({ name }) => name === 'new-depends-drops-driver')!;

async function main({ series, mails, kills, seed }: Options): Promise<number> {
  const { tree: given } = await provision(['packages', 'service-packages', 'demo-packages', 'test-packages', 'tree']);
  const kernel = fixtureTree(FIXTURE, given!);
  const home = mkdtempSync(join(tmpdir(), 'dbf-'));
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const loss = lossOf(readFileSync(join(FIXTURE.dir, 'series.mbox'), 'utf8'));
  for (const name of ['a', 'b']) mkdirSync(join(home, name));
  const mailbox = makeMailbox({ series, mails, seed, lists: LISTS, loss, date: new Date() });
  const common = { tree: kernel.dir, cacheDir: join(home, 'cache'), mailbox, lists: LISTS, limitMs: LIMIT_MS, say };
  try {
    say(
      `${mailbox.mails.length + mailbox.later.length} mails, ${series} series, of which ${mailbox.expected.size} are to be checked, ${mailbox.later.length} once the revision before them is checked, drafted or sent; seed ${seed}`,
    );
    say('1. undisturbed');
    const calm = await runOnce({ ...common, dir: join(home, 'a') });
    say(`2. with ${kills} kills, connections cut and servers restarted between them`);
    const counts: Record<string, number> = {};
    const disturb = (faults: Faults): Promise<void> =>
      storm(faults, { kills, seed, series: mailbox.expected.size, counts });
    const rough = await runOnce({ ...common, dir: join(home, 'b'), disturb });
    say(alignedTable([['fault', 'times'], ...Object.entries(counts).map(([name, count]) => [name, String(count)])]));
    const faulty = verdict(mailbox, calm, rough);
    say(faulty.table);
    for (const line of faulty.wrong) say(line);
    return faulty.wrong.length === 0 ? 0 : 1;
  } finally {
    kernel.remove();
    rmSync(home, { recursive: true, force: true });
  }
}

/** What stands below the `---` of the fixture's patch, to its end. */
function lossOf(mbox: string): string {
  return /^---\n([\s\S]*?)^-- $/m.exec(mbox)![1]!;
}

/** How long it is waited for a connection to cut: that to IMAP stays, those to SMTP are there for a moment. */
const IMAP_MS = 8000;
const SMTP_MS = 3000;

/** Cuts as soon as there is something to cut. */
async function once(cut: () => number, ms: number): Promise<number> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(2)) {
    const count = cut();
    if (count > 0) return count;
  }
  return 0;
}

/** Random pauses between faults, at most. */
const PAUSE_MS = 2000;
/** How long it is waited for the service to come as far as the next faults want it. */
const PROGRESS_MS = 60_000;

/**
 * Faults at random moments, spread over the whole work by how far it is: by the clock a busy machine would be killed
 * again and again before it has done anything, and then be left alone.
 */
async function storm(
  faults: Faults,
  { kills, seed, series, counts }: { kills: number; seed: number; series: number; counts: Record<string, number> },
): Promise<void> {
  const rand = glibcRand(seed + 1);
  const count = (name: string, times = 1): void => void (counts[name] = (counts[name] ?? 0) + times);
  const pause = (): Promise<void> => sleep((PAUSE_MS * (rand() % 1000)) / 1000);
  const progress = async (n: number): Promise<void> => {
    const target = ((n + (rand() % 1000) / 1000) * series) / (kills + 1);
    for (const end = performance.now() + PROGRESS_MS; performance.now() < end; await sleep(50))
      if (faults.closed() >= target) return;
  };
  /** One of these each time: were all servers always away, nothing would get done between. */
  const servers: readonly (readonly [string, () => Promise<void> | void])[] = [
    ['Dovecot restarted', () => faults.restartImap()],
    ['SMTP restarted', () => faults.restartSmtp()],
    ['Redis killed', () => faults.killRedis()],
  ];
  for (let n = 0; n < kills; n++) {
    await progress(n);
    count('IMAP connections cut', await once(faults.cutImap, IMAP_MS));
    await pause();
    count('SMTP connections cut', await once(faults.cutSmtp, SMTP_MS));
    const [name, restart] = servers[n % servers.length]!;
    count(name);
    await restart();
    await pause();
    count('kills');
    await faults.kill();
  }
}

/** Both runs against each other and against what has to be. */
function verdict(mailbox: Mailbox, calm: Came, rough: Came): { table: string; wrong: readonly string[] } {
  const wrong: string[] = [];
  const rows: string[][] = [];
  const row = (name: string, of: (came: Came) => number, wanted: number): void => {
    const [a, b] = [of(calm), of(rough)];
    rows.push([name, String(a), String(b), String(wanted)]);
    if (a !== wanted || b !== wanted) wrong.push(`${name}: undisturbed ${a}, with faults ${b}, wanted ${wanted}`);
  };
  const { expected, superseded, drafted, mailed, mayBeMailed, mayFollow } = mailbox;
  const replies = ({ mails }: Came): Came['mails'] => mails.filter(({ answers }) => answers !== '');
  const doubled = (ids: readonly string[]): number => ids.length - new Set(ids).size;
  const answered = (list: readonly { answers: string }[]): string[] => list.map(({ answers }) => answers);
  row('series checked', (came) => [...expected.keys()].filter((key) => came.checked.has(key)).length, expected.size);
  row(
    'series nobody sent',
    (came) => [...came.checked].filter((key) => !expected.has(key) && !superseded.has(key)).length,
    0,
  );
  row('drafts wanted', (came) => answered(came.drafts).filter((id) => drafted.has(id)).length, drafted.size);
  row('drafts not wanted', (came) => answered(came.drafts).filter((id) => !drafted.has(id)).length, 0);
  row('drafts doubled', (came) => doubled(answered(came.drafts)), 0);
  row('mails wanted', (came) => answered(replies(came)).filter((id) => mailed.has(id)).length, mailed.size);
  row(
    'mails not wanted',
    (came) => answered(replies(came)).filter((id) => !mailed.has(id) && !mayBeMailed.has(id)).length,
    0,
  );
  row('mails doubled', (came) => doubled(answered(replies(came))), 0);
  row('held', (came) => came.held.length, 0);
  const asked = new Set<string>([...Object.values(MAINTAINERS), BOT]);
  row(
    'to somebody who did not ask',
    (came) => came.mails.flatMap(({ recipients }) => recipients).filter((one) => !asked.has(one)).length,
    0,
  );
  row('bugs in the log', (came) => came.bugs.length, 0);
  const texts = (list: readonly { answers: string; text: string }[]): Map<string, string> =>
    new Map(
      list
        .filter(({ answers }) => !mayBeMailed.has(answers) && !mayFollow.has(answers))
        .map(({ answers, text }) => [answers, text.replace(/^Date: .*$/m, '')]),
    );
  const [drafts, others] = [texts(calm.drafts), texts(rough.drafts)];
  const [sent, resent] = [texts(replies(calm)), texts(replies(rough))];
  const differing =
    [...drafts].filter(([id, text]) => others.get(id) !== text).length +
    [...sent].filter(([id, text]) => resent.get(id) !== text).length;
  if (differing > 0) wrong.push(`${differing} drafts and mails have other words`);
  rows.push(['words differ', '', String(differing), '0']);
  rows.push(['most memory, MiB', String(calm.maxMib), String(rough.maxMib), '']);
  rows.push(['seconds', (calm.tookMs / 1000).toFixed(0), (rough.tookMs / 1000).toFixed(0), '']);
  return { table: alignedTable([['', 'undisturbed', 'with faults', 'wanted'], ...rows]), wrong };
}

function count(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

const command = new Command('faults')
  .description('a mailbox through depbot serve, undisturbed and with faults, compared')
  .option('--series <n>', 'in all shapes', count, 800)
  .option('--mails <n>', 'with discussion, robots and broken ones', count, 5000)
  .option('--kills <n>', 'SIGKILL of depbot, at random moments', count, 50)
  .option('--seed <n>', 'of mails and faults', count, 1)
  .exitOverride()
  .action(async (options: Options) => {
    process.exitCode = await main(options);
  });

command
  .enablePositionalOptions()
  .command('workers')
  .description('series through three workers, undisturbed and with faults, compared')
  .option('--series <n>', 'in ten shapes', count, 200)
  .option('--kills <n>', 'SIGKILL of a worker, at random moments, and other faults beside', count, 40)
  .option('--seed <n>', 'of series and faults', count, 1)
  .action(async (options: WorkerFaults) => {
    const { tree } = await provision(['packages', 'service-packages', 'demo-packages', 'test-packages', 'tree']);
    const { table, wrong } = await workerFaults(options, tree!);
    process.stdout.write(`${table}${wrong.map((line) => `${line}\n`).join('')}`);
    process.exitCode = wrong.length === 0 ? 0 : 1;
  });

try {
  await command.parseAsync(process.argv);
} catch (error) {
  const { name, message, stack } = error as Error;
  if (name === 'CommanderError') process.exitCode = (error as { exitCode: number }).exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`faults: ${error instanceof ProvisionError ? message : stack}\n`);
    process.exitCode = error instanceof ProvisionError ? 2 : 1;
  }
}
