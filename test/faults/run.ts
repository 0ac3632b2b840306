/** One run of `depbot serve` over a mailbox, undisturbed or with faults, to its end, and what came of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outgoingId } from '../../bot/outgoing.ts';
import { type Service, Town } from '../service/town.ts';
import type { Later, Mailbox } from './mailbox.ts';
import { type Passage, startProxy } from './proxy.ts';

export interface RunOptions {
  /** Short: sockets live in it. */
  readonly dir: string;
  readonly tree: string;
  readonly cacheDir: string;
  readonly mailbox: Mailbox;
  readonly lists: { readonly draft: string; readonly mail: string };
  readonly limitMs: number;
  /** What happens meanwhile; ends by itself. */
  readonly disturb?: (faults: Faults) => Promise<void>;
  readonly say: (text: string) => void;
}

/** What can be done to a running service. */
export interface Faults {
  /** SIGKILL, and a new start. */
  kill(): Promise<void>;
  /** How many series are done. */
  closed(): number;
  cutImap(): number;
  cutSmtp(): number;
  restartImap(): Promise<void>;
  restartSmtp(): Promise<void>;
  /** SIGKILL of Redis, which the service starts again. */
  killRedis(): void;
}

export interface Came {
  /** Keys of series with a report, or known to be superseded. */
  readonly checked: ReadonlySet<string>;
  /** The patch that each draft answers, and its text. */
  readonly drafts: readonly { readonly answers: string; readonly text: string }[];
  readonly mails: readonly {
    readonly answers: string;
    readonly text: string;
    readonly recipients: readonly string[];
  }[];
  /** Of the outbox, by reason. */
  readonly held: readonly string[];
  readonly maxMib: number;
  readonly tookMs: number;
  /** Lines of the log that name a bug. */
  readonly bugs: readonly string[];
}

export const MAINTAINERS = { draft: 'drafts@example.com', mail: 'mails@example.com' } as const;
/** The service is looked at, not the rules: nine tenths of the time of a series would be its builds. */
const NO_BUILD = '\n[check]\nbuild = false\n';
const BATCH = 50;
const BATCH_MS = 150;
const LOOK_MS = 250;
/** Between two looks how far the revisions are that a later one waits for. */
const FOLLOW_MS = 50;
/** Nothing changes for so long once all is done: what might still be doubled would come. */
const CALM_MS = 6000;

export async function runOnce(options: RunOptions): Promise<Came> {
  const { dir, tree, cacheDir, mailbox, lists, limitMs, disturb, say } = options;
  const proxies: Passage[] = [];
  const through = async (port: number): Promise<number> => {
    const proxy = await startProxy(port);
    proxies.push(proxy);
    return proxy.port;
  };
  const town = await Town.build({
    dir,
    tree,
    cacheDir,
    maintainer: MAINTAINERS.draft,
    list: lists.draft,
    through,
    settings: `\n[[maintainer]]\naddress = "${MAINTAINERS.mail}"\nlists = ["${lists.mail}"]\npaths = ["drivers/"]\nmode = "private"\nmax_per_day = 1000\n${NO_BUILD}`,
    maxPerDay: 1000,
  });
  const [imap, smtp] = proxies as [Passage, Passage];
  const began = performance.now();
  let service = town.serve();
  const logs: Service[] = [service];
  let maxKib = 0;
  const sampler = setInterval(() => {
    maxKib = Math.max(maxKib, residentKib(service.pid));
  }, LOOK_MS);
  try {
    const faults: Faults = {
      async kill() {
        await service.end('SIGKILL');
        service = town.serve();
        logs.push(service);
      },
      closed: () => closedKeys(dir).length,
      cutImap: () => imap.cut(),
      cutSmtp: () => smtp.cut(),
      async restartImap() {
        await town.stopDovecot();
        await town.startDovecot();
      },
      async restartSmtp() {
        await town.stopSmtp();
        await town.startSmtp();
      },
      killRedis() {
        const file = join(dir, 'state/service/redis/redis.pid');
        const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : 0;
        if (pid > 0) killIfThere(pid);
      },
    };
    const delivering = (async () => {
      for (let at = 0; at < mailbox.mails.length; at += BATCH) {
        for (const { raw } of mailbox.mails.slice(at, at + BATCH)) town.deliver(raw);
        await sleep(BATCH_MS);
      }
    })();
    const end = began + limitMs;
    const following = (async () => {
      let waiting = mailbox.later;
      while (waiting.length > 0 && performance.now() < end) {
        const due = waiting.filter((one) => isSoFar(dir, one));
        for (const { raw } of due.flatMap(({ mails }) => mails)) town.deliver(raw);
        waiting = waiting.filter((one) => !due.includes(one));
        await sleep(FOLLOW_MS);
      }
    })();
    await Promise.all([delivering, following, disturb?.(faults)]);
    let calmSince = performance.now();
    let before = '';
    for (;;) {
      const now = stateOf(dir, town);
      if (now !== before || !isDone(dir, mailbox)) calmSince = performance.now();
      before = now;
      if (performance.now() - calmSince > CALM_MS) break;
      if (performance.now() > end)
        throw new Error(`not done after ${limitMs / 1000} s: ${missing(dir, mailbox)}\n${service.log().slice(-5000)}`);
      if (service.hasEnded()) throw new Error(`the service ended:\n${service.log().slice(-5000)}`);
      await sleep(LOOK_MS);
    }
    say(`   ${((performance.now() - began) / 1000).toFixed(0)} s`);
    const outbox = join(dir, 'state/service/outbox');
    return {
      checked: new Set(closedKeys(dir)),
      drafts: town.drafts().map((text) => ({ answers: answersOf(text), text: text.replaceAll('\r\n', '\n') })),
      mails: town.mails.map(({ raw, recipients }) => {
        const text = raw.toString('utf8').replaceAll('\r\n', '\n');
        return { answers: answersOf(text), text, recipients };
      }),
      held: readdirSync(join(outbox, 'held'))
        .filter((name) => name.endsWith('.why'))
        .map((name) => readFileSync(join(outbox, 'held', name), 'utf8').trim()),
      maxMib: Math.round(maxKib / 1024),
      tookMs: performance.now() - began,
      bugs: logs.flatMap((one) =>
        one
          .log()
          .split('\n')
          .filter((line) => /bug of depbot|TypeError|ReferenceError/.test(line)),
      ),
    };
  } finally {
    clearInterval(sampler);
    await town.close();
    for (const proxy of proxies) await proxy.close();
  }
}

