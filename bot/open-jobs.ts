/**
 * Series on their way through the queue: each job of the docket into it, its report out of it, and what becomes of one
 * that failed, is asked for again, has other mails by now, or that nobody needs any more. What is remembered here and
 * not in the docket is lost by a restart, and made again.
 */

import { type JobQueue, jobOf, seriesKey } from '../queue/jobs.ts';
import { uncheckedReport } from '../queue/report.ts';
import type { Outcome, Report, Series } from '../rules/types.ts';
import type { AskedCheck } from './asked-check.ts';
import type { Bell } from './bell.ts';
import type { Docket } from './docket.ts';
import { seriesOfJob } from './job-series.ts';
import { unbuilt } from './left-open.ts';
import type { Log } from './log.ts';

/** Before a series is tried again that no worker got through, and that could not be announced; the wait doubles. */
const RETRY_MS = 10 * 60_000;
const MOST_RETRY_MS = 6 * 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

export type Opened = Outcome<{ key: string }, { why: string }>;

export interface OpenJobsParts {
  readonly queue: JobQueue;
  readonly docket: Docket;
  /** Rung where there is something to do at once. */
  readonly bell: Bell;
  readonly log: Log;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets. */
  readonly elapsed: () => number;
  readonly windowDays: number;
  /** What a report says, into the outbox; `check again` where other mails took the place of those that were checked. */
  readonly announce: (series: Series, key: string) => Promise<'done' | 'check again'>;
}

export class OpenJobs {
  readonly #parts: OpenJobsParts;
  /** Jobs that the queue has from us since the start. */
  readonly #queued = new Set<string>();
  /** Jobs that nobody needs any more, and that the queue may still have. */
  readonly #done = new Set<string>();
  /** Series that wait after a failure: until when, in milliseconds of a clock that nobody sets, and how long they waited. */
  readonly #resting = new Map<string, { until: number; waitMs: number }>();
  /** When a series that had failed was asked for. */
  readonly #askedAt = new Map<string, Date>();
  /** Jobs that a maintainer asked for. */
  readonly #urgent = new Set<string>();

  constructor(parts: OpenJobsParts) {
    this.#parts = parts;
  }

  /** A series that is complete is written down, if it is not yet. */
  open(series: Series, asked?: AskedCheck['asked']): Opened {
    const { docket, log } = this.#parts;
    const made = jobOf(series, asked);
    if (!made.ok) {
      log.warn(`${series.subject}: not checked: ${made.why}`);
      return made;
    }
    if (docket.open(made.job)) log.info(`${series.subject}: complete, to be checked`);
    return { ok: true, key: made.job.key };
  }

  /**
   * As open, for somebody who waits: what rests after a failure is tried now, and what could not be built once more.
   * What nobody but the sender asked for is a job with wishes, if with none: its report goes to the sender, and no
   * reply to anybody.
   */
  openAtOnce(series: Series, asked: AskedCheck['asked'], isMaintainer: boolean): Opened {
    const { docket, bell, now } = this.#parts;
    const own = seriesKey(series);
    const isAnswered = docket.isKnown(own) && !this.#isUnbuilt(own);
    const opened = this.open(series, asked ?? (isAnswered ? undefined : {}));
    if (opened.ok && this.#isUnbuilt(opened.key)) {
      docket.repeat(opened.key);
      this.#queued.delete(opened.key);
      // what the queue still has of it
      this.#done.add(opened.key);
      bell.ring();
    }
    if (opened.ok && isMaintainer && !docket.isClosed(opened.key)) {
      this.#urgent.add(opened.key);
      // into the queue once more, which puts it first there
      this.#queued.delete(opened.key);
      bell.ring();
    }
    if (opened.ok && docket.failure(opened.key)) {
      this.#resting.delete(opened.key);
      this.#askedAt.set(opened.key, now());
      bell.ring();
    }
    return opened;
  }

