/**
 * npm run faults -- workers [--series 200 --kills 40 --seed 1]
 *
 * Series go through `depbot serve --no-worker` and three workers twice: once undisturbed, and once while workers, the
 * service and Redis are killed at random moments, the disk of one worker is full now and then, and clocks are set
 * forward and back. Then every series has exactly one report, the same as undisturbed, and nothing is left behind.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { glibcRand } from '../oracle/glibc-rand.ts';
import { alignedTable } from '../oracle/table.ts';
import { fixtures, fixtureTree } from '../support/fixture.ts';
import { type FleetCame, type FleetFaults, runFleet, WORKERS } from './fleet.ts';
import { makeMailbox } from './mailbox.ts';

export interface WorkerFaults {
  readonly series: number;
  readonly kills: number;
  readonly seed: number;
}

/** Of one run. */
const LIMIT_MS = 60 * 60_000;
/** Between two kills: a worker has to come to its work. */
const PAUSE_MS = 8000;
/** An hour, which no lock and no wait for a new attempt outlasts. */
const JUMP_SEC = 3600;
const LIST = 'drafts@lists.example.org';

/** The table, what is wrong, and how often each fault came; `tree` is a kernel's. */
export async function workerFaults(
  { series, kills, seed }: WorkerFaults,
  tree: string,
): Promise<{
  readonly table: string;
  readonly wrong: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
}> {
  const fixture = fixtures().find(({ name }) => name === 'new-depends-drops-driver')!;
  const kernel = fixtureTree(fixture, tree);
  const home = mkdtempSync(join(tmpdir(), 'dbw-'));
  const loss = /^---\n([\s\S]*?)^-- $/m.exec(readFileSync(join(fixture.dir, 'series.mbox'), 'utf8'))![1]!;
  const lists = { draft: LIST, mail: LIST, other: 'other@lists.example.org' };
  const mailbox = makeMailbox({ series, mails: 0, seed, lists, loss, date: new Date() });
  const faults = new Map<string, number>();
  const run = (name: string, comingMs: number, disturb?: (fleet: FleetFaults) => Promise<void>): Promise<FleetCame> => {
    const dir = join(home, name);
    mkdirSync(dir);
    return runFleet({
      ...{ dir, tree: kernel.dir, mailbox, list: LIST, limitMs: LIMIT_MS, comingMs },
      ...(disturb && { disturb }),
    });
  };
  try {
    const calm = await run('a', 1000);
    const rough = await run('b', kills * PAUSE_MS, (fleet) => storm(fleet, { kills, seed, faults }));
    return { ...verdict(mailbox.expected.size, calm, rough, faults), faults };
  } finally {
    kernel.remove();
    rmSync(home, { recursive: true, force: true });
  }
}

async function storm(
  fleet: FleetFaults,
  { kills, seed, faults }: { kills: number; seed: number; faults: Map<string, number> },
): Promise<void> {
  const rand = glibcRand(seed + 1);
  const count = (name: string, times = 1): void => void faults.set(name, (faults.get(name) ?? 0) + times);
  for (let n = 0; n < kills; n++) {
    await sleep((PAUSE_MS * (500 + (rand() % 1000))) / 1000);
    await fleet.killWorker(rand() % WORKERS);
    count('workers killed');
    if (n % 4 === 1) {
      await fleet.killService();
      count('service killed');
    }
    if (n % 4 === 3) count('Redis killed', fleet.killRedis() ? 1 : 0);
    if (n % 3 === 2) count('locks run out', await fleet.expireLocks());
    const isFull = n % 6 === 1 || n % 6 === 2;
    if (fleet.fillDisk(isFull) && isFull) count('disk full');
    fleet.setClock(rand() % (WORKERS + 1), ((rand() % 3) - 1) * JUMP_SEC);
    count('clocks set');
  }
  fleet.fillDisk(false);
  for (let at = 0; at <= WORKERS; at++) fleet.setClock(at, 0);
}

function verdict(
  wanted: number,
  calm: FleetCame,
  rough: FleetCame,
  faults: ReadonlyMap<string, number>,
): { readonly table: string; readonly wrong: readonly string[] } {
  const wrong: string[] = [];
  const rows: string[][] = [];
  const row = (name: string, of: (came: FleetCame) => number, right?: number): void => {
    const [a, b] = [of(calm), of(rough)];
    rows.push([name, String(a), String(b), right === undefined ? '' : String(right)]);
    if (right !== undefined && (a !== right || b !== right))
      wrong.push(`${name}: undisturbed ${a}, with faults ${b}, wanted ${right}`);
  };
  for (const [name, times] of faults) rows.push([name, '0', String(times), '']);
  row('checks begun', ({ starts }) => starts);
  row('jobs of dead workers taken over', ({ takenOver }) => takenOver);
  row('jobs tried again', ({ triedAgain }) => triedAgain);
  row('series with a report', ({ reports }) => reports.size, wanted);
  row('lost', ({ reports }) => wanted - reports.size, 0);
  row('doubled', ({ doubled }) => doubled.length, 0);
  row('other than undisturbed', ({ reports }) => differing(calm.reports, reports).length, 0);
  row('bugs in the log', ({ bugs }) => bugs.length, 0);
  row('left behind', ({ left }) => left.length, 0);
  rows.push(['seconds', (calm.tookMs / 1000).toFixed(0), (rough.tookMs / 1000).toFixed(0), '']);
  wrong.push(...differing(calm.reports, rough.reports), ...rough.bugs, ...calm.left, ...rough.left);
  return { table: alignedTable([['', 'undisturbed', 'with faults', 'wanted'], ...rows]), wrong };
}

/** Series whose reports are not the same, with where they part. */
function differing(calm: ReadonlyMap<string, string>, rough: ReadonlyMap<string, string>): string[] {
  return [...rough].flatMap(([key, text]) => {
    const other = calm.get(key) ?? '';
    if (text === other) return [];
    const at = [...text].findIndex((char, i) => char !== other[i]);
    const near = (one: string): string => one.slice(Math.max(0, at - 60), at + 200);
    return [`${key}: …${near(other)}… has become …${near(text)}…`];
  });
}
