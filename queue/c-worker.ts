/** The thread that reads C: a text comes in, what parseC makes of it goes out. One heap of WebAssembly, one life. */

import { parentPort, workerData } from 'node:worker_threads';
import { parseC } from '../rules/source/c-file.ts';
import type { ReadOutcome } from '../rules/source/c-file-cache.ts';
import { SYNTAX_LIMITS } from '../rules/source/c-syntax.ts';
import { openTreeSitter } from './tree-sitter.ts';

/** What a thread is started with. */
export interface WorkerStart {
  /** Bound of the heap of WebAssembly. */
  readonly wasmBytes: number;
}

/** Answer to one text; after a spent one another thread is needed. */
export interface WorkerAnswer {
  readonly outcome: ReadOutcome;
  readonly isSpent: boolean;
}

const { wasmBytes } = workerData as WorkerStart;
const treeSitter = await openTreeSitter(SYNTAX_LIMITS, wasmBytes);

parentPort?.on('message', (text: string) => {
  const outcome = parseC(treeSitter.parse, text);
  const answer: WorkerAnswer = { outcome, isSpent: treeSitter.isSpent() };
  parentPort?.postMessage(answer);
});
