/**
 * The service: mailboxes -> mailroom -> docket and queue -> announcements -> outbox -> courier, and the desk beside it
 * for commands. All that must outlive a crash is on disk before the step after it; every step may be done twice. It is the
 * one place that knows all parts.
 */

import { join } from 'node:path';
import { type JobQueue, seriesKey } from '../queue/jobs.ts';
import type { Message, Series } from '../rules/types.ts';
import { announce } from './announce.ts';
import { type AnswerOptions, answer, reportText } from './answer.ts';
import { keepTrying, pause } from './back-off.ts';
import { Bell } from './bell.ts';
import { noteBounce } from './bounce.ts';
import { Courier } from './courier.ts';
import { Desk } from './desk.ts';
import { deedsOf } from './desk-deeds.ts';
import { Dismissed } from './dismissed.ts';
import { authenticate, dnsResolver } from './dkim.ts';
import { Docket } from './docket.ts';
import { openDrafts } from './drafts.ts';
import { whyStopped } from './emergency-stop.ts';
import { type Footer, footerOf } from './footer.ts';
import type { Received } from './inbox.ts';
import { seriesOfJob } from './job-series.ts';
import type { Log } from './log.ts';
import { MailStore } from './mail-store.ts';
import { Mailboxes } from './mailboxes.ts';
import { Mailroom, oldestDay } from './mailroom.ts';
import type { World } from './main.ts';
import { type Telling, tellDropped, tellHeld, tellOvertaken } from './not-sent.ts';
import { OpenJobs } from './open-jobs.ts';
import { OptIns } from './opt-in.ts';
import { Outbox } from './outbox.ts';
import { sweepOutbox } from './outbox-sweep.ts';
import { type Outgoing, othersOf } from './outgoing.ts';
import { isOptedIn, type Maintainer, type Policy } from './policy.ts';
import { preview } from './preview.ts';
import { openProse } from './prose.ts';
import { mailsOf } from './series.ts';
import type { ServeSettings } from './serve-settings.ts';
import { openSmtp } from './smtp.ts';
import { Stopped } from './stopped.ts';
import { lineageOfEarlier } from './superseded.ts';
import type { TreeMaintainers } from './tree-maintainers.ts';
import { type Unwanted, whyNotShown, whyUnwanted } from './wanted.ts';

/** Between two rounds when nothing happens. */
const IDLE_MS = 5000;
const DAY_MS = 24 * 60 * 60_000;
const KEEP_REPORTS_DAYS = 90;

export interface ServiceParts {
  readonly settings: ServeSettings;
  /** Folder of the service's own. */
  readonly state: string;
  readonly log: Log;
  readonly world: Pick<World, 'date' | 'now' | 'stop'>;
  readonly queue: JobQueue;
  readonly maintainers: Pick<TreeMaintainers, 'current'>;
}

export class Service {
  readonly #settings: ServeSettings;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #queue: JobQueue;
  readonly #mailroom: Mailroom;
  readonly #store: MailStore;
  readonly #docket: Docket;
  readonly #outboxDir: string;
  readonly #outbox: Outbox;
  readonly #courier: Courier;
  readonly #drafts: ReturnType<typeof openDrafts> | undefined;
  readonly #desk: Desk;
  readonly #stopped: Stopped;
  readonly #optIns: OptIns;
  readonly #dismissed: Dismissed;
  readonly #maintainers: Pick<TreeMaintainers, 'current'>;
  readonly #footer: Footer;
  readonly #prose: ReturnType<typeof openProse> | undefined;
  readonly #resolver: ReturnType<typeof dnsResolver>;
  readonly #jobs: OpenJobs;
  readonly #mailboxes: Mailboxes;
  readonly #bell = new Bell();

