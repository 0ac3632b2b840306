/** What is measured of the service: its queue, a day at it, and a check whose findings are proved by builds. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Findings, node, rss, type Setting, said, seconds, walls } from './benches.ts';
import { recordedChecks, simulateDay, workersFor } from './day.ts';
import { BenchError, inTurns, type Measured } from './measure.ts';
import type { Row } from './rows.ts';

/** So many that the wait for the last of them to be seen, 20 ms, is little. */
const EMPTY_JOBS = 1500;
const SERIES_OF_DAY = 1500;
const MEDIAN_MIN = 10;
/** Minutes each: two say enough. */
const BUILD_ROUNDS = 2;
/** A new driver that uses what nothing provides. */
const ONE_DRIVER = join(import.meta.dirname, 'one-driver.mbox');

/** Jobs that do nothing, beside BullMQ bare. */
export async function benchQueue(setting: Setting): Promise<Findings> {
  const folder = join(setting.scratch, 'queue');
  mkdirSync(folder, { recursive: true });
  const { ours } = inTurns(
    { ours: node('test/bench/queue-rate.ts', [folder, `${EMPTY_JOBS}`], setting) },
    setting.rounds,
    setting.scratch,
  );
  const row = (what: string, mine: string, theirs: string): Row => ({
    ...{ what, unit: 'ms', ours: said(ours, mine) },
    peer: { name: 'bare BullMQ', values: said(ours, theirs) },
    aim: { text: '0.8 times as many jobs a second', reached: (one, other) => one * 0.8 <= other },
  });
  return {
    rows: [
      row('an empty job, taken and done by a worker', 'oursDoneMs', 'bareDoneMs'),
      row('  with what puts it in and reads its result', 'oursMs', 'bareMs'),
    ],
    notes: [
      `queue: ${EMPTY_JOBS} jobs, put in one after the other, done by one worker, read and removed; each Redis writes every change to its disk, and waits for it`,
    ],
  };
}

/** How many workers a day needs; reckoned, not measured. */
export async function benchDay(): Promise<Findings> {
  const checks = recordedChecks();
  const enough = workersFor(SERIES_OF_DAY, checks, MEDIAN_MIN);
  const some = [...new Set([Math.max(1, enough - 2), Math.max(1, enough - 1), enough, enough + 1, 2 * enough])];
  const told = some.map((workers) => {
    const { medianMin, tenthMin, urgentMedianMin, largeMedianMin, busy } = simulateDay(
      { series: SERIES_OF_DAY, workers },
      checks,
    );
    const [half, tenth, urgent, large] = [medianMin, tenthMin, urgentMedianMin, largeMedianMin].map((one) =>
      one.toFixed(1),
    );
    return `day: ${workers} workers, ${(100 * busy).toFixed(0)} % busy: half wait up to ${half} min, nine of ten up to ${tenth}; half of those asked for by a maintainer ${urgent}, of the large ones ${large}`;
  });
  const growth = [0.5, 1, 2, 4].map((factor) => {
    const series = factor * SERIES_OF_DAY;
    return `${series} series ${workersFor(series, checks, MEDIAN_MIN)}`;
  });
  return {
    rows: [],
    notes: [
      `day: half of ${SERIES_OF_DAY} series wait less than ${MEDIAN_MIN} minutes with ${enough} workers; with that aim, ${growth.join(', ')}`,
      ...told,
      `day: simulated, from ${checks.length} recorded checks; test/bench/day.ts says what is assumed`,
    ],
  };
}

/** A series whose finding about code is shown by a build. */
export async function benchVerified(setting: Setting): Promise<Findings> {
  const { tree, scratch } = setting;
  // of its own: what others have built is not to be had, nor to be lost
  const cacheDir = join(scratch, 'built-cache');
  const program = node(
    'bot/depbot.mjs',
    ['check', ONE_DRIVER, '--tree', tree, '--json'],
    { ...setting, cacheDir },
    [1],
  );
  const builds = join(cacheDir, 'builds');
  const programs = {
    cold: { ...program, before: () => rmSync(builds, { recursive: true, force: true }) },
    warm: program,
  };
  // reads the Kconfig files and asks the macros, which is no part of either
  inTurns(
    {
      first: node(
        'bot/depbot.mjs',
        ['check', ONE_DRIVER, '--tree', tree, '--no-build'],
        { ...setting, cacheDir },
        [0, 1],
      ),
    },
    1,
    scratch,
  );
  const { cold, warm } = inTurns(programs, Math.min(setting.rounds, BUILD_ROUNDS), scratch);
  const rungs = new Set([...cold, ...warm].flatMap(rungsOf));
  if (!rungs.has(3)) throw new BenchError(`no finding was built, only ${[...rungs].join(', ')}`);
  const within = (limitSec: number, text: string) => ({ text, reached: (mine: number) => mine < limitSec });
  return {
    rows: [
      {
        what: 'verified check of a one-driver series, warm',
        unit: 's',
        ours: seconds(walls(warm)),
        aim: within(60, 'below 60 s'),
      },
      { what: '  its processor time', unit: 's', ours: seconds(warm.map(({ cpuMs }) => cpuMs)) },
      { what: '  its peak memory', unit: 'MiB', ours: rss(warm) },
      { what: '  with nothing built before', unit: 's', ours: seconds(walls(cold)), aim: within(360, 'below 6 min') },
      { what: '  its processor time', unit: 's', ours: seconds(cold.map(({ cpuMs }) => cpuMs)) },
    ],
    notes: [
      `verified check: a new file of lib/ with its lines of Kconfig and Makefile, all rules and architectures, the finding shown by objects built before and after, and each trial; warm: the base's output folders are there; with nothing built: no checkout either`,
    ],
  };
}

function rungsOf({ stdout }: Measured): number[] {
  const { findings } = JSON.parse(stdout) as {
    findings: readonly { verification: { rung: number } }[];
  };
  return findings.map(({ verification }) => verification.rung);
}
