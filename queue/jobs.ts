/**
 * What goes through the queue: a series to check on the way in, its report on the way out. Plain JSON, checked at
 * both ends. And what a queue and a worker are to those who use them; bullmq.ts makes them.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Outcome, Report, Series } from '../rules/types.ts';

/** Lines for the operator. */
export interface Log {
  info(text: string): void;
  warn(text: string): void;
}

/** Most mails of a job: git format-patch writes no more than 999 patches before its numbers grow; a cover letter, and one to spare. */
const MOST_MAILS = 1001;
/** Most bytes of all mails of a job together, before base64. */
const MOST_BYTES = 64 * 2 ** 20;
const SUBJECT_CHARS = 500;
const LIST_CHARS = 200;
const KEY_CHARS = 32;
const NOT_BASE64 = /[^A-Za-z0-9+/=]/;

const Key = z.string().regex(/^[0-9a-f]{32}$/, 'not 32 hex digits');

/** What somebody who asks for a check by mail wants of it; checked by whoever read the mail, and here for its form. */
const AskedSchema = z.strictObject({
  base: z.exactOptional(z.string().min(1).max(200)),
  archs: z.exactOptional(z.array(z.string().regex(/^[a-z0-9_]+$/)).max(40)),
  config: z.exactOptional(
    z.union([
      z.strictObject({ file: z.string().min(1).max(200) }),
      z.strictObject({ settings: z.array(z.string().regex(/^\w+=[ymn]$/)).max(50) }),
    ]),
  ),
});

const CheckJobSchema = z.strictObject({
  schema: z.literal(1),
  key: Key,
  /** For the log alone. */
  subject: z.string().max(SUBJECT_CHARS),
  /** Raw mails in base64: the cover letter where there is one, then the patches in order. */
  mails: z
    .array(z.string().refine((mail) => mail.length % 4 === 0 && !NOT_BASE64.test(mail), 'not base64'))
    .min(1)
    .max(MOST_MAILS)
    .refine((mails) => bytesOf(mails) <= MOST_BYTES, `more than ${MOST_BYTES / 2 ** 20} MiB of mails`),
  /** The list that it came by, for its turn: lists share the workers. */
  list: z.exactOptional(z.string().min(1).max(LIST_CHARS)),
  /** There where the report is for somebody who asked, and for nobody else. */
  asked: z.exactOptional(AskedSchema),
});

const CheckResultSchema = z.strictObject({
  schema: z.literal(1),
  key: Key,
  /** Written by our own worker: what every reader leans on first is checked, the rest is taken as it is. */
  report: z.custom<Report>(
    (value) =>
      z
        .looseObject({
          schema: z.literal(1),
          series: z.looseObject({ id: z.string(), patches: z.array(z.unknown()) }),
          findings: z.array(z.unknown()),
          dropped: z.array(z.unknown()),
        })
        .safeParse(value).success,
    'not a report of schema 1',
  ),
});

export type Asked = Readonly<z.infer<typeof AskedSchema>>;
/** One assembled series to check. */
export type CheckJob = Readonly<z.infer<typeof CheckJobSchema>>;
/** What came of it. */
export type CheckResult = Readonly<z.infer<typeof CheckResultSchema>>;

export type JobState =
  | { readonly state: 'unknown' | 'waiting' | 'active' }
  /** `isOfMachine`: for a fault of the machine at the last attempt; another time it may not. */
  | { readonly state: 'failed'; readonly why: string; readonly isOfMachine: boolean }
  | { readonly state: 'done'; readonly result: CheckResult };

export interface JobQueue {
  /**
   * One job a key: a second add is no more, unless the job has failed; then it is tried again from the start. With
   * `isUrgent` it goes before all that are not, though it waits already; turns.ts says in which turn the others go.
   */
  add(job: CheckJob, isUrgent?: boolean): Promise<void>;
  /** Waiting is also a job that failed and will be tried again. */
  result(key: string): Promise<JobState>;
  /** Removes a job and its result. One that a worker has now is called off: it ends soon, and leaves nothing. */
  forget(key: string): Promise<void>;
  status(): Promise<QueueStatus>;
  /** Told of jobs that became active, done or failed, also of some that did so before; never to be relied on alone. */
  onChange(listener: (key: string) => void): void;
  counts(): Promise<{
    readonly waiting: number;
    readonly active: number;
    readonly done: number;
    readonly failed: number;
  }>;
  close(): Promise<void>;
}

