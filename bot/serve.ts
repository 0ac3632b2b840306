/**
 * `depbot serve`: mailboxes -> mailroom -> docket and queue -> worker -> announcements -> outbox -> courier, and the
 * desk beside it for commands. All that must outlive a crash is on disk before the step after it; every step may
 * be done twice.
 */

import { join } from 'node:path';
import { type JobQueue, openQueue } from '../queue/bullmq.ts';
import { jobOf } from '../queue/jobs.ts';
import { withLock } from '../queue/provision-lock.ts';
import { type RedisAddress, startRedis } from '../queue/redis-server.ts';
import { setToolPath } from '../queue/sandbox.ts';
import type { Message, Outcome, Report, Series } from '../rules/types.ts';
import { announce } from './announce.ts';
import { answer, reportText } from './answer.ts';
import { keepTrying, pause } from './back-off.ts';
import { type Config, readConfigFile, stateDir } from './config.ts';
import { Courier } from './courier.ts';
import { Desk } from './desk.ts';
import { authenticate, dnsResolver } from './dkim.ts';
import { Docket } from './docket.ts';
import { openDrafts } from './drafts.ts';
import { watchMailbox } from './inbox.ts';
import { seriesOfJob } from './job-series.ts';
import { type Log, openLog } from './log.ts';
import { MailStore } from './mail-store.ts';
import { Mailroom, oldestDay } from './mailroom.ts';
import type { World } from './main.ts';
import { Outbox } from './outbox.ts';
import { isOptedIn } from './policy.ts';
import { openProse } from './prose.ts';
import { type Footer, STOP_SENTENCE } from './reply.ts';
import { type ServeSettings, serveSettings } from './serve-settings.ts';
import { openSmtp } from './smtp.ts';
import { Stopped } from './stopped.ts';
import { openWorker } from './worker-command.ts';

export interface ServeArguments {
  readonly config?: string;
  /** false for `--no-worker`. */
  readonly worker: boolean;
}

/** Between two rounds when nothing happens. */
const IDLE_MS = 5000;

/** Runs until `world.stop` aborts. Throws ConfigError, or what keeps it from starting at all. */
export async function runServe(args: ServeArguments, world: World): Promise<number> {
  if (world.env['PATH']) setToolPath(world.env['PATH']);
  const config = readConfigFile(args.config);
  const settings = serveSettings(config, world.env, args.config ?? 'the configuration');
  const state = join(stateDir(config, world.env), 'service');
  const log = openLog(world.stderr, world.date);
  await withLock(
    join(state, 'lock'),
    () => serve({ args, config, settings, state, log, world }),
    () => log.warn(`another depbot serve uses ${state}; waiting for it to stop`),
  );
  return 0;
}

interface Start {
  readonly args: ServeArguments;
  readonly config: Config;
  readonly settings: ServeSettings;
  readonly state: string;
  readonly log: Log;
  readonly world: World;
}

async function serve({ args, config, settings, state, log, world }: Start): Promise<void> {
  const { stop: signal } = world;
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const redis = await redisOf(settings, state, log, world, closing);
    const queue = openQueue(redis, log);
    closing.unshift(() => queue.close());
    if (args.worker) {
      const worker = await openWorker({
        redis,
        alone: settings.redisUrl === undefined,
        treeDir: settings.treeDir,
        config,
        world,
        log,
      });
      closing.unshift(() => worker.close());
    }
    const service = new Service(settings, state, log, world, queue);
    closing.unshift(() => service.close());
    log.info(`serving: ${settings.mailboxes.length} mailboxes, ${settings.maintainers.length} maintainers opted in`);
    await service.run(signal);
    log.info('stopping');
  } finally {
    for (const close of closing) await close();
  }
}

