/**
 * The service: mailboxes -> mailroom -> docket and queue -> announcements -> outbox -> courier, and the desk beside it
 * for commands. All that must outlive a crash is on disk before the step after it; every step may be done twice. (Above 400 lines: it is
 * the one place that knows all parts.)
 */

import { join } from 'node:path';
import { type JobQueue, jobOf, seriesKey } from '../queue/jobs.ts';
import { uncheckedReport } from '../queue/report.ts';
import type { Message, Outcome, Report, Series } from '../rules/types.ts';
import { announce } from './announce.ts';
import { answer, reportText } from './answer.ts';
import type { AskedCheck } from './asked-check.ts';
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
import { watchMailbox } from './inbox.ts';
import { seriesOfJob } from './job-series.ts';
import { unbuilt } from './left-open.ts';
import type { Log } from './log.ts';
import { MailStore } from './mail-store.ts';
import { Mailroom, oldestDay } from './mailroom.ts';
import type { World } from './main.ts';
import { OptIns } from './opt-in.ts';
import { Outbox } from './outbox.ts';
import { sweepOutbox } from './outbox-sweep.ts';
import { type Outgoing, othersOf } from './outgoing.ts';
import { isOptedIn, type Maintainer, type Policy } from './policy.ts';
import { preview, shownIn } from './preview.ts';
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
/** Before a series is tried again that no worker got through, and that could not be announced; the wait doubles. */
const RETRY_MS = 10 * 60_000;
const MOST_RETRY_MS = 6 * 60 * 60_000;
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
  readonly #elapsed: () => number;
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
  /** Jobs that the queue has from us since the start. */
  readonly #queued = new Set<string>();
  /** Jobs that nobody needs any more, and that the queue may still have. */
  readonly #done = new Set<string>();
  /** Series that wait after a failure: until when, in milliseconds of a clock that nobody sets, and how long they waited. */
  readonly #resting = new Map<string, { until: number; waitMs: number }>();
  /** By mailbox, the moment of its last catch-up, and a moment up to which all of it has been read. */
  readonly #read = new Map<string, { caughtUp: Date; readTo: Date | undefined }>();
  /** When a series that had failed was asked for. */
  readonly #askedAt = new Map<string, Date>();
  /** Jobs that a maintainer asked for. */
  readonly #urgent = new Set<string>();
  readonly #bell = new Bell();
  /** Mailboxes that are watched, by name, and the watches that were begun since the start. */
  readonly #watched = new Set<string>();
  readonly #laterWatches: Promise<void>[] = [];

  constructor({ settings, state, log, world, queue, maintainers }: ServiceParts) {
    const now = world.date;
    this.#maintainers = maintainers;
    this.#settings = settings;
    this.#log = log;
    this.#now = now;
    this.#elapsed = world.now;
    this.#queue = queue;
    this.#store = new MailStore(join(state, 'mail'), oldestDay(now(), settings.windowDays));
    this.#mailroom = new Mailroom({ store: this.#store, windowDays: settings.windowDays, log, now });
    this.#docket = new Docket(join(state, 'jobs'));
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
      readSince: () => this.#readSince(),
      stopped: () => this.#stopped.addresses,
      stoppedSections: () => this.#stopped.sections,
      whyUnwanted: (meta) => this.#whyUnwanted(meta),
      halted: () => whyStopped(state, settings.path),
      onFiled: (draft) => preview(draft, this.#outbox.read(draft.id), this.#answering()),
      onDropped: (meta, why) => this.#tellDropped(meta, why),
      onHeld: (meta, why) => this.#tellHeld(meta, why),
      onOvertaken: (meta) => this.#tellOvertaken(meta),
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
      ...this.#settings.mailboxes.map((mailbox) => this.#watch(mailbox, signal)),
      this.#loop('commands', signal, async () => void (await this.#desk.round())),
      this.#loop('series', signal, () => this.#collect()),
      this.#loop('outbox', signal, () => this.#courier.round()),
      this.#sweepDaily(signal),
    ]);
    await Promise.all(this.#laterWatches);
  }

  async close(): Promise<void> {
    await this.#drafts?.close();
  }

  #watch({ account, folder }: ServeSettings['mailboxes'][number], signal: AbortSignal, after?: string): Promise<void> {
    const name = `${account.name}/${folder}`;
    this.#watched.add(name);
    return watchMailbox({
      account,
      folder,
      firstDays: this.#settings.firstDays,
      ...(after !== undefined && { after }),
      pollMs: this.#settings.pollMs,
      signal,
      log: this.#log,
      now: this.#now,
      load: () => this.#store.position(name),
      record: async (mails, position) => {
        for (const { raw } of mails) noteBounce(raw, this.#outbox, this.#log);
        const messages = this.#mailroom.take(mails);
        for (const message of messages) this.#outbox.noteSentByHand(message);
        this.#desk.take(messages);
        for (const { old, by } of this.#mailroom.supersededBy(messages)) this.#withdraw(old, by.subject);
        for (const series of this.#mailroom.seriesWith(messages)) {
          this.#withdrawEarlier(series);
          this.#openOrReopen(series, messages);
        }
        this.#store.savePosition(name, position);
        this.#bell.ring();
      },
      onNextSlice: (next, last) => {
        if (!this.#watched.has(`${account.name}/${next}`))
          this.#laterWatches.push(this.#watch({ account, folder: next }, signal, last));
      },
      // What came before the last catch-up was there for this one.
      onCaughtUp: () => {
        this.#read.set(name, { caughtUp: this.#now(), readTo: this.#read.get(name)?.caughtUp });
        this.#bell.ring();
      },
    });
  }

  /** The moment up to which all mailboxes have been read; undefined while one has not been. */
  #readSince(): Date | undefined {
    const moments = this.#settings.mailboxes.map(
      ({ account, folder }) => this.#read.get(`${account.name}/${folder}`)?.readTo,
    );
    return moments.every((moment) => moment !== undefined)
      ? new Date(Math.min(...moments.map((moment) => moment.getTime())))
      : undefined;
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
    // Somebody may wait for the report.
    this.#docket.keepReport(key, uncheckedReport(old, { stage: 'input', why: `${by} supersedes it` }));
    this.#docket.close(key);
    this.#done.add(key);
    this.#bell.ring();
  }

  /** One that is done is looked at again where a copy has come that says something else than the ones before. */
  #openOrReopen(series: Series, messages: readonly Message[]): void {
    const opened = this.#open(series);
    if (!opened.ok || !this.#docket.isClosed(opened.key) || !this.#mailroom.isDisputed(series, messages)) return;
    this.#docket.reopen(opened.key);
    this.#bell.ring();
  }

  #open(series: Series, asked?: AskedCheck['asked']): Outcome<{ key: string }, { why: string }> {
    const made = jobOf(series, asked);
    if (!made.ok) {
      this.#log.warn(`${series.subject}: not checked: ${made.why}`);
      return made;
    }
    if (this.#docket.open(made.job)) this.#log.info(`${series.subject}: complete, to be checked`);
    return { ok: true, key: made.job.key };
  }

  /**
   * As #open, for somebody who waits: what rests after a failure is tried now, and what could not be built once more.
   * What nobody but the sender asked for is a job with wishes, if with none: its report goes to the sender, and no
   * reply to anybody.
   */
  #openAtOnce(
    series: Series,
    asked: AskedCheck['asked'],
    isMaintainer: boolean,
  ): Outcome<{ key: string }, { why: string }> {
    const own = seriesKey(series);
    const isAnswered = this.#docket.isKnown(own) && !this.#isUnbuilt(own);
    const opened = this.#open(series, asked ?? (isAnswered ? undefined : {}));
    if (opened.ok && this.#isUnbuilt(opened.key)) {
      this.#docket.repeat(opened.key);
      this.#queued.delete(opened.key);
      // what the queue still has of it
      this.#done.add(opened.key);
      this.#bell.ring();
    }
    if (opened.ok && isMaintainer && !this.#docket.isClosed(opened.key)) {
      this.#urgent.add(opened.key);
      // into the queue once more, which puts it first there
      this.#queued.delete(opened.key);
      this.#bell.ring();
    }
    if (opened.ok && this.#docket.failure(opened.key)) {
      this.#resting.delete(opened.key);
      this.#askedAt.set(opened.key, this.#now());
      this.#bell.ring();
    }
    return opened;
  }

  /** Whether no worker got through it, or something kept it from being built. */
  #isUnbuilt(key: string): boolean {
    const report = this.#docket.isClosed(key) ? this.#docket.report(key) : undefined;
    return report !== undefined && (report.cannotCheck?.stage === 'worker' || unbuilt(report).length > 0);
  }

  /** The report of a series, or that it could not be checked since it was asked for. */
  #reportOf(key: string): { series: Series; report: Report } | undefined {
    const report = this.#docket.report(key);
    if (report && !this.#docket.isClosed(key)) return undefined;
    const failure = report ? undefined : this.#docket.failure(key);
    const isNew = failure && failure.at >= (this.#askedAt.get(key) ?? failure.at);
    // A job holds all its mails: it is read once there is something to say.
    const job = report || isNew ? this.#docket.job(key) : undefined;
    if (!job) return undefined;
    const series = seriesOfJob(job);
    if (report) return { series, report };
    return isNew ? { series, report: uncheckedReport(series, { stage: 'worker', why: failure.why }) } : undefined;
  }

  /** Whoever said "send" should know that it did not go out. */
  #tellHeld(mail: Outgoing, why: string): void {
    const words = `The reply below is held: ${why}. When that is mended, or it did not come, "#depbot send" in reply to this mail sends it.`;
    this.#tell(mail, (address) => `held ${mail.messageId} ${address} ${why}`, [words, this.#textOf(mail)]);
  }

  #tellDropped(mail: Outgoing, why: string): void {
    const words = `The reply below is not sent: ${why}. Nobody has it but you.`;
    this.#tell(mail, (address) => `dropped ${mail.messageId} ${address}`, [words, this.#textOf(mail)]);
  }

  #textOf(mail: Outgoing): string {
    return shownIn(mail, this.#outbox.read(mail.id)).text;
  }

  #tellOvertaken(mail: Outgoing): void {
    const words =
      'This reply is not sent: a later revision of the series came before it had left. What is still there in that one, you hear of anew.';
    this.#tell(mail, (address) => `overtaken ${mail.messageId} ${address}`, [words]);
  }

  #tell(
    { maintainers, messageId, subject }: Outgoing,
    seedOf: (address: string) => string,
    words: readonly string[],
  ): void {
    for (const address of maintainers) {
      if (this.#stopped.addresses.has(address.toLowerCase())) continue;
      const about = { messageId, subject, references: [], from: { name: '', address } };
      answer(about, seedOf(address), words, this.#answering(), { kind: 'notice' });
    }
  }

  #answering(): Parameters<typeof answer>[3] {
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

  /** Open jobs into the queue; reports out of it, and what they say into the outbox. What fails waits, alone. */
  /** Redis may be away: what is not forgotten now is in the next round. */
  async #forgetDone(): Promise<void> {
    for (const key of this.#done) {
      await this.#queue.forget(key);
      this.#done.delete(key);
    }
  }

  async #collect(): Promise<void> {
    await this.#forgetDone();
    for (const key of this.#docket.openKeys()) {
      if ((this.#resting.get(key)?.until ?? 0) > this.#elapsed()) continue;
      try {
        await this.#advance(key);
      } catch (error) {
        if ((error as Error).name === 'QueueError') throw error;
        this.#rest(key, (error as Error).message);
      }
    }
  }

  #rest(key: string, why: string, asked?: number): void {
    if (this.#isTooLate(key)) {
      this.#giveUp(key, why, `given up after ${this.#settings.windowDays} days`);
      return;
    }
    const waitMs = asked ?? Math.min(2 * (this.#resting.get(key)?.waitMs ?? RETRY_MS / 2), MOST_RETRY_MS);
    this.#resting.set(key, { until: this.#elapsed() + waitMs, waitMs });
    this.#log.warn(`series ${key}: ${why}; next attempt in ${waitMs / 60_000} minutes`);
  }

  /** Its mails may be forgotten by now, and nobody waits for a reply. */
  #isTooLate(key: string): boolean {
    const openedAt = this.#docket.openedAt(key);
    return openedAt !== undefined && openedAt.getTime() < this.#now().getTime() - this.#settings.windowDays * DAY_MS;
  }

  #giveUp(key: string, why: string, end: string): void {
    this.#log.warn(`series ${key}: ${why}; ${end}`);
    try {
      const job = this.#docket.job(key);
      // Somebody may wait for the report.
      if (job) this.#docket.keepReport(key, uncheckedReport(seriesOfJob(job), { stage: 'worker', why }));
    } catch (error) {
      this.#log.warn(`series ${key}: ${(error as Error).message}`);
    }
    if (this.#docket.isKnown(key) && !this.#docket.isClosed(key)) this.#docket.close(key);
    this.#resting.delete(key);
    this.#done.add(key);
  }

  async #advance(key: string): Promise<void> {
    // A job holds all its mails: it is not read while the queue has it.
    if (this.#docket.report(key) === undefined) {
      if (!this.#queued.has(key)) {
        const job = this.#docket.job(key);
        if (!job) return;
        await this.#queue.add(job, this.#urgent.has(key));
        this.#queued.add(key);
      }
      const result = await this.#queue.result(key);
      if (result.state === 'unknown') this.#queued.delete(key);
      if (result.state === 'failed') {
        const { why, isOfMachine } = result;
        const isSecond = this.#docket.failure(key)?.isOfMachine === false;
        this.#docket.fail(key, why, isOfMachine);
        await this.#queue.forget(key);
        this.#queued.delete(key);
        const words = `no worker got through it: ${why}`;
        if (isOfMachine) this.#rest(key, words);
        else if (isSecond) this.#giveUp(key, words, 'it is the same every time');
        // by then, or after the next start, another depbot may run
        else this.#rest(key, words, DAY_MS);
      }
      if (result.state !== 'done') return;
      this.#docket.keepReport(key, result.result.report);
    }
    const job = this.#docket.job(key);
    if (!job) return;
    if (!job.asked && (await this.#announce(seriesOfJob(job), key)) === 'check again') return;
    if (!this.#docket.isClosed(key)) this.#docket.close(key);
    this.#done.add(key);
    await this.#forgetDone();
    this.#queued.delete(key);
    this.#urgent.delete(key);
    this.#resting.delete(key);
  }

  async #announce(checked: Series, key: string): Promise<'done' | 'check again'> {
    const found = await this.#mailroom.toAnswer(checked, this.#authenticatePatch);
    if (found.ok && !found.isAsChecked && (await this.#checkAgain(found.series))) return 'check again';
    if (found.ok && found.isAsChecked)
      await announce(found.series, this.#docket.report(key)!, key, this.#announcing(key));
    else if (!found.ok && found.retry && this.#isReportOfToday(key)) throw new Error(found.why);
    else this.#log.warn(`${checked.subject}: not answered: ${found.ok ? 'a forged copy was' : found.why}`);
    return 'done';
  }

  /** With the mails that are signed, in place of forged ones; false where one of those has its reply. */
  async #checkAgain(series: Series): Promise<boolean> {
    const made = jobOf(series);
    if (!made.ok || this.#outbox.hasReplyTo(series.patches.map(({ message }) => message.messageId))) return false;
    const { key } = made.job;
    this.#log.warn(`${series.subject}: checked again: a copy that is signed says something else`);
    await this.#queue.forget(key);
    this.#queued.delete(key);
    this.#docket.replace(made.job);
    this.#bell.ring();
    return true;
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
        check: (series, asked, isMaintainer) => this.#openAtOnce(series, asked, isMaintainer),
        hasDrafts: drafts !== undefined,
        log: this.#log,
      }),
      now: this.#now,
      authenticate: (raw) => this.#authenticate(raw, maxCommandAgeMs),
      raws: (messageId) => this.#store.raws(messageId),
      report: (key) => this.#reportOf(key),
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
