import { lineOf, valueOn } from './kconfig/config-line.ts';
import { type DeadSymbol, DeadSymbols } from './kconfig/dead.ts';
import type { SymbolId } from './kconfig/expr.ts';
import { nearest } from './kconfig/near-name.ts';
import type { KconfigFile } from './kconfig/parse.ts';
import { declaredIn, fileReferences, isOwnText, type Mention, textsIn } from './kconfig/references.ts';
import type { Goal } from './kconfig/solve.ts';
import { forAnyCompiler } from './open-answers.ts';
import { type Candidate, type Conf, type ConfRun, defineRule, type KernelChange } from './rule.ts';
import { sourceKind } from './source/config-references.ts';
import { archsOf, type ReadFiles, SourcedFiles, SourceLines } from './source/sourced-files.ts';
import {
  consequenceOf,
  kconfigReferences,
  onlyNew,
  type Reference,
  type References,
  sourceReferences,
} from './source/symbol-references.ts';
import { anchorOf, type UnreadGroup, unreadGroups } from './source/unread-groups.ts';
import type { Anchor, Arch, Attempt, Evidence, Tree } from './types.ts';

export default defineRule({
  id: 'undefined-symbol',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
References to a symbol that no Kconfig file of any architecture defines: brought in by the series,
or left behind where it removes or renames the definition, or no longer sources its file. In Kconfig expressions and selects, in
Kbuild files, and in "#if"/"#ifdef" lines and IS_ENABLED() and its like in C.
## Why it matters
An undefined symbol counts as n. Nothing warns: the dependency is never met, the object never built,
the code under the #ifdef never compiled.
## Example
"config FOO_CORE" becomes "config FOO", and one driver still has "depends on FOO_CORE".
## Instead
Change every user of the old name in the same series.
## What it misses
References through macros (__is_defined() among them) and generated files, in Rust and device trees,
and of a symbol's value in C. Documentation,
defconfigs, tools/ and the programs of scripts/ are not looked at. A word that is compared with
anything but y, m and n, or is the value of a string or a number, may stand for its own text, and is
passed over. A CONFIG_ macro that a C or Kbuild file defines by
itself is no symbol, and is passed over.`,

  begin(change) {
    const sourced = new SourcedFiles();
    const dead = new DeadSymbols(change.readers, removedNames(change));
    return {
      onArch(pair) {
        dead.take(pair.arch, pair.after, pair.isCircular ? undefined : () => pair.solver('after'), pair.changes);
        return sourced.take(pair);
      },
      finish: () => findAll(change, sourced, dead),
    };
  },
});

/** Symbols that files declared, and none does any more that is still sourced. */
function removedNames({ pool, before, after }: KernelChange): Set<SymbolId> {
  const sources = new SourceLines(after.kconfig.files);
  const read = [...after.kconfig.files].filter(([path]) => sources.isRead(path)).map(([, file]) => file);
  const kept = declaredIn(pool, read);
  return new Set([...declaredIn(pool, before.kconfig.files.values())].filter((symbol) => !kept.has(symbol)));
}

/** References that are listed in full; the rest is counted. */
const MAX_LISTED = 20;
const MAX_GREP_LINES = 20_000;
const STOPPED = ' (the search stopped at its limit, so there are at least that many)';

/** A change, with what its rooms share. */
interface Search {
  readonly change: KernelChange;
  readonly files: ReadFiles;
  /** Architectures for conf, those that were compared first. */
  readonly archs: readonly Arch[];
  /** By the undeclared name; none where not all architectures were compared. */
  readonly dead: ReadonlyMap<string, readonly DeadSymbol[]>;
}

async function findAll(change: KernelChange, sourced: SourcedFiles, dead: DeadSymbols): Promise<Candidate[]> {
  const { pool } = change;
  const files = await sourced.files(change);
  const archs = sourced.archs.length > 0 ? sourced.archs : await archsOf(change.after.tree);
  const before = declaredIn(pool, files.before.values());
  const after = declaredIn(pool, files.after.values());
  const isUndefined = (name: string): boolean => {
    const id = pool.findSymbol(name);
    return id === undefined || !after.has(id);
  };
  const removed = new Map(
    [...before].filter((symbol) => !after.has(symbol)).map((symbol) => [pool.names[symbol]!, symbol]),
  );
  const introduced = await newReferences(change, files, (id) => !after.has(id), isUndefined);
  for (const name of removed.keys()) introduced.delete(name);
  if (removed.size + introduced.size === 0) return [];

  // One search for all names: it reads the whole tree.
  const words = [...removed.keys(), ...introduced.keys()].flatMap((name) => [
    `CONFIG_${name}`,
    `CONFIG_${name}_MODULE`,
    `DCONFIG_${name}`,
  ]);
  const hits = await change.after.tree.grep(words, MAX_GREP_LINES);
  const atLeast = hits.length >= MAX_GREP_LINES;
  for (const name of definedElsewhere(hits)) {
    removed.delete(name);
    introduced.delete(name);
  }
  const left = await remaining(change, files, removed, hits);
  const isWhole = (await archsOf(change.after.tree)).every((arch) => sourced.archs.includes(arch));
  const names = isWhole ? [...introduced.keys(), ...left.keys()] : [];
  const search = { change, files, archs, dead: await deadFor(change, dead, names, archs) };
  // Symbols that are declared in a file that nothing reads have a reason in common.
  const unread = new Map([...change.after.kconfig.files].filter(([path]) => !files.after.has(path)));
  const groups = unreadGroups(change, files, unread, introduced, left);
  const isGrouped = new Set(groups.flatMap(({ names }) => names));
  const found = [
    ...groups.map((group) => ofUnread(search, group, atLeast)),
    ...[...removed].map(([name, symbol]) =>
      isGrouped.has(name) ? undefined : leftBehind(search, symbol, left.get(name) ?? [], atLeast),
    ),
    ...[...introduced].map(([name, references]) =>
      isGrouped.has(name) ? undefined : broughtIn(search, name, references, after),
    ),
  ];
  return found.filter((one) => one !== undefined);
}

/** By name: what nobody can enable for want of it, whatever the compiler. */
async function deadFor(
  change: KernelChange,
  dead: DeadSymbols,
  names: readonly string[],
  archs: readonly Arch[],
): Promise<Map<string, DeadSymbol[]>> {
  const asked = names.flatMap((name) =>
    dead.of(name).map((symbol) => {
      const isOn: Goal = { expr: change.pool.symbol(symbol.id), level: 1, holds: true };
      return { name, symbol, goals: [isOn], archs, isWhole: true };
    }),
  );
  const kept = await forAnyCompiler(change, asked);
  const told = asked.filter((one) => kept.get(one)!.length > 0);
  const groups = Map.groupBy(told, ({ name }) => name);
  return new Map([...groups].map(([name, all]) => [name, all.map(({ symbol }) => symbol)]));
}

/** What changed files name and did not name before. */
async function newReferences(
  { pool, before, after, changedPaths }: KernelChange,
  files: ReadFiles,
  isUndefined: (symbol: SymbolId) => boolean,
  isUndefinedName: (name: string) => boolean,
): Promise<References> {
  const oldPathOf = new Map(
    changedPaths.flatMap(({ path, oldPath }) => (oldPath === undefined ? [] : [[path, oldPath]])),
  );
  const paths = changedPaths.map(({ path }) => path);
  const oldPaths = new Set([...paths, ...oldPathOf.values()]);
  const mentions = (side: ReadonlyMap<string, KconfigFile>, among: Iterable<string>): References => {
    const texts = textsIn(pool, side.values());
    const isWanted = (mention: Mention): boolean => isUndefined(mention.symbol) && !isOwnText(pool, mention, texts);
    return kconfigReferences(pool, side, among, texts, isWanted);
  };
  const kconfig = onlyNew(
    mentions(before.kconfig.files, oldPaths),
    // What nothing reads asks for nothing.
    mentions(files.after, paths),
    oldPathOf,
  );
  const source = onlyNew(
    await sourceReferences(before.tree, oldPaths, isUndefinedName),
    await sourceReferences(after.tree, paths, isUndefinedName),
    oldPathOf,
  );
  return joined(kconfig, source);
}

function joined(a: References, b: References): References {
  const all: References = new Map(a);
  for (const [name, references] of b) all.set(name, [...(a.get(name) ?? []), ...references]);
  return all;
}

/** What still mentions symbols whose definition is gone. */
function remaining(
  { pool, after }: KernelChange,
  files: ReadFiles,
  removed: ReadonlyMap<string, SymbolId>,
  hits: readonly GrepHit[],
): Promise<References> {
  const symbols = new Set(removed.values());
  const wereTexts = textsIn(pool, files.before.values());
  const texts = new Set([...wereTexts, ...textsIn(pool, files.after.values())]);
  const isLeft = (mention: Mention): boolean =>
    symbols.has(mention.symbol) && (wereTexts.has(mention.symbol) || !isOwnText(pool, mention, texts));
  const kconfig = kconfigReferences(pool, files.after, files.after.keys(), texts, isLeft);
  const isRemoved = (name: string): boolean => removed.has(name) || removed.has(name.replace(/_MODULE$/, ''));
  const paths = [...new Set(hits.map(({ path }) => path))].sort();
  return sourceReferences(after.tree, paths, isRemoved).then((source) => joined(kconfig, source));
}

type GrepHit = Awaited<ReturnType<Tree['grep']>>[number];

/** Names that a C or Kbuild file defines by itself, so that they are no Kconfig matter. */
function definedElsewhere(hits: readonly GrepHit[]): Set<string> {
  const names = new Set<string>();
  for (const { path, text } of hits) {
    const kind = sourceKind(path);
    const pattern = kind === 'c' ? /#\s*define\s+CONFIG_(\w+)/g : /-DCONFIG_(\w+)|\bCONFIG_(\w+)\s*[:?+]?=[^=]/g;
    if (kind) for (const match of text.matchAll(pattern)) names.add((match[1] ?? match[2])!);
  }
  return names;
}

function broughtIn(
  search: Search,
  name: string,
  references: readonly Reference[],
  after: ReadonlySet<SymbolId>,
): Candidate | undefined {
  const { lines, pool } = search.change;
  const anchor = anchorOf(lines, references[0]!);
  if (!anchor) return undefined;
  const similar = nearest(
    name,
    [...after].map((id) => pool.names[id]!),
  );
  return candidate(search, [name], references, anchor, { how: 'introduced', ...(similar && { similar }) });
}

function leftBehind(
  search: Search,
  symbol: SymbolId,
  references: readonly Reference[],
  atLeast: boolean,
): Candidate | undefined {
  if (references.length === 0) return undefined;
  const { change, files } = search;
  const { pool } = change;
  for (const [path, file] of files.before) {
    const statement = fileReferences(pool, file).declares.get(symbol);
    if (!statement) continue;
    const text = file.text.split('\n')[statement.line - 1] ?? '';
    const anchor = change.lines.removed(path, statement.line, text) ?? change.lines.near(path, statement.line);
    if (!anchor) continue;
    const renamedTo = newNameAt(change, anchor);
    return candidate(search, [pool.names[symbol]!], references, anchor, {
      how: 'definition-removed',
      removed: { path, line: statement.line },
      ...(renamedTo && { renamedTo }),
      ...(atLeast && { atLeast }),
    });
  }
  return undefined;
}

/** One remark for all symbols that lack the same line. */
function ofUnread(search: Search, group: UnreadGroup, atLeast: boolean): Candidate {
  const { names, references, anchor, unread, declaredAt, removed } = group;
  const found = candidate(search, names, references, anchor, {
    how: removed ? 'source-removed' : 'not-sourced',
    ...(removed && { removed: { path: removed.path, line: removed.line } }),
    ...(removed && atLeast && { atLeast }),
  });
  const listed = references.slice(0, MAX_LISTED);
  const claim = {
    ...found.claim,
    references: listed.map(({ path, line, text }) => ({ path, line, text, declaredAt, unread })),
  };
  return { ...found, key: `undefined-symbol ${names.length > 1 ? unread : names[0]}`, claim };
}

const ENTRY = /^\s*(?:menu)?config\s+(\w+)/;
const PROMPT = /^\s*(?:bool|tristate|int|hex|string|prompt)\s+["']/;

/** `+config NEW` right behind `-config OLD`, with the same prompt, or all else as it was: a rename. */
function newNameAt(change: KernelChange, anchor: Anchor): string | undefined {
  const patch = change.series.patches.find((p) => p.n === anchor.patch)!;
  const lines = patch.diff
    .flatMap((file) => file.hunks)
    .map((hunk) => hunk.lines)
    .find((some) => some.some((line) => line.mailLine === anchor.mailLines[0]));
  const at = lines?.findIndex((line) => line.mailLine === anchor.mailLines[0]) ?? -1;
  const next = lines?.[at + 1];
  const name = next?.kind === 'add' ? ENTRY.exec(next.text)?.[1] : undefined;
  if (!lines || name === undefined) return undefined;
  const rest = lines.slice(at + 2);
  const end = rest.findIndex(({ text }) => /^(?:\w|\s*(?:menu)?config\s)/.test(text));
  const body = end < 0 ? rest : rest.slice(0, end);
  const without = (other: 'add' | 'remove'): string[] =>
    body.flatMap(({ kind, text }) => (kind === other || text.trim() === '' ? [] : [text.trim()]));
  const [was, is] = [without('add'), without('remove')];
  const prompt = was.find((text) => PROMPT.test(text));
  const isSame = prompt === undefined ? was.length > 0 && was.join('\n') === is.join('\n') : is.includes(prompt);
  return isSame ? name : undefined;
}

function candidate(
  { change, archs, dead }: Search,
  names: readonly string[],
  references: readonly Reference[],
  anchor: Anchor,
  claim: Record<string, unknown>,
): Candidate {
  const first = references[0]!;
  const all = new Map(names.flatMap((name) => (dead.get(name) ?? []).map((symbol) => [symbol.name, symbol])));
  const symbols = [...all.values()];
  const own =
    /^arch\/([^/]+)\//.exec(first.path)?.[1] ?? (archs.length === 0 || archs.includes('x86') ? 'x86' : archs[0]!);
  return {
    key: `undefined-symbol ${names[0]}`,
    symbols: names,
    anchor,
    claim: {
      symbol: names[0],
      where: first.where,
      references: references.slice(0, MAX_LISTED).map(({ path, line, text }) => ({ path, line, text })),
      consequence: `${names.length > 1 ? 'no configuration can set them' : consequenceOf(references)}${claim['atLeast'] ? STOPPED : ''}`,
      total: references.length,
      isInCode: references.some(({ where }) => where !== 'kconfig'),
      dead: symbols.map(({ name }) => name).slice(0, MAX_LISTED),
      deadTotal: symbols.length,
      ...claim,
    },
    evidence: references.slice(0, MAX_LISTED).map(
      ({ path, line, text }): Evidence => ({
        kind: 'source',
        side: 'after',
        commit: change.after.commit,
        path,
        line,
        text,
      }),
    ),
    confirm: async (conf) => [
      ...(await confirm(conf, [...new Set([own, ...archs])].slice(0, MAX_ARCHS), names)),
      ...(await Promise.all(symbols.slice(0, FEW_DEAD).map((symbol) => confirmDead(conf, symbol)))),
    ],
  };
}

/** Symbols called dead that conf is asked about. */
const FEW_DEAD = 4;

/** Even with all else that it needs, conf does not give it. */
async function confirmDead(conf: Conf, { name, shownOn: { arch, config } }: DeadSymbol): Promise<Attempt> {
  const run = await conf.olddefconfig('after', arch, config);
  const line = lineOf(run.config ?? '', name);
  const isOff = (valueOn(line) ?? 'n') === 'n';
  const { argv, exitCode, stderr } = run;
  const excerpt = run.config === undefined ? stderr.slice(0, 2000) : line;
  return { rung: 2, side: 'after', argv, exitCode, excerpt, agrees: exitCode === 0 && isOff };
}

/** Architectures that conf is asked for, where it refuses the tree of the first. */
const MAX_ARCHS = 3;

/** Even a configuration that asks for the symbols comes out of conf without them. */
async function confirm(conf: Conf, archs: readonly Arch[], names: readonly string[]): Promise<Attempt[]> {
  const asked = names.map((name) => `CONFIG_${name}=y\n`).join('');
  let refused: ConfRun | undefined;
  for (const arch of archs) {
    const run = await conf.olddefconfig('after', arch, asked);
    const { config, argv, exitCode } = run;
    if (exitCode === 0 && config !== undefined) {
      const lines = names.map((name) => lineOf(config, name));
      const agrees = lines.every((line) => line.startsWith('(no '));
      return [{ rung: 2, side: 'after', argv, exitCode, excerpt: lines.join('\n').slice(0, 2000), agrees }];
    }
    refused ??= run;
  }
  if (!refused) return [];
  const { argv, exitCode, stderr } = refused;
  const excerpt = `conf refuses the tree on ${archs.join(', ')}, so it says nothing of the symbol: ${stderr.slice(0, 2000)}`;
  return [{ rung: 2, side: 'after', argv, exitCode, excerpt, agrees: false }];
}
