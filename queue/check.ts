/**
 * The product: a series and a tree in, a report out. The command line calls it, and so does the worker;
 * nothing else decides what is wrong with a series.
 *
 *   Series -> AppliedSeries -> both trees -> models for each architecture -> candidates -> findings
 */

import { setImmediate } from 'node:timers/promises';
import { PatchLines } from '../rules/anchor.ts';
import { archsByFame } from '../rules/config-groups.ts';
import { RULES } from '../rules/index.ts';
import { KbuildError } from '../rules/kbuild/error.ts';
import { KbuildStore } from '../rules/kbuild/files.ts';
import { KconfigError } from '../rules/kconfig/error.ts';
import { isKconfigPath, KconfigStore } from '../rules/kconfig/files.ts';
import { TreeReaders } from '../rules/kconfig/tree-readers.ts';
import type { ArchPair, ChangedPath, Conf, KernelChange, Rule, RuleRun } from '../rules/rule.ts';
import { CTree } from '../rules/source/c-definitions.ts';
import { CFileCache } from '../rules/source/c-file-cache.ts';
import { Surveyor } from '../rules/survey.ts';
import type {
  AppliedSeries,
  Arch,
  CannotCheck,
  Checked,
  Finding,
  Report,
  Series,
  ShellComplaint,
  Tree,
} from '../rules/types.ts';
import { applySeries } from './apply.ts';
import { archPair, openSolver, scopeOf } from './arch-pair.ts';
import { CReader } from './c-reader.ts';
import { Clock } from './clock.ts';
import { compilerFor, crossPrefix } from './compilers.ts';
import { ConfServers } from './conf-servers.ts';
import { type Confirmed, confirmAll, judgeAll } from './confirm.ts';
import { type DistributionConfig, existingConfigs } from './existing-configs.ts';
import { changedPaths, openTree } from './git-tree.ts';
import { AnswerError, ConfError, fromTree, KconfigSide } from './kconfig-side.ts';
import { CFilesOnDisk } from './kept-c-files.ts';
import { GrepsOnDisk } from './kept-greps.ts';
import { isOfMachine } from './machine-fault.ts';
import { uncheckedReport } from './report.ts';
import type { Repository } from './repository.ts';
import { memoryBound, SandboxError } from './sandbox.ts';
import { newShellBudget } from './shell-answers.ts';
import { archs as archsOf, srcArch } from './toolchain.ts';
import { tryOut } from './try-out.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** The operator asked for an architecture that the tree does not have. */
export class UnknownArchError extends Error {
  override readonly name = 'UnknownArchError';

  constructor(arch: string, known: readonly Arch[]) {
    super(
      `the tree has no architecture ${JSON.stringify(arch)}; it has ${known.join(', ') || 'none (no arch/*/Kconfig)'}`,
    );
  }
}

export interface CheckOptions {
  /** For answers, conf and files of trees; several processes may share it. */
  readonly cacheDir: string;
  /** Revision to apply to, instead of what the series says. */
  readonly base?: string;
  /** Refs among which a base is looked for. */
  readonly candidates?: readonly string[];
  /** Architectures to compare; default all of the tree. */
  readonly archs?: readonly Arch[];
  readonly distributions?: readonly DistributionConfig[];
  readonly rules?: readonly Rule[];
  /** Adds `surveys` to the report, for a page: some seconds, where there are findings. */
  readonly withSurvey?: boolean;
  /** Runs the tree's programs without a sandbox. */
  readonly trustTree?: boolean;
  /** Builds nothing: findings about code stay on rung 2. */
  readonly noBuild?: boolean;
  /** Who builds; default the tree's own make, in the sandbox. */
  readonly workshop?: Workshop;
  /** Kept between calls, it saves parsing the files that trees have in common. */
  readonly store?: KconfigStore;
  /** Throws when the machine fails, for whoever tries again; otherwise the report says that nothing could be checked. */
  readonly throwsFaults?: boolean;
  /** Nobody tries again soon: the report says what a full disk kept from being built. */
  readonly isLastAttempt?: boolean;
  /** Milliseconds of any monotonic clock. */
  readonly now: () => number;
  /** Ends the check, which then throws its reason. */
  readonly signal?: AbortSignal;
  /** Told what is going on: `arch 3 of 21: arm`; and how many milliseconds that will still take, where it is known. */
  readonly onProgress?: (text: string, leftMs?: number) => void;
  /** Told of what conf has confirmed, before anything is built; what is here can still be dropped. */
  readonly onConfirmed?: (findings: readonly Confirmed[]) => void;
}

