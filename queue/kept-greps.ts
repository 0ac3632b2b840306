/**
 * Answers of searches through a whole commit, kept on disk for the next process: a commit does not change, and to
 * search it takes seconds.
 */

import { hash } from 'node:crypto';
import { readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import type { Sha } from '../rules/types.ts';
import { codeDigest } from './code-digest.ts';
import type { GrepAnswer } from './grep.ts';
import { keepFile, keepNewest } from './kept-folder.ts';

/** Answers kept, of a megabyte at most but for few; those that nobody asked for longest go first. */
const MOST_KEPT = 48;
/** Of one answer's JSON; a longer one is neither kept nor read back. */
const MOST_BYTES = 32 << 20;

/** What was asked of a commit. */
export interface GrepQuestion {
  readonly commit: Sha;
  readonly words: readonly string[];
  readonly limit: number;
}

/** A cache that cannot be written or read costs time, no more. */
export class GrepsOnDisk {
  readonly #folder: string;
  readonly #most: number;

  constructor(cacheDir: string, most: number = MOST_KEPT) {
    this.#folder = join(cacheDir, 'greps');
    this.#most = most;
  }

  /** The answer that was kept to this question, or undefined; half of one, after a crash of the machine, does not inflate. */
  get(question: GrepQuestion): GrepAnswer | undefined {
    const path = join(this.#folder, nameOf(question));
    try {
      const kept = JSON.parse(inflateSync(readFileSync(path), { maxOutputLength: MOST_BYTES }).toString('utf8'));
      const now = new Date();
      utimesSync(path, now, now);
      return kept as GrepAnswer;
    } catch {
      return undefined;
    }
  }

  put(question: GrepQuestion, answer: GrepAnswer): void {
    const text = JSON.stringify(answer);
    if (Buffer.byteLength(text) > MOST_BYTES) return;
    const tidy = (): void => keepNewest(this.#folder, this.#most);
    keepFile(this.#folder, nameOf(question), deflateSync(text, { level: 1 }), tidy);
  }
}

function nameOf({ commit, words, limit }: GrepQuestion): string {
  const question = [commit, limit, [...new Set(words)].sort(), codeDigest(import.meta.dirname)];
  return hash('sha256', JSON.stringify(question)).slice(0, 32);
}
