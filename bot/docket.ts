/**
 * The docket: series that wait for their report, and reports, on disk. The queue may forget; this does not.
 *
 *   jobs/open/<key>.json  ->  jobs/closed/<key>.json      jobs/reports/<key>.json      jobs/failures/<key>.json
 *
 * A job is open until its report is kept and its replies are in the outbox.
 */

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type CheckJob, parseJob, parseResult } from '../queue/jobs.ts';
import type { Report } from '../rules/types.ts';
import { openFolderDurably, readJson, renameDurably, writeDurably } from './durable.ts';

type Folder = 'open' | 'closed' | 'reports' | 'failures';
const FOLDERS: readonly Folder[] = ['open', 'closed', 'reports', 'failures'];
const Failure = z.object({ why: z.string(), isOfMachine: z.boolean().default(true) });

export class Docket {
  readonly #dir: string;

  /** `dir` is made where missing. */
  constructor(dir: string) {
    this.#dir = dir;
    for (const folder of FOLDERS) openFolderDurably(join(dir, folder));
  }

  /** Writes a job down. False for one that is known, open or closed. */
  open(job: CheckJob): boolean {
    if (this.isKnown(job.key)) return false;
    writeDurably(this.#path('open', job.key), `${JSON.stringify(job)}\n`);
    return true;
  }

  /** Keys of open jobs, sorted. */
  openKeys(): string[] {
    return this.keys('open');
  }

  /** Keys of open or closed jobs, of reports or of failures, sorted. */
  keys(folder: Folder): string[] {
    return readdirSync(join(this.#dir, folder))
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort();
  }

  /** A job, open or closed. Throws DamagedFileError; the series is then unknown, and may be opened again. */
  job(key: string): CheckJob | undefined {
    const parse = (value: unknown): CheckJob => {
      const read = parseJob(value);
      if (!read.ok) throw new Error(read.why);
      if (read.job.key !== key) throw new Error(`it is the job ${read.job.key}`);
      return read.job;
    };
    const then = 'its series is checked again when one of its mails comes again or somebody asks for it';
    return readJson(this.#path('open', key), parse, then) ?? readJson(this.#path('closed', key), parse, then);
  }

  /** Open or closed. */
  isKnown(key: string): boolean {
    return this.#has('open', key) || this.#has('closed', key);
  }

  isClosed(key: string): boolean {
    return this.#has('closed', key);
  }

  /** The report of a series, as it was first kept. Throws DamagedFileError. */
  report(key: string): Report | undefined {
    const parse = (report: unknown): Report => {
      const read = parseResult({ schema: 1, key, report }, key);
      if (!read.ok) throw new Error(read.why);
      return read.result.report;
    };
    // A closed series has had its replies: another report might have others.
    const then = this.isClosed(key)
      ? `its series is checked again when somebody asks for it and ${this.#path('closed', key)} is removed`
      : 'its series is checked again';
    return readJson(this.#path('reports', key), parse, then);
  }

  /** When an open job was written down; undefined of another. */
  openedAt(key: string): Date | undefined {
    return this.#writtenAt('open', key);
  }

  /** When its report was kept, or else its job opened; undefined of a series without either. */
  writtenAt(key: string): Date | undefined {
    return this.#writtenAt('reports', key) ?? this.#writtenAt('open', key);
  }

  #writtenAt(folder: Folder, key: string): Date | undefined {
    return statSync(this.#path(folder, key), { throwIfNoEntry: false })?.mtime;
  }

  /** Keeps a report; one that is there stays, since replies may have been made of it. It ends an earlier failure. */
  keepReport(key: string, report: Report): void {
    if (!this.#has('reports', key)) writeDurably(this.#path('reports', key), `${JSON.stringify(report, null, 2)}\n`);
    rmSync(this.#path('failures', key), { force: true });
  }

  /** Notes that no worker got through it: no report, and the job stays open. A later failure replaces this one. */
  fail(key: string, why: string, isOfMachine = true): void {
    writeDurably(this.#path('failures', key), `${JSON.stringify({ why, isOfMachine })}\n`);
  }

  /** The last failure, if no report came since, and when it was noted. Throws DamagedFileError. */
  failure(key: string): (z.infer<typeof Failure> & { readonly at: Date }) | undefined {
    const path = this.#path('failures', key);
    const at = this.#writtenAt('failures', key);
    const found = readJson(path, (value) => Failure.parse(value), 'its series is tried again as if it had not failed');
    return at && found && { ...found, at };
  }

  /**
   * Removes what was last written before a day (`2026-11-22`, UTC): closed jobs before `oldestJob`, reports before
   * `oldestReport`. Open jobs stay, with their reports and failures. A closed job that is gone is a new one if its
   * mails come again, so keep it for as long as they may.
   */
  sweep(oldestJob: string, oldestReport: string): void {
    const limits: readonly (readonly [Folder, string])[] = [
      ['closed', oldestJob],
      ['failures', oldestJob],
      ['reports', oldestReport],
    ];
    for (const [folder, oldest] of limits) {
      for (const name of readdirSync(join(this.#dir, folder))) {
        const path = join(this.#dir, folder, name);
        if (existsSync(join(this.#dir, 'open', name))) continue;
        if (statSync(path).mtime.toISOString().slice(0, oldest.length) < oldest) rmSync(path);
      }
    }
  }

  /** Not all is done for this series after all; its report stays. */
  reopen(key: string): void {
    renameDurably(this.#path('closed', key), this.#path('open', key));
  }

  /** A series whose report is of no more use is checked once more. */
  repeat(key: string): void {
    this.reopen(key);
    rmSync(this.#path('reports', key), { force: true });
  }

  /** Puts other mails in the place of those of an open job, and drops the report that was made of them. */
  replace(job: CheckJob): void {
    rmSync(this.#path('reports', job.key), { force: true });
    writeDurably(this.#path('open', job.key), `${JSON.stringify(job)}\n`);
  }

  /** All is done for this series. */
  close(key: string): void {
    renameDurably(this.#path('open', key), this.#path('closed', key));
  }

  #has(folder: Folder, key: string): boolean {
    return existsSync(this.#path(folder, key));
  }

  #path(folder: Folder, key: string): string {
    if (!/^[0-9a-f]{32}$/.test(key)) throw new Error(`${JSON.stringify(key)} is not the key of a job`);
    return join(this.#dir, folder, `${key}.json`);
  }
}
