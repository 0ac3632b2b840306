/**
 * What `make ARCH=… <something>config` tells `scripts/kconfig/conf` through the environment, and which
 * tools stand behind it.
 *
 * Goes in: an architecture, the text of the top Makefile, perhaps a cross compiler's prefix. Comes out: the
 * variables that Kconfig files (`$(CC)`, `$(ARCH)` …) and the scripts they run read. Left out are those that
 * neither reads: KBUILD_CFLAGS and its kin, quiet, MAKEFLAGS. Source: the `export` lines of the kernel's
 * Makefile, scripts/subarch.include and arch/{alpha,powerpc,um}/Makefile, 6.1 to 7.1.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { machine } from 'node:os';
import { dirname, join } from 'node:path';
import type { Arch } from '../rules/types.ts';
import { runSandboxed, SandboxError } from './sandbox.ts';
import { findOnPath, programPath } from './tool-path.ts';

export type KconfigEnv = Readonly<Record<string, string>>;

/** Where the tree lies inside the sandbox: always the same, so that answers hold for any checkout. */
export const SRCTREE = '/src';

export interface ToolchainOptions {
  /** CROSS_COMPILE, e.g. `aarch64-linux-gnu-`; default none: the host's gcc, as `make ARCH=…` takes. */
  readonly crossCompile?: string;
  readonly trustTree?: boolean;
  /** Where versions are kept, so that the next process need not ask unchanged programs; default nowhere. */
  readonly cacheDir?: string;
}

/** First lines of `--version`, empty where a tool is not installed. */
export interface ToolVersions {
  readonly cc: string;
  readonly ld: string;
  readonly as: string;
  readonly rustc: string;
  readonly bindgen: string;
  readonly pahole: string;
  readonly python: string;
}

// ---------------------------------------------------------------- tables

/** ARCH values that are not a directory below arch/ ("Additional ARCH settings" of the Makefile). */
const SRCARCH_OF: Readonly<Record<string, Arch>> = {
  i386: 'x86',
  x86_64: 'x86',
  sparc32: 'sparc',
  sparc64: 'sparc',
  parisc64: 'parisc',
  sh64: 'sh',
};

/** scripts/subarch.include: `uname -m` to the name that user-mode Linux goes by; first match wins. */
const SUBARCH_OF: readonly (readonly [RegExp, string])[] = [
  [/^i.86$/, 'x86'],
  [/^x86_64$/, 'x86'],
  [/^sun4u$/, 'sparc64'],
  [/^arm64$/, 'arm64'],
  [/^aarch64/, 'arm64'],
  [/^arm/, 'arm'],
  [/^sa110$/, 'arm'],
  [/^s390x$/, 's390'],
  [/^ppc/, 'powerpc'],
  [/^mips/, 'mips'],
  [/^sh[234]/, 'sh'],
  [/^riscv/, 'riscv'],
  [/^loongarch/, 'loongarch'],
];

/** arch/*\/Makefile that add an option to nm. */
const NM_OPTIONS: Readonly<Record<Arch, string>> = { alpha: ' -B', powerpc: ' --synthetic' };

/** Directory below arch/ of an ARCH: `x86_64` is `x86`, most are themselves. */
export function srcArch(arch: string): Arch {
  return SRCARCH_OF[arch] ?? arch;
}

/** SUBARCH for a machine as uname(2) names it. */
export function subArch(machineName: string): string {
  return SUBARCH_OF.find(([pattern]) => pattern.test(machineName))?.[1] ?? machineName;
}

/** Architectures of a tree: the directories with an `arch/<name>/Kconfig`, sorted; `um` is one. */
export function archs(paths: readonly string[]): Arch[] {
  const found = new Set<Arch>();
  for (const path of paths) {
    const name = /^arch\/([^/]+)\/Kconfig$/.exec(path)?.[1];
    if (name !== undefined) found.add(name);
  }
  return [...found].sort();
}

/**
 * KERNELVERSION as the top Makefile puts it together, e.g. `6.12.117` or `7.1.0-rc2`; undefined when the text
 * has no VERSION.
 */