/**
 * Checks a complete series. A series that cannot be checked gives a report that says so (`cannotCheck`);
 * throws GitError, or another error of the machine, when that fails.
 */
export async function check(series: Series, repo: Repository, options: CheckOptions): Promise<Report> {
  const clock = new Clock(options.now);
  const unchecked = uncheckedReport(series);
  const report = (rest: Partial<Report>): Report => ({ ...unchecked, ...rest, tookMs: clock.laps });

  options.onProgress?.('applying');
  const applying = await applySeries(repo, series, {
    ...(options.base !== undefined && { base: options.base }),
    ...(options.candidates && { candidates: options.candidates }),
  });
  clock.lap('apply');
  if (!applying.ok) {
    const { kind, patch } = applying;
    const why = kind === 'does-not-apply' ? `${applying.why}; it may belong on another base` : applying.why;
    return report({ cannotCheck: { stage: 'apply', why, ...(patch !== undefined && { patch }) } });
  }
  const { gitDir: _, ...applied } = applying.applied;
  const confServers = new ConfServers();
  try {
    return report({ applied, ...(await compare(series, repo, applying.applied, options, clock, confServers)) });
  } catch (error) {
    if (options.throwsFaults === true && isOfMachine(error)) throw error;
    return report({ applied, cannotCheck: cannotCheck(error) });
  } finally {
    await confServers.close();
  }
}

function cannotCheck(error: unknown): CannotCheck {
  if (error instanceof KconfigError || error instanceof ConfError) return { stage: 'kconfig', why: error.message };
  if (error instanceof KbuildError) return { stage: 'kbuild', why: error.message };
  if (error instanceof SandboxError || error instanceof AnswerError) return { stage: 'sandbox', why: error.message };
  throw error;
}

