/**
 * Reports for browsers and counts for Prometheus, over HTTP: to be read, by nobody but this machine unless the operator
 * says otherwise. It reads what the service keeps, and changes nothing.
 *
 *     /    /series/<key>    /metrics
 */

import { once } from 'node:events';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { JobQueue } from '../queue/jobs.ts';
import { pause } from './back-off.ts';
import { ConfigError } from './config.ts';
import { Dismissed } from './dismissed.ts';
import { Docket } from './docket.ts';
import type { Footer } from './footer.ts';
import { indexPolicy, renderIndex } from './index-page.ts';
import { seriesOfJob } from './job-series.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { renderPage, reportPolicy } from './page.ts';
import { contentPolicy, fillPage } from './page-fill.ts';
import { SeriesIndex } from './series-index.ts';
import type { ServeSettings } from './serve-settings.ts';
import { isLoopback } from './server-settings.ts';

export interface PagesParts {
  readonly listen: NonNullable<ServeSettings['page']>;
  /** The service's folder. */
  readonly state: string;
  /** Lists that somebody asked to hear of, by their addresses. */
  readonly lists: readonly string[];
  readonly footer: Footer;
  readonly templatesDir?: string;
  readonly queue: Pick<JobQueue, 'counts' | 'status'>;
  /** Why nothing leaves now, as of `whyStopped`. */
  readonly halted: () => string | undefined;
  readonly log: Log;
  readonly now: () => Date;
}

export interface RunningPages {
  readonly port: number;
  close(): Promise<void>;
}

/** What is not ready by then is shown as it is. */
const PATIENCE_MS = 1000;
const MOST_CONNECTIONS = 64;
const REQUEST_MS = 30_000;

const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Listens. Throws ConfigError where it cannot. */
export async function openPages(parts: PagesParts): Promise<RunningPages> {
  const { host, port } = parts.listen;
  const server = createAdaptorServer({
    fetch: pagesOf(parts).fetch,
    serverOptions: { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening').catch((error: Error) => {
    throw new ConfigError(`page.listen: cannot listen at ${host}, port ${port}: ${error.message}`, { cause: error });
  });
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}

function pagesOf({ listen, state, lists, footer, templatesDir, queue, halted, log, now }: PagesParts): Hono {
  const docket = new Docket(join(state, 'jobs'));
  const outbox = new Outbox(join(state, 'outbox'), log, 'look');
  const metrics = new Metrics();
  const index = new SeriesIndex({ docket, lists, log, now, onReport: (report) => metrics.add(report) });

  /** Whether the index has all that is kept. */
  const refreshed = (): Promise<boolean> =>
    inTime(
      index.refresh().then(() => true),
      false,
    );
  /** Undefined where Redis does not answer in time. */
  const ask = <T>(question: Promise<T>): Promise<T | undefined> =>
    inTime(
      question.catch(() => undefined),
      undefined,
    );
  const queueView = async () => ({ counts: await queue.counts(), ...(await queue.status()) });

  const app = new Hono();
  app.use(async (c, next) => {
    if (!listen.beyondLoopback && !isLoopback(hostnameOf(c))) {
      // A name of somebody's that leads here: their page would read ours.
      c.res = notice(c, 421, 'Not the name of this server', `Ask for localhost or ${listen.host}.`);
    } else if (!['GET', 'HEAD'].includes(c.req.method)) {
      c.res = notice(c, 405, 'Nothing can be changed here', 'Pages can be read, and that is all.');
      c.header('Allow', 'GET, HEAD');
    } else await next();
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  });
  app.get('/', async (c) => {
    const isPartial = !(await refreshed());
    const [why, answered] = [halted(), await ask(queueView())];
    const view = { index, asked: c.req.query(), queue: answered, halted: why, now: now(), isPartial };
    return page(c, renderIndex(view), indexPolicy());
  });
  app.get('/series/:key{[0-9a-f]{32}}', (c) => {
    const key = c.req.param('key');
    const report = docket.report(key);
    const job = docket.job(key);
    if (report) {
      const series = job && seriesOrNone(() => seriesOfJob(job), log);
      const own = templatesDir === undefined ? {} : { templatesDir };
      return page(c, renderPage({ report, footer, home: '/', ...own, ...(series && { series }) }), reportPolicy());
    }
    if (!job) return c.notFound();
    const failure = docket.failure(key);
    const text = failure ? `No worker got through it yet: ${failure.why}` : 'It waits for a worker, or one has it.';
    return notice(c, 200, job.subject, text);
  });
  app.get('/metrics', async (c) => {
    await refreshed();
    const invalid = new Dismissed(join(state, 'dismissed.json'), now).counts();
    const text = await metrics.text({
      series: index.counts(),
      queue: await ask(queue.counts()),
      mails: outbox.counts(),
      invalid,
      isHalted: halted() !== undefined,
    });
    return c.body(text, 200, { 'Content-Type': metrics.contentType });
  });
  app.notFound((c) => notice(c, 404, 'There is no such page', 'No series is kept under that address.'));
  app.onError((error, c) => {
    log.warn(`page ${c.req.path.slice(0, 100)}: ${error.message}`);
    return notice(c, 500, 'This page could not be made', 'The log says why.');
  });
  void index.refresh().catch((error: Error) => log.warn(`pages: ${error.message}`));
  return app;
}

function page(c: Context, html: string, policy: string, status: 200 | 404 | 405 | 421 | 500 = 200): Response {
  return c.html(html, status, { 'Content-Security-Policy': `${policy}; frame-ancestors 'none'` });
}

function notice(c: Context, status: Parameters<typeof page>[3], title: string, text: string): Response {
  const policy = contentPolicy({});
  return page(c, fillPage('notice', { policy, title, text }), policy, status);
}

function hostnameOf(c: Context): string {
  const host = c.req.header('host') ?? '';
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
}

/** A job of an earlier version may not be put together any more; its report is shown without quotes then. */
function seriesOrNone<T>(series: () => T, log: Log): T | undefined {
  try {
    return series();
  } catch (error) {
    log.warn(`page: ${(error as Error).message}`);
    return undefined;
  }
}

function inTime<T, U>(work: Promise<T>, late: U): Promise<T | U> {
  const over = new AbortController();
  return Promise.race([work, pause(PATIENCE_MS, over.signal).then(() => late)]).finally(() => over.abort());
}
