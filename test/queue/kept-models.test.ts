import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import type { KconfigModel } from '../../rules/kconfig/model.ts';
import { applyMode, renderMode } from '../../rules/kconfig/modes.ts';
import { helpText } from '../../rules/kconfig/parse.ts';
import { Values } from '../../rules/kconfig/values.ts';

let dir = '';
let tree = '';
let cacheDir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-kept-test-'));
  tree = join(dir, 'tree');
  cacheDir = join(dir, 'cache');
  mkdirSync(tree);
  write(
    'Kconfig',
    'config A\n\tbool "a $(ARCH)"\n\tdefault $(shell,answer)\n\thelp\n\t  Help \xe9.\nsource "one"\nsource "two"\n',
  );
  write('one', 'config ONE\n\tdef_bool y\n');
  write('two', 'config TWO\n\tdef_bool y\n');
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(tree, name), text, 'latin1');
}

interface Asked {
  readonly arch?: string;
  readonly answer?: string;
}

/** Reads the tree as a new process would; `isKept` says whether the model came from the disk. */
async function read({ arch = 'x86', answer = 'y' }: Asked = {}): Promise<{
  model: KconfigModel;
  config: string;
  isKept: boolean;
}> {
  const source = openDirectory(tree, { cacheDir });
  const model = await source.model({ env: { ARCH: arch }, shell: () => answer });
  const values = new Values(source.pool, model);
  applyMode(values, 'alldefconfig');
  // what was parsed has statements
  const isKept = !('statements' in model.declarations[0]!.file);
  return { model, config: renderMode(values, 'alldefconfig').replace(/^(#.*\n){4}/, ''), isKept };
}

function keptFiles(): string[] {
  return readdirSync(join(cacheDir, 'models')).map((name) => join(cacheDir, 'models', name));
}

describe('a kept model', () => {
  test('is found by the next process, help texts and all', async () => {
    expect(await read()).toMatchObject({ isKept: false, config: 'CONFIG_A=y\nCONFIG_ONE=y\nCONFIG_TWO=y\n' });
    const { isKept, config, model } = await read();
    expect({ isKept, config }).toEqual({ isKept: true, config: 'CONFIG_A=y\nCONFIG_ONE=y\nCONFIG_TWO=y\n' });
    const { file, help } = model.declarations[1]!;
    expect(helpText(file, help!)).toBe('Help \xe9.');
    expect(keptFiles()).toHaveLength(1);
  });

  test('is not used for a text that has changed, though size and time have not', async () => {
    await read();
    const { mtime } = statSync(join(tree, 'one'));
    write('one', 'config ONE\n\tdef_bool n\n');
    utimesSync(join(tree, 'one'), mtime, mtime);
    expect(await read()).toMatchObject({ isKept: false, config: 'CONFIG_A=y\nCONFIG_TWO=y\n' });
    expect(await read()).toMatchObject({ isKept: true, config: 'CONFIG_A=y\nCONFIG_TWO=y\n' });
  });

  test('is not used where a line has moved from one file to the next', async () => {
    await read();
    write('one', '');
    write('two', 'config ONE\n\tdef_bool y\nconfig TWO\n\tdef_bool y\n');
    const { isKept, model } = await read();
    expect(isKept).toBe(false);
    expect(model.declared.map(({ declarations }) => declarations[0]!.path)).toEqual(['Kconfig', 'two', 'two']);
  });

  test('is not used where a file is gone, or has become something else', async () => {
    await read();
    rmSync(join(tree, 'one'));
    await expect(read()).rejects.toThrow(/"one"/);
    mkdirSync(join(tree, 'one'));
    await expect(read()).rejects.toThrow(/"one"/);
  });

  test('is not used with another answer, another environment, another grammar or by another place', async () => {
    await read();
    expect(await read({ answer: 'n' })).toMatchObject({
      isKept: false,
      config: expect.stringContaining('# CONFIG_A is'),
    });
    expect(await read({ arch: 'arm' })).toMatchObject({ isKept: false });
    expect((await read({ arch: 'arm' })).model.declared[0]!.prompts[0]!.text).toBe('a arm');
    mkdirSync(join(tree, 'scripts/kconfig'), { recursive: true });
    write('scripts/kconfig/parser.y', '');
    expect((await read({ arch: 'arm' })).isKept).toBe(false);
    mkdirSync(join(tree, 'scripts/kconfig/tests/err_repeated_inc'), { recursive: true });
    write('scripts/kconfig/tests/err_repeated_inc/Kconfig', '');
    expect((await read({ arch: 'arm' })).isKept).toBe(false);
  });

  test('asks nothing of the shell that the texts no longer ask', async () => {
    await read();
    write('Kconfig', 'config A\n\tdef_bool $(shell,other)\n');
    const asked: string[] = [];
    const shell = (command: string): string => {
      asked.push(command);
      return 'y';
    };
    await openDirectory(tree, { cacheDir }).model({ env: { ARCH: 'x86' }, shell });
    expect(asked).toEqual(['other']);
  });

  test('is not one that conf refuses for a circle', async () => {
    write('one', 'config ONE\n\tbool\n\tdepends on TWO\n');
    write('two', 'config TWO\n\tbool\n\tdepends on ONE\n');
    await read();
    expect((await read()).isKept).toBe(false);
  });

  test('is made anew where the file is damaged', async () => {
    await read();
    const [file] = keptFiles();
    const bytes = readFileSync(file!);
    for (const damaged of [bytes.subarray(0, -4), bytes.subarray(0, 10), Buffer.alloc(bytes.length), '']) {
      writeFileSync(file!, damaged);
      expect((await read()).isKept).toBe(false);
      expect((await read()).isKept).toBe(true);
    }
  });

  test('is missed without harm where the cache cannot be written', async () => {
    writeFileSync(cacheDir, 'no folder');
    expect((await read()).isKept).toBe(false);
    expect((await read()).isKept).toBe(false);
  });

  test('leaves room for others: the oldest go', async () => {
    for (let i = 0; i < 26; i += 1) await read({ arch: `a${i}` });
    expect(keptFiles()).toHaveLength(24);
    expect((await read({ arch: 'a25' })).isKept).toBe(true);
  });
});