/** The Redis of the configuration, or one of our own, which is started again should it die. */
async function redisOf(
  settings: ServeSettings,
  state: string,
  log: Log,
  world: World,
  closing: (() => Promise<unknown>)[],
): Promise<RedisAddress> {
  if (settings.redisUrl !== undefined) return { url: settings.redisUrl };
  const options = { dir: join(state, 'redis'), log, searchPath: world.env['PATH'] ?? '' };
  let server = await startRedis(options);
  const { path } = server;
  const ending = new AbortController();
  const watching = keepTrying({ what: 'Redis', log, signal: ending.signal }, async (settled) => {
    const status = await server.exited;
    if (ending.signal.aborted) return;
    log.warn(`Redis ended (status ${status}); starting it again`);
    const next = await startRedis(options);
    // Everybody who uses it knows this path.
    if (next.path !== path) throw new Error(`its socket would move from ${path} to ${next.path}`);
    server = next;
    settled();
  });
  closing.unshift(async () => {
    ending.abort();
    await server.close();
    await watching;
  });
  return { path };
}

class Service {
  readonly #settings: ServeSettings;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #queue: JobQueue;
  readonly #mailroom: Mailroom;
  readonly #store: MailStore;
  readonly #docket: Docket;
  readonly #outbox: Outbox;
  readonly #courier: Courier;
  readonly #drafts: ReturnType<typeof openDrafts> | undefined;
  readonly #desk: Desk;
  readonly #stopped: Stopped;
  readonly #footer: Footer;
  readonly #prose: ReturnType<typeof openProse> | undefined;
  /** Jobs that the queue has from us since the start. */
  readonly #queued = new Set<string>();
  #wake: () => void = () => undefined;

