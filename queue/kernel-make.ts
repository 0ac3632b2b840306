/**
 * The tree's own make in the sandbox, in an output folder of a BuildPlace: configured, prepared, and asked for objects.
 *
 * A folder of the base is begun as a copy of one that the base has for another configuration, since make knows what
 * differs; one of the series as a copy of the base's. ccache, where there is one, keeps what the base compiles beside
 * these folders, and a series can read it and not write there: what one has poisoned no other finds.
 */

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Diagnostic, printDiagnostic } from '../rules/diagnostic.ts';
import { isPlainLine } from '../rules/kconfig/dotconfig.ts';
import type { Arch } from '../rules/types.ts';
import type { BuildPlace, Stage } from './build-place.ts';
import { type Compiler, compilerFor } from './compilers.ts';
import { readDiagnostics } from './kbuild-log.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import { type Limits, type Mount, runSandboxed, SandboxError, type SandboxRun, type SandboxSpec } from './sandbox.ts';
import { SANDBOX_PATH } from './sandbox-command.ts';
import { isShort } from './sandbox-disk.ts';
import { findOnPath } from './tool-path.ts';
import { SRCTREE } from './toolchain.ts';

export interface MakeOptions {
  readonly trustTree?: boolean;
  /** Commands of one make at a time. Default 2. */
  readonly parallel?: number;
  /** Throws SandboxError, for whoever tries again, when something from outside ended a run: see `run`. */
  readonly throwsFaults?: boolean;
  /** Nobody tries again: what a full disk ended is not built. */
  readonly isLastAttempt?: boolean;
  /** Ends the run, whose reason is thrown. */
  readonly signal?: AbortSignal;
}

/** Where a run writes, and who says so in words: `without the series`. */
export interface Where {
  readonly stage: Stage;
  readonly arch: Arch;
  readonly words: string;
}

/** Where an object goes. */
export type Destination = 'vmlinux' | 'module';

const LIMITS = {
  wallMs: 900_000,
  cpuSec: 600,
  fileBytes: 2 ** 30,
  diskBytes: 8 * 2 ** 30,
  outputBytes: 4 * 2 ** 20,
} satisfies Partial<Limits>;
const [OUT, BEFORE, DEPBOT, CCACHE, WANTED] = ['/out', '/before', '/depbot', '/ccache', '/wanted'];
const CCACHE_SIZE = '500M';
/** What prints the objects that make would build. */
const LISTING = ['make', '-rR', '--no-print-directory', '-s', '-f', `${DEPBOT}/object-lists-top.mk`, 'lists'];

/** Nothing can be said: a fault of the machine, or of a tree that does not build for another reason. */
export class NotBuilt extends Error {
  override readonly name = 'NotBuilt';
}

export class KernelMake {
  readonly #place: BuildPlace;
  readonly #options: MakeOptions;
  /** Of performance.now(). */
  readonly #until: number;

  constructor(place: BuildPlace, options: MakeOptions, until: number) {
    this.#place = place;
    this.#options = options;
    this.#until = until;
  }

  /**
   * A configured output folder with what every object needs (`make prepare`). Throws NotBuilt where that fails, and
   * leaves no folder then.
   */
  async prepare(where: Where, config: string): Promise<string> {
    const folder = await this.begin(where, config);
    if (folder.isReady) return folder.out;
    try {
      const made = await this.configure(where, folder.out);
      if (made.exitCode === 0) return folder.out;
      throw new NotBuilt(`${where.words} "make prepare" fails: ${firstError(readDiagnostics(made.stderr), made)}`);
    } catch (error) {
      await this.#place.discard(folder.out);
      throw error;
    }
  }

