/** What is told of a series that a worker has: `depbot status` and the list of series say the same. */

import type { RunningJob } from '../queue/jobs.ts';

/** `at host-1234, for 2 min 5 s, attempt 2`; without what the queue does not know, and the first attempt. */
export function underWay({ worker, since, attempt }: RunningJob, now: Date): string {
  const seconds = since && Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000));
  return [
    ...(worker === undefined ? [] : [`at ${worker}`]),
    ...(seconds === undefined ? [] : [`for ${Math.floor(seconds / 60)} min ${seconds % 60} s`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ].join(', ');
}
