import { describe, expect, test } from 'vitest';
import { SandboxError } from '../../queue/sandbox.ts';
import {
  archs,
  kconfigEnv,
  kernelVersion,
  srcArch,
  subArch,
  toolchainEnv,
  toolchainId,
  toolVersions,
} from '../../queue/toolchain.ts';

const NO_TOOLS = { cc: '', ld: '', as: '', rustc: '', bindgen: '', pahole: '', python: '' };
const MAKEFILE = '# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\nNAME = X\n';

function env(arch: string, more: Partial<Parameters<typeof kconfigEnv>[0]> = {}) {
  return kconfigEnv({ arch, makefile: MAKEFILE, versions: NO_TOOLS, machineName: 'x86_64', ...more });
}

describe('kernelVersion', () => {
  const cases = [
    { name: 'a stable release', text: MAKEFILE, version: '6.12.117' },
    {
      name: 'a release candidate',
      text: 'VERSION = 7\nPATCHLEVEL = 1\nSUBLEVEL = 0\nEXTRAVERSION = -rc2\n',
      version: '7.1.0-rc2',
    },
    { name: 'no sublevel', text: 'VERSION = 7\nPATCHLEVEL = 1\nSUBLEVEL =\nEXTRAVERSION =\n', version: '7.1' },
    { name: 'a comment after the value', text: 'VERSION = 5 # five\nPATCHLEVEL=4\n', version: '5.4' },
    { name: 'a Makefile of something else', text: 'all:\n\tcc x.c\nMYVERSION = 3\n', version: undefined },
    { name: 'an empty file', text: '', version: undefined },
  ];
  for (const { name, text, version } of cases) {
    test(`${name}, LF and CRLF`, () => {
      expect(kernelVersion(text)).toBe(version);
      expect(kernelVersion(text.replaceAll('\n', '\r\n'))).toBe(version);
    });
  }
});

describe('tables', () => {
  test('an ARCH that is no directory maps to one, any other to itself', () => {
    const dirs = ['i386', 'x86_64', 'sparc32', 'sparc64', 'parisc64', 'sh64', 'x86', 'um', 'arm64', 'parisc'].map(
      srcArch,
    );
    expect(dirs).toEqual(['x86', 'x86', 'sparc', 'sparc', 'parisc', 'sh', 'x86', 'um', 'arm64', 'parisc']);
  });

  test('the machine that uname names gives SUBARCH', () => {
    const machines = [
      'x86_64',
      'i686',
      'aarch64',
      'arm64',
      'armv7l',
      'ppc64le',
      's390x',
      'riscv64',
      'mips64',
      'loongarch64',
      'sun4u',
      'alpha',
    ];
    expect(machines.map(subArch)).toEqual([
      'x86',
      'x86',
      'arm64',
      'arm64',
      'arm',
      'powerpc',
      's390',
      'riscv',
      'mips',
      'loongarch',
      'sparc64',
      'alpha',
    ]);
  });

  test('architectures are the directories with a Kconfig, um among them', () => {
    const paths = [
      'arch/x86/Kconfig',
      'arch/um/Kconfig',
      'arch/Kconfig',
      'arch/x86/um/Kconfig',
      'arch/foo/Makefile',
      'arch/arm/Kconfig.debug',
      'x/arch/sh/Kconfig',
    ];
    expect(archs(paths)).toEqual(['um', 'x86']);
    expect(archs([])).toEqual([]);
  });
});

describe('kconfigEnv', () => {
  test('names tree, architecture, version and the host compiler', () => {
    expect(env('x86_64')).toMatchObject({
      srctree: '/src',
      ARCH: 'x86_64',
      SRCARCH: 'x86',
      KERNELVERSION: '6.12.117',
      CC: 'gcc',
      LD: 'ld',
      NM: 'nm',
      HOSTCC: 'gcc',
      CROSS_COMPILE: '',
      KCONFIG_CONFIG: '.config',
    });
  });

  test('a prefix goes before the tools of the target and not before those of the host', () => {
    expect(env('arm64', { crossCompile: 'aarch64-linux-gnu-' })).toMatchObject({
      CC: 'aarch64-linux-gnu-gcc',
      OBJCOPY: 'aarch64-linux-gnu-objcopy',
      HOSTCC: 'gcc',
      RUSTC: 'rustc',
      PYTHON3: 'python3',
    });
  });

  test('only um has SUBARCH and HEADER_ARCH', () => {
    expect(env('um')).toMatchObject({ SRCARCH: 'um', SUBARCH: 'x86', HEADER_ARCH: 'x86' });
    expect(env('um', { machineName: 'aarch64' })).toMatchObject({ SUBARCH: 'arm64', HEADER_ARCH: 'arm64' });
    expect(env('x86')).not.toHaveProperty('SUBARCH');
    expect(env('x86')).not.toHaveProperty('HEADER_ARCH');
  });

  test('alpha and powerpc call nm with an option', () => {
    expect(env('alpha')['NM']).toBe('nm -B');
    expect(env('powerpc', { crossCompile: 'p-' })['NM']).toBe('p-nm --synthetic');
    expect(env('arm')['NM']).toBe('nm');
  });

  test('versions are taken over, without #, and pahole as a number', () => {
    const some = env('x86', { versions: { ...NO_TOOLS, cc: 'gcc (Distro #1) 12.2.0', pahole: 'v1.25' } });
    expect(some).toMatchObject({
      CC_VERSION_TEXT: 'gcc (Distro 1) 12.2.0',
      PAHOLE_VERSION: '125',
      RUSTC_VERSION_TEXT: '',
    });
    expect(env('x86')['PAHOLE_VERSION']).toBe('0');
  });
});

describe('the tools of this machine', () => {
  test('answer from inside the sandbox, once a process', async () => {
    const versions = await toolVersions();
    expect(versions.cc).toMatch(/^gcc .*\d+\.\d+/);
    expect(versions.ld).toMatch(/^GNU ld /);
    expect(versions.as).toMatch(/^GNU assembler /);
    expect(toolVersions()).toBe(toolVersions({}));
    expect((await toolchainEnv({ arch: 'x86', makefile: MAKEFILE }))['CC_VERSION_TEXT']).toBe(versions.cc);
  });

  test('a compiler that is not installed has no version, and another identity', async () => {
    expect((await toolVersions({ crossCompile: 'no-such-' })).cc).toBe('');
    const [host, again, other] = [
      await toolchainId(),
      await toolchainId(),
      await toolchainId({ crossCompile: 'no-such-' }),
    ];
    expect(host).toMatch(/^[0-9a-f]{16}$/);
    expect(again).toBe(host);
    expect(other).not.toBe(host);
  });

  test('a prefix that a shell would read as more than a name is refused', async () => {
    for (const crossCompile of ['x; touch y; ', '$(id)-', 'a b-'])
      expect(() => toolVersions({ crossCompile })).toThrow(SandboxError);
    expect((await toolVersions({ crossCompile: '/opt/gcc-14/bin/riscv64-linux-' })).cc).toBe('');
  });
});
