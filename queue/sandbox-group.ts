/**
 * Bounds of all processes of a sandboxed run together, where the caller is root: a cgroup of its own for memory and
 * for the number of processes. Source: Documentation/admin-guide/cgroup-v1/memory.rst, pids.rst; cgroup-v2.rst.
 */
import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { kill } from './sandbox-end.ts';

type Controller = 'memory' | 'pids';

/** A place where groups can be made: version 2 has one tree for all controllers, version 1 one for each. */
interface Place {
  readonly folder: string;
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
}

export interface Group {
  /** Folders to enter; one each where the controllers have trees of their own. None where no group could be had. */
  readonly folders: readonly string[];
  /** Whether memory of all processes together is bounded. */
  readonly boundsMemory: boolean;
  /** Processes that the kernel ended for want of memory. To be asked before `close`. */
  killed(): Promise<number>;
  close(): Promise<void>;
}

/**
 * The command line that joins cgroups, asks to be the first to go when the machine runs out of memory, closes what
 * whoever started depbot left open, and becomes the command. The shell sees its arguments as data.
 */
export function enterGroup({ folders }: Pick<Group, 'folders'>, command: readonly string[]): string[] {
  const script =
    // node keeps only the first few to itself, bwrap none; a folder that is open leads out of every sandbox
    `for fd in /proc/self/fd/*; do fd=\${fd##*/}; [ "$fd" -gt ${LAST_FD} ] && exec {fd}>&-; done; ` +
    '(echo 1000 >/proc/self/oom_score_adj) 2>/dev/null; ' +
    'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';
  // sh(1) of Debian cannot close a descriptor of two digits
  return ['/bin/bash', '-c', script, 'bash', ...folders, '--', ...command];
}

/** Of the descriptors that a run is given: the standard ones, and two for bwrap. */
const LAST_FD = 4;

let groups = 0;

/** A new group with its bounds; without folders where none can be had. */
export async function openGroup(bounds: { readonly processes: number; readonly memoryBytes: number }): Promise<Group> {
  const places = await groupPlaces();
  groups += 1;
  const name = `depbot-${process.pid}-${groups}-${Math.floor(performance.now())}`;
  const made: { readonly folder: string; readonly place: Place }[] = [];
  const close = async (): Promise<void> => {
    for (const { folder } of made) await removeGroup(folder);
  };
  try {
    for (const place of places) {
      if (groups === 1) await sweep(place.folder);
      const folder = join(place.folder, name);
      await mkdir(folder);
      made.push({ folder, place });
      const there = await readdir(folder);
      // kernels without accounts of swap have no bound of it
      const known = boundsOf(place, bounds).filter(([file]) => !SWAP.includes(file) || there.includes(file));
      for (const [file, value] of known) await writeFile(join(folder, file), value);
    }
  } catch (error) {
    await close();
    if (!isAbsent(error)) throw error;
    made.length = 0;
  }
  const memory = made.find(({ place }) => place.controllers.includes('memory'));
  return {
    folders: made.map(({ folder }) => folder),
    boundsMemory: memory !== undefined,
    killed: async () => (memory === undefined ? 0 : killsIn(memory.folder, memory.place.version)),
    close,
  };
}

/** Whether groups for memory can be had on this machine. */
export async function canBoundMemory(): Promise<boolean> {
  return (await groupPlaces()).some(({ controllers }) => controllers.includes('memory'));
}

const [SWAP_1, SWAP_2] = ['memory.memsw.limit_in_bytes', 'memory.swap.max'];
const SWAP: readonly string[] = [SWAP_1, SWAP_2];

/** In the order in which they can be set. No swap: a machine that writes memory to its disk does nothing else. */
function boundsOf(
  { version, controllers }: Place,
  { processes, memoryBytes }: { readonly processes: number; readonly memoryBytes: number },
): (readonly [file: string, value: string])[] {
  const memory = String(Math.min(memoryBytes, ownShare()));
  const ofMemory: Readonly<Record<Place['version'], ReturnType<typeof boundsOf>>> = {
    // version 1 bounds both together
    1: [
      ['memory.limit_in_bytes', memory],
      [SWAP_1, memory],
    ],
    2: [
      ['memory.max', memory],
      [SWAP_2, '0'],
    ],
  };
  return [
    ...(controllers.includes('pids') ? [['pids.max', String(processes)] as const] : []),
    ...(controllers.includes('memory') ? ofMemory[version] : []),
  ];
}

/** Half the memory that we have: the other is for ourselves, and for what else runs here. */
function ownShare(): number {
  const most = process.constrainedMemory();
  return Math.floor((most > 0 ? Math.min(totalmem(), most) : totalmem()) / 2 / PAGE) * PAGE;
}

/** Bounds are rounded to pages, of 64 KiB at most. */
const PAGE = 65_536;

async function killsIn(folder: string, version: 1 | 2): Promise<number> {
  const file = version === 1 ? 'memory.oom_control' : 'memory.events';
  const text = await readFile(join(folder, file), 'utf8');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Where our own process may make groups, below the group it is in or, in version 2, one above it. */
async function groupPlaces(): Promise<Place[]> {
  // others would need a part of the tree handed down to them
  if (process.getuid?.() !== 0) return [];
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const unified = /^0::(.*)$/m.exec(own)?.[1];
  if (unified !== undefined) {
    // a group that has processes hands no controllers down: the nearest one above that does
    for (let path = unified; ; path = dirname(path)) {
      const folder = join('/sys/fs/cgroup', path);
      const handed = (await textIfThere(join(folder, 'cgroup.subtree_control'))).split(/\s/);
      const controllers = (['memory', 'pids'] as const).filter((one) => handed.includes(one));
      if (controllers.length > 0 && (await isWritable(folder))) return [{ folder, version: 2, controllers }];
      if (path === '/' || path === '.') break;
    }
  }
  const places: Place[] = [];
  for (const controller of ['memory', 'pids'] as const) {
    const path = new RegExp(`^\\d+:(?:[^:\\n]*,)?${controller}(?:,[^:\\n]*)?:(.*)$`, 'm').exec(own)?.[1];
    const folder = join('/sys/fs/cgroup', controller, path ?? '/');
    if (path !== undefined && (await isWritable(folder)))
      places.push({ folder, version: 1, controllers: [controller] });
  }
  return places;
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(join(folder, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return false;
  }
}

async function textIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return '';
  }
}

/** Removes what killed processes of ours left behind, and ends what still runs there. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = /^depbot-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const group = join(root, name);
    const members = ((await textIfThere(join(group, 'cgroup.procs'))).match(/\d+/g) ?? []).map(Number);
    // numbers below 2 are of processes that we cannot see, and would mean others
    for (const member of members) if (member > 1) kill(member);
    await removeGroup(group);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** The kernel may need a moment to count the last process out; a group that stays is swept later. */
async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      await rmdir(group);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY') throw error;
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }
}

/** Not there, or not ours to use: both mean "look elsewhere". */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');
}