  constructor({ settings, state, log, world, queue, maintainers }: ServiceParts) {
    const now = world.date;
    this.#maintainers = maintainers;
    this.#settings = settings;
    this.#log = log;
    this.#now = now;
    this.#queue = queue;
    this.#store = new MailStore(join(state, 'mail'), oldestDay(now(), settings.windowDays));
    this.#mailroom = new Mailroom({ store: this.#store, windowDays: settings.windowDays, log, now });
    this.#docket = new Docket(join(state, 'jobs'));
    this.#jobs = new OpenJobs({
      queue,
      docket: this.#docket,
      bell: this.#bell,
      log,
      now,
      elapsed: world.now,
      windowDays: settings.windowDays,
      announce: (series, key) => this.#announce(series, key),
    });
    this.#mailboxes = new Mailboxes({
      settings,
      store: this.#store,
      log,
      now,
      take: (mails) => this.#take(mails),
      onNews: () => this.#bell.ring(),
    });
    this.#outboxDir = join(state, 'outbox');
    this.#outbox = new Outbox(this.#outboxDir, log);
    this.#stopped = new Stopped(join(state, 'stopped'));
    this.#optIns = new OptIns(join(state, 'asked-by-mail.json'), now);
    this.#dismissed = new Dismissed(join(state, 'dismissed.json'), now);
    this.#footer = footerOf(settings.bot);
    this.#prose = settings.prose && openProse(settings.prose, log);
    this.#resolver = dnsResolver(settings.dnsServers === undefined ? {} : { servers: settings.dnsServers });
    this.#drafts = settings.drafts && openDrafts({ ...settings.drafts, log, signal: world.stop });
    this.#courier = new Courier({
      outbox: this.#outbox,
      drafts: this.#drafts,
      smtp: openSmtp(settings.smtp),
      copies: (messageId) => this.#store.raws(messageId),
      readSince: () => this.#mailboxes.readSince(),
      stopped: () => this.#stopped.addresses,
      stoppedSections: () => this.#stopped.sections,
      whyUnwanted: (meta) => this.#whyUnwanted(meta),
      halted: () => whyStopped(state, settings.path),
      onFiled: (draft) => preview(draft, this.#outbox.read(draft.id), this.#answering()),
      onDropped: (meta, why) => tellDropped(meta, why, this.#telling()),
      onHeld: (meta, why) => tellHeld(meta, why, this.#telling()),
      onOvertaken: (meta) => tellOvertaken(meta, this.#telling()),
      lookMs: settings.lookMs,
      now,
      log,
    });
    this.#desk = new Desk(join(state, 'commands'), settings.bot.address, this.#hands(), log);
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#queue.onChange(() => this.#bell.ring());
    void this.#tryServers();
    // Each by itself: a name server that is slow must not keep a reply, nor Redis an answer.
    await Promise.all([
      this.#mailboxes.watch(signal),
      this.#loop('commands', signal, async () => void (await this.#desk.round())),
      this.#loop('series', signal, () => this.#jobs.round()),
      this.#loop('outbox', signal, () => this.#courier.round()),
      this.#sweepDaily(signal),
    ]);
  }

  async close(): Promise<void> {
    await this.#drafts?.close();
  }

  #take(mails: readonly Received[]): void {
    for (const { raw } of mails) noteBounce(raw, this.#outbox, this.#log);
    const messages = this.#mailroom.take(mails);
    for (const message of messages) this.#outbox.noteSentByHand(message);
    this.#desk.take(messages);
    for (const { old, by } of this.#mailroom.supersededBy(messages)) this.#withdraw(old, by.subject);
    for (const series of this.#mailroom.seriesWith(messages)) {
      this.#withdrawEarlier(series);
      this.#openOrReopen(series, messages);
    }
  }

  #loop(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    return keepTrying({ what, log: this.#log, signal }, async (settled) => {
      const rung = this.#bell.next();
      await work();
      settled();
      await Promise.race([rung, pause(this.#restMs(), signal)]);
    });
  }

  #restMs(): number {
    const next = this.#courier.nextRoundAt();
    return next === undefined ? IDLE_MS : Math.min(IDLE_MS, Math.max(100, next.getTime() - this.#now().getTime()));
  }

  #sweepDaily(signal: AbortSignal): Promise<void> {
    return keepTrying({ what: 'sweep', log: this.#log, signal }, async (settled) => {
      const windowStart = oldestDay(this.#now(), this.#settings.windowDays);
      this.#store.sweep(windowStart);
      this.#docket.sweep(windowStart, oldestDay(this.#now(), KEEP_REPORTS_DAYS));
      const doneBefore = new Date(this.#now().getTime() - this.#settings.keepDays * DAY_MS);
      sweepOutbox(this.#outboxDir, doneBefore);
      this.#desk.sweep(doneBefore);
      settled();
      await pause(DAY_MS, signal);
    });
  }

  #authenticate(raw: Uint8Array, maxAgeMs: number): ReturnType<typeof authenticate> {
    const { arcHosts } = this.#settings;
    return authenticate(raw, { resolver: this.#resolver, now: this.#now(), maxAgeMs, arcHosts });
  }

  /** A patch may wait for days: its signature does not grow old. */
  readonly #authenticatePatch = (raw: Uint8Array): ReturnType<typeof authenticate> =>
    this.#authenticate(raw, Number.POSITIVE_INFINITY);

  /** Says at the start what would else come out with the first mail. */
  async #tryServers(): Promise<void> {
    await this.#drafts?.find(`start@${this.#settings.bot.address}`).catch((error: Error) => {
      this.#log.warn(`${error.message} (drafts will wait for it)`);
    });
  }

  get #entries(): readonly Maintainer[] {
    return [...this.#settings.maintainers, ...this.#optIns.entries];
  }

  async #policy(): Promise<Policy> {
    return {
      entries: this.#entries,
      maintainers: await this.#maintainers.current(),
      stoppedAddresses: this.#stopped.addresses,
      stoppedEntries: this.#stopped.entries,
      stoppedSections: this.#stopped.sections,
    };
  }

  /** Why a mail that waits would not be made today. Throws DamagedFileError, and where the tree cannot be read. */
  async #whyUnwanted(mail: Outgoing): Promise<Unwanted | undefined> {
    if (mail.kind === 'answer') return undefined;
    if (mail.kind === 'notice') {
      const other = othersOf(mail).find((address) => !isOptedIn(address, this.#entries));
      return other === undefined ? undefined : { why: `${other} has no entry any more`, act: 'discard' };
    }
    const reply = mail.kind === 'preview' ? this.#outbox.find(mail.answers)?.meta : mail;
    const job = reply?.series === undefined ? undefined : this.#docket.job(reply.series);
    const report = job && this.#docket.report(job.key);
    const act = mail.kind === 'preview' ? 'discard' : 'hold';
    if (!reply || !job || !report)
      return { why: 'it has waited for so long that its series is not kept any more', act };
    const found = await this.#mailroom.toAnswer(seriesOfJob(job), this.#authenticatePatch);
    if (!found.ok) return { why: found.why, act };
    if (!found.isAsChecked) return { why: 'it answers a forged copy of the patch', act };
    const waiting = { series: found.series, report, policy: await this.#policy(), dismissed: this.#dismissed };
    return mail.kind === 'preview' ? whyNotShown(mail, reply, waiting) : whyUnwanted(reply, waiting);
  }

  /** Replies that wait outlive the window of days in which mails are kept, and with them what the mailroom can tell. */
  #withdrawEarlier(series: Series): void {
    const listIds = mailsOf(series).flatMap((message) => message.listIds);
    for (const key of this.#outbox.withdrawEarlier(lineageOfEarlier(series), series.revision, listIds))
      this.#log.info(`series ${key}: its replies are withdrawn; ${series.subject} supersedes it`);
  }

  /** Nobody wants to hear of a series that has a later revision: no draft, no mail, no work. */
  #withdraw(old: Series, by: string): void {
    const answered = this.#outbox.seriesAnswering(old.patches.map(({ message }) => message.messageId));
    for (const key of new Set([...keysOf(old), ...answered])) this.#withdrawKey(key, old, by);
  }

  #withdrawKey(key: string, old: Series, by: string): void {
    if (!this.#docket.isKnown(key)) return;
    this.#outbox.withdraw(key);
    if (this.#docket.isClosed(key)) return;
    this.#log.info(`${old.subject}: not checked further; ${by} supersedes it`);
    this.#jobs.withdraw(key, old, `${by} supersedes it`);
  }

  /** One that is done is looked at again where a copy has come that says something else than the ones before. */
  #openOrReopen(series: Series, messages: readonly Message[]): void {
    const opened = this.#jobs.open(series);
    if (!opened.ok || !this.#docket.isClosed(opened.key) || !this.#mailroom.isDisputed(series, messages)) return;
    this.#docket.reopen(opened.key);
    this.#bell.ring();
  }

  #telling(): Telling {
    return { ...this.#answering(), stopped: this.#stopped.addresses };
  }

  #answering(): AnswerOptions {
    const { bot } = this.#settings;
    return {
      outbox: this.#outbox,
      bot: bot.address,
      footer: this.#footer,
      log: this.#log,
      now: this.#now,
      ...(bot.templates_dir !== undefined && { templatesDir: bot.templates_dir }),
    };
  }

  async #announce(checked: Series, key: string): Promise<'done' | 'check again'> {
    const found = await this.#mailroom.toAnswer(checked, this.#authenticatePatch);
    if (found.ok && !found.isAsChecked && !this.#isAnswered(found.series) && (await this.#jobs.replace(found.series)))
      return 'check again';
    if (found.ok && found.isAsChecked)
      await announce(found.series, this.#docket.report(key)!, key, this.#announcing(key));
    else if (!found.ok && found.retry && this.#isReportOfToday(key)) throw new Error(found.why);
    else this.#log.warn(`${checked.subject}: not answered: ${found.ok ? 'a forged copy was' : found.why}`);
    return 'done';
  }

  #isAnswered({ patches }: Series): boolean {
    return this.#outbox.hasReplyTo(patches.map(({ message }) => message.messageId));
  }

  #isReportOfToday(key: string): boolean {
    return this.#now().getTime() - (this.#docket.writtenAt(key)?.getTime() ?? 0) < DAY_MS;
  }

  #announcing(key: string): Parameters<typeof announce>[3] {
    const { bot, sendUnbuilt } = this.#settings;
    return {
      outbox: this.#outbox,
      sendUnbuilt,
      policy: () => this.#policy(),
      dismissed: this.#dismissed,
      isCurrent: () => !this.#docket.isClosed(key),
      isAutoSubmitted: bot.auto_submitted,
      bot: bot.address,
      log: this.#log,
      now: this.#now,
      footer: this.#footer,
      ...(bot.templates_dir !== undefined && { templatesDir: bot.templates_dir }),
      ...(this.#prose && { prose: this.#prose }),
    };
  }

  #hands(): ConstructorParameters<typeof Desk>[2] {
    const { bot, maxCommandAgeMs, drafts } = this.#settings;
    const answering = this.#answering();
    return {
      ...deedsOf({
        outbox: this.#outbox,
        courier: this.#courier,
        stopped: this.#stopped,
        optIns: this.#optIns,
        dismissed: this.#dismissed,
        maintainers: this.#maintainers,
        configured: this.#settings.maintainers,
        answered: (references) => this.#mailroom.answered(references),
        check: (series, asked, isMaintainer) => this.#jobs.openAtOnce(series, asked, isMaintainer),
        hasDrafts: drafts !== undefined,
        log: this.#log,
      }),
      now: this.#now,
      authenticate: (raw) => this.#authenticate(raw, maxCommandAgeMs),
      raws: (messageId) => this.#store.raws(messageId),
      report: (key) => this.#jobs.reportOf(key),
      answer: (command, seed, paragraphs) => {
        const despiteStop = this.#stopped.addresses.has(command.from.address.toLowerCase());
        answer(command, seed, paragraphs, answering, despiteStop ? { despiteStop } : {});
      },
      reportText: (series, report, detail) => reportText(series, report, this.#footer, bot.templates_dir, detail),
    };
  }
}

/** Under which a series may be known: its cover letter may have come after its patches were complete. */
function keysOf(series: Series): string[] {
  const { cover: _, ...bare } = series;
  return [seriesKey(series), seriesKey(bare)];
}