  /** Whether no worker got through it, or something kept it from being built. */
  #isUnbuilt(key: string): boolean {
    const { docket } = this.#parts;
    const report = docket.isClosed(key) ? docket.report(key) : undefined;
    return report !== undefined && (report.cannotCheck?.stage === 'worker' || unbuilt(report).length > 0);
  }

  /** The report of a series, or that it could not be checked since it was asked for. */
  reportOf(key: string): { series: Series; report: Report } | undefined {
    const { docket } = this.#parts;
    const report = docket.report(key);
    if (report && !docket.isClosed(key)) return undefined;
    const failure = report ? undefined : docket.failure(key);
    const isNew = failure && failure.at >= (this.#askedAt.get(key) ?? failure.at);
    // A job holds all its mails: it is read once there is something to say.
    const job = report || isNew ? docket.job(key) : undefined;
    if (!job) return undefined;
    const series = seriesOfJob(job);
    if (report) return { series, report };
    return isNew ? { series, report: uncheckedReport(series, { stage: 'worker', why: failure.why }) } : undefined;
  }

  /** Nobody needs it any more, but somebody may wait for the report. */
  withdraw(key: string, series: Series, why: string): void {
    const { docket, bell } = this.#parts;
    docket.keepReport(key, uncheckedReport(series, { stage: 'input', why }));
    docket.close(key);
    this.#done.add(key);
    bell.ring();
  }

  /** Puts mails that are signed in the place of those of an open job. False for a series of which no job can be made. */
  async replace(series: Series): Promise<boolean> {
    const { queue, docket, bell, log } = this.#parts;
    const made = jobOf(series);
    if (!made.ok) return false;
    const { key } = made.job;
    log.warn(`${series.subject}: checked again: a copy that is signed says something else`);
    await queue.forget(key);
    this.#queued.delete(key);
    docket.replace(made.job);
    bell.ring();
    return true;
  }

  /** Open jobs into the queue; reports out of it, and what they say into the outbox. What fails waits, alone. */
  async round(): Promise<void> {
    const { docket, elapsed } = this.#parts;
    await this.#forgetDone();
    for (const key of docket.openKeys()) {
      if ((this.#resting.get(key)?.until ?? 0) > elapsed()) continue;
      try {
        await this.#advance(key);
      } catch (error) {
        if ((error as Error).name === 'QueueError') throw error;
        this.#rest(key, (error as Error).message);
      }
    }
  }

  /** Redis may be away: what is not forgotten now is in the next round. */
  async #forgetDone(): Promise<void> {
    for (const key of this.#done) {
      await this.#parts.queue.forget(key);
      this.#done.delete(key);
    }
  }

  async #advance(key: string): Promise<void> {
    const { docket } = this.#parts;
    if (docket.report(key) === undefined && !(await this.#fetchReport(key))) return;
    const job = docket.job(key);
    if (!job) return;
    if (!job.asked && (await this.#parts.announce(seriesOfJob(job), key)) === 'check again') return;
    if (!docket.isClosed(key)) docket.close(key);
    this.#done.add(key);
    await this.#forgetDone();
    this.#queued.delete(key);
    this.#urgent.delete(key);
    this.#resting.delete(key);
  }

  /** Whether the queue had it; a job that the queue does not have goes there. */
  async #fetchReport(key: string): Promise<boolean> {
    const { docket, queue } = this.#parts;
    // A job holds all its mails: it is not read while the queue has it.
    if (!this.#queued.has(key)) {
      const job = docket.job(key);
      if (!job) return false;
      await queue.add(job, this.#urgent.has(key));
      this.#queued.add(key);
    }
    const result = await queue.result(key);
    if (result.state === 'unknown') this.#queued.delete(key);
    if (result.state === 'failed') await this.#failed(key, result.why, result.isOfMachine);
    if (result.state !== 'done') return false;
    docket.keepReport(key, result.result.report);
    return true;
  }

  async #failed(key: string, why: string, isOfMachine: boolean): Promise<void> {
    const { docket, queue } = this.#parts;
    const isSecond = docket.failure(key)?.isOfMachine === false;
    docket.fail(key, why, isOfMachine);
    await queue.forget(key);
    this.#queued.delete(key);
    const words = `no worker got through it: ${why}`;
    if (isOfMachine) this.#rest(key, words);
    else if (isSecond) this.#giveUp(key, words, 'it is the same every time');
    // by then, or after the next start, another depbot may run
    else this.#rest(key, words, DAY_MS);
  }

  #rest(key: string, why: string, asked?: number): void {
    const { log, elapsed, windowDays } = this.#parts;
    if (this.#isTooLate(key)) {
      this.#giveUp(key, why, `given up after ${windowDays} days`);
      return;
    }
    const waitMs = asked ?? Math.min(2 * (this.#resting.get(key)?.waitMs ?? RETRY_MS / 2), MOST_RETRY_MS);
    this.#resting.set(key, { until: elapsed() + waitMs, waitMs });
    log.warn(`series ${key}: ${why}; next attempt in ${waitMs / 60_000} minutes`);
  }

  /** Its mails may be forgotten by now, and nobody waits for a reply. */
  #isTooLate(key: string): boolean {
    const { docket, now, windowDays } = this.#parts;
    const openedAt = docket.openedAt(key);
    return openedAt !== undefined && openedAt.getTime() < now().getTime() - windowDays * DAY_MS;
  }

  #giveUp(key: string, why: string, end: string): void {
    const { docket, log } = this.#parts;
    log.warn(`series ${key}: ${why}; ${end}`);
    try {
      const job = docket.job(key);
      // Somebody may wait for the report.
      if (job) docket.keepReport(key, uncheckedReport(seriesOfJob(job), { stage: 'worker', why }));
    } catch (error) {
      log.warn(`series ${key}: ${(error as Error).message}`);
    }
    if (docket.isKnown(key) && !docket.isClosed(key)) docket.close(key);
    this.#resting.delete(key);
    this.#done.add(key);
  }
}
