import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppliedTree } from '../support/applied-tree.ts';
import { openAppliedTree } from '../support/applied-tree.ts';
import { tinySeries } from '../support/tiny-series.ts';

let tree: AppliedTree;
beforeAll(async () => {
  tree = await openAppliedTree();
});
afterAll(async () => await tree.close());

describe('prerequisite-patch-id', () => {
  const patchId = (commit: string): string => {
    const diff = tree.user.gitBytes('diff-tree', '-p', commit);
    writeFileSync(join(tree.stateDir, 'diff'), diff);
    return (
      tree.user.git('-c', `alias.pid=!git patch-id --stable < ${join(tree.stateDir, 'diff')}`, 'pid').split(' ')[0] ??
      ''
    );
  };

  it('applies those of another branch below patch 1, in order', async () => {
    const first = tree.user.git('rev-parse', 'work~1');
    const series = tinySeries([tree.mails[1] ?? ''], { baseCommit: tree.base, prerequisites: [patchId(first)] });
    const applied = await tree.apply(series);
    expect(applied.prerequisites).toMatchObject([{ patchId: patchId(first) }]);
    expect(tree.own('rev-list', '--reverse', `${tree.base}..${applied.head}`).split('\n')).toEqual([
      applied.prerequisites[0]?.commit,
      applied.commits[0]?.sha,
    ]);
    expect(tree.own('log', '--format=%T%n%an%n%B', `${tree.base}..${applied.head}`)).toBe(
      tree.user.git('log', '--format=%T%n%an%n%B', `${tree.base}..work`),
    );
    expect(applied.base.detail).not.toContain('prerequisite');
  });

  it('notes those that are in the base, and those that are nowhere', async () => {
    const first = tree.user.git('rev-parse', 'work~1');
    const series = tinySeries([tree.mails[1] ?? ''], {
      baseCommit: first,
      prerequisites: [patchId(first), 'e'.repeat(40)],
    });
    const applied = await tree.apply(series);
    expect(applied.prerequisites).toEqual([]);
    expect(applied.base.detail).toContain(
      `prerequisite patch ${patchId(first).slice(0, 12)} is in the base already; prerequisite patch eeeeeeeeeeee was not found in this tree`,
    );
  });
});
