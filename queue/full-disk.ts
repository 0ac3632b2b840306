/** What git makes on a disk without space says nothing of a mail. */
import { GitError } from './git.ts';
import { isFull } from './sandbox-disk.ts';

/** Throws GitError where hardly a file can be written to `dir` any more: what `command` left there may be cut short. */
export async function refuseFullDisk(dir: string, command: string): Promise<void> {
  if (await isFull(dir)) throw new GitError('failed', `${command}: no space is left on the disk of ${dir}`);
}
