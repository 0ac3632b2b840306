/**
 * A few processes that work through tasks. A process is replaced after `TASKS_EACH` tasks, which bounds what it
 * keeps in memory; one that dies or takes too long is replaced, too, and its task answered by `failed`.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';

export interface Work<Task, Result> {
  /** Program of the processes: it answers each message with one. */
  readonly script: string;
  readonly argument: string;
  readonly jobs: number;
  readonly limitMs: number;
  /** Ends the work early; tasks that have no answer then stay without. */
  readonly stop?: AbortSignal;
  /** The answer of a process that gave none. */
  failed(task: Task, why: string): Result;
  /** `done` tasks have been answered by now. */
  onResult(result: Result, task: Task, done: number): void;
}

const TASKS_EACH = 60;
const MAX_ERROR = 2000;

/** The results of all tasks that were answered, in the order of the tasks. */
export async function workThrough<Task extends object, Result>(
  tasks: readonly Task[],
  work: Work<Task, Result>,
): Promise<Result[]> {
  const results: { at: number; result: Result }[] = [];
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    let worker: Worker | undefined;
    try {
      while (next < tasks.length && !work.stop?.aborted) {
        const at = next++;
        if (worker === undefined || worker.answered === TASKS_EACH || worker.isDead()) {
          worker?.end();
          worker = new Worker(work.script, work.argument);
        }
        const answer = await worker.ask(tasks[at]!, work.limitMs);
        // A terminal interrupts the processes as well: what they did not answer is no failure of theirs.
        if ('why' in answer && work.stop?.aborted) return;
        const result = 'why' in answer ? work.failed(tasks[at]!, answer.why) : (answer.message as Result);
        results.push({ at, result });
        work.onResult(result, tasks[at]!, ++done);
      }
    } finally {
      worker?.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(work.jobs, tasks.length) }, lane));
  return results.sort((a, b) => a.at - b.at).map(({ result }) => result);
}

/** Aborted by the first interrupt (Ctrl-C), or a polite end; a second interrupt ends this process. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

class Worker {
  answered = 0;
  readonly #child: ChildProcess;
  #error = '';
  #dead = false;

  constructor(script: string, argument: string) {
    this.#child = fork(script, [argument], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#error = (this.#error + chunk.toString()).slice(-MAX_ERROR);
    });
    this.#child.on('close', () => {
      this.#dead = true;
    });
  }

  isDead(): boolean {
    return this.#dead;
  }

  ask(task: object, limitMs: number): Promise<{ message: unknown } | { why: string }> {
    return new Promise((resolve) => {
      const finish = (answer: { message: unknown } | { why: string }): void => {
        clearTimeout(timer);
        this.#child.removeAllListeners('message');
        this.#child.off('close', onClose);
        this.answered += 1;
        resolve(answer);
      };
      const onClose = (code: number | null, signal: string | null): void => {
        const words = /^\w*Error\b.*$/m.exec(this.#error)?.[0] ?? this.#error.trim().split('\n').at(-1) ?? '';
        finish({ why: `the check ended with ${signal ?? `status ${code}`}: ${words}` });
      };
      const timer = setTimeout(() => {
        this.#dead = true;
        finish({ why: `the check took longer than ${limitMs / 1000} s` });
        this.#child.kill('SIGKILL');
      }, limitMs);
      this.#child.once('message', (message) => finish({ message }));
      this.#child.once('close', onClose);
      // A process that is gone already says so by `close`.
      this.#child.send(task, () => undefined);
    });
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
