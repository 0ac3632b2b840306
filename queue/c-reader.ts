/**
 * C files read in a thread of their own (c-worker.ts), one after the other, so that nothing a file can do harms this
 * one: a parser that traps, runs out of memory or takes too long is a failure of that file, and the next
 * file gets a new thread.
 */

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ReadOutcome } from '../rules/source/c-file-cache.ts';
import { SYNTAX_LIMITS } from '../rules/source/c-syntax.ts';
import type { WorkerAnswer, WorkerStart } from './c-worker.ts';

export interface CReaderLimits {
  /** Wall clock of one file. The slowest of Linux 6.12 takes 3 s. */
  readonly fileMs: number;
  /** Heap of JavaScript in the thread. */
  readonly heapMiB: number;
  /** Heap of WebAssembly in the thread, at least 33: tree-sitter needs about 40 bytes for each character. */
  readonly wasmMiB: number;
}

const DEFAULT_LIMITS: CReaderLimits = { fileMs: 60_000, heapMiB: 1024, wasmMiB: 1024 };

export class CReader {
  readonly #limits: CReaderLimits;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<CReaderLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Reads one text (a `ReadC`). Throws what is neither the file's fault nor the parser's. */
  readonly read = (text: string): Promise<ReadOutcome> => {
    const reading = this.#last.then(() => this.#readNow(text));
    this.#last = reading.catch(() => undefined);
    return reading;
  };

  /** Ends the thread, once it has done what it was asked. */
  async close(): Promise<void> {
    await this.#last;
    await this.#end();
  }

  async #readNow(text: string): Promise<ReadOutcome> {
    if (text.length > SYNTAX_LIMITS.maxChars) return { ok: false, why: 'too-long' };
    const worker = (this.#worker ??= this.#start());
    const answer = await ask(worker, text, this.#limits.fileMs);
    if (answer.isSpent) await this.#end();
    return answer.outcome;
  }

  #start(): Worker {
    const workerData: WorkerStart = { wasmBytes: this.#limits.wasmMiB << 20 };
    const worker = new Worker(new URL(`./c-worker${extname(import.meta.filename)}`, import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMiB },
      // nothing of the operator's environment is the parser's business
      env: {},
    });
    // it must not keep a process alive that has nothing else to do
    worker.unref();
    return worker;
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** Codes of the error with which a thread ends at a limit. */
const LIMITS = new Set(['ERR_WORKER_OUT_OF_MEMORY']);

function ask(worker: Worker, text: string, fileMs: number): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (why: 'too-slow' | 'trap'): void =>
      done(() => resolve({ outcome: { ok: false, why }, isSpent: true }));
    const answered = (answer: WorkerAnswer): void => done(() => resolve(answer));
    const broken = (error: NodeJS.ErrnoException): void =>
      LIMITS.has(error.code ?? '') ? failed('trap') : done(() => reject(error));
    const ended = (): void => failed('trap');
    const timer = setTimeout(() => failed('too-slow'), fileMs);
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      worker.off('message', answered).off('error', broken).off('exit', ended);
      settle();
    };
    worker.on('message', answered).on('error', broken).on('exit', ended);
    worker.postMessage(text);
  });
}
