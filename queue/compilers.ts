/** Which compiler builds a kernel for an architecture: this machine's own, or a cross compiler found by its name. */
import { machine } from 'node:os';
import type { Arch } from '../rules/types.ts';
import { findOnPath } from './sandbox.ts';
import { SANDBOX_PATH } from './sandbox-command.ts';
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

export type Compiler =
  | { readonly ok: true; readonly crossCompile: string }
  | { readonly ok: false; readonly why: string };

/** CROSS_COMPILE for an architecture: empty for the machine's own; or what is to be installed. */
export async function compilerFor(arch: Arch): Promise<Compiler> {
  if (srcArch(subArch(machine())) === arch && (await isThere('gcc'))) return { ok: true, crossCompile: '' };
  const prefixes = PREFIXES[arch] ?? [];
  for (const prefix of prefixes) if (await isThere(`${prefix}gcc`)) return { ok: true, crossCompile: prefix };
  if (prefixes.length === 0) return { ok: false, why: `no compiler for ${arch} is known` };
  const packages = prefixes.map((prefix) => `gcc-${prefix.slice(0, -1).replace('_', '-')}`);
  return { ok: false, why: `no compiler for ${arch} is installed: apt install ${packages[0]}` };
}

async function isThere(program: string): Promise<boolean> {
  return (await findOnPath(program, SANDBOX_PATH)) !== undefined;
}
