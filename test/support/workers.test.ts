import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tempDir } from './tiny-repo.ts';
import { workThrough } from './workers.ts';

const dir = tempDir();
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('answers of processes come in the order of the tasks; one that dies or hangs is told and replaced', async () => {
  const script = join(dir, 'worker.mjs');
  writeFileSync(
    script,
    `process.on('message', ({ n }) => {
       if (n === 2) throw new RangeError('not two');
       if (n !== 4) setTimeout(() => process.send({ n, argument: process.argv[2] }), n === 0 ? 300 : 0);
     });
     process.on('disconnect', () => process.exit());\n`,
  );
  const order: number[] = [];
  const tasks = [0, 1, 2, 3, 4, 5].map((n) => ({ n }));
  const answers = await workThrough<{ n: number }, { n: number; argument?: string; why?: string }>(tasks, {
    script,
    argument: 'set-up',
    jobs: 2,
    limitMs: 10_000,
    failed: ({ n }, why) => ({ n, why }),
    onResult: (_answer, _task, done) => order.push(done),
  });
  expect(answers.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(order).toEqual([1, 2, 3, 4, 5, 6]);
  expect(answers[2]!.why).toBe('the check ended with status 1: RangeError: not two');
  expect(answers[4]!.why).toBe('the check took longer than 10 s');
  expect([0, 1, 3, 5].map((n) => answers[n]!.argument)).toEqual(['set-up', 'set-up', 'set-up', 'set-up']);
});

it('stops early when told to, with the answers so far', async () => {
  const script = join(dir, 'echo.mjs');
  writeFileSync(
    script,
    "process.on('message', (task) => process.send(task));\nprocess.on('disconnect', () => process.exit());\n",
  );
  const stop = new AbortController();
  const answers = await workThrough<{ n: number }, { n: number }>([{ n: 0 }, { n: 1 }, { n: 2 }], {
    script,
    argument: '',
    jobs: 1,
    limitMs: 60_000,
    stop: stop.signal,
    failed: (task) => task,
    onResult: ({ n }) => n === 1 && stop.abort(),
  });
  expect(answers).toEqual([{ n: 0 }, { n: 1 }]);
});
