/** Clocks of processes, set forward and back while they run: libfaketime(1), which leaves the monotonic one alone. */
import { globSync, writeFileSync } from 'node:fs';

export interface Clock {
  /** What a process needs to go by it. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it to so many seconds from the true time, seen within a second. */
  set(seconds: number): void;
}

/** A clock that is kept in the file `path`, true at first. */
export function openClock(path: string): Clock {
  const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
  if (library === undefined) throw new Error('libfaketime is not installed: apt install libfaketime');
  const set = (seconds: number): void => writeFileSync(path, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  set(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // times of files are the disk's, not the clock's
      NO_FAKE_STAT: '1',
    },
    set,
  };
}
