/** What processes of depbot have left on the machine: other processes, folders, cgroups. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names of folders that go with the work in hand: of queue/leftovers.ts, and of git repositories that are being made. */
const PASSING = /^(?:check|now|new|unfinished|taken|depbot-[a-z]+)-/;

/** Processes that work in a folder, or see it through a mount: their numbers and command lines. */
export function processesIn(home: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const of = (file: string): string => textOf(join('/proc', pid, file));
      const line = of('cmdline').replaceAll('\0', ' ').trim();
      return [line, of('environ'), of('mountinfo')].some((text) => text.includes(home)) ? [`${pid} ${line}`] : [];
    });
}

/** Folders below `dir` that should be gone by now. */
export function passingFoldersIn(dir: string): string[] {
  const found: string[] = [];
  const look = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory() || /^(?:objects|appendonlydir)$/.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (PASSING.test(entry.name)) found.push(path);
      else look(path);
    }
  };
  look(dir);
  return found;
}

/** cgroups that sandboxes of those processes made. */
export function groupsOf(pids: readonly number[]): string[] {
  const mine = new Set(pids);
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    mine.has(Number(/(?:^|\/)depbot-(\d+)-[\d-]+$/.exec(path)?.[1])),
  );
}

/** Empty of a process that is gone, or not ours to look at. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return '';
    throw error;
  }
}
