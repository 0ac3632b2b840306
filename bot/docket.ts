/**
 * The docket: series that wait for their report, and reports, on disk. The queue may forget; this does not.
 *
 *   jobs/open/<key>.json  ->  jobs/closed/<key>.json      jobs/reports/<key>.json
 *
 * A job is open until its report is kept and its replies are in the outbox.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckJob, parseJob } from '../queue/jobs.ts';
import type { Report } from '../rules/types.ts';
import { renameDurably, writeDurably } from './durable.ts';

export class Docket {
  readonly #dir: string;

  /** `dir` is made where missing. */
  constructor(dir: string) {
    this.#dir = dir;
    for (const folder of ['open', 'closed', 'reports']) mkdirSync(join(dir, folder), { recursive: true });
  }

  /** Writes a job down. False for one that is known, open or closed. */
  open(job: CheckJob): boolean {
    if (this.#has('open', job.key) || this.#has('closed', job.key)) return false;
    writeDurably(this.#path('open', job.key), `${JSON.stringify(job)}\n`);
    return true;
  }

  /** Keys of open jobs, sorted. */
  openKeys(): string[] {
    return readdirSync(join(this.#dir, 'open'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort();
  }

  /** A job, open or closed. Throws for a file that is damaged. */
  job(key: string): CheckJob | undefined {
    for (const folder of ['open', 'closed']) {
      if (!this.#has(folder, key)) continue;
      const job = parseJob(JSON.parse(readFileSync(this.#path(folder, key), 'utf8')));
      if (!job.ok) throw new Error(`${this.#path(folder, key)}: ${job.why}`);
      return job.job;
    }
    return undefined;
  }

  isClosed(key: string): boolean {
    return this.#has('closed', key);
  }

  /** The report of a series, as it was first kept. */
  report(key: string): Report | undefined {
    return this.#has('reports', key)
      ? (JSON.parse(readFileSync(this.#path('reports', key), 'utf8')) as Report)
      : undefined;
  }

  /** Keeps a report; one that is there stays, since replies may have been made of it. */
  keepReport(key: string, report: Report): void {
    if (!this.#has('reports', key)) writeDurably(this.#path('reports', key), `${JSON.stringify(report, null, 2)}\n`);
  }

  /** All is done for this series. */
  close(key: string): void {
    renameDurably(this.#path('open', key), this.#path('closed', key));
  }

  #has(folder: string, key: string): boolean {
    return existsSync(this.#path(folder, key));
  }

  #path(folder: string, key: string): string {
    if (!/^[0-9a-f]{32}$/.test(key)) throw new Error(`${JSON.stringify(key)} is not the key of a job`);
    return join(this.#dir, folder, `${key}.json`);
  }
}
