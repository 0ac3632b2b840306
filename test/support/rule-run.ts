/** A rule on two small trees, without git and without conf. */
import { createTwoFilesPatch } from 'diff';
import { parseDiff } from '../../bot/diff.ts';
import { openTreeSitter } from '../../queue/tree-sitter.ts';
import { PatchLines } from '../../rules/anchor.ts';
import { KbuildStore } from '../../rules/kbuild/files.ts';
import { findCycles } from '../../rules/kconfig/cycles.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { MacroWorld } from '../../rules/kconfig/macros.ts';
import { changedSymbols } from '../../rules/kconfig/properties.ts';
import { reachOf } from '../../rules/kconfig/reach.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { TreeReaders } from '../../rules/kconfig/tree-readers.ts';
import { cycleKey } from '../../rules/recursive-dependency.ts';
import type { Candidate, ChangedPath, Conf, ConfRun, ExistingConfig, KernelChange, Rule } from '../../rules/rule.ts';
import { CTree } from '../../rules/source/c-definitions.ts';
import { parseC } from '../../rules/source/c-file.ts';
import { CFileCache } from '../../rules/source/c-file-cache.ts';
import type { Arch, Patch, Series, Side, Tree } from '../../rules/types.ts';
import { mapTree } from './dir-tree.ts';

const treeSitter = await openTreeSitter();

type Files = Readonly<Record<string, string>>;

/** Candidates of a rule for the change from one tree to the other, told in one patch. */
export async function runRule(
  rule: Rule,
  before: Files,
  after: Files,
  archs: readonly Arch[] = ['x86'],
): Promise<readonly Candidate[]> {
  const store = new KconfigStore();
  const [treeBefore, treeAfter] = [searchable(before), searchable(after)];
  const [kconfigBefore, kconfigAfter] = [await store.open(treeBefore), await store.open(treeAfter)];
  const readers = new TreeReaders(store.pool);
  readers.add([...kconfigBefore.files, ...kconfigAfter.files]);
  const cFiles = new CFileCache(async (text) => parseC(treeSitter.parse, text));
  const paths = changedPaths(before, after);
  const series = seriesOf(before, after, paths);
  const change: KernelChange = {
    series,
    before: { commit: treeBefore.commit, tree: treeBefore, kconfig: kconfigBefore, c: new CTree(treeBefore, cFiles) },
    after: { commit: treeAfter.commit, tree: treeAfter, kconfig: kconfigAfter, c: new CTree(treeAfter, cFiles) },
    changedPaths: paths,
    configs: archs.flatMap((arch) => configsOf(arch, before, after)),
    lines: new PatchLines(series),
    pool: store.pool,
    readers,
    kbuild: new KbuildStore(store.pool),
    openSolver: async (side, arch) => {
      const kconfig = side === 'before' ? kconfigBefore : kconfigAfter;
      return new Solver(store.pool, await kconfig.openModel(worldOf(arch)));
    },
  };
  const run = rule.begin(change);
  for (const arch of archs) {
    const world = worldOf(arch);
    const [modelBefore, modelAfter] = [await kconfigBefore.model(world), await kconfigAfter.model(world)];
    const changes = changedSymbols(
      modelBefore,
      modelAfter,
      new Set([...kconfigBefore.files.keys(), ...kconfigAfter.files.keys()]),
    );
    const known = new Set(findCycles(store.pool, modelBefore).map(cycleKey));
    const cycles = findCycles(store.pool, modelAfter);
    const solver = (side: Side): Solver => new Solver(store.pool, side === 'before' ? modelBefore : modelAfter);
    const newCycles = cycles.filter((cycle) => !known.has(cycleKey(cycle)));
    await run.onArch?.({
      arch,
      before: modelBefore,
      after: modelAfter,
      changes,
      newCycles,
      isCircular: cycles.length > 0,
      expectConf: async () => undefined,
      solver,
      reach: () => reachOf(solver('after'), changes, change.readers),
    });
  }
  return run.finish();
}

function worldOf(arch: Arch): MacroWorld {
  // no command is run here: those that try something, and say y or n, fail
  return { env: { ARCH: arch, SRCARCH: arch }, shell: (command) => (command.includes('echo "n"') ? 'n' : '') };
}

/** A conf that answers by side and the text of the configuration; what is asked is kept in `asked`. */
export function fakeConf(
  answer: (side: Side, config: string) => Partial<ConfRun>,
): Conf & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async olddefconfig(side, arch, config) {
      asked.push(`${side} ${arch} ${config}`);
      return { argv: ['conf'], exitCode: 0, config: '', stderr: '', ...answer(side, config) };
    },
  };
}

function searchable(files: Files): Tree {
  return {
    ...mapTree(files),
    grep: async (words, limit) => {
      const word = new RegExp(`(?<!\\w)(?:${words.join('|')})(?!\\w)`);
      const lines = Object.entries(files).flatMap(([path, text]) =>
        text.split('\n').map((line, i) => ({ path, line: i + 1, text: line })),
      );
      return lines.filter(({ text }) => word.test(text)).slice(0, limit);
    },
  };
}

function changedPaths(before: Files, after: Files): ChangedPath[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((path) => {
    if (before[path] === after[path]) return [];
    return [
      { path, status: before[path] === undefined ? 'added' : after[path] === undefined ? 'deleted' : 'modified' },
    ];
  });
}

function configsOf(arch: Arch, before: Files, after: Files): ExistingConfig[] {
  const names = Object.keys(before).filter((path) => path.startsWith(`arch/${arch}/configs/`));
  return names.map((name) => ({
    arch,
    name,
    group: `${arch} defconfigs`,
    text: before[name]!,
    textAfter: after[name] ?? '',
  }));
}

function seriesOf(before: Files, after: Files, paths: readonly ChangedPath[]): Series {
  const body = paths
    .map(({ path }) => {
      const [from, to] = [
        before[path] === undefined ? '/dev/null' : `a/${path}`,
        after[path] === undefined ? '/dev/null' : `b/${path}`,
      ];
      return `diff --git a/${path} b/${path}\n${createTwoFilesPatch(from, to, before[path] ?? '', after[path] ?? '')
        .replace(/^=+\n/, '')
        .replaceAll('\t\n', '\n')}`;
    })
    .join('');
  const patch = { n: 1, total: 1, title: 'a change', log: '', diff: parseDiff(body).files };
  return { patches: [patch as unknown as Patch] } as unknown as Series;
}
