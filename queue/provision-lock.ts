/**
 * One process at a time does set-up. The lock is the kernel's (flock(2), through util-linux's flock(1), which
 * every Debian has): it ends with its holder however that dies, so there is no stale lock to judge.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** The lock cannot be had, for a reason that its operator can mend; the message says how. */
export class LockError extends Error {
  override readonly name = 'LockError';
}

/**
 * Runs `work` while holding `file` exclusively, in a folder that is made where missing; waits for other holders first.
 * `onWait` is called once when the lock is not free at once. Throws what `work` throws, or a LockError.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait: () => void = () => undefined,
): Promise<T> {
  makeFolder(dirname(file));
  const release = await lock(file, onWait);
  try {
    return await work();
  } finally {
    await release();
  }
}

function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // EEXIST where its own name is a file's, ENOTDIR where one above it is.
    const why =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'it, or what should be a folder above it, is a file' : message;
    throw new LockError(`cannot make the folder ${dir}: ${why}. ${REMEDY}`, { cause });
  }
}

const REMEDY = 'Mend that, or name another folder: paths.state in depbot.toml for the service, DEPBOT_CACHE for set-up';

/** Milliseconds after which a lock that has not come is worth a word. */
const WAIT_NOTE_MS = 500;

function lock(file: string, onWait: () => void): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    // cat answers only once flock has the lock, and ends when its input closes: with us, whatever happens.
    // --no-fork: flock becomes cat, so that the lock has one holder and not two.
    const child = spawn('flock', ['--exclusive', '--no-fork', file, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const exited = new Promise<void>((done) => child.once('close', () => done()));
    const note = setTimeout(onWait, WAIT_NOTE_MS);
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.once('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(note);
      const why =
        cause.code === 'ENOENT'
          ? 'flock(1), which keeps two processes off one folder, is not installed: apt install util-linux'
          : `flock(1), of the package util-linux, does not start: ${cause.message}`;
      reject(new LockError(`cannot lock ${file}: ${why}`, { cause }));
    });
    child.once('exit', (code) => {
      clearTimeout(note);
      reject(new LockError(`cannot lock ${file}: flock ended with status ${code}: ${complaint.trim()}. ${REMEDY}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdout.once('data', () => {
      clearTimeout(note);
      resolve(() => {
        child.stdin.end();
        return exited;
      });
    });
    child.stdin.write('locked\n');
  });
}
