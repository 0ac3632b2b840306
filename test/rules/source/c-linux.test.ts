/** The C model on a real kernel tree: how many functions are found, and answers that are known. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTree } from '../../../queue/git-tree.ts';
import { resolveRevision } from '../../../queue/refs.ts';
import { openRepository } from '../../../queue/repository.ts';
import { callsOf } from '../../../rules/source/c-calls.ts';
import { CTree, type Definition } from '../../../rules/source/c-definitions.ts';
import { entriesOf } from '../../../rules/source/c-entries.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { isDefinedIn } from '../../oracle/functions.ts';
import { kconfigText, readC } from '../../support/c-source.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const FOLDERS = ['drivers/vfio', 'kernel/locking', 'net/ipv4/netfilter'];

describe.skipIf(TREE === undefined && !process.env['CI'])('Linux', () => {
  const tree = TREE ?? '';
  const read = (path: string) => readC(readFileSync(join(tree, path), 'utf8'));
  let stateDir: string;

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'depbot-linux-'));
  });

  afterAll(() => rm(stateDir, { recursive: true, force: true }));

  it('has no function that a plain search finds and we do not, and less than one in a hundred is not read whole', () => {
    const lost: string[] = [];
    let [found, unread] = [0, 0];
    for (const folder of FOLDERS) {
      for (const name of readdirSync(join(tree, folder), { recursive: true, encoding: 'utf8' })) {
        if (!/\.[ch]$/.test(name)) continue;
        const text = readFileSync(join(tree, folder, name), 'utf8');
        const { functions } = readC(text);
        found += functions.length;
        unread += functions.filter((one) => one.unread).length;
        const names = new Set(functions.map((one) => one.name));
        for (const [, plain] of text.matchAll(/^(?!#)\w[^\n;=#(){}]*\b([a-z_]\w*)\s*\([^;{}]*\)\s*\n\{/gm))
          if (!names.has(plain!) && isDefinedIn(text, plain!)) lost.push(`${folder}/${name}: ${plain}`);
      }
    }
    expect(lost).toEqual([]);
    expect(found).toBeGreaterThan(1500);
    expect(unread / found).toBeLessThan(0.01);
  });

  it('hands out the mmap of VFIO, which calls nothing that a configuration decides', () => {
    const file = read('drivers/vfio/pci/vfio_pci_core.c');
    const mmap = entriesOf(file).filter(({ name }) => name === 'vfio_pci_core_mmap');
    expect(mmap.map(({ how, when }) => [how, when])).toEqual([['export', true]]);
    expect(callsOf(file).filter(({ caller, when }) => caller === 'vfio_pci_core_mmap' && when !== true)).toEqual([]);
    const driver = entriesOf(read('drivers/vfio/pci/vfio_pci.c'), (name) => name === 'vfio_pci_core_mmap');
    expect(driver.map(({ how, to, in: table, type }) => [how, to, table, type])).toEqual([
      ['table', 'mmap', 'vfio_pci_ops', 'struct vfio_device_ops'],
    ]);
  });

  it('has these definitions, stubs and exports', async () => {
    const repository = await openRepository({ treeDir: tree, stateDir });
    const commit = (await resolveRevision(repository, 'HEAD')) ?? '';
    const linux = new CTree(
      openTree(repository, commit),
      new CFileCache(async (text) => ({ ok: true, file: readC(text) })),
    );
    const answers = await linux.definitions(['pci_p2pdma_distance_many', 'pci_has_p2pmem', 'devm_gpiod_get_optional']);
    await repository.close();
    const shown = (name: string): readonly (readonly [string, string, string, Definition['result']])[] =>
      answers.get(name)!.definitions.map(({ path, kind, when, result }) => [path, kind, kconfigText(when), result]);
    const off = '!(PCI_P2PDMA=y)';
    expect(shown('pci_p2pdma_distance_many')).toEqual([
      ['drivers/pci/p2pdma.c', 'real', 'y', undefined],
      ['include/linux/pci-p2pdma.h', 'declared', 'PCI_P2PDMA=y', undefined],
      ['include/linux/pci-p2pdma.h', 'stub', off, { k: 'int', value: -1 }],
    ]);
    expect(shown('pci_has_p2pmem')[2]).toEqual([
      'include/linux/pci-p2pdma.h',
      'stub',
      off,
      { k: 'bool', value: false },
    ]);
    expect(shown('devm_gpiod_get_optional')[2]).toEqual([
      'include/linux/gpio/consumer.h',
      'stub',
      '!(GPIOLIB=y)',
      { k: 'null' },
    ]);
    expect(answers.get('pci_has_p2pmem')!.exports).toMatchObject([{ path: 'drivers/pci/p2pdma.c', gpl: true }]);
  });
});
