/**
 * What is known of each series, in a few lines of memory, for a list to be looked through. Read from the docket, a
 * slice at a time, so that the service goes on meanwhile.
 */

import { setImmediate } from 'node:timers/promises';
import { mailsOf } from '../queue/jobs.ts';
import type { Message, Report } from '../rules/types.ts';
import type { Docket } from './docket.ts';
import { DamagedFileError } from './durable.ts';
import { listIdOf } from './list-id.ts';
import type { Log } from './log.ts';
import { parseMessage } from './message.ts';
import { verdictOf } from './page.ts';

/** In the order in which they are shown. */
export const SERIES_STATES = ['found', 'silent', 'unchecked', 'waiting', 'failed'] as const;
export type SeriesState = (typeof SERIES_STATES)[number];

export interface SeriesEntry {
  readonly key: string;
  readonly state: SeriesState;
  /** `2 findings`, `nothing found`, `waits for a worker`. */
  readonly verdict: string;
  readonly subject: string;
  readonly author: string;
  /** When its report was kept, or it came. */
  readonly at: Date;
  /** Names of lists as List-Id has them; none once its mails are swept. */
  readonly lists: readonly string[];
  /** What is searched, in small letters. */
  readonly text: string;
}

export interface Query {
  readonly words?: string;
  readonly state?: SeriesState;
  readonly list?: string;
}

/** Series that are listed, the newest; older ones are there by their address. */
const MOST_SERIES = 20_000;
const MOST_TEXT_CHARS = 4000;
const MOST_LINE_CHARS = 300;
const MOST_LISTS = 20;
/** At most so long nothing else is done. */
const SLICE_MS = 20;

export interface IndexParts {
  readonly docket: Docket;
  /** Lists by their addresses, which a mail's To and Cc may name. */
  readonly lists: readonly string[];
  readonly log: Log;
  /** Told of each report that was kept since the index was made. */
  onReport(report: Report): void;
  now(): Date;
}

type Stage = 'reported' | 'failed' | 'waiting';

export class SeriesIndex {
  readonly #parts: IndexParts;
  readonly #since: Date;
  readonly #listIds: ReadonlyMap<string, string>;
  readonly #entries = new Map<string, SeriesEntry>();
  readonly #stages = new Map<string, Stage>();
  #running: Promise<void> | undefined;

  constructor(parts: IndexParts) {
    this.#parts = parts;
    this.#since = parts.now();
    this.#listIds = new Map(parts.lists.map((list) => [list.toLowerCase(), listIdOf(list)]));
  }

  /** Takes up what has changed; one at a time. Throws errors of the system. */
  refresh(): Promise<void> {
    this.#running ??= this.#refresh().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Newest first. */
  find({ words = '', state, list }: Query): SeriesEntry[] {
    const wanted = words
      .toLowerCase()
      .split(/\s+/)
      .map((word) => word.replace(/^<(.*)>$/, '$1').replace(/^config_/, ''));
    return [...this.#entries.values()]
      .filter((one) => state === undefined || one.state === state)
      .filter((one) => list === undefined || one.lists.includes(list))
      .filter((one) => wanted.every((word) => one.text.includes(word)))
      .sort((a, b) => b.at.getTime() - a.at.getTime() || (a.key < b.key ? -1 : 1));
  }

  /** Listed series by state. */
  counts(): Readonly<Record<SeriesState, number>> {
    const counts = Object.fromEntries(SERIES_STATES.map((state) => [state, 0])) as Record<SeriesState, number>;
    for (const { state } of this.#entries.values()) counts[state]++;
    return counts;
  }

  /** Lists of the series, sorted. */
  lists(): string[] {
    return [...new Set([...this.#entries.values()].flatMap(({ lists }) => lists))].sort();
  }

  async #refresh(): Promise<void> {
    const { docket, log } = this.#parts;
    const failures = new Set(docket.keys('failures'));
    const stages = new Map<string, Stage>();
    for (const key of docket.keys('open')) stages.set(key, failures.has(key) ? 'failed' : 'waiting');
    for (const key of docket.keys('reports')) stages.set(key, 'reported');
    for (const key of this.#stages.keys()) if (!stages.has(key)) this.#forget(key);
    let sliceMs = performance.now();
    for (const [key, stage] of stages) {
      if (this.#stages.get(key) === stage) continue;
      try {
        this.#read(key, stage);
      } catch (error) {
        if (!(error instanceof DamagedFileError)) throw error;
        log.warn(error.message);
        this.#forget(key);
      }
      if (performance.now() - sliceMs < SLICE_MS) continue;
      this.#trim();
      await setImmediate();
      sliceMs = performance.now();
    }
    this.#trim();
  }

  #read(key: string, stage: Stage): void {
    const { docket, onReport } = this.#parts;
    const report = stage === 'reported' ? docket.report(key) : undefined;
    const job = docket.job(key);
    const at = docket.writtenAt(key);
    // Swept, or set aside, since it was listed.
    if (!at || !(report ?? job)) {
      this.#forget(key);
      return;
    }
    const parsed = job && parseMessage(mailsOf(job)[0]!);
    const first = parsed?.ok ? parsed.message : undefined;
    const author = report?.series.author ?? first?.from ?? { name: '', address: '' };
    const found = report && verdictOf(report);
    this.#entries.set(key, {
      key,
      state: (found?.kind ?? stage) as SeriesState,
      verdict: found?.short ?? (stage === 'failed' ? 'no worker got through it' : 'waits for a worker'),
      subject: (report?.series.subject ?? job!.subject).slice(0, MOST_LINE_CHARS),
      author: (author.name || author.address).slice(0, MOST_LINE_CHARS),
      at,
      lists: first ? this.#listsOf(first) : [],
      text: textOf(report, first, job?.subject ?? ''),
    });
    this.#stages.set(key, stage);
    if (report && at >= this.#since) onReport(report);
  }

  #listsOf({ listIds, to, cc }: Message): string[] {
    const named = [...to, ...cc].flatMap(({ address }) => this.#listIds.get(address.toLowerCase()) ?? []);
    const all = new Set([...listIds.map((id) => id.toLowerCase()), ...named]);
    return [...all].filter((id) => id.length <= MOST_LINE_CHARS).slice(0, MOST_LISTS);
  }

  #forget(key: string): void {
    this.#entries.delete(key);
    this.#stages.delete(key);
  }

  /** Lets go of the oldest; that they were read is remembered. */
  #trim(): void {
    if (this.#entries.size <= MOST_SERIES) return;
    for (const { key } of this.find({}).slice(MOST_SERIES)) this.#entries.delete(key);
  }
}

function textOf(report: Report | undefined, first: Message | undefined, subject: string): string {
  const parts = report
    ? [
        report.series.subject,
        report.series.author.name,
        report.series.author.address,
        report.series.id,
        ...report.findings.flatMap(({ symbols }) => symbols),
        ...report.series.patches.map(({ messageId }) => messageId),
        ...report.checked.changedSymbols,
      ]
    : [subject, first?.from.name ?? '', first?.from.address ?? '', first?.messageId ?? ''];
  return parts.join('\n').slice(0, MOST_TEXT_CHARS).toLowerCase();
}
