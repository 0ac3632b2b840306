import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'vitest';
import { endDescendants } from './descendants.ts';

test('what a process has started ends, and what that has', async () => {
  const child = spawn('sh', ['-c', 'sh -c "sleep 600 & echo; wait" & wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  endDescendants(child.pid!);
  // comes when nobody holds its output any more, which sleep does
  await once(child, 'close');
});