  /**
   * A folder with that .config, not prepared yet but where one was kept. Throws NotBuilt for a configuration that has
   * strings: a series may have chosen them, and make, which expands them, would run them as the base's code. A new one
   * starts as a copy of the base's folder with `baseConfig`.
   */
  async begin(
    where: Where,
    config: string,
    baseConfig: string = config,
  ): Promise<{ readonly out: string; readonly isReady: boolean }> {
    const { stage, arch } = where;
    const text = config.split('\n').find((line) => !isPlainLine(line));
    if (text !== undefined)
      throw new NotBuilt(`its configuration has text, which a build is not given: ${text.slice(0, 100)}`);
    await compilerOf(arch);
    const base = stage === 'before' ? undefined : (await this.#place.output('before', arch, baseConfig)).folder;
    const { folder, isNew } = await this.#place.output(stage, arch, config);
    if (!isNew) return { out: folder, isReady: true };
    await chmod(folder, 0o755);
    try {
      const from = base ?? (await this.#place.sibling(folder));
      const copied = from && (await this.run(where, ['cp', '-a', `${BEFORE}/.`, `${OUT}/`], folder, { before: from }));
      if (copied && copied.exitCode !== 0)
        throw new NotBuilt(`${where.words} an output folder cannot be copied: ${lastLine(copied.stderr)}`);
      await this.give(where, folder, config);
      return { out: folder, isReady: false };
    } catch (error) {
      await this.#place.discard(folder);
      throw error;
    }
  }

  /** Puts a .config into an output folder, in place of a link that was put there, or of what root may not touch. */
  async give(where: Where, out: string, config: string): Promise<void> {
    const gone = await this.run(where, ['rm', '-rf', `${OUT}/.config`], out);
    if (gone.exitCode !== 0) throw new NotBuilt(`.config cannot be replaced: ${lastLine(gone.stderr)}`);
    await writeFile(join(out, '.config'), config, { flag: 'wx' });
  }

  /** `make olddefconfig prepare`. */
  async configure(where: Where, out: string): Promise<SandboxRun> {
    return await this.make(where, out, ['-s', 'olddefconfig', 'prepare']);
  }

  /** Runs make for targets, after options and variables; `watch` sees what it prints as it comes. */
  async make(
    where: Where,
    out: string,
    targets: readonly string[],
    watch?: (chunk: Buffer) => void,
  ): Promise<SandboxRun> {
    const compiler = await compilerOf(where.arch);
    const cache = await this.#compilerCache(where, compiler.name);
    // objtool looks at objects that are made already, and needs a library that is not everybody's
    const own = ['CONFIG_OBJTOOL=', ...compiler.make, ...cache.variables];
    const parallel = `-j${this.#options.parallel ?? 2}`;
    const argv = ['make', '-C', SRCTREE, `O=${OUT}`, `ARCH=${where.arch}`, ...own, parallel, ...targets];
    return await this.run(where, argv, out, { ...cache, ...(watch && { watch }) });
  }

  /** As it is told: the architecture is in the environment. */
  static placesCommand(arch: Arch): readonly string[] {
    return [...LISTING.slice(0, -1), `ARCH=${arch}`, 'lists'];
  }

  /** Where make puts some objects; those it does not build are not in it. Undefined, with its words, where it fails. */
  async places(
    where: Where,
    out: string,
    objects: readonly string[],
  ): Promise<{ readonly places?: ReadonlyMap<string, Destination>; readonly stderr: string }> {
    const env = { ARCH: where.arch, tree: SRCTREE, here: DEPBOT, sub_make_done: '1', wanted_list: WANTED };
    // a file has any length, and make expands nothing of it
    const folder = await temporaryFolder(join(tmpdir(), 'depbot-wanted-'));
    const host = join(folder, 'wanted');
    let run: SandboxRun;
    try {
      await writeFile(host, objects.join('\n'));
      await chmod(host, 0o644);
      run = await this.run(where, LISTING, out, { env, readOnly: [{ host, inside: WANTED }] });
    } finally {
      await remove(folder);
    }
    if (run.exitCode !== 0) return { stderr: run.stderr };
    const places = new Map<string, Destination>();
    for (const line of run.stdout.split('\n')) {
      const [place, ...some] = line.split(' ').filter((word) => word !== '');
      if (place === 'vmlinux' || place === 'module') for (const object of some) places.set(object, place);
    }
    return { places, stderr: run.stderr };
  }

  /** Names that an object refers to and does not define, without those that need not be anywhere: weak ones. */
  undefinedNames(where: Where, out: string, object: string): Promise<Set<string>> {
    return this.#names(where, out, object, ['-u'], (type) => type === 'U');
  }

  /** Names that an object defines for others. */
  definedNames(where: Where, out: string, object: string): Promise<Set<string>> {
    return this.#names(where, out, object, ['-g', '--defined-only'], () => true);
  }

  async #names(
    where: Where,
    out: string,
    object: string,
    which: readonly string[],
    isMeant: (type: string) => boolean,
  ): Promise<Set<string>> {
    const { nm } = await compilerOf(where.arch);
    const run = await this.run(where, [nm, ...which, '-f', 'posix', object], out);
    if (run.exitCode !== 0) throw new NotBuilt(`nm cannot read ${object}: ${lastLine(run.stderr)}`);
    // NAME TYPE [VALUE SIZE]
    const lines = run.stdout.split('\n').map((line) => line.split(' '));
    return new Set(lines.flatMap(([name, type]) => (type !== undefined && isMeant(type) ? name! : [])));
  }

  /**
   * What the tree's modpost says of a name that the object of a module refers to, beside objects that are built;
   * undefined where it finds the name exported. It is told that all else is there, since it names ten at most; and,
   * where the tree has that option (-M), that there are modules, since it does not look for exports without.
   * Source: read_symbols(), check_exports() and read_dump() of scripts/mod/modpost.c.
   */
  async modpost(
    where: Where,
    out: string,
    object: string,
    name: string,
    others: readonly string[],
  ): Promise<string | undefined> {
    const script =
      '"$1" -u -f posix "$3" | awk -v "name=$2" \'$1 != name { print "0x0\\t" $1 "\\tvmlinux\\tEXPORT_SYMBOL\\t" }\'' +
      ' >/tmp/others; shift 2; grep -q "(CONFIG_MODULES),-M" "$0/scripts/Makefile.modpost" && set -- -M "$@";' +
      ' exec scripts/mod/modpost -i /tmp/others -o /tmp/symvers "$@"';
    const { nm } = await compilerOf(where.arch);
    const run = await this.run(where, ['/bin/sh', '-c', script, SRCTREE, nm, name, object, ...others], out);
    const said = readDiagnostics(run.stderr).map(({ text }) => text);
    if (said.length === 0 && run.exitCode !== 0)
      throw new NotBuilt(`modpost cannot read ${object}: ${lastLine(run.stderr)}`);
    return said.find((text) => text.startsWith(`"${name}" [${object.replace(/o$/, 'ko')}] undefined`));
  }

  /**
   * Runs one command in an output folder. Throws NotBuilt where something else than itself ended it. Most of these
   * ends can be the doing of the series, or the same every time: it takes too long, needs more memory than it may
   * have, or prints what it likes. That bubblewrap itself was killed, and not by us, is the machine's; and so, but for
   * the last attempt, since a series can bring that about as well, is a disk that is still full.
   */
  async run(
    where: Where,
    argv: readonly string[],
    out: string,
    more: {
      readonly env?: Readonly<Record<string, string>>;
      readonly before?: string;
      readonly readOnly?: readonly Mount[];
      readonly writable?: readonly Mount[];
      readonly watch?: (chunk: Buffer) => void;
    } = {},
  ): Promise<SandboxRun> {
    const { trustTree, signal } = this.#options;
    const leftMs = this.#until - performance.now();
    if (leftMs <= 0) throw new NotBuilt('the time for all builds of a check was over');
    const run = await this.#started(where, {
      argv: argv as [string, ...string[]],
      cwd: OUT,
      readOnly: [
        { host: this.#place.src, inside: SRCTREE },
        { host: import.meta.dirname, inside: DEPBOT },
        ...(more.before === undefined ? [] : [{ host: more.before, inside: BEFORE }]),
        ...(more.readOnly ?? []),
      ],
      writable: [{ host: out, inside: OUT }, ...(more.writable ?? [])],
      // the same for both sides, so that no file differs by it
      env: {
        ...{ KBUILD_BUILD_TIMESTAMP: '1970-01-01', KBUILD_BUILD_USER: 'depbot', KBUILD_BUILD_HOST: 'depbot' },
        ...more.env,
      },
      limits: { ...LIMITS, wallMs: Math.ceil(Math.min(LIMITS.wallMs, leftMs)) },
      ...(more.watch && { watchStdout: more.watch }),
      ...(trustTree === undefined ? {} : { trustTree }),
      ...(signal && { signal }),
    });
    signal?.throwIfAborted();
    const fault = faultOf(run);
    if (fault === undefined) return run;
    // whatever was being written is there in part
    this.#place.spoil(out);
    const { throwsFaults, isLastAttempt } = this.#options;
    const mayPass = isKilledOutside(run) || (isLastAttempt !== true && isOfDisk(run) && (await isShort(out)));
    if (throwsFaults === true && mayPass)
      throw new SandboxError('failed', `${where.words} ${argv[0]} ${argv.at(-1)} ${fault}`);
    throw new NotBuilt(`${where.words} ${argv[0]} ${argv.at(-1)} ${fault}`);
  }

