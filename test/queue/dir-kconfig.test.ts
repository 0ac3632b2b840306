import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigError } from '../../rules/kconfig/error.ts';
import type { KconfigModel } from '../../rules/kconfig/model.ts';

let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-dir-test-'));
  write('Kconfig', 'source "more"\n');
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(dir, name), content);
}

function model(): Promise<KconfigModel> {
  return openDirectory(dir).model({ env: {}, shell: () => '' });
}

describe('openDirectory', () => {
  for (const end of ['\n', '\r\n']) {
    test(`reads files byte for byte, lines that end in ${JSON.stringify(end)}`, async () => {
      write('more', Buffer.from(`config A\n\tbool "\xe9"${end}`, 'latin1'));
      const { declared, files } = await model();
      expect(declared[0]?.prompts[0]?.text).toBe('\xe9');
      expect(files).toEqual(['Kconfig', 'more']);
    });
  }

  test('reads a file larger than one read gives, to its end', async () => {
    write('more', `${'# comment\n'.repeat(200_000)}config LAST\n\tbool\n`);
    expect((await model()).declared.map(({ name }) => name)).toEqual(['LAST']);
  });

  test('refuses a file above 4 MiB', async () => {
    write('more', Buffer.alloc((4 << 20) + 1, '#'));
    await expect(model()).rejects.toThrow(/larger than the limit of 4194304 bytes/);
  });

  test('says which file is not there, or is a folder', async () => {
    await expect(model()).rejects.toThrow(KconfigError);
    mkdirSync(join(dir, 'more'));
    await expect(model()).rejects.toThrow(/"more"/);
  });

  test('does not wait for a pipe that nobody writes to', async () => {
    execFileSync('mkfifo', [join(dir, 'more')]);
    expect((await model()).declared).toEqual([]);
  });

  test('does not read what lies outside of the tree', async () => {
    const outside = `${dir}-outside`;
    writeFileSync(outside, 'config OUTSIDE\n\tbool\n');
    try {
      for (const path of [outside, `../${outside.split('/').at(-1)}`]) {
        write('Kconfig', `source "${path}"\n`);
        await expect(model()).rejects.toThrow(KconfigError);
      }
    } finally {
      rmSync(outside);
    }
  });

  test('needs a Kconfig file', () => {
    rmSync(join(dir, 'Kconfig'));
    expect(() => openDirectory(dir)).toThrow(/--tree takes the top directory of a kernel tree/);
  });
});
