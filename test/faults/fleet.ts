/** One run of `depbot serve --no-worker` with three `depbot worker` over a mailbox, to its end, and what came of it. */
import { existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Report } from '../../rules/types.ts';
import { type Service, Town, until } from '../service/town.ts';
import { type Clock, openClock } from './clocks.ts';
import { groupsOf, passingFoldersIn, processesIn } from './left-behind.ts';
import type { Mailbox } from './mailbox.ts';
import { openSmallDisk, type SmallDisk } from './small-disk.ts';

export interface FleetOptions {
  /** Short: sockets live in it. */
  readonly dir: string;
  readonly tree: string;
  readonly mailbox: Mailbox;
  /** Of the entry that gets drafts. */
  readonly list: string;
  readonly limitMs: number;
  /** Over which the mails come. */
  readonly comingMs: number;
  /** What happens meanwhile; ends by itself. */
  readonly disturb?: (faults: FleetFaults) => Promise<void>;
}

/** What can be done to a running fleet. */
export interface FleetFaults {
  /** SIGKILL of a worker, and a new start. */
  killWorker(at: number): Promise<void>;
  /** SIGKILL of the service, with which its Redis goes, and a new start. */
  killService(): Promise<void>;
  /** SIGKILL of Redis, which the service starts again. False where there was none. */
  killRedis(): boolean;
  /** Takes all locks of jobs under way from their workers, as Redis does when its clock is set forward. How many. */
  expireLocks(): Promise<number>;
  /** Of a worker, or of the service (`WORKERS`). */
  setClock(at: number, seconds: number): void;
  /** The disk of the last worker: no byte is left, or it is as before. False where it has none of its own. */
  fillDisk(isFull: boolean): boolean;
}

export interface FleetCame {
  /** By the key of the series: JSON of the report, without the times that it took. */
  readonly reports: ReadonlyMap<string, string>;
  /** Keys whose report was written more than once. */
  readonly doubled: readonly string[];
  /** Starts of checks. */
  readonly starts: number;
  /** Jobs that went back to the queue: of dead workers, and after a fault of the machine. */
  readonly takenOver: number;
  readonly triedAgain: number;
  readonly bugs: readonly string[];
  /** Processes, folders and cgroups that were there after a regular end. */
  readonly left: readonly string[];
  readonly tookMs: number;
}

export const WORKERS = 3;
const DISK_MIB = 96;
const UP_MS = 120_000;
const LOOK_MS = 250;
/** Nothing changes for so long once all is done: what might still be doubled would come. */
const CALM_MS = 3000;

export async function runFleet({
  dir,
  tree,
  mailbox,
  list,
  limitMs,
  comingMs,
  disturb,
}: FleetOptions): Promise<FleetCame> {
  const town = await Town.build({ dir, tree, maintainer: 'drafts@example.com', list, maxPerDay: 1000 });
  const redis = join(dir, 'state/service/redis/redis.sock');
  const reports = join(dir, 'state/service/jobs/reports');
  mkdirSync(reports, { recursive: true });
  const written = countWritten(reports);
  const clocks = Array.from({ length: WORKERS + 1 }, (_, at) => openClock(join(dir, `clock-${at}`)));
  const homes = Array.from({ length: WORKERS }, (_, at) => join(dir, `w${at}`));
  for (const home of homes) mkdirSync(home);
  const disk = await openSmallDisk(homes.at(-1)!, DISK_MIB);
  const fleet = new Fleet(town, dir, redis, homes, clocks, disk);
  const began = performance.now();
  try {
    fleet.startAll();
    // a fault before there is work would be none
    await until(
      'a fleet that is up',
      () => fleet.isUp,
      UP_MS,
      () => fleet.tail,
    );
    const delivering = (async () => {
      const mails = [...mailbox.mails, ...mailbox.later.flatMap((later) => later.mails)];
      for (const { raw } of mails) {
        town.deliver(raw);
        await sleep(comingMs / mails.length);
      }
    })();
    await Promise.all([delivering, disturb?.(fleet)]);
    const keys = [...mailbox.expected.keys()];
    let calmSince = performance.now();
    while (performance.now() - calmSince < CALM_MS) {
      const open = keys.filter((key) => !existsSync(join(dir, `state/service/jobs/closed/${key}.json`)));
      if (open.length > 0) calmSince = performance.now();
      const { ended } = fleet;
      if (ended !== undefined) throw new Error(`it ended by itself:\n${ended.slice(-5000)}`);
      if (performance.now() - began > limitMs)
        throw new Error(`${open.length} of ${keys.length} series have no report: ${open.slice(0, 3)}\n${fleet.tail}`);
      await sleep(LOOK_MS);
    }
    const tookMs = performance.now() - began;
    await fleet.end();
    const folders = [...homes.slice(0, -1), disk?.outside ?? homes.at(-1)!, join(dir, 'state')].flatMap(
      passingFoldersIn,
    );
    await disk?.close();
    return {
      reports: new Map(keys.flatMap((key) => readReport(join(reports, `${key}.json`), key))),
      doubled: [...written.counts].filter(([, count]) => count > 1).map(([name]) => name),
      ...fleet.told(),
      left: [...folders, ...processesIn(`${dir}/w`), ...groupsOf(fleet.pids)],
      tookMs,
    };
  } finally {
    written.close();
    await town.close();
    await disk?.close();
  }
}

