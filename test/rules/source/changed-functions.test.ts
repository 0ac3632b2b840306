import { describe, expect, it } from 'vitest';
import type { ChangedPath, KernelChange } from '../../../rules/rule.ts';
import { CTree } from '../../../rules/source/c-definitions.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { ChangedCode, isSame } from '../../../rules/source/changed-functions.ts';
import { readC } from '../../support/c-source.ts';
import { mapTree } from '../../support/dir-tree.ts';

type Files = Readonly<Record<string, string>>;

/** Functions after, each with where it was before and whether it is the same. */
async function functionsOf(before: Files, after: Files, paths: readonly ChangedPath[]): Promise<readonly string[]> {
  const cache = new CFileCache(async (text) => ({ ok: true, file: readC(text) }));
  const side = (files: Files) => ({ c: new CTree(mapTree(files), cache) });
  const change = { before: side(before), after: side(after), changedPaths: paths } as unknown as KernelChange;
  const code = await ChangedCode.of(change);
  return code.functions.map((one) => {
    const { path, function: now } = one.after;
    const was = one.before ? `${one.before.path}:${one.before.function.line}` : 'new';
    return `${path}:${now.line} ${now.name} ${was}${isSame(one) ? ' same' : ''}`;
  });
}

const F = 'int f(void)\n{\n\treturn g();\n}\n';
const modified = (path: string): ChangedPath => ({ path, status: 'modified' });

describe('functions of the files that a series changes', () => {
  it('are the same wherever they stand in the file', async () => {
    expect(await functionsOf({ 'a.c': F }, { 'a.c': `int x;\n\n${F}` }, [modified('a.c')])).toEqual([
      'a.c:3 f a.c:1 same',
    ]);
  });

  it('differ by a statement', async () => {
    const after = F.replace('g()', 'h()');
    expect(await functionsOf({ 'a.c': F }, { 'a.c': after }, [modified('a.c')])).toEqual(['a.c:1 f a.c:1']);
  });

  it('are found where they came from, in a renamed file and in one that has lost them', async () => {
    const renamed: ChangedPath = { path: 'b.c', oldPath: 'a.c', status: 'renamed' };
    expect(await functionsOf({ 'a.c': F }, { 'b.c': F }, [renamed])).toEqual(['b.c:1 f a.c:1 same']);
    const moved: readonly ChangedPath[] = [modified('a.c'), { path: 'b.c', status: 'added' }];
    expect(await functionsOf({ 'a.c': F }, { 'a.c': '\n', 'b.c': F }, moved)).toEqual(['b.c:1 f a.c:1 same']);
  });

  it('are new where the other file keeps its own', async () => {
    const paths: readonly ChangedPath[] = [modified('a.c'), { path: 'b.c', status: 'added' }];
    expect(await functionsOf({ 'a.c': F }, { 'a.c': F, 'b.c': F }, paths)).toEqual([
      'a.c:1 f a.c:1 same',
      'b.c:1 f new',
    ]);
  });

  it('are told apart by their conditions', async () => {
    const both = (other: string): string => `#ifdef CONFIG_A\n${F}#else\n${F.replace('g()', other)}#endif\n`;
    expect(await functionsOf({ 'a.c': both('1') }, { 'a.c': both('2') }, [modified('a.c')])).toEqual([
      'a.c:2 f a.c:2 same',
      'a.c:7 f a.c:7',
    ]);
  });
});
