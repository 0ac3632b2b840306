import { machine } from 'node:os';
import { expect, test } from 'vitest';
import { compilerFor } from '../../queue/compilers.ts';
import { SANDBOX_PATH } from '../../queue/sandbox-command.ts';
import { findOnPath } from '../../queue/tool-path.ts';
import { subArch } from '../../queue/toolchain.ts';

test('this machine needs no cross compiler for itself', async () => {
  expect(await compilerFor(subArch(machine()))).toEqual({ ok: true, name: 'gcc', nm: 'nm', make: [], isGcc: true });
});

test.each([
  ['arm64', 'aarch64-linux-gnu-', 'gcc-aarch64-linux-gnu'],
  ['s390', 's390x-linux-gnu-', 'gcc-s390x-linux-gnu'],
])('a cross compiler for %s is found by its name, or it is said what to install', async (arch, prefix, name) => {
  const isThere = async (program: string): Promise<boolean> => (await findOnPath(program, SANDBOX_PATH)) !== undefined;
  const found = await compilerFor(arch);
  if (subArch(machine()) === arch) expect(found).toMatchObject({ ok: true, name: 'gcc' });
  else if (await isThere(`${prefix}gcc`))
    expect(found).toEqual({
      ...{ ok: true, name: `${prefix}gcc`, nm: `${prefix}nm`, make: [`CROSS_COMPILE=${prefix}`], isGcc: true },
    });
  else if (arch === 'arm64' && (await isThere('ld.lld')) && (await isThere('clang')))
    expect(found).toMatchObject({ ok: true, name: 'clang', make: ['LLVM=1', 'HOSTCC=gcc'], isGcc: false });
  else expect(found).toEqual({ ok: false, why: `no compiler for ${arch} is installed: apt install ${name}` });
});

test('for what has no compiler, none is known', async () => {
  expect(await compilerFor('hexagon')).toEqual({ ok: false, why: 'no compiler for hexagon is known' });
});