class Fleet implements FleetFaults {
  readonly #town: Town;
  readonly #dir: string;
  readonly #redis: string;
  readonly #homes: readonly string[];
  readonly #clocks: readonly Clock[];
  readonly #disk: SmallDisk | undefined;
  readonly #workers: Service[] = [];
  readonly #all: Service[] = [];
  #service: Service | undefined;

  constructor(
    town: Town,
    dir: string,
    redis: string,
    homes: readonly string[],
    clocks: readonly Clock[],
    disk: SmallDisk | undefined,
  ) {
    this.#town = town;
    this.#dir = dir;
    this.#redis = redis;
    this.#homes = homes;
    this.#clocks = clocks;
    this.#disk = disk;
  }

  startAll(): void {
    this.#startService();
    for (const [at, home] of this.#homes.entries()) {
      writeFileSync(
        this.#config(at),
        `[paths]\nstate = "${home}/state"\ncache = "${home}/cache"\n[queue]\nredis_url = "${this.#redis}"\n`,
      );
      this.#startWorker(at);
    }
  }

  /** Whether all have come to where they wait for work. */
  get isUp(): boolean {
    return [this.#service!, ...this.#workers].every((one) => /: waiting for series| serving: /.test(one.log()));
  }

  get pids(): number[] {
    return this.#all.map(({ pid }) => pid);
  }

  /** Log of one that ended though nobody ended it. */
  get ended(): string | undefined {
    return [this.#service!, ...this.#workers].find((one) => one.hasEnded())?.log();
  }

  get tail(): string {
    return [this.#service!, ...this.#workers].map((one) => one.log().slice(-2000)).join('\n---\n');
  }

  told(): Pick<FleetCame, 'starts' | 'takenOver' | 'triedAgain' | 'bugs'> {
    const lines = this.#all.flatMap((one) => one.log().split('\n'));
    const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
    return {
      starts: count(/: checking$/),
      takenOver: count(/its worker is gone/),
      triedAgain: count(/: attempt \d of \d failed/),
      bugs: lines.filter((line) => /bug of depbot|TypeError|ReferenceError/.test(line)),
    };
  }

  async end(): Promise<void> {
    for (const one of [...this.#workers, this.#service!]) await one.end('SIGTERM');
  }

  async killWorker(at: number): Promise<void> {
    await this.#workers[at]!.end('SIGKILL');
    this.#startWorker(at);
  }

  async killService(): Promise<void> {
    await this.#service!.end('SIGKILL');
    this.#startService();
  }

  killRedis(): boolean {
    const file = join(this.#dir, 'state/service/redis/redis.pid');
    if (!existsSync(file)) return false;
    try {
      return process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      return false;
    }
  }

  async expireLocks(): Promise<number> {
    const client = new Redis({ path: this.#redis, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      const locks = await client.keys('depbot:check:*:lock');
      return locks.length === 0 ? 0 : await client.del(...locks);
    } catch {
      // it is away at the moment
      return 0;
    } finally {
      client.disconnect();
    }
  }

  setClock(at: number, seconds: number): void {
    this.#clocks[at]!.set(seconds);
  }

  fillDisk(isFull: boolean): boolean {
    if (this.#disk === undefined) return false;
    if (isFull) this.#disk.fill();
    else this.#disk.free();
    return true;
  }

  #config(at: number): string {
    return join(this.#dir, `worker-${at}.toml`);
  }

  #startService(): void {
    const { env } = this.#clocks[WORKERS]!;
    this.#service = this.#town.start({ argv: ['serve', '--no-worker', '--config', this.#town.config], env });
    this.#all.push(this.#service);
  }

  #startWorker(at: number): void {
    const env = { ...this.#clocks[at]!.env, TMPDIR: join(this.#homes[at]!, 'tmp') };
    const through = at === WORKERS - 1 ? this.#disk?.through : undefined;
    const argv = ['worker', '--config', this.#config(at)];
    mkdirSync(env.TMPDIR.replace(this.#homes[at]!, through ? this.#disk!.outside : this.#homes[at]!), {
      recursive: true,
    });
    this.#workers[at] = this.#town.start({ argv, env, ...(through && { through }) });
    this.#all.push(this.#workers[at]);
  }
}

/** How often each file of a folder is put there. */
function countWritten(folder: string): { readonly counts: ReadonlyMap<string, number>; close(): void } {
  const counts = new Map<string, number>();
  const watcher = watch(folder, (event, name) => {
    if (event === 'rename' && name?.endsWith('.json')) counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  return { counts, close: () => watcher.close() };
}

function readReport(path: string, key: string): [string, string][] {
  if (!existsSync(path)) return [];
  const { tookMs: _, ...report } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  return [[key, JSON.stringify(report)]];
}
