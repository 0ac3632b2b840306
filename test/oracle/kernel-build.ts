/**
 * Objects of a kernel in a random configuration, built by its own make and gcc in the sandbox, with the symbols
 * that nm(1) finds in them.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runSandboxed, SandboxError } from '../../queue/sandbox.ts';

/** An object made from one C file. Paths are relative to the folder and the tree. */
export interface BuiltObject {
  readonly object: string;
  readonly source: string;
  /** Built with -DMODULE. */
  readonly isModule: boolean;
  /** Text symbols; `global` ones are seen by other objects. */
  readonly functions: readonly { readonly name: string; readonly global: boolean }[];
}

/**
 * What a random configuration may not have: it needs keys, plug-ins or an hour, or instruments every function. The
 * rest is drawn.
 */
const FIXED = [
  ['64BIT', 'y'],
  ['MODULES', 'y'],
  ['DEBUG_INFO_NONE', 'y'],
  ['SYSTEM_TRUSTED_KEYS', '""'],
  ...[
    ...['WERROR', 'GCC_PLUGINS', 'MODULE_SIG', 'IKHEADERS', 'MODVERSIONS', 'RUST'],
    ...['KCOV', 'KCSAN', 'KASAN', 'UBSAN', 'GCOV_KERNEL', 'PROFILE_ALL_BRANCHES'],
  ].map((symbol) => [symbol, 'n'] as const),
] as const;

const PARALLEL = 2;
/** Objects that one run of nm looks at. */
const NM_BATCH = 200;

export class KernelBuild {
  /** Text of the `.config`, one character a byte. */
  readonly config: string;
  readonly #tree: string;
  readonly #folder: string;

  private constructor(tree: string, folder: string, config: string) {
    this.#tree = tree;
    this.#folder = folder;
    this.config = config;
  }

  /** Configures and prepares an x86_64 kernel in an empty `folder`. Throws an Error with make's last words. */
  static async open(tree: string, folder: string, seed: number): Promise<KernelBuild> {
    await mkdir(folder, { recursive: true });
    const fixed = FIXED.map(([symbol, value]) => `CONFIG_${symbol}=${value}\n`).join('');
    await writeFile(join(folder, 'fixed.config'), fixed);
    const env = { KCONFIG_ALLCONFIG: '/out/fixed.config', KCONFIG_SEED: String(seed) };
    const both = new KernelBuild(tree, folder, '');
    await both.#make(['randconfig'], env);
    await both.#make(['prepare'], {});
    return new KernelBuild(tree, folder, await readFile(join(folder, '.config'), 'latin1'));
  }

  /** Objects that make builds below folders of the tree (`drivers/rtc/`); what does not compile is left out. */
  async build(folders: readonly string[]): Promise<readonly BuiltObject[]> {
    await this.#make(folders, {}, true);
    const objects = (await Promise.all(folders.map((folder) => this.#objects(folder)))).flat();
    const symbols = await this.#symbols(objects.map(({ object }) => object));
    return objects.map((one) => ({ ...one, functions: symbols.get(one.object) ?? [] }));
  }

  async #make(targets: readonly string[], env: Readonly<Record<string, string>>, keepGoing = false): Promise<void> {
    // objtool needs a library that is not everybody's, and adds no functions
    const argv = ['make', '-C', '/src', 'O=/out', 'ARCH=x86_64', 'CONFIG_OBJTOOL=', `-j${PARALLEL}`] as const;
    const options = keepGoing ? ['-k'] : [];
    const run = await this.#run([...argv, ...options, ...targets], env);
    if (run.exitCode !== 0 && !keepGoing)
      throw new Error(`make ${targets.join(' ')} failed: ${run.stderr.slice(-1500)}`);
  }

  async #objects(below: string): Promise<Omit<BuiltObject, 'functions'>[]> {
    const names = await readdir(join(this.#folder, below), { recursive: true }).catch(() => []);
    const commands = names.filter((name) => /^\..*\.o\.cmd$/.test(basename(name))).sort();
    const found = await Promise.all(
      commands.map(async (name) => {
        const text = await readFile(join(this.#folder, below, name), 'latin1');
        const source = /^source_\S+ := (?:\/src\/)?(\S+\.c)$/m.exec(text)?.[1];
        const object = join(below, dirname(name), basename(name).slice(1, -'.cmd'.length));
        // not what make generates: stamps of modules, and sources that are not in the tree
        return source === undefined || object.endsWith('.mod.o') || !existsSync(join(this.#tree, source))
          ? []
          : [{ object, source, isModule: /\s-DMODULE\s/.test(text) }];
      }),
    );
    return found.flat();
  }

  async #symbols(objects: readonly string[]): Promise<ReadonlyMap<string, BuiltObject['functions']>> {
    const symbols = new Map<string, { name: string; global: boolean }[]>();
    for (let at = 0; at < objects.length; at += NM_BATCH) {
      const some = objects.slice(at, at + NM_BATCH);
      const run = await this.#run(['nm', '-A', '-f', 'posix', '--defined-only', ...some], {});
      if (run.exitCode !== 0) throw new Error(`nm failed: ${run.stderr.slice(0, 500)}`);
      for (const line of run.stdout.split('\n')) {
        const [, object, name, type] = /^(\S+): (\S+) ([TtWw]) /.exec(line) ?? [];
        if (object === undefined) continue;
        const list = symbols.get(object) ?? [];
        list.push({ name: name!, global: type !== 't' });
        symbols.set(object, list);
      }
    }
    return symbols;
  }

  async #run(argv: readonly string[], env: Readonly<Record<string, string>>) {
    const run = await runSandboxed({
      argv: argv as [string, ...string[]],
      cwd: '/out',
      readOnly: [{ host: this.#tree, inside: '/src' }],
      writable: [{ host: this.#folder, inside: '/out' }],
      env,
      limits: { wallMs: 3_600_000, cpuSec: 600, outputBytes: 32 << 20 },
    });
    if (run.timedOut) throw new SandboxError('failed', `${argv[0]} ${argv.at(-1)} took more than an hour`);
    return run;
  }
}
