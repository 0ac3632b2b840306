/**
 * Series against real Linux 6.12 (test/fixtures/stubbed-path/): the seed's shape and other code that comes to need an
 * option, its repaired versions, and ordinary work that adds calls of functions with stubs and loses nothing.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSeries } from '../../bot/intake.ts';
import { check } from '../../queue/check.ts';
import { cacheDir } from '../../queue/provision.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { Report } from '../../rules/types.ts';
import { tempDir } from '../support/tiny-repo.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const FOLDER = join(import.meta.dirname, '../fixtures/stubbed-path');
const EXAMPLE = join(import.meta.dirname, '../fixtures/example/series.mbox');
const names = readdirSync(FOLDER).map((name) => name.replace(/\.mbox$/, ''));
describe.skipIf(TREE === undefined && !process.env['CI'])('stubbed-path on Linux', { timeout: 120_000 }, () => {
  let repo: Repository;
  let stateDir: string;
  const store = new KconfigStore();

  async function reportOn(mbox: string, archs = ['x86', 'arm']): Promise<Report> {
    const { series } = await readSeries({ stdin: Readable.from([mbox]) });
    const [only] = series;
    if (!only?.complete) throw new Error('no complete series');
    const options = { cacheDir: cacheDir(process.env), store, archs, noBuild: true, now: () => 0 };
    return await check(only, repo, options);
  }

  const read = (name: string): string => readFileSync(join(FOLDER, `${name}.mbox`), 'utf8');

  beforeAll(async () => {
    if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
    stateDir = tempDir();
    repo = await openRepository({ treeDir: TREE, stateDir });
  });

  afterAll(async () => {
    await repo?.close();
    if (stateDir) rmSync(stateDir, { recursive: true, force: true });
  });

  it.each(names.filter((name) => name.startsWith('silent-')))('%s', async (name) => {
    const { findings, dropped, undecided, cannotCheck } = await reportOn(read(name));
    expect({ findings, dropped, undecided, cannotCheck }).toEqual({ findings: [], dropped: [], undecided: [] });
  });

  it('follows a member of a struct through a helper of another patch, and says it under the select', async () => {
    // on s390 VFIO_PCI_MMAP is off, and nothing but that sets the member that the function asks first
    const { findings, dropped } = await reportOn(readFileSync(EXAMPLE, 'utf8'), ['x86', 'arm', 's390']);
    expect(dropped).toEqual([]);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      rule: 'stubbed-path',
      severity: 'regression',
      symbols: ['VFIO_PCI_CORE', 'PCI_P2PDMA'],
      anchor: { patch: 4, file: 'drivers/vfio/pci/Kconfig' },
      claim: {
        function: 'vfio_pci_core_mmap',
        chain: [
          { callee: 'vfio_pci_core_mmap_prep_dmabuf', path: 'drivers/vfio/pci/vfio_pci_core.c', patch: 4 },
          { callee: 'pcim_p2pdma_provider', path: 'drivers/vfio/pci/vfio_pci_dmabuf.c', patch: 3 },
        ],
        stub: { path: 'include/linux/pci-p2pdma.h', gives: 'NULL' },
        ends: { text: 'return ret;' },
        lost: { text: 'return 0;', isStillReached: false },
        never: [{ archs: ['arm'], lines: [{ path: 'drivers/pci/Kconfig', text: 'depends on 64BIT' }] }],
        takes: [{ path: 'drivers/pci/Kconfig', text: 'depends on ZONE_DEVICE' }],
        archs: ['arm', 'x86'],
        repairs: [],
      },
      witness: { arch: 'x86', settings: [{ symbol: 'PCI' }, { symbol: 'VFIO' }, { symbol: 'VFIO_PCI' }] },
      verification: { rung: 2, attempts: [{ side: 'before' }, { side: 'after' }] },
    });
  });

  it('follows an error code, and tells it from another stub of the same option that decides nothing', async () => {
    const { findings } = await reportOn(read('found-error-code'));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      rule: 'stubbed-path',
      anchor: { patch: 1, file: 'drivers/vfio/pci/vfio_pci_core.c' },
      claim: { chain: [{ callee: 'pci_p2pdma_add_resource' }], stub: { gives: '-EOPNOTSUPP' }, needed: ['PCI_P2PDMA'] },
    });
  });

  it('sees a driver come to need GPIOLIB, and that a line of its entry would say so', async () => {
    const { findings } = await reportOn(read('found-gpio'));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      rule: 'stubbed-path',
      symbols: ['RTC_DRV_FTRTC010', 'GPIOLIB'],
      claim: {
        function: 'ftrtc010_rtc_probe',
        chain: [{ callee: 'devm_gpiod_get' }],
        stub: { path: 'include/linux/gpio/consumer.h', gives: 'ERR_PTR(-ENOSYS)' },
        repairs: expect.arrayContaining([{ kind: 'depends on', symbol: 'RTC_DRV_FTRTC010', text: 'GPIOLIB' }]),
      },
      // its devices come with a device tree alone
      witness: { settings: expect.arrayContaining([{ symbol: 'OF', value: 'y' }]) },
    });
  });
});