export function kernelVersion(makefile: string): string | undefined {
  const value = (name: string) => new RegExp(`^${name}[ \\t]*=[ \\t]*([^\\s#]*)`, 'm').exec(makefile)?.[1] ?? '';
  const [version, patchLevel, subLevel] = [value('VERSION'), value('PATCHLEVEL'), value('SUBLEVEL')];
  if (version === '') return undefined;
  const minor = patchLevel === '' ? '' : `.${patchLevel}${subLevel === '' ? '' : `.${subLevel}`}`;
  return `${version}${minor}${value('EXTRAVERSION')}`;
}

/** The environment of `conf`, from facts alone. `machineName` as uname(2) gives it. */
export function kconfigEnv(facts: {
  readonly arch: string;
  readonly makefile: string;
  readonly versions: ToolVersions;
  readonly machineName: string;
  readonly crossCompile?: string;
  readonly srctree?: string;
}): KconfigEnv {
  const cross = facts.crossCompile ?? '';
  const srcarch = srcArch(facts.arch);
  return {
    srctree: facts.srctree ?? SRCTREE,
    objtree: '.',
    ARCH: facts.arch,
    SRCARCH: srcarch,
    KERNELVERSION: kernelVersion(facts.makefile) ?? '',
    KCONFIG_CONFIG: '.config',
    CONFIG_SHELL: 'sh',
    CROSS_COMPILE: cross,
    CC: `${cross}gcc`,
    CPP: `${cross}gcc -E`,
    LD: `${cross}ld`,
    AR: `${cross}ar`,
    NM: `${cross}nm${NM_OPTIONS[srcarch] ?? ''}`,
    OBJCOPY: `${cross}objcopy`,
    OBJDUMP: `${cross}objdump`,
    READELF: `${cross}readelf`,
    STRIP: `${cross}strip`,
    ...HOST_TOOLS,
    // subst $(pound): a # would begin a comment in auto.conf.cmd
    CC_VERSION_TEXT: facts.versions.cc.replaceAll('#', ''),
    RUSTC_VERSION_TEXT: facts.versions.rustc.replaceAll('#', ''),
    PAHOLE_VERSION: paholeVersion(facts.versions.pahole),
    ...(srcarch === 'um' ? umEnv(facts.machineName) : {}),
  };
}

const HOST_TOOLS: KconfigEnv = {
  HOSTCC: 'gcc',
  HOSTCXX: 'g++',
  HOSTRUSTC: 'rustc',
  HOSTPKG_CONFIG: 'pkg-config',
  RUSTC: 'rustc',
  RUSTDOC: 'rustdoc',
  RUSTFMT: 'rustfmt',
  RUSTC_BOOTSTRAP: '1',
  BINDGEN: 'bindgen',
  PAHOLE: 'pahole',
  AWK: 'awk',
  BASH: 'bash',
  LEX: 'flex',
  MAKE: 'make',
  PERL: 'perl',
  PYTHON3: 'python3',
  YACC: 'bison',
  LC_COLLATE: 'C',
  LC_NUMERIC: 'C',
};

/** Only arch/um/Makefile exports these two: elsewhere `$(SUBARCH)` is empty in Kconfig. */
function umEnv(machineName: string): KconfigEnv {
  const sub = subArch(machineName);
  return { SUBARCH: sub, HEADER_ARCH: sub === 'x86_64' || sub === 'i386' ? 'x86' : sub };
}

/** scripts/pahole-version.sh: `v1.25` is 125, nothing is 0. */
function paholeVersion(text: string): string {
  return text.replace(/v(\d+)\.(\d+)/, '$1$2') || '0';
}

// ---------------------------------------------------------------- asking the tools

/**
 * The environment for one architecture, with the versions of the tools as a run sees them (to the sandbox a
 * compiler in somebody's home is not there, to a bare run it is). `makefile` is the text of the tree's top Makefile.
 * Throws SandboxError.
 */
export async function toolchainEnv(
  options: ToolchainOptions & { readonly arch: string; readonly makefile: string; readonly srctree?: string },
): Promise<KconfigEnv> {
  return kconfigEnv({ ...options, versions: await toolVersions(options), machineName: machine() });
}

/**
 * Short name of the toolchain for cache keys, 16 hex digits: changes with any version, and when packages come
 * into or leave the folders that `cc-can-link.sh`, `python3 -c "import …"` and such look into.
 */
