/**
 * One architecture of one tree in two hands: scripts/kconfig/conf and our evaluator, given the same and
 * compared byte for byte.
 */
import { openDirectory } from '../../queue/dir-kconfig.ts';
import type { ConfTask } from '../../queue/kconfig-side.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { applyMode, renderMode } from '../../rules/kconfig/modes.ts';
import { Values } from '../../rules/kconfig/values.ts';
import type { Case } from './cases.ts';

export interface Result {
  readonly case: Case;
  /** Absent when identical, else the first lines that differ or what went wrong, for people. */
  readonly difference?: string;
}

/** A tree of which both can be asked. Files are read once for all architectures. */
export class Oracle {
  readonly #side: KconfigSide;
  readonly #pool: Values['pool'];

  private constructor(side: KconfigSide, pool: Values['pool']) {
    this.#side = side;
    this.#pool = pool;
  }

  static async open(tree: string, cacheDir: string): Promise<Oracle> {
    const source = openDirectory(tree);
    return new Oracle(await KconfigSide.open(source, { cacheDir }), source.pool);
  }

  /** Reads the tree for an architecture. Throws KconfigError when we cannot. */
  async arch(arch: string): Promise<ArchOracle> {
    const values = new Values(this.#pool, await this.#side.model(arch));
    return new ArchOracle(arch, values, (task) => this.#side.conf(arch, task));
  }
}

export type AskConf = (task: ConfTask) => Promise<{
  readonly exitCode?: number;
  readonly config: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}>;

export class ArchOracle {
  readonly arch: string;
  readonly #values: Values;
  readonly #conf: AskConf;

  constructor(arch: string, values: Values, conf: AskConf) {
    this.arch = arch;
    this.#values = values;
    this.#conf = conf;
  }

  /** The same with a conf that writes something else: for tests of the comparison itself. */
  with(change: (config: string) => string | undefined): ArchOracle {
    return new ArchOracle(this.arch, this.#values, async (task) => {
      const run = await this.#conf(task);
      return { ...run, config: run.config === undefined ? undefined : change(run.config) };
    });
  }

  /** Throws SandboxError or ConfError; what conf answers is a value. */
  async compare(asked: Case): Promise<Result> {
    const config = asked.seed === undefined ? asked.config : await this.#randconfig(asked.seed);
    // conf reads the defconfig itself
    const input = config !== undefined && asked.defconfigPath === undefined ? { config: bytes(config) } : {};
    const defconfig = asked.defconfigPath === undefined ? {} : { defconfigPath: asked.defconfigPath };
    const run = await this.#conf({ mode: asked.theirs, ...input, ...defconfig });
    const theirs = asked.theirs === 'listnewconfig' ? run.stdout : run.config;
    if (run.exitCode !== 0 || theirs === undefined) {
      return { case: asked, difference: `conf exited with ${run.exitCode ?? 'a signal'}: ${run.stderr.slice(0, 500)}` };
    }
    applyMode(this.#values, asked.ours, config === undefined ? {} : { config });
    const difference = firstDifference(bytes(renderMode(this.#values, asked.ours)), theirs);
    return { case: asked, ...(difference !== undefined && { difference }) };
  }

  /** What conf makes of a seed (KCONFIG_SEED). */
  async #randconfig(seed: number): Promise<string> {
    const run = await this.#conf({ mode: 'randconfig', seed });
    if (run.config === undefined)
      throw new Error(`conf --randconfig wrote nothing (${this.arch}, seed ${seed}): ${run.stderr}`);
    return Buffer.from(run.config).toString('latin1');
  }
}

/** Text of one character a byte as the UTF-8 that it stands for: what runConf takes and gives. */
function bytes(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

const SHOWN = 3;

/** The first lines that differ, with the number of the first; undefined when there are none. */
export function firstDifference(ours: string, theirs: string): string | undefined {
  if (ours === theirs) return undefined;
  const [a, b] = [ours.split('\n'), theirs.split('\n')];
  let at = 0;
  while (a[at] === b[at]) at += 1;
  const show = (sign: string, lines: readonly string[]): string[] => {
    const shown = lines.slice(at, at + SHOWN).map((line) => `${sign}${line}`);
    return shown.length > 0 ? shown : [`${sign}(end of file)`];
  };
  return [`line ${at + 1}:`, ...show('  conf   | ', b), ...show('  depbot | ', a)].join('\n');
}