  /** A command line that no machine takes is the fault of the paths in it, the same every time. */
  async #started({ words }: Where, spec: SandboxSpec): Promise<SandboxRun> {
    try {
      return await runSandboxed(spec);
    } catch (error) {
      if (!(error instanceof SandboxError) || error.problem !== 'bad-argument') throw error;
      throw new NotBuilt(`${words} ${spec.argv[0]} cannot be started: ${error.message}`);
    }
  }

  /** What make is given so that the base's compilations are kept, and those of the series only read them. */
  async #compilerCache(
    { stage }: Where,
    compiler: string,
  ): Promise<{
    readonly variables: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly readOnly?: readonly Mount[];
    readonly writable?: readonly Mount[];
  }> {
    if ((await findOnPath('ccache', SANDBOX_PATH)) === undefined) return { variables: [] };
    const mounts = [{ host: this.#place.compilerCache, inside: CCACHE }];
    await mkdir(this.#place.compilerCache, { recursive: true, mode: 0o755 });
    const env = { CCACHE_DIR: CCACHE, CCACHE_TEMPDIR: '/tmp/ccache', CCACHE_MAXSIZE: CCACHE_SIZE };
    const variables = [`CC=ccache ${compiler}`];
    return stage === 'before'
      ? { variables, env, writable: mounts }
      : { variables, env: { ...env, CCACHE_READONLY: 'true' }, readOnly: mounts };
  }
}

/** Throws NotBuilt where there is no compiler. */
async function compilerOf(arch: Arch): Promise<Compiler & { readonly ok: true }> {
  const compiler = await compilerFor(arch);
  if (!compiler.ok) throw new NotBuilt(compiler.why);
  return compiler;
}

/** Nothing in the sandbox can send its first process a signal; a bound of ours is told beside it. */
function isKilledOutside({ signal, timedOut, flooded, overDisk, outOfMemory }: SandboxRun): boolean {
  return signal !== undefined && !(timedOut || flooded || overDisk || outOfMemory);
}

function isOfDisk({ overDisk, stderr }: SandboxRun): boolean {
  return overDisk || stderr.includes('No space left on device');
}

/** In make's words, that a program was ended for what it took (SIGKILL, SIGXCPU, SIGXFSZ), or its shell in its place. */
const ENDED =
  /^make(?:\[\d+\])?: \*\*\* \[[^\]]*\] (?:Error (?:137|152|153)|Killed|CPU time limit exceeded|File size limit exceeded).*$/m;

/** What a run was ended by, that is not make's own end. */
export function faultOf({ timedOut, flooded, overDisk, outOfMemory, signal, stderr }: SandboxRun): string | undefined {
  if (timedOut) return 'took too long';
  if (overDisk) return 'wrote more than it may, or the disk is full';
  if (outOfMemory) return 'needed more memory than it may have';
  if (flooded) return 'printed without end';
  if (signal !== undefined) return `was ended by ${signal}`;
  // not where the compiler quotes a source line, or complains of one
  const said =
    /^(?!\s)(?!.*: (?:warning|note): ).*(?:No space left on device|Cannot allocate memory|virtual memory exhausted|out of memory allocating|internal compiler error|signal terminated program|Resource temporarily unavailable).*$/m;
  const words = (said.exec(stderr) ?? ENDED.exec(stderr))?.[0];
  return words === undefined ? undefined : `failed for want of something: ${words.slice(0, 200)}`;
}

/** The first error, else the last line that was printed. */
export function firstError(errors: readonly Diagnostic[], { stderr }: SandboxRun): string {
  const first = errors.find(({ severity }) => severity === 'error');
  return first === undefined ? lastLine(stderr) : printDiagnostic(first);
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
