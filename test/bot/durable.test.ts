import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DamagedFileError, openFolderDurably, readJson, renameDurably, writeDurably } from '../../bot/durable.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'durable-'));
});
afterEach(() => {
  chmodSync(dir, 0o700);
  rmSync(dir, { recursive: true, force: true });
});

describe('writeDurably', () => {
  test.each<[string, Uint8Array | string]>([
    ['nothing', ''],
    ['text, as UTF-8', 'größer\r\n'],
    ['bytes that are no text', Buffer.from([0, 255, 254, 10, 13, 0])],
    ['more than one write may take', Buffer.alloc(3 * 2 ** 20, 'ab')],
  ])('writes %s, and leaves nothing beside it', (_, bytes) => {
    const path = join(dir, 'a', 'b', 'file');
    writeDurably(path, bytes);
    expect(readFileSync(path).equals(Buffer.from(bytes as Uint8Array))).toBe(true);
    expect(readdirSync(join(dir, 'a', 'b'))).toEqual(['file']);
  });

  test('lets nobody else read what it writes', () => {
    writeDurably(join(dir, 'file'), 'x');
    expect(statSync(join(dir, 'file')).mode & 0o777).toBe(0o600);
  });

  test('replaces an old file as a whole: who has it open reads the old one to its end', () => {
    const path = join(dir, 'file');
    writeDurably(path, 'a long old text');
    const inode = statSync(path).ino;
    writeDurably(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).ino).not.toBe(inode);
  });

  test('leaves no half of a file where it fails, and the old one as it was', () => {
    mkdirSync(join(dir, 'file'));
    writeFileSync(join(dir, 'file', 'old'), 'old');
    expect(() => writeDurably(join(dir, 'file'), 'new')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(dir)).toEqual(['file']);
    expect(readFileSync(join(dir, 'file', 'old'), 'utf8')).toBe('old');
  });

  test('writes over what a process of the same id left half written', () => {
    const path = join(dir, 'file');
    writeFileSync(`${path}.${process.pid}.partial`, 'a much longer half of a text');
    writeDurably(path, 'whole');
    expect(readFileSync(path, 'utf8')).toBe('whole');
    expect(readdirSync(dir)).toEqual(['file']);
  });
});

describe('renameDurably', () => {
  test('moves a file into a folder that is not there yet', () => {
    writeDurably(join(dir, 'from', 'x'), 'x');
    renameDurably(join(dir, 'from', 'x'), join(dir, 'to', 'y'));
    expect(readFileSync(join(dir, 'to', 'y'), 'utf8')).toBe('x');
    expect(readdirSync(join(dir, 'from'))).toEqual([]);
  });

  test('throws for a file that is not there', () => {
    expect(() => renameDurably(join(dir, 'none'), join(dir, 'to'))).toThrow(/ENOENT.*none/);
  });
});

describe('readJson', () => {
  const number = (value: unknown): number => {
    if (typeof value !== 'number') throw new Error('no number');
    return value;
  };
  const read = (name: string): number | undefined => readJson(join(dir, name), number, 'zero is taken');

  test('gives what is in the file, and leaves it there', () => {
    writeDurably(join(dir, 'n.json'), '7\n');
    expect([read('n.json'), read('n.json')]).toEqual([7, 7]);
  });

  test('gives nothing where there is no file', () => {
    expect(read('none.json')).toBeUndefined();
    expect(readdirSync(dir)).toEqual([]);
  });

  test.each([
    ['is empty', '', /JSON/],
    ['was cut', '{"a":', /JSON/],
    ['says something else', '"seven"', /no number/],
  ])('sets a file aside that %s, and says so once', (_, text, why) => {
    const path = join(dir, 'n.json');
    writeFileSync(path, text);
    const error = caught(() => read('n.json'));
    expect(error).toBeInstanceOf(DamagedFileError);
    expect(error).toMatchObject({ path, message: expect.stringMatching(why) });
    expect((error as Error).message.startsWith(`${path}: `)).toBe(true);
    expect((error as Error).message.endsWith(`; it is set aside as ${path}.damaged, and zero is taken`)).toBe(true);
    expect(read('n.json')).toBeUndefined();
    expect(readFileSync(`${path}.damaged`, 'utf8')).toBe(text);
  });

  test('sets nothing aside that it cannot read at all', () => {
    mkdirSync(join(dir, 'n.json'));
    expect(() => read('n.json')).toThrow(/EISDIR/);
    expect(readdirSync(dir)).toEqual(['n.json']);
  });
});

test('openFolderDurably makes the folder, and removes what a crash has left half written, and nothing else', () => {
  const folder = join(dir, 'a/b');
  openFolderDurably(folder);
  for (const name of ['x.json', 'x.json.123.partial', 'x.json.damaged']) writeFileSync(join(folder, name), '');
  openFolderDurably(folder);
  expect(readdirSync(folder).sort()).toEqual(['x.json', 'x.json.damaged']);
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
