/**
 * One side of a series (the tree before or after it) as Kconfig sees it: models with all `$(shell)`
 * answers, and the tree's own conf.
 */

import { KconfigError } from '../rules/kconfig/error.ts';
import type { KconfigTree } from '../rules/kconfig/files.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import type { ConfRun } from '../rules/rule.ts';
import type { Arch, Tree } from '../rules/types.ts';
import { buildConf, materialise, runConf } from './conf.ts';
import { ShellAnswers } from './shell-answers.ts';
import { type KconfigEnv, toolchainEnv, toolchainId } from './toolchain.ts';

export interface SideOptions {
  readonly cacheDir: string;
  readonly trustTree?: boolean;
}

/** An answer can bring a new command about, but not for ever. */
const MAX_ROUNDS = 10;

/** The tree's conf cannot be used: it does not build. */
export class ConfError extends Error {
  override readonly name = 'ConfError';
}

export class KconfigSide {
  readonly tree: Tree;
  readonly kconfig: KconfigTree;
  readonly #options: SideOptions;
  readonly #answers: ShellAnswers;
  readonly #makefile: string;
  #dir: Promise<string> | undefined;
  #conf: Promise<string> | undefined;

  private constructor(kconfig: KconfigTree, options: SideOptions, answers: (treeDir: () => Promise<string>) => ShellAnswers, makefile: string) {
    this.tree = kconfig.tree;
    this.kconfig = kconfig;
    this.#options = options;
    this.#makefile = makefile;
    this.#answers = answers(() => this.#materialised());
  }

  static async open(kconfig: KconfigTree, options: SideOptions): Promise<KconfigSide> {
    const { tree } = kconfig;
    const trust = options.trustTree === undefined ? {} : { trustTree: options.trustTree };
    const id = await toolchainId(trust);
    const makefile = (await tree.read(['Makefile'])).get('Makefile') ?? '';
    const answers = (treeDir: () => Promise<string>): ShellAnswers => new ShellAnswers({ cacheDir: options.cacheDir, toolchainId: id, tree, treeDir, ...trust });
    return new KconfigSide(kconfig, options, answers, makefile);
  }

  /** The environment that `make ARCH=…` gives to conf. */
  env(arch: Arch): Promise<KconfigEnv> {
    return toolchainEnv({ arch, makefile: this.#makefile, ...this.#trust() });
  }

  /**
   * The model for one architecture (an ARCH: `x86`, also `i386`), every `$(shell)` answered.
   * Throws KconfigError where conf would refuse the tree, SandboxError where commands cannot be run safely.
   */
  async model(arch: Arch): Promise<KconfigModel> {
    const env = await this.env(arch);
    await this.#answers.load(env);
    for (let round = 0; ; round++) {
      const missing = new Set<string>();
      const shell = (command: string): string | undefined => {
        const answer = this.#answers.lookup(command, env);
        if (answer === undefined) missing.add(command);
        return answer;
      };
      try {
        const model = await this.kconfig.model({ env, shell });
        if (missing.size === 0 || round === MAX_ROUNDS) return model;
      } catch (error) {
        // A provisional answer can make nonsense of a line.
        if (!(error instanceof KconfigError) || missing.size === 0 || round === MAX_ROUNDS) throw error;
      }
      await this.#answers.answer([...missing], env);
    }
  }

  /** Runs the tree's conf on a .config. Throws ConfError where it does not build. */
  async olddefconfig(arch: Arch, config: string): Promise<ConfRun> {
    const [dir, conf, env] = await Promise.all([this.#materialised(), this.#program(), this.env(arch)]);
    const answers = this.#answers.recorded(env);
    const run = await runConf({ dir, conf, mode: 'olddefconfig', env, config, answers, cacheDir: this.#options.cacheDir, ...this.#trust() });
    return {
      argv: [`ARCH=${arch}`, 'scripts/kconfig/conf', '--olddefconfig', 'Kconfig'],
      exitCode: run.exitCode ?? -1,
      config: run.config,
      stderr: run.stderr,
    };
  }

  #materialised(): Promise<string> {
    return (this.#dir ??= materialise(this.tree, this.#options.cacheDir));
  }

  #program(): Promise<string> {
    return (this.#conf ??= (async () => {
      const built = await buildConf(await this.#materialised(), { cacheDir: this.#options.cacheDir, ...this.#trust() });
      if (!built.ok) throw new ConfError(`scripts/kconfig/conf of ${this.tree.commit.slice(0, 12)} does not build: ${built.output.slice(0, 500)}`);
      return built.conf;
    })());
  }

  #trust(): { trustTree?: boolean } {
    return this.#options.trustTree === undefined ? {} : { trustTree: this.#options.trustTree };
  }
}
