/**
 * One side of a series (the tree before or after it) as Kconfig sees it: models with all `$(shell)`
 * answers, and the tree's own conf.
 */

import { KconfigError } from '../rules/kconfig/error.ts';
import type { KconfigTree } from '../rules/kconfig/files.ts';
import type { MacroWorld } from '../rules/kconfig/macros.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import type { ConfRun } from '../rules/rule.ts';
import type { Arch, Tree } from '../rules/types.ts';
import { crossPrefix } from './compilers.ts';
import type { ConfJob, ConfRun as FullConfRun } from './conf.ts';
import { runConf } from './conf.ts';
import { buildConf } from './conf-build.ts';
import { materialise } from './conf-files.ts';
import type { ConfServerJob } from './conf-server.ts';
import { ConfServers, type ConfSource } from './conf-servers.ts';
import { ShellAnswers, type ShellBudget, type Unanswered } from './shell-answers.ts';
import { type KconfigEnv, srcArch, toolchainEnv, toolchainId } from './toolchain.ts';

/** Where Kconfig files come from: a commit, or a directory as it is. */
export interface KconfigSource {
  readonly tree: Pick<Tree, 'commit' | 'blob' | 'read'>;
  model(world: MacroWorld): Promise<KconfigModel>;
  /** Folder with the tree's files on disk, for programs that read them. */
  directory(cacheDir: string): Promise<string>;
}

/** A commit's files; the few thousand that programs read are written below the cache. */
export function fromTree(kconfig: KconfigTree): KconfigSource {
  return {
    tree: kconfig.tree,
    model: (world) => kconfig.model(world),
    directory: (cacheDir) => materialise(kconfig.tree, cacheDir),
  };
}

export interface SideOptions {
  readonly cacheDir: string;
  readonly trustTree?: boolean;
  /** For the shell commands of this side and of those that it is shared with. Default one of its own. */
  readonly shellBudget?: ShellBudget;
  /** For `olddefconfig`; who made them closes them. Default one's own, closed by `close`. */
  readonly confServers?: ConfServers;
}

/** What to ask of conf: mode and input. */
export type ConfTask = Pick<ConfJob, 'mode' | 'config' | 'seed' | 'probability' | 'defconfigPath'>;

/** An answer can bring a new command about, but not for ever. */
const MAX_ROUNDS = 10;

/** conf cannot run these either, and takes them as empty. */
const CONF_FAILS_TOO = new Set(['too-long', 'nul-byte']);

/** A `$(shell,…)` was not answered within the limits, so that nothing can be said of the tree. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';

  constructor({ command, why }: Unanswered) {
    const what =
      why === 'out-of-time'
        ? 'the Kconfig files run commands that take too long together; the time for all of them was over at'
        : `the Kconfig files run a command that gave no answer within the limits (${why}):`;
    super(`${what} ${JSON.stringify(command.slice(0, 200))}`);
  }
}

/** The tree's conf cannot be used: it does not build. */
export class ConfError extends Error {
  override readonly name = 'ConfError';
}

export class KconfigSide {
  readonly #source: KconfigSource;
  readonly #options: SideOptions;
  readonly #answers: ShellAnswers;
  readonly #makefile: string;
  readonly #servers: ConfServers;
  readonly #envs: Record<Arch, Promise<KconfigEnv>> = {};
  #dir: Promise<string> | undefined;
  #conf: Promise<string> | undefined;

  private constructor(
    source: KconfigSource,
    options: SideOptions,
    answers: (treeDir: () => Promise<string>) => ShellAnswers,
    makefile: string,
  ) {
    this.#source = source;
    this.#options = options;
    this.#makefile = makefile;
    this.#servers = options.confServers ?? new ConfServers();
    this.#answers = answers(() => this.#materialised());
  }

  static async open(source: KconfigSource, options: SideOptions): Promise<KconfigSide> {
    const { tree } = source;
    const trust = options.trustTree === undefined ? {} : { trustTree: options.trustTree };
    const id = await toolchainId({ ...trust, cacheDir: options.cacheDir });
    const makefile = (await tree.read(['Makefile'])).get('Makefile') ?? '';
    const answers = (treeDir: () => Promise<string>): ShellAnswers =>
      new ShellAnswers({
        cacheDir: options.cacheDir,
        toolchainId: id,
        tree,
        treeDir,
        ...trust,
        ...(options.shellBudget && { budget: options.shellBudget }),
      });
    return new KconfigSide(source, options, answers, makefile);
  }

  get commit(): string {
    return this.#source.tree.commit;
  }

