/** The thread that reads C: a text comes in, what parseC makes of it goes out. One heap of WebAssembly, one life. */

import { parentPort } from 'node:worker_threads';
import { parseC } from '../rules/source/c-file.ts';
import type { ReadOutcome } from '../rules/source/c-file-cache.ts';
import { openTreeSitter } from './tree-sitter.ts';

/** Answer to one text; after a spent one another thread is needed. */
export interface WorkerAnswer {
  readonly outcome: ReadOutcome;
  readonly isSpent: boolean;
  readonly heapBytes: number;
}

const treeSitter = await openTreeSitter();

parentPort?.on('message', (text: string) => {
  const outcome = parseC(treeSitter.parse, text);
  const answer: WorkerAnswer = { outcome, isSpent: treeSitter.isSpent(), heapBytes: treeSitter.heapBytes() };
  parentPort?.postMessage(answer);
});
