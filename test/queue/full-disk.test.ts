import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isOfMachine } from '../../queue/machine-fault.ts';
import { isFull } from '../../queue/sandbox-disk.ts';
import { type AppliedTree, openAppliedTree } from '../support/applied-tree.ts';
import { tinySeries } from '../support/tiny-series.ts';

vi.mock('../../queue/sandbox-disk.ts', async (original) => ({
  ...(await original<typeof import('../../queue/sandbox-disk.ts')>()),
  isFull: vi.fn(async () => false),
}));

let tree: AppliedTree;
beforeAll(async () => {
  tree = await openAppliedTree();
});
afterAll(async () => await tree.close());

/** The disk is full whenever it is looked at, but for the first `times`. */
const fullAfter = (times: number): void => {
  let left = times;
  vi.mocked(isFull).mockImplementation(async () => left-- <= 0);
};

describe('a series on a disk that is full', () => {
  it('is no series that does not apply: the machine is at fault', async () => {
    fullAfter(0);
    const error = await tree.apply(tinySeries(tree.mails)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'GitError',
      message: expect.stringMatching(/^git mailinfo: no space is left/),
    });
    expect(isOfMachine(error)).toBe(true);
  });

  it('applies where there is space after all', async () => {
    fullAfter(Number.POSITIVE_INFINITY);
    expect((await tree.apply(tinySeries(tree.mails))).commits).toHaveLength(2);
  });
});
