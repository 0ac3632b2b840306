/** The pages of a service that is not there: what it would keep, and the server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Docket } from '../../bot/docket.ts';
import { Outbox } from '../../bot/outbox.ts';
import { openPages, type PagesParts, type RunningPages } from '../../bot/pages.ts';
import { jobOf } from '../../queue/jobs.ts';
import type { Finding, Message, Report, Series } from '../../rules/types.ts';
import { sampleFooter, sampleReport, sampleSeries } from './sample-report.ts';
import { create } from './tiny-series.ts';

export class ServedPages {
  readonly state = mkdtempSync(join(tmpdir(), 'pages-'));
  readonly docket = new Docket(join(this.state, 'jobs'));
  /** What the log was warned of. */
  readonly warnings: string[] = [];
  #pages: RunningPages | undefined;

  get port(): number {
    return this.#pages!.port;
  }

  parts(more: Partial<PagesParts> = {}): PagesParts {
    return {
      listen: { host: '127.0.0.1', port: 0, beyondLoopback: false },
      state: this.state,
      lists: ['linux-clk@vger.kernel.org', 'kim@example.net'],
      footer: sampleFooter,
      queue: {
        counts: async () => ({ waiting: 3, active: 1, done: 0, failed: 0 }),
        status: async () => ({ running: [], workers: ['host-1', 'host-2'], doneLastHour: 7, errors: [] }),
      },
      halted: () => undefined,
      log: { info: () => undefined, warn: (text) => void this.warnings.push(text) },
      // Reports that a test writes are later than the pages' start.
      now: () => new Date('2026-01-01'),
      ...more,
    };
  }

  /** Opens them, or opens them anew. */
  async serve(more: Partial<PagesParts> = {}): Promise<void> {
    await this.#pages?.close();
    const parts = this.parts(more);
    new Outbox(join(this.state, 'outbox'), parts.log);
    this.#pages = await openPages(parts);
  }

  async close(): Promise<void> {
    await this.#pages?.close();
    this.#pages = undefined;
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.state, { recursive: true, force: true });
  }

  at(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  async text(path: string): Promise<string> {
    return (await this.at(path)).text();
  }

  /** A job that waits for its report; its key. */
  open(series: Series): string {
    const made = jobOf(series);
    if (!made.ok) throw new Error(made.why);
    this.docket.open(made.job);
    return made.job.key;
  }

  /** Series number `i` with its report; its key. */
  keep(i: number, findings: readonly Finding[], more: Partial<Report> = {}, subject?: string): string {
    const series = came(i, subject);
    const key = this.open(series);
    this.docket.keepReport(key, { ...sampleReport(findings, series), ...more });
    this.docket.close(key);
    return key;
  }
}

/** The sample's series number `i`, as mails that came. */
export function came(i: number, subject = sampleSeries.subject): Series {
  const idOf = (id: string): string => id.replace('.100-', `.${100 + i}-`);
  const withRaw = (message: Message): Message => {
    const head = [
      `Message-ID: <${idOf(message.messageId)}>`,
      ...(message.inReplyTo === undefined ? [] : [`In-Reply-To: <${idOf(message.inReplyTo)}>`]),
      'From: Jane Doe <jane@example.org>',
      'To: Kim Lee <kim@example.net>',
      'Date: Mon, 6 Jul 2026 10:11:12 +0200',
      `List-Id: <linux-list-${i % 3}.vger.kernel.org>`,
      `Subject: ${message.subject}`,
      'Content-Type: text/plain; charset=utf-8',
    ];
    // One of the sample's has only words, and would be no patch.
    const body = message.body.includes('\ndiff --git ') ? message.body : `${message.body}---\n\n${create('a.txt')}`;
    const raw = Buffer.from(`${head.join('\n')}\n\n${body}`);
    return { ...message, messageId: idOf(message.messageId), raw };
  };
  const { cover, patches } = sampleSeries;
  const [first, ...rest] = patches.map((patch) => ({ ...patch, message: withRaw(patch.message) }));
  return {
    ...sampleSeries,
    id: idOf(sampleSeries.id),
    subject,
    ...(cover && { cover: withRaw(cover) }),
    patches: [first!, ...rest],
  };
}
