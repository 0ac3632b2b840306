/**
 * What a rule is: a file that says what it looks for, and looks. It reads a change of a kernel tree
 * (both sides, every architecture) and returns candidates; a candidate becomes a finding when the
 * tree's own `conf` agrees.
 */

import type { PatchLines } from './anchor.ts';
import type { BuildQuestion } from './build-question.ts';
import type { KbuildStore } from './kbuild/files.ts';
import type { Cycle } from './kconfig/cycles.ts';
import type { ExprPool } from './kconfig/expr.ts';
import type { KconfigTree } from './kconfig/files.ts';
import type { KconfigModel } from './kconfig/model.ts';
import type { SymbolChange } from './kconfig/properties.ts';
import type { Reach } from './kconfig/reach.ts';
import type { Solver } from './kconfig/solve.ts';
import type { TreeReaders } from './kconfig/tree-readers.ts';
import type { CTree } from './source/c-definitions.ts';
import type { TrialRun } from './trial.ts';
import type { Arch, Attempt, Finding, RuleId, Rung, Series, Severity, Side, SymbolName, Tree } from './types.ts';

export interface ChangedPath {
  readonly path: string;
  readonly oldPath?: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed' | 'copied';
}

/** A configuration that people use. */
export interface ExistingConfig {
  readonly arch: Arch;
  /** Path in the tree, or a name such as `debian/amd64`. */
  readonly name: string;
  /** For counting in words: `arm defconfigs`, `Debian amd64`. */
  readonly group: string;
  /** As it is before the series. */
  readonly text: string;
  /** As the series leaves it, for a defconfig that the series changes. */
  readonly textAfter: string;
}

export interface TreeSide {
  readonly commit: string;
  readonly tree: Tree;
  readonly kconfig: KconfigTree;
  /** Its C files. */
  readonly c: CTree;
}

/** A series as rules see it. */
export interface KernelChange {
  readonly series: Series;
  readonly before: TreeSide;
  readonly after: TreeSide;
  readonly changedPaths: readonly ChangedPath[];
  readonly configs: readonly ExistingConfig[];
  readonly lines: PatchLines;
  readonly pool: ExprPool;
  readonly readers: TreeReaders;
  /** For its makefiles. */
  readonly kbuild: KbuildStore;
  /**
   * As ArchPair.solver, for whatever compiler: the answers of `$(shell,…)` are left open (kconfig/free-answers.ts).
   * Costs as much as an architecture; undefined where Kconfig files cannot be read so.
   */
  openSolver(side: Side, arch: Arch): Promise<Solver | undefined>;
}

/** One architecture, before and after. */
export interface ArchPair {
  readonly arch: Arch;
  readonly before: KconfigModel;
  readonly after: KconfigModel;
  /** Symbols with other properties than before. */
  readonly changes: ReadonlyMap<SymbolName, SymbolChange>;
  /** Circular dependencies that conf refuses and that the tree before does not have. */
  readonly newCycles: readonly Cycle[];
  /** conf refuses the tree after for a circular dependency, whether it is new or not. */
  readonly isCircular: boolean;
  /** For questions about all configurations; made when first asked for. Not where `isCircular`. */
  solver(side: Side): Solver;
  /**
   * A hint: a candidate of this architecture is likely to ask conf. Resolves once that is started: it reads the
   * Kconfig files while other architectures are compared.
   */
  expectConf(): Promise<void>;
  /** Symbols that the series lets behave in new ways; found when first asked for. Not where `isCircular`. */
  reach(): Reach;
}

/** The tree's own scripts/kconfig/conf, run in the sandbox. */
export interface Conf {
  olddefconfig(side: Side, arch: Arch, config: string): Promise<ConfRun>;
}

export interface ConfRun {
  readonly argv: readonly string[];
  readonly exitCode: number;
  /** The .config written, undefined where conf refused. */
  readonly config: string | undefined;
  readonly stderr: string;
}

/** A finding that is not confirmed yet. */
export interface Candidate extends Omit<Finding, 'verification' | 'rule' | 'severity'> {
  readonly severity?: Severity;
  /** Asks the tree's conf, before and after. All attempts must agree, and at least one must be there. */
  confirm(conf: Conf): Promise<readonly Attempt[]>;
  /** Of a claim about code: what a build has to show, without the series and with it. All must agree. */
  readonly builds?: readonly BuildQuestion[];
}

/** A finding of a rule about builds: it was shown before it was claimed. */
export interface Judged extends Omit<Finding, 'rule' | 'severity'> {
  readonly severity?: Severity;
}

/** Something that may be wrong, and could not be decided: told to nobody, and counted. */
export interface Undecided {
  readonly key: string;
  readonly why: string;
}

export interface RuleRun {
  /** Asked where no Kconfig file differs: whether architectures are to be gone through all the same. */
  wantsArchs?(): Promise<boolean>;
  /** Called for each architecture, the best known first; models are not kept afterwards. */
  onArch?(pair: ArchPair): void | Promise<void>;
  /** Called once at the end. */
  finish(): readonly Candidate[] | Promise<readonly Candidate[]>;
  /**
   * Of a rule about builds: what it makes of the trials of the series, none where nothing is built. `told` are findings
   * that were confirmed by then: what they have shown is not told again.
   */
  judge?(runs: readonly TrialRun[], told: readonly Finding[]): readonly Judged[];
  /** Called after that. */
  undecided?(): readonly Undecided[];
  /** After `finish`: architectures on which it stopped at a limit, so that there may be more than was found. */
  cutShort?(): readonly Arch[];
}

export interface Rule {
  /** Also the name of its file, of its template and of its folder of fixtures. */
  readonly id: RuleId;
  readonly severity: Severity;
  /** Weakest rung that may enter a reply. */
  readonly rung: Rung;
  /** Headings, in this order: What it finds, Why it matters, Example, Instead, What it misses. */
  readonly doc: string;
  begin(change: KernelChange): RuleRun;
}

const HEADINGS = ['What it finds', 'Why it matters', 'Example', 'Instead', 'What it misses'];

/** Checks a rule's shape when it loads. Throws for a bug of ours: a bad id, headings missing or out of order. */
export function defineRule(rule: Rule): Rule {
  if (!/^[a-z]+(-[a-z]+)*$/.test(rule.id)) throw new Error(`rule id ${JSON.stringify(rule.id)} is not kebab-case`);
  const headings = [...rule.doc.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  if (headings.join() !== HEADINGS.join())
    throw new Error(`rule ${rule.id}: its doc has the headings "${headings.join(', ')}", not "${HEADINGS.join(', ')}"`);
  return rule;
}
