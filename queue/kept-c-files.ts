/**
 * C files as they were read, kept on disk by blob id, so that the next process need not parse them again. A file
 * follows from its text and from our own code, whose digest is the folder's name.
 */

import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import type { CFile } from '../rules/source/c-file.ts';
import type { KeptCFiles } from '../rules/source/c-file-cache.ts';
import type { Sha } from '../rules/types.ts';
import { codeDigest } from './code-digest.ts';
import { keepFile, keepNewest } from './kept-folder.ts';

/** Files kept, of some ten kilobytes each; the oldest go first. */
const MOST_KEPT = 8000;
/** Files written between two counts. */
const COUNT_EVERY = 200;
/** Of one file's JSON: what is more is not read back. */
const MOST_BYTES = 64 << 20;
/** Another version of depbot that shares the cache may be at work: one that wrote nothing for so long is gone. */
const OTHERS_DAYS = 2;
const DAY_MS = 24 * 60 * 60_000;
const SOURCE = join(import.meta.dirname, '../rules/source');

/** A cache that cannot be written or read costs time, no more. */
export class CFilesOnDisk implements KeptCFiles {
  readonly #parent: string;
  readonly #folder: string;
  readonly #most: number;
  #written = 0;

  constructor(cacheDir: string, most: number = MOST_KEPT) {
    this.#parent = join(cacheDir, 'c-files');
    this.#folder = join(this.#parent, codeDigest(SOURCE, [import.meta.filename]).slice(0, 16));
    this.#most = most;
  }

  /** Whatever was kept, or undefined. */
  async get(blob: Sha): Promise<unknown> {
    try {
      return JSON.parse(
        inflateSync(readFileSync(join(this.#folder, blob)), { maxOutputLength: MOST_BYTES }).toString('utf8'),
      );
    } catch {
      return undefined;
    }
  }

  async put(blob: Sha, file: CFile): Promise<void> {
    keepFile(this.#folder, blob, deflateSync(JSON.stringify(file), { level: 1 }), () => {
      if (this.#written++ % Math.min(COUNT_EVERY, this.#most) === 0) this.#prune();
    });
  }

  #prune(): void {
    for (const name of readdirSync(this.#parent)) {
      const folder = join(this.#parent, name);
      if (folder === this.#folder || !isOld(folder)) continue;
      rmSync(folder, { recursive: true, force: true });
    }
    // room for those until the next count
    keepNewest(this.#folder, this.#most, Math.ceil(this.#most / 2));
  }
}

function isOld(folder: string): boolean {
  const changed = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
  return changed !== undefined && changed < Date.now() - OTHERS_DAYS * DAY_MS;
}