  /**
   * The environment that `make ARCH=… CROSS_COMPILE=…` gives to conf: of what a compiler can do, the one that builds for
   * the architecture is asked, where this machine has it.
   */
  env(arch: Arch): Promise<KconfigEnv> {
    return (this.#envs[arch] ??= this.#envOf(arch));
  }

  async #envOf(arch: Arch): Promise<KconfigEnv> {
    const crossCompile = (await crossPrefix(srcArch(arch))) ?? '';
    const options = { arch, crossCompile, makefile: this.#makefile, cacheDir: this.#options.cacheDir };
    return toolchainEnv({ ...options, ...this.#trust() });
  }

  /**
   * The model for one architecture (an ARCH: `x86`, also `i386`), every `$(shell)` answered.
   * Throws KconfigError where conf would refuse the tree, AnswerError where a command was not answered in time,
   * SandboxError where commands cannot be run safely.
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
        const model = await this.#source.model({ env, shell });
        if (missing.size === 0 || round === MAX_ROUNDS) return model;
      } catch (error) {
        // A provisional answer can make nonsense of a line.
        if (!(error instanceof KconfigError) || missing.size === 0 || round === MAX_ROUNDS) throw error;
      }
      const failed = (await this.#answers.answer([...missing], env)).find(({ why }) => !CONF_FAILS_TOO.has(why));
      // An answer that only we lack would be read as an empty one, by conf as well: a difference that is none.
      if (failed) throw new AnswerError(failed);
    }
  }

  /** What the commands that `model` has asked for said on standard error, by command, if anything. */
  async complaints(arch: Arch, commands: Iterable<string>): Promise<Map<string, string>> {
    const env = await this.env(arch);
    const said = new Map<string, string>();
    for (const command of commands) {
      const words = this.#answers.said(command, env);
      if (words !== undefined) said.set(command, words);
    }
    return said;
  }

  /** The environment with all answers at hand: those that `model` has asked for. */
  async world(arch: Arch): Promise<MacroWorld> {
    const env = await this.env(arch);
    await this.#answers.load(env);
    return { env, shell: (command) => this.#answers.lookup(command, env) };
  }

  /**
   * Runs the tree's conf on a .config; many share one reading of the Kconfig files. Throws ConfError where it does
   * not build, SandboxError.
   */
  async olddefconfig(arch: Arch, config: string): Promise<ConfRun> {
    const run = await this.#servers.olddefconfig(this.#confSource(arch), config);
    const { CROSS_COMPILE: cross } = await this.env(arch);
    const variables = [`ARCH=${arch}`, ...(cross ? [`CROSS_COMPILE=${cross}`] : [])];
    return {
      argv: [...variables, 'scripts/kconfig/conf', '--olddefconfig', 'Kconfig'],
      exitCode: run.exitCode ?? -1,
      // What conf refuses, it leaves as it was: the .config found then is the one put in.
      config: run.exitCode === 0 ? run.config : undefined,
      stderr: run.stderr,
    };
  }

  /** Has the tree's conf read the Kconfig files of an architecture that `olddefconfig` is likely to be asked about. */
  async prepareConf(arch: Arch): Promise<void> {
    await this.#servers.prepare(this.#confSource(arch));
  }

  /**
   * Runs the tree's conf in any of its modes. Answers that `model` has asked for are replayed; without a
   * model, shells give them. Throws ConfError where conf does not build, SandboxError.
   */
  async conf(arch: Arch, task: ConfTask): Promise<FullConfRun> {
    return runConf({ ...(await this.confJob(arch)), ...task, ...this.#trust() });
  }

  /** Ends what `olddefconfig` keeps running, unless it is shared. */
  async close(): Promise<void> {
    if (this.#options.confServers === undefined) await this.#servers.close();
  }

  /** What a conf for an architecture is to read. Throws ConfError where conf does not build, SandboxError. */
  async confJob(arch: Arch): Promise<ConfServerJob> {
    const [dir, conf, env] = await Promise.all([this.#materialised(), this.#program(), this.env(arch)]);
    return { dir, conf, env, answers: this.#answers.recorded(env), cacheDir: this.#options.cacheDir };
  }

  #confSource(arch: Arch): ConfSource {
    return { key: `${this.commit} ${arch}`, job: () => this.confJob(arch), ...this.#trust() };
  }

  #materialised(): Promise<string> {
    return (this.#dir ??= this.#source.directory(this.#options.cacheDir));
  }

  #program(): Promise<string> {
    return (this.#conf ??= (async () => {
      const built = await buildConf(await this.#materialised(), { cacheDir: this.#options.cacheDir, ...this.#trust() });
      if (!built.ok)
        throw new ConfError(
          `scripts/kconfig/conf of ${this.commit.slice(0, 12)} does not build: ${built.output.slice(0, 500)}`,
        );
      return built.conf;
    })());
  }

  #trust(): { trustTree?: boolean } {
    return this.#options.trustTree === undefined ? {} : { trustTree: this.#options.trustTree };
  }
}
