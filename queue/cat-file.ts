/**
 * Blobs by object name, through one long-lived `git cat-file --batch` for a repository.
 *
 * Protocol (git-cat-file(1), "BATCH OUTPUT"): one name a line in; out comes
 * `<name> <type> <size> LF <bytes> LF`, or `<name> missing LF`, in the order asked.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Sha } from '../rules/types.ts';
import type { GitPlace } from './git.ts';
import { GitError, spawnGit } from './git.ts';

/** Blobs above this are passed over as if they were not there. */
export const MAX_BLOB_BYTES = 64 << 20;
const IDLE_MS = 60_000;

interface Waiting {
  resolve(bytes: Buffer | undefined): void;
  reject(error: Error): void;
}

/** What is being received: nothing yet, or the rest of a blob and the LF after it. */
interface Receiving {
  left: number;
  readonly size: number;
  /** Absent: passed over, because too large or no blob. */
  readonly chunks?: Buffer[];
}

export interface BlobReader {
  /** Bytes of a blob; undefined when it is missing, no blob, or above MAX_BLOB_BYTES. Throws GitError when git dies. */
  read(blob: Sha): Promise<Buffer | undefined>;
  /** Ends the process; reads still waiting are refused with a GitError. */
  close(): Promise<void>;
}

/** A reader that starts its process at the first read, and again after one that died. */
export function openBlobReader(place: GitPlace): BlobReader {
  let current: ReturnType<typeof startBatch> | undefined;
  let closed = false;
  return {
    read(blob) {
      if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(blob)) return Promise.resolve(undefined);
      if (closed) return Promise.reject(new GitError('failed', 'the repository is closed'));
      if (current === undefined || current.dead()) current = startBatch(place);
      return current.ask(blob);
    },
    async close() {
      closed = true;
      await current?.end();
    },
  };
}

function startBatch(place: GitPlace) {
  const child: ChildProcessWithoutNullStreams = spawnGit(place, ['cat-file', '--batch']);
  const waiting: Waiting[] = [];
  let dead = false;
  let header = Buffer.alloc(0);
  let receiving: Receiving | undefined;
  let timer: NodeJS.Timeout | undefined;

  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const die = (why: string, cause?: unknown): void => {
    dead = true;
    clearTimeout(timer);
    child.kill('SIGKILL');
    for (const each of waiting.splice(0))
      each.reject(new GitError('failed', `git cat-file: ${why}`, { argv: ['cat-file', '--batch'], cause }));
  };
  const rearm = (): void => {
    clearTimeout(timer);
    if (waiting.length > 0) timer = setTimeout(() => die(`no answer for ${IDLE_MS} ms`), IDLE_MS);
  };
  const answer = (bytes: Buffer | undefined): void => {
    waiting.shift()?.resolve(bytes);
    rearm();
  };

  child.on('error', (cause) => die(cause.message, cause));
  child.on('close', () => die('it ended before it answered'));
  child.stdin.on('error', (cause) => die(cause.message, cause));
  child.stderr.resume();
  child.stdout.on('data', (data: Buffer) => {
    let rest = data;
    while (rest.length > 0 && !dead) {
      if (receiving !== undefined) {
        const part = rest.subarray(0, receiving.left);
        rest = rest.subarray(part.length);
        receiving.chunks?.push(part);
        receiving.left -= part.length;
        if (receiving.left > 0) continue;
        const { chunks, size } = receiving;
        receiving = undefined;
        answer(chunks === undefined ? undefined : Buffer.concat(chunks).subarray(0, size));
        continue;
      }
      const lf = rest.indexOf(0x0a);
      header = Buffer.concat([header, lf < 0 ? rest : rest.subarray(0, lf)]);
      rest = lf < 0 ? rest.subarray(rest.length) : rest.subarray(lf + 1);
      if (lf < 0) continue;
      const [, type, size] = header.toString('latin1').split(' ');
      header = Buffer.alloc(0);
      if (size === undefined) answer(undefined);
      else {
        const bytes = Number(size);
        const wanted = type === 'blob' && bytes <= MAX_BLOB_BYTES;
        receiving = { left: bytes + 1, size: bytes, ...(wanted ? { chunks: [] } : {}) };
      }
    }
    rearm();
  });

  return {
    dead: () => dead,
    ask(blob: Sha): Promise<Buffer | undefined> {
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${blob}\n`);
        if (waiting.length === 1) rearm();
      });
    },
    async end(): Promise<void> {
      die('the repository was closed');
      await gone;
    },
  };
}
