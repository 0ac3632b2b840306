/**
 * One process at a time does set-up. The lock is the kernel's (flock(2), through util-linux's flock(1), which
 * every Debian has): it ends with its holder however that dies, so there is no stale lock to judge.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Runs `work` while holding `file` exclusively; waits for other holders first.
 * `onWait` is called once when the lock is not free at once. Throws what `work` throws, or an Error when
 * flock(1) cannot be started.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait: () => void = () => undefined,
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const release = await lock(file, onWait);
  try {
    return await work();
  } finally {
    await release();
  }
}

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
    child.once('error', (cause) => {
      clearTimeout(note);
      reject(new Error(`cannot lock ${file}: flock (package util-linux) does not start`, { cause }));
    });
    child.once('exit', (code) => {
      clearTimeout(note);
      reject(new Error(`cannot lock ${file}: flock ended with status ${code}: ${complaint.trim()}`));
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
