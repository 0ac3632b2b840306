/**
 * How much a sandboxed run may write to its output folders. The kernel bounds the size of a file, but not that of
 * all files together, so the folders are watched while the run goes on.
 */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';

const EVERY_MS = 200;
/** What a file costs beside its content: a million empty ones fill a disk too. */
const FILE_BYTES = 4096;
/** What is left of a disk by whatever filled it up. */
const FULL_BYTES = 64 * 2 ** 10;
/** Free space below which a run is ended, whoever used it up: files that are open and deleted have no name to count. */
const RESERVE_BYTES = 512 * 2 ** 20;

/** Watches folders until `stop`; calls `over` once, when there is more in them than `diskBytes`, or no space is left. */
export function watchDisk(folders: readonly string[], diskBytes: number, over: () => void): { stop(): void } {
  let stopped = false;
  const watch = async (): Promise<void> => {
    let counted = await spaceOf(folders);
    while (!stopped) {
      await new Promise((wake) => setTimeout(wake, EVERY_MS).unref());
      const space = await spaceOf(folders);
      const isFull =
        space.some(({ free }) => free < RESERVE_BYTES) && counted.every(({ free }) => free >= RESERVE_BYTES);
      const lost = space.reduce((sum, { left }, i) => sum + counted[i]!.left - left, 0);
      // counting is dear, and pointless as long as the whole disk has not lost as much
      if (stopped || (!isFull && lost < diskBytes / 4)) continue;
      counted = space;
      if (!isFull && (await usedBytes(folders, diskBytes)) <= diskBytes) continue;
      if (!stopped) over();
      return;
    }
  };
  // a folder that cannot be watched must not be written to
  if (folders.length > 0) void watch().catch(over);
  return {
    stop: () => {
      stopped = true;
    },
  };
}

/** Whether hardly a file can be written to a folder. */
export async function isFull(folder: string): Promise<boolean> {
  const [{ blocks }, [space]] = await Promise.all([statfs(folder), spaceOf([folder])]);
  // some file systems do not count at all
  return blocks > 0 && space!.free < FULL_BYTES;
}

/** Whether so little space is left for a folder that a run in it would be ended. */
export async function isShort(folder: string): Promise<boolean> {
  const [space] = await spaceOf([folder]);
  return space!.free < RESERVE_BYTES;
}

interface Space {
  /** Bytes that can be written; or files that can be made, as bytes, where these are fewer. */
  readonly free: number;
  /** Goes down by what a file costs, as usedBytes counts it. */
  readonly left: number;
}

/** Of the file system of each folder. */
function spaceOf(folders: readonly string[]): Promise<Space[]> {
  return Promise.all(
    folders.map(async (folder) => {
      const { bavail, bsize, ffree, files } = await statfs(folder);
      const [bytes, forFiles] = [bavail * bsize, ffree * FILE_BYTES];
      // some file systems do not count files
      return files === 0 ? { free: bytes, left: bytes } : { free: Math.min(bytes, forFiles), left: bytes + forFiles };
    }),
  );
}

/** Bytes below folders, counted until they are more than `enough`. Follows no link. */
async function usedBytes(folders: readonly string[], enough: number): Promise<number> {
  let used = 0;
  const open = [...folders];
  for (let folder = open.pop(); folder !== undefined && used <= enough; folder = open.pop()) {
    const here = folder;
    for (const entry of (await counted(() => readdir(here, { withFileTypes: true }), folders.includes(here))) ?? []) {
      const path = join(here, entry.name);
      used += FILE_BYTES;
      if (entry.isDirectory()) open.push(path);
      else if (entry.isFile()) used += ((await counted(() => lstat(path)))?.blocks ?? 0) * 512;
      if (used > enough) break;
    }
  }
  return used;
}

/** Undefined where it is gone by now. A folder that is closed to us, or too deep, hides what is in it: that throws. */
async function counted<T>(ask: () => Promise<T>, isMount = false): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // a mount can be a file
    if (code === 'ENOENT' || (isMount && code === 'ENOTDIR')) return undefined;
    throw error;
  }
}