  constructor(settings: ServeSettings, state: string, log: Log, world: World, queue: JobQueue) {
    const now = world.date;
    this.#settings = settings;
    this.#log = log;
    this.#now = now;
    this.#queue = queue;
    this.#store = new MailStore(join(state, 'mail'), oldestDay(now(), settings.windowDays));
    this.#mailroom = new Mailroom({ store: this.#store, windowDays: settings.windowDays, log, now });
    this.#docket = new Docket(join(state, 'jobs'));
    this.#outbox = new Outbox(join(state, 'outbox'), log);
    this.#stopped = new Stopped(join(state, 'stopped'));
    const { operator, contact } = settings.bot;
    this.#footer = { operator, stop: STOP_SENTENCE, ...(contact !== undefined && { contact }) };
    this.#prose = settings.prose && openProse(settings.prose, log);
    this.#drafts = settings.drafts && openDrafts({ ...settings.drafts, log, signal: world.stop });
    this.#courier = new Courier({
      outbox: this.#outbox,
      drafts: this.#drafts,
      smtp: openSmtp(settings.smtp),
      hasArrived: (messageId) => this.#store.has(messageId),
      lookMs: settings.lookMs,
      now,
      log,
    });
    this.#desk = new Desk(join(state, 'commands'), settings.bot.address, this.#hands(), log);
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#queue.onChange(() => this.#wake());
    const watching = this.#settings.mailboxes.map(({ account, folder }) => {
      const name = `${account.name}/${folder}`;
      return watchMailbox({
        account,
        folder,
        firstDays: this.#settings.firstDays,
        pollMs: this.#settings.pollMs,
        signal,
        log: this.#log,
        now: this.#now,
        load: () => this.#store.position(name),
        record: async (mails, position) => {
          const messages = this.#mailroom.take(mails);
          this.#desk.take(messages);
          for (const series of this.#mailroom.seriesWith(messages)) this.#open(series);
          this.#store.savePosition(name, position);
          this.#wake();
        },
      });
    });
    await Promise.all([...watching, this.#rounds(signal)]);
  }

  async close(): Promise<void> {
    await this.#drafts?.close();
  }

  /** One thing after the other: commands, the queue, mails that go out. */
  async #rounds(signal: AbortSignal): Promise<void> {
    await keepTrying({ what: 'service', log: this.#log, signal }, async (settled) => {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#desk.round();
      await this.#collect();
      await this.#courier.round();
      settled();
      await Promise.race([woken, pause(this.#restMs(), signal)]);
    });
  }

  #restMs(): number {
    const next = this.#courier.nextRoundAt();
    return next === undefined ? IDLE_MS : Math.min(IDLE_MS, Math.max(100, next.getTime() - this.#now().getTime()));
  }

  #open(series: Series): Outcome<{ key: string }, { why: string }> {
    const made = jobOf(series);
    if (!made.ok) {
      this.#log.warn(`${series.subject}: not checked: ${made.why}`);
      return made;
    }
    if (this.#docket.open(made.job)) this.#log.info(`${series.subject}: complete, to be checked`);
    return { ok: true, key: made.job.key };
  }

  /** Open jobs into the queue; reports out of it, and what they say into the outbox. */
  async #collect(): Promise<void> {
    for (const key of this.#docket.openKeys()) {
      const job = this.#docket.job(key)!;
      if (this.#docket.report(key) === undefined) {
        if (!this.#queued.has(key)) {
          await this.#queue.add(job);
          this.#queued.add(key);
        }
        const result = await this.#queue.result(key);
        if (result.state === 'unknown') this.#queued.delete(key);
        if (result.state === 'failed') this.#docket.keepReport(key, failed(seriesOfJob(job), result.why));
        if (result.state === 'done') this.#docket.keepReport(key, result.result.report);
        if (result.state !== 'done' && result.state !== 'failed') continue;
      }
      await announce(seriesOfJob(job), this.#docket.report(key)!, key, this.#announcing());
      this.#docket.close(key);
      await this.#queue.forget(key);
      this.#queued.delete(key);
    }
  }

  #announcing(): Parameters<typeof announce>[3] {
    const { bot, maintainers } = this.#settings;
    return {
      outbox: this.#outbox,
      maintainers,
      bot: bot.address,
      stopped: () => this.#stopped.addresses,
      log: this.#log,
      now: this.#now,
      footer: this.#footer,
      ...(bot.templates_dir !== undefined && { templatesDir: bot.templates_dir }),
      ...(this.#prose && { prose: this.#prose }),
    };
  }

  #hands(): ConstructorParameters<typeof Desk>[2] {
    const { bot, maintainers, dnsServers, maxCommandAgeMs } = this.#settings;
    const resolver = dnsResolver(dnsServers === undefined ? {} : { servers: dnsServers });
    const answering = {
      outbox: this.#outbox,
      bot: bot.address,
      footer: this.#footer,
      log: this.#log,
      now: this.#now,
      ...(bot.templates_dir !== undefined && { templatesDir: bot.templates_dir }),
    };
    return {
      isOptedIn: (address) => isOptedIn(address, maintainers),
      authenticate: (raw) => authenticate(raw, { resolver, now: this.#now(), maxAgeMs: maxCommandAgeMs }),
      raw: (messageId) => this.#store.raw(messageId),
      answered: (references) => this.#mailroom.answered(references),
      check: (series) => this.#open(series),
      report: (key) => {
        const [job, report] = [this.#docket.job(key), this.#docket.report(key)];
        return job && report && this.#docket.isClosed(key) ? { series: seriesOfJob(job), report } : undefined;
      },
      draftOwners: (messageId) => {
        const found = this.#outbox.find(messageId);
        return found?.meta.via === 'draft' ? found.meta.maintainers : undefined;
      },
      send: (messageId) => this.#courier.approve(messageId),
      discard: (messageId) => this.#courier.discard(messageId),
      stop: (address) => this.#stopped.add(address),
      answer: (command: Message, seed, paragraphs) => answer(command, seed, paragraphs, answering),
      reportText: (series, report) => reportText(series, report, this.#footer, bot.templates_dir),
    };
  }
}

/** A series that the worker could not get through, after all its attempts: said to who asks, kept, never mailed. */
function failed(series: Series, why: string): Report {
  const { id, revision, subject, author, oddities } = series;
  return {
    schema: 1,
    series: {
      id,
      revision,
      subject,
      author,
      patches: series.patches.map(({ n, title, message }) => ({ n, title, messageId: message.messageId })),
      oddities,
    },
    cannotCheck: { stage: 'worker', why },
    findings: [],
    checked: { rules: [], archs: [], configs: 0, changedFiles: [], changedSymbols: [] },
    dropped: [],
    tookMs: {},
  };
}