function closedKeys(dir: string): string[] {
  const folder = join(dir, 'state/service/jobs/closed');
  return existsSync(folder) ? readdirSync(folder).map((name) => name.replace(/\.json$/, '')) : [];
}

function missing(dir: string, { expected }: Mailbox): string {
  const closed = new Set(closedKeys(dir));
  const left = [...expected].filter(([key]) => !closed.has(key));
  return `${left.length} series: ${[...new Set(left.map(([, shape]) => shape))].join(', ')}`;
}

const BUSY = ['to-draft', 'drafting', 'to-send', 'sending', 'accepted'];

function isDone(dir: string, { expected }: Mailbox): boolean {
  const closed = new Set(closedKeys(dir));
  if (![...expected.keys()].every((key) => closed.has(key))) return false;
  const outbox = join(dir, 'state/service/outbox');
  return (
    BUSY.every((state) => readdirSync(join(outbox, state)).length === 0) &&
    readdirSync(join(outbox, 'withdrawn')).length === 0 &&
    !readdirSync(join(dir, 'state/service/commands/todo')).some((name) => name.endsWith('.json'))
  );
}

/** Changes whenever something happens. */
function stateOf(dir: string, town: Town): string {
  const outbox = join(dir, 'state/service/outbox');
  const counts = readdirSync(outbox).map((folder) => readdirSync(join(outbox, folder)).length);
  return JSON.stringify([closedKeys(dir).length, counts, town.mails.length]);
}

/** Whether a revision has come as far as the later one waits for. */
function isSoFar(dir: string, { when, key, answered }: Later): boolean {
  const state = join(dir, 'state/service');
  const hasJob = (folder: string): boolean => existsSync(join(state, 'jobs', folder, `${key}.json`));
  switch (when) {
    case 'opened':
      return hasJob('open') || hasJob('closed');
    case 'reported':
      return hasJob('reports');
    case 'out': {
      const replied = join(state, 'outbox/replied', outgoingId(answered));
      const reply = existsSync(replied) ? readFileSync(replied, 'utf8') : undefined;
      const isIn = (folder: string): boolean => existsSync(join(state, 'outbox', folder, `${reply}.eml`));
      return isIn('drafted') || isIn('sent');
    }
    default:
      return when satisfies never;
  }
}

function answersOf(text: string): string {
  return /^In-Reply-To:\s*<(.*)>/im.exec(text)?.[1] ?? '';
}

function residentKib(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return 0;
    throw error;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