export async function toolchainId(options: ToolchainOptions = {}): Promise<string> {
  const versions = await toolVersions(options);
  const folders = await Promise.all(ANSWER_FOLDERS.map(changedAt));
  const facts = [options.crossCompile ?? '', options.trustTree === true, machine(), versions, folders];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}

const ANSWER_FOLDERS = [
  '/usr/bin',
  '/usr/include',
  '/usr/lib',
  '/usr/lib/gcc',
  '/usr/lib32',
  '/usr/lib/python3/dist-packages',
];

/** Milliseconds; 0 for a folder that is not there. */
async function changedAt(folder: string): Promise<number> {
  return (await stat(folder).catch(absent))?.mtimeMs ?? 0;
}

const asked = new Map<string, Promise<ToolVersions>>();

/** Versions of the tools, asked once a process and prefix. Throws SandboxError. */
export function toolVersions(options: ToolchainOptions = {}): Promise<ToolVersions> {
  const cross = options.crossCompile ?? '';
  // it becomes part of commands that a shell reads
  if (!/^[\w./+-]*$/.test(cross))
    throw new SandboxError('bad-argument', `not a prefix of compiler names: ${JSON.stringify(cross)}`);
  const key = `${cross}\0${options.trustTree === true}`;
  let versions = asked.get(key);
  if (versions === undefined) {
    versions = askVersions(cross, options);
    asked.set(key, versions);
    // a machine that could not answer once may be mended and asked again
    versions.catch(() => asked.delete(key));
  }
  return versions;
}

async function askVersions(cross: string, { trustTree = false, cacheDir }: ToolchainOptions): Promise<ToolVersions> {
  const programs: Readonly<Record<keyof ToolVersions, string>> = {
    cc: `${cross}gcc`,
    ld: `${cross}ld`,
    as: `${cross}as`,
    rustc: 'rustc',
    bindgen: 'bindgen',
    pahole: 'pahole',
    python: 'python3',
  };
  const identities = await Promise.all(Object.values(programs).map((program) => identity(program, trustTree)));
  const facts = JSON.stringify([trustTree, machine(), Object.values(programs), identities]);
  const digest = createHash('sha256').update(facts).digest('hex').slice(0, 32);
  const kept = cacheDir === undefined ? undefined : join(cacheDir, 'tools', `${digest}.json`);
  const known = kept === undefined ? undefined : await readVersions(kept);
  if (known !== undefined) return known;
  const answers = await Promise.all(
    Object.entries(programs).map(async ([tool, program], i) => {
      const answer = identities[i] === undefined ? '' : await askVersion(program, trustTree);
      return [tool, answer] as const;
    }),
  );
  const versions = Object.fromEntries(answers) as unknown as ToolVersions;
  if (kept !== undefined) await keepVersions(kept, versions);
  return versions;
}

async function askVersion(program: string, trustTree: boolean): Promise<string> {
  const limits = { wallMs: 20_000 };
  const run = await runSandboxed({ argv: [program, '--version'], readOnly: [], env: {}, limits, trustTree });
  return run.exitCode === 0 ? (run.stdout.split('\n')[0] ?? '') : '';
}

/** Which file a program is, and in which state; undefined when it is not there. */
async function identity(program: string, trustTree: boolean): Promise<readonly unknown[] | undefined> {
  const path = program.includes('/') ? program : await findOnPath(program, programPath(trustTree));
  const info = path === undefined ? undefined : await stat(path).catch(absent);
  return info === undefined ? undefined : [path, info.dev, info.ino, info.size, info.mtimeMs, info.ctimeMs];
}

/** Undefined where nothing was kept, or not by this version of depbot. */
async function readVersions(file: string): Promise<ToolVersions | undefined> {
  const text = await readFile(file, 'utf8').catch(absent);
  if (text === undefined) return undefined;
  try {
    const kept = JSON.parse(text) as ToolVersions;
    const all = [kept.cc, kept.ld, kept.as, kept.rustc, kept.bindgen, kept.pahole, kept.python];
    return all.every((version) => typeof version === 'string') ? kept : undefined;
  } catch (error) {
    // half a file after a crash of the machine; asked again, it is written again
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

async function keepVersions(file: string, versions: ToolVersions): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, JSON.stringify(versions));
  await rename(unfinished, file);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
