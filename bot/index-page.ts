/** The list of all series as a page: by state and list, and searched. No script. */

import type { JobQueue, QueueStatus } from '../queue/jobs.ts';
import { contentPolicy, fillPage } from './page-fill.ts';
import { type Query, SERIES_STATES, type SeriesEntry, type SeriesIndex, type SeriesState } from './series-index.ts';
import { underWay } from './under-way.ts';

const ON_A_PAGE = 50;
/** In the choice of lists. */
const MOST_LISTS = 300;
const MOST_QUERY_CHARS = 300;
/** Attempts that failed; `depbot status` has more. */
const MOST_ERRORS = 5;

const STATE_WORDS: Readonly<Record<SeriesState, string>> = {
  found: 'with findings',
  silent: 'nothing found',
  unchecked: 'not checked',
  waiting: 'waiting',
  failed: 'no worker got through',
};

/** What goes on at the queue, when the page is asked for. */
export interface QueueView extends QueueStatus {
  readonly counts: Awaited<ReturnType<JobQueue['counts']>>;
}

export interface IndexView {
  readonly index: Pick<SeriesIndex, 'find' | 'counts' | 'lists'>;
  /** Of the address: `q`, `state`, `list`, `page`. What is not a state, or not a page, is as if it were not there. */
  readonly asked: Readonly<Record<string, string>>;
  /** Undefined while Redis does not answer. */
  readonly queue: QueueView | undefined;
  readonly now: Date;
  /** Why nothing leaves now; undefined when all may. */
  readonly halted: string | undefined;
  /** Not all that is kept has been read yet. */
  readonly isPartial: boolean;
}

/** What a browser may do with it. */
export function indexPolicy(): string {
  return contentPolicy({ hasForm: true });
}

/** The page, as the text of an HTML file. */
export function renderIndex({ index, asked, queue, halted, now, isPartial }: IndexView): string {
  const words = (asked['q'] ?? '').slice(0, MOST_QUERY_CHARS);
  const state = SERIES_STATES.find((one) => one === asked['state']);
  const list = asked['list'] || undefined;
  const query: Query = { words, ...(state && { state }), ...(list !== undefined && { list }) };
  const found = index.find(query);
  const pages = Math.max(1, Math.ceil(found.length / ON_A_PAGE));
  const page = Math.min(pages, /^[1-9]\d{0,5}$/.test(asked['page'] ?? '') ? Number(asked['page']) : 1);
  const counts = index.counts();
  return fillPage('index', {
    policy: indexPolicy(),
    words,
    states: SERIES_STATES.map((one) => ({
      name: one,
      label: `${STATE_WORDS[one]} (${counts[one]})`,
      isChosen: one === state,
    })),
    lists: listChoices(index.lists(), list),
    count: found.length,
    isFiltered: words.trim() !== '' || state !== undefined || list !== undefined,
    series: found.slice((page - 1) * ON_A_PAGE, page * ON_A_PAGE).map(entryView),
    page,
    pages,
    earlier: page > 1 ? addressOf(query, page - 1) : null,
    later: page < pages ? addressOf(query, page + 1) : null,
    queue: queue ? queueView(queue, now) : null,
    at: timeView(now),
    halted: halted ?? null,
    isPartial,
  });
}

function listChoices(lists: readonly string[], chosen: string | undefined): object[] {
  return lists.slice(0, MOST_LISTS).map((name) => ({ name, isChosen: name === chosen }));
}

function entryView({ key, state, verdict, subject, author, at, lists }: SeriesEntry): object {
  return { key, kind: state, verdict, subject, author, lists, ...timeView(at) };
}

function queueView({ counts, workers, running, doneLastHour, errors }: QueueView, now: Date): object {
  return {
    counts,
    workers,
    doneLastHour,
    running: running.map((job) => ({
      key: job.key,
      subject: job.subject,
      where: underWay(job, now),
      progress: job.progress ?? null,
    })),
    errors: errors.slice(0, MOST_ERRORS).map(({ at, ...error }) => ({ ...error, ...timeView(new Date(at)) })),
  };
}

function timeView(at: Date): { readonly iso: string; readonly time: string } {
  const iso = at.toISOString();
  return { iso, time: `${iso.slice(0, 16).replace('T', ' ')} UTC` };
}

function addressOf({ words, state, list }: Query, page: number): string {
  const params = new URLSearchParams();
  if (words) params.set('q', words);
  if (state) params.set('state', state);
  if (list) params.set('list', list);
  if (page > 1) params.set('page', String(page));
  return `/?${params}`;
}
