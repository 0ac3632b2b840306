/** Objects of a random configuration are built: the functions in them by nm, and by the conditions of their files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { compareObjects, objectTable } from './objects.ts';

/** Of the configuration whose objects are built. */
const SEED = 11;

/** Whether the functions of `count` objects of x86_64 are those that we say. Prints the table. */
export async function compareFunctions(tree: string, count: number): Promise<boolean> {
  const step = showProgress().step('objects and depbot', count);
  const scratch = await mkdtemp(join(tmpdir(), 'depbot-objects-'));
  try {
    const sample = { tree, cacheDir: cacheDir(), scratch, seed: SEED, count };
    const compared = await compareObjects({ ...sample, done: (done) => step.to(done) });
    step.end();
    process.stdout.write(`\n${objectTable(compared)}`);
    return compared.every((one) => one.differences.length === 0);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
