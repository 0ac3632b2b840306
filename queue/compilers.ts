/** Which compiler builds a kernel for an architecture: this machine's own, a cross compiler found by its name, or clang. */

import { machine } from 'node:os';
import type { Arch } from '../rules/types.ts';
import { SANDBOX_PATH } from './sandbox-command.ts';
import { findOnPath } from './tool-path.ts';
import { srcArch, subArch } from './toolchain.ts';

/** Prefixes of Debian's cross compilers by the directory below arch/, the most capable first. */
const PREFIXES: Readonly<Record<Arch, readonly string[]>> = {
  alpha: ['alpha-linux-gnu-'],
  arc: ['arc-linux-gnu-'],
  arm: ['arm-linux-gnueabihf-', 'arm-linux-gnueabi-'],
  arm64: ['aarch64-linux-gnu-'],
  loongarch: ['loongarch64-linux-gnu-'],
  m68k: ['m68k-linux-gnu-'],
  mips: ['mips64el-linux-gnuabi64-', 'mipsel-linux-gnu-', 'mips-linux-gnu-'],
  parisc: ['hppa-linux-gnu-'],
  powerpc: ['powerpc64le-linux-gnu-', 'powerpc64-linux-gnu-', 'powerpc-linux-gnu-'],
  riscv: ['riscv64-linux-gnu-'],
  s390: ['s390x-linux-gnu-'],
  sh: ['sh4-linux-gnu-'],
  sparc: ['sparc64-linux-gnu-'],
  x86: ['x86_64-linux-gnu-', 'i686-linux-gnu-'],
};

/** Architectures that `make LLVM=1` builds, from LLVM 13 on. Source: Documentation/kbuild/llvm.rst. */
const OF_CLANG: readonly Arch[] = ['arm', 'arm64', 'loongarch', 'mips', 'powerpc', 'riscv', 'x86'];
const LLVM_PROGRAMS = ['clang', 'ld.lld', 'llvm-ar', 'llvm-nm', 'llvm-objcopy', 'llvm-readelf'];

export type Compiler =
  | {
      readonly ok: true;
      /** Of its program. */
      readonly name: string;
      /** What prints the names of its objects. */
      readonly nm: string;
      /** Variables for make. */
      readonly make: readonly string[];
      /** What is new in what a gcc says is told; clang only shows what is claimed already. */
      readonly isGcc: boolean;
    }
  | { readonly ok: false; readonly why: string };

/**
 * CROSS_COMPILE of an architecture (a directory below arch/): empty where this machine's own gcc is for it, undefined
 * where no gcc is.
 */
export async function crossPrefix(arch: Arch): Promise<string | undefined> {
  const own = srcArch(subArch(machine()));
  // user-mode Linux is a program of the machine (arch/um/Makefile)
  if ((own === arch || (arch === 'um' && own === 'x86')) && (await isThere('gcc'))) return '';
  for (const prefix of PREFIXES[arch] ?? []) if (await isThere(`${prefix}gcc`)) return prefix;
  return undefined;
}

/** gcc, this machine's own or a cross compiler; else clang, where it builds that architecture; or what is to be installed. */
export async function compilerFor(arch: Arch): Promise<Compiler> {
  const prefix = await crossPrefix(arch);
  if (prefix !== undefined) return gcc(prefix);
  const prefixes = PREFIXES[arch] ?? [];
  if (OF_CLANG.includes(arch) && (await Promise.all(LLVM_PROGRAMS.map(isThere))).every((one) => one))
    // its own programs are gcc's, as they are elsewhere
    return { ok: true, name: 'clang', nm: 'llvm-nm', make: ['LLVM=1', 'HOSTCC=gcc'], isGcc: false };
  if (prefixes.length === 0) return { ok: false, why: `no compiler for ${arch} is known` };
  const packages = prefixes.map((prefix) => `gcc-${prefix.slice(0, -1).replace('_', '-')}`);
  return { ok: false, why: `no compiler for ${arch} is installed: apt install ${packages[0]}` };
}

function gcc(prefix: string): Compiler {
  const make = prefix === '' ? [] : [`CROSS_COMPILE=${prefix}`];
  return { ok: true, name: `${prefix}gcc`, nm: `${prefix}nm`, make, isGcc: true };
}

async function isThere(program: string): Promise<boolean> {
  return (await findOnPath(program, SANDBOX_PATH)) !== undefined;
}