async function compare(
  series: Series,
  repo: Repository,
  applied: AppliedSeries,
  options: CheckOptions,
  clock: Clock,
  confServers: ConfServers,
): Promise<Pick<Report, 'findings' | 'dropped' | 'undecided' | 'checked' | 'surveys'>> {
  const { rules = RULES, store = new KconfigStore() } = options;
  const base = applied.prerequisites.at(-1)?.commit ?? applied.base.sha;
  const sideOptions = {
    cacheDir: options.cacheDir,
    confServers,
    shellBudget: newShellBudget(),
    ...(options.trustTree !== undefined && { trustTree: options.trustTree }),
  };
  const begin = (stage: string): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.(stage);
  };
  begin('reading Kconfig files');
  const greps = new GrepsOnDisk(options.cacheDir);
  const treeBefore = await store.open(openTree(repo, base, greps));
  const treeAfter = await store.open(openTree(repo, applied.head, greps));
  const before = await KconfigSide.open(fromTree(treeBefore), sideOptions);
  const after = await KconfigSide.open(fromTree(treeAfter), sideOptions);
  const paths = await changes(repo, base, applied.head);
  clock.lap('read');

  const changedFiles = paths.map(({ path }) => path).filter(isKconfigPath);
  const all = chosenArchs(await comparedArchs(treeBefore.tree, treeAfter.tree), options.archs);
  const configs = await existingConfigs(treeBefore.tree, treeAfter.tree, all, options.distributions ?? []);
  const { kbuild, cFiles } = codeOf(store, options.cacheDir);
  const change: KernelChange = {
    series,
    before: { commit: base, tree: treeBefore.tree, kconfig: treeBefore, c: new CTree(treeBefore.tree, cFiles) },
    after: { commit: applied.head, tree: treeAfter.tree, kconfig: treeAfter, c: new CTree(treeAfter.tree, cFiles) },
    changedPaths: paths,
    configs,
    lines: new PatchLines(series),
    pool: store.pool,
    readers: new TreeReaders(store.pool),
    kbuild,
    openSolver: (side, arch) =>
      side === 'before' ? openSolver(treeBefore, before, arch) : openSolver(treeAfter, after, arch),
  };
  const runs = rules.map((rule) => ({ rule, run: rule.begin(change) }));
  // Without a change to a Kconfig file no model can differ; code can come to mean something else all the same.
  const archs = changedFiles.length > 0 || (await wantsArchs(runs)) ? all : [];
  const symbols = new Set<string>();
  const complaints = new Map<string, ShellComplaint>();
  /** Where conf makes no configuration any more. */
  const circular = new Set<Arch>();
  const scope = archs.length > 0 ? scopeOf(change) : undefined;
  // What conf is asked about is shown on an architecture that people know, and where a build can show it, too: this one
  // can get ready first.
  const inOrder = options.noBuild === true ? archsByFame(archs) : await buildableFirst(archsByFame(archs));
  for (const [i, arch] of inOrder.entries()) {
    begin(`architecture ${i + 1} of ${archs.length}: ${arch}`);
    const pair = await archPair(change, arch, before, after, scope!);
    if (pair.isCircular) circular.add(arch);
    for (const name of pair.changes.keys()) symbols.add(name);
    const { asked } = pair.after;
    const brought = [...asked.keys()].filter((command) => !pair.before.asked.has(command));
    for (const [command, said] of await after.complaints(arch, brought))
      if (!complaints.has(command)) complaints.set(command, { place: asked.get(command)!, command, said });
    for (const { run } of runs) {
      options.signal?.throwIfAborted();
      await run.onArch?.(pair);
    }
    // what reaches and leaves the confs that get ready meanwhile waits for this thread
    await setImmediate();
  }
  clock.lap('compare');

  begin('confirming');
  const conf: Conf = {
    olddefconfig: (side, arch, config) => (side === 'before' ? before : after).olddefconfig(arch, config),
  };
  const workshop =
    options.noBuild === true
      ? undefined
      : (options.workshop ?? openWorkshop(repo, { before: base, after: applied.head }, options));
  let built: Checked['built'];
  let confirmed: Climbed;
  try {
    confirmed = await confirmAll(
      runs,
      conf,
      workshop && {
        builder: (questions) => workshop.answer(questions),
        ...(options.onConfirmed && { onConfirmed: options.onConfirmed }),
      },
      options.signal,
    );
    // none of them is needed while it builds
    await confServers.close();
    if (workshop && runs.some(({ run }) => run.judge)) {
      begin('looking for what else to build');
      const scopeNow = scope ?? scopeOf(change);
      const pairOf = (arch: Arch): Promise<ArchPair> => archPair(change, arch, before, after, scopeNow);
      const tried = await tryOut(change, applied, all, confirmed.seeds, pairOf, workshop);
      if (tried) {
        built = tried.built;
        confirmed = { ...confirmed, findings: judgeAll(runs, tried.runs, confirmed.findings) };
      }
    }
  } finally {
    await workshop?.close();
  }
  const { dropped } = confirmed;
  const findings = await Promise.all(confirmed.findings.map(withCompiler));
  const undecided = runs.flatMap(({ rule, run }) =>
    (run.undecided?.() ?? []).map(({ key, why }) => ({ rule: rule.id, key, why })),
  );
  clock.lap('confirm');
  const cutShort = runs.flatMap(({ rule, run }) => {
    const where = run.cutShort?.() ?? [];
    return where.length > 0 ? [{ rule: rule.id, archs: where }] : [];
  });
  let surveys: Report['surveys'];
  if (options.withSurvey === true && scope && findings.length > 0) {
    begin('surveying the architectures');
    const surveyor = new Surveyor(change, findings);
    for (const arch of archs) surveyor.onArch(await archPair(change, arch, before, after, scope));
    surveys = surveyor.surveys();
    clock.lap('survey');
  }
  const checked = {
    // what asks builds alone did not run without
    rules: runs.filter(({ run }) => workshop || !run.judge).map(({ rule }) => rule.id),
    archs,
    configs: archs.length > 0 ? configs.filter((config) => !circular.has(config.arch)).length : 0,
    changedFiles,
    changedSymbols: [...symbols].sort(),
    sandbox: options.trustTree === true ? ('none' as const) : await memoryBound(),
    ...(built && { built }),
    ...(complaints.size > 0 && { shellComplaints: [...complaints.values()].slice(0, MAX_COMPLAINTS) }),
    ...(cutShort.length > 0 && { cutShort }),
  };
  return { findings, dropped, undecided, checked, ...(surveys && { surveys }) };
}