/** A job that a worker has. */
export interface RunningJob {
  readonly key: string;
  readonly subject: string;
  readonly worker?: string;
  readonly since?: Date;
  /** What its worker last said of it. */
  readonly progress?: string;
  /** 1 for the first. */
  readonly attempt: number;
}

/** What goes on at a queue, for people. */
export interface QueueStatus {
  readonly running: readonly RunningJob[];
  /** By host and process. */
  readonly workers: readonly string[];
  readonly doneLastHour: number;
  /** The last attempts that failed, the latest first; `at` in milliseconds since 1970. */
  readonly errors: readonly {
    readonly at: number;
    readonly subject: string;
    readonly worker: string;
    readonly why: string;
  }[];
}

/**
 * Does a job. A fault of the machine (machine-fault.ts) is tried again, anything else that it throws is not. `signal`
 * aborts when the job was called off or the worker must end.
 */
export type Handler = (
  job: CheckJob,
  signal: AbortSignal,
  progress: (text: string) => void,
  isLastAttempt: boolean,
) => Promise<Report>;

export interface Worker {
  /** Ends it. A job that does not come to its end in time goes back to the queue. */
  close(): Promise<void>;
  /** Settles when the worker has ended. */
  readonly stopped: Promise<void>;
}

/**
 * 32 hex digits that stand for a series: a digest of its Message-IDs in order, cover letter first. The same series
 * has the same key on every machine; one with a patch sent again has another, and so has a check with wishes.
 */
export function seriesKey(series: Series, asked?: Asked): string {
  const ids = mailsInOrder(series).map(({ messageId }) => messageId);
  const named = asked === undefined ? ids : [ids, asked];
  return createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, KEY_CHARS);
}

/** The job that checks a series; `why` when it is larger than a job may be. */
export function jobOf(series: Series, asked?: Asked): Outcome<{ readonly job: CheckJob }, { readonly why: string }> {
  const raw = mailsInOrder(series).map((message) => message.raw);
  const bytes = raw.reduce((sum, mail) => sum + mail.length, 0);
  if (raw.length > MOST_MAILS) return { ok: false, why: `${raw.length} mails; at most ${MOST_MAILS} are checked` };
  if (bytes > MOST_BYTES)
    return { ok: false, why: `${bytes} bytes of mails; at most ${MOST_BYTES / 2 ** 20} MiB are checked` };
  const mails = raw.map((mail) => Buffer.from(mail).toString('base64'));
  const list = mailsInOrder(series)[0]?.listIds[0]?.slice(0, LIST_CHARS);
  return {
    ok: true,
    job: {
      schema: 1,
      key: seriesKey(series, asked),
      subject: series.subject.slice(0, SUBJECT_CHARS),
      mails,
      ...(list && { list }),
      ...(asked && { asked }),
    },
  };
}

/** Bytes of each mail of a job, in its order. */
export function mailsOf(job: CheckJob): readonly Uint8Array[] {
  return job.mails.map((mail) => Buffer.from(mail, 'base64'));
}

/** What a queue holds, as a job; `why` names the first thing that is wrong with it. */
export function parseJob(value: unknown): Outcome<{ readonly job: CheckJob }, { readonly why: string }> {
  const read = CheckJobSchema.safeParse(value);
  return read.success ? { ok: true, job: read.data } : { ok: false, why: `not a job: ${firstIssue(read.error)}` };
}

/** What a queue holds, as the result of the job with that key; `why` names the first thing that is wrong with it. */
export function parseResult(
  value: unknown,
  key: string,
): Outcome<{ readonly result: CheckResult }, { readonly why: string }> {
  const read = CheckResultSchema.safeParse(value);
  if (!read.success) return { ok: false, why: `not a result: ${firstIssue(read.error)}` };
  if (read.data.key !== key) return { ok: false, why: `not its result, but that of ${read.data.key}` };
  return { ok: true, result: read.data };
}

function mailsInOrder({ cover, patches }: Series) {
  const messages = patches.map(({ message }) => message);
  return cover === undefined ? messages : [cover, ...messages];
}

function bytesOf(mails: readonly string[]): number {
  return mails.reduce((sum, mail) => sum + Buffer.byteLength(mail, 'base64'), 0);
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]!;
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}
