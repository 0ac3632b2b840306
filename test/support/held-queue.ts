import { seriesOfJob } from '../../bot/job-series.ts';
import type { CheckJob, JobQueue, JobState } from '../../queue/jobs.ts';
import { QueueError } from '../../queue/redis-watch.ts';
import { recursion, sampleReport } from './sample-report.ts';

/** A queue in memory, whose results come when they are let out: each series has the finding `recursion`. */
export class HeldQueue implements JobQueue {
  readonly jobs = new Map<string, CheckJob>();
  readonly forgotten = new Set<string>();
  /** Keys whose results are held back, and how: not yet there, failed for a fault of the machine or of ours, or under way for so long as the promise takes. */
  readonly held = new Map<string, 'waiting' | 'active' | 'failed' | 'buggy' | Promise<unknown>>();
  /** What kept the checks from building. */
  fault: string | undefined;
  /** Whether it forgets nothing for now, and how often it said so. */
  isAway = false;
  refused = 0;
  #tell: (key: string) => void = () => undefined;

  async add(job: CheckJob): Promise<void> {
    this.jobs.set(job.key, job);
    this.#tell(job.key);
  }

  async result(key: string): Promise<JobState> {
    const job = this.jobs.get(key);
    if (!job) return { state: 'unknown' };
    const held = this.held.get(key);
    if (held === 'waiting' || held === 'active') return { state: held };
    if (held === 'failed' || held === 'buggy')
      return { state: 'failed', why: 'killed', isOfMachine: held === 'failed' };
    await held;
    const report = sampleReport([recursion], seriesOfJob(job));
    const { fault } = this;
    if (fault !== undefined) {
      const trials = [{ arch: 'x86', from: 'empty', settings: [], objects: [], steps: [], fault }];
      const built = { trials, notCompiled: [], sampled: [], left: [], skipped: [] };
      Object.assign(report, { checked: { ...report.checked, built } });
    }
    return { state: 'done', result: { schema: 1, key, report } };
  }

  async forget(key: string): Promise<void> {
    if (this.isAway) {
      this.refused += 1;
      throw new QueueError('the queue is away');
    }
    if (this.jobs.delete(key)) this.forgotten.add(key);
  }

  onChange(listener: (key: string) => void): void {
    this.#tell = listener;
  }

  async status() {
    return { running: [], workers: [], doneLastHour: 0, errors: [] };
  }

  async counts() {
    return { waiting: 0, active: 0, done: 0, failed: 0 };
  }

  async close(): Promise<void> {
    this.jobs.clear();
  }
}
