/** What checks of a replay gave, a line each, kept so that the next run goes on where this one ends. */

import { appendFileSync, createReadStream, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { MessageId, Report } from '../rules/types.ts';
import { cutTornLine } from './archive-spool.ts';

export interface Result {
  /** seriesKey() of the series. */
  readonly key: string;
  readonly postedMs: number;
  /** Message-IDs of its mails, the cover letter's included. */
  readonly ids: readonly MessageId[];
  readonly report: Report;
}

/** Of a series on which there is nothing to say: what its line in the summary needs. */
export interface Quiet {
  readonly subject: string;
  readonly author: string;
  readonly ids: readonly MessageId[];
  readonly postedMs: number;
  /** Why it could not be checked; absent where it was. */
  readonly cannotCheck?: { readonly stage: string; readonly why: string };
}

export class Results {
  readonly #path: string;
  /** Reports with findings. */
  readonly found = new Map<string, Result>();
  readonly quiet = new Map<string, Quiet>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads those of earlier runs. */
  static async open(path: string): Promise<Results> {
    const results = new Results(path);
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return results;
    cutTornLine(path);
    for await (const line of createInterface({ input: createReadStream(path) })) results.#note(JSON.parse(line));
    return results;
  }

  /** Those with these keys alone, to be looked at. */
  only(keys: ReadonlySet<string>): Results {
    const some = new Results(this.#path);
    for (const [key, result] of this.found) if (keys.has(key)) some.found.set(key, result);
    for (const [key, quiet] of this.quiet) if (keys.has(key)) some.quiet.set(key, quiet);
    return some;
  }

  /** Why, of those that could not be checked. */
  get unchecked(): readonly NonNullable<Quiet['cannotCheck']>[] {
    return [...this.quiet.values()].flatMap(({ cannotCheck }) => cannotCheck ?? []);
  }

  has(key: string): boolean {
    return this.found.has(key) || this.quiet.has(key);
  }

  /** Written when it returns. */
  add(result: Result): void {
    appendFileSync(this.#path, `${JSON.stringify(slim(result))}\n`, { mode: 0o600 });
    this.#note(result);
  }

  #note(result: Result): void {
    const { key, report, postedMs, ids } = result;
    if (report.findings.length > 0) {
      this.found.set(key, result);
      return;
    }
    const { cannotCheck, series } = report;
    this.quiet.set(key, {
      subject: series.subject,
      author: series.author.address.toLowerCase(),
      ids,
      postedMs,
      ...(cannotCheck && { cannotCheck: { stage: cannotCheck.stage, why: cannotCheck.why.slice(0, 300) } }),
    });
  }
}

/** Without what nobody reads again: a report of silence names every symbol that it looked at. */
function slim(result: Result): Result {
  const { report } = result;
  if (report.findings.length > 0) return result;
  const checked = { ...report.checked, changedFiles: [], changedSymbols: [] };
  return { ...result, report: { ...report, checked, undecided: [] } };
}
