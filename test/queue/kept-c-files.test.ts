import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CFilesOnDisk } from '../../queue/kept-c-files.ts';
import { CFileCache } from '../../rules/source/c-file-cache.ts';
import { readC } from '../support/c-source.ts';
import { tempDir } from '../support/tiny-repo.ts';

const TEXT = 'int f(void)\n{\n\treturn g();\n}\n';

describe('C files on disk', () => {
  it('are read once for all processes', async () => {
    const dir = tempDir();
    let reads = 0;
    const cache = (): CFileCache =>
      new CFileCache(async (text) => {
        reads += 1;
        return { ok: true, file: readC(text) };
      }, new CFilesOnDisk(dir));
    const first = await cache().file('a'.repeat(40), async () => TEXT);
    const second = await cache().file('a'.repeat(40), async () => TEXT);
    expect(reads).toBe(1);
    expect(second).toEqual(first);
  });

  it('are as good as not kept where they are spoiled', async () => {
    const dir = tempDir();
    const kept = new CFilesOnDisk(dir);
    await kept.put('b'.repeat(40), readC(TEXT));
    const [folder] = readdirSync(join(dir, 'c-files'));
    writeFileSync(join(dir, 'c-files', folder!, 'b'.repeat(40)), 'half of it');
    expect(await kept.get('b'.repeat(40))).toBeUndefined();
    expect(await kept.get('c'.repeat(40))).toBeUndefined();
  });

  it('are bounded, and those of other code go when nobody has used it for long', async () => {
    const dir = tempDir();
    for (const name of ['old', 'other']) mkdirSync(join(dir, 'c-files', name), { recursive: true });
    utimesSync(join(dir, 'c-files/old'), 1, 1);
    const kept = new CFilesOnDisk(dir, 4);
    for (let i = 0; i < 20; i++) await kept.put(`${i}`.padStart(40, '0'), readC(TEXT));
    const folders = readdirSync(join(dir, 'c-files')).sort();
    expect(folders).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), 'other']);
    expect(readdirSync(join(dir, 'c-files', folders[0]!)).length).toBeLessThanOrEqual(8);
  });

  it('do without where the folder cannot be written', async () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'c-files'), '');
    const kept = new CFilesOnDisk(dir);
    await expect(kept.put('d'.repeat(40), readC(TEXT))).resolves.toBeUndefined();
    expect(await kept.get('d'.repeat(40))).toBeUndefined();
  });
});