async function buildableFirst(archs: readonly Arch[]): Promise<readonly Arch[]> {
  const compilers = await Promise.all(archs.map(compilerFor));
  const isBuilt = (_: Arch, i: number): boolean => compilers[i]!.ok;
  return [...archs.filter(isBuilt), ...archs.filter((arch, i) => !isBuilt(arch, i))];
}

/** Says in the witness whose compiler was asked, and in commands which one built. */
async function withCompiler(finding: Finding): Promise<Finding> {
  const { witness, verification } = finding;
  const crossCompile = witness && (await crossPrefix(srcArch(witness.arch)));
  if (!crossCompile) return finding;
  const isTold = (argv: readonly string[]): boolean => argv.some((word) => word.startsWith('CROSS_COMPILE='));
  const attempts = verification.attempts.map((one) =>
    isTold(one.argv)
      ? one
      : {
          ...one,
          argv: one.argv.flatMap((word) => (/^ARCH=/.test(word) ? [word, `CROSS_COMPILE=${crossCompile}`] : word)),
        },
  );
  return { ...finding, witness: { ...witness, crossCompile }, verification: { ...verification, attempts } };
}

/** A series that brings more of them is not made clearer by all. */
const MAX_COMPLAINTS = 10;

async function wantsArchs(runs: readonly { readonly run: RuleRun }[]): Promise<boolean> {
  for (const { run } of runs) if (await run.wantsArchs?.()) return true;
  return false;
}

type Climbed = Awaited<ReturnType<typeof confirmAll>>;

/** What was read of code beside the Kconfig files of a store, for as long as these are kept. */
interface Code {
  readonly kbuild: KbuildStore;
  readonly cFiles: CFileCache;
}

const codes = new WeakMap<KconfigStore, Code>();

function codeOf(store: KconfigStore, cacheDir: string): Code {
  const known = codes.get(store);
  if (known) return known;
  const code = {
    kbuild: new KbuildStore(store.pool),
    cFiles: new CFileCache(new CReader().read, new CFilesOnDisk(cacheDir)),
  };
  codes.set(store, code);
  return code;
}

/**
 * Architectures that both sides have. One that the series removes whole is left out; throws KconfigError for one
 * that only loses its Kconfig file, as conf refuses it.
 */
async function comparedArchs(before: Tree, after: Tree): Promise<Arch[]> {
  const paths = await after.paths();
  const left = archsOf(paths);
  for (const arch of archsOf(await before.paths())) {
    if (left.includes(arch) || !paths.some((path) => path.startsWith(`arch/${arch}/`))) continue;
    throw new KconfigError(`arch/${arch}/Kconfig`, 0, 'the series takes this file away and leaves the architecture');
  }
  return left;
}

/** An architecture asked for by directory (`x86`) or by ARCH (`x86_64`). Throws UnknownArchError. */
function chosenArchs(known: readonly Arch[], asked: readonly string[] | undefined): readonly Arch[] {
  if (asked === undefined) return known;
  const archs = [...new Set(asked.map(srcArch))].sort();
  const unknown = archs.find((arch) => !known.includes(arch));
  if (unknown !== undefined) throw new UnknownArchError(unknown, known);
  return archs;
}

async function changes(repo: Repository, base: string, head: string): Promise<ChangedPath[]> {
  const STATUS = { A: 'added', M: 'modified', T: 'modified', D: 'deleted', R: 'renamed', C: 'copied' } as const;
  return (await changedPaths(repo, base, head)).map(({ path, oldPath, status }) => ({
    path,
    ...(oldPath !== undefined && { oldPath }),
    status: STATUS[status],
  }));
}
