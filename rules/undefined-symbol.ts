import { lineOf } from './kconfig/config-line.ts';
import type { SymbolId } from './kconfig/expr.ts';
import { nearest } from './kconfig/near-name.ts';
import { declaredIn, fileReferences } from './kconfig/references.ts';
import { type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { sourceKind } from './source/config-references.ts';
import {
  consequenceOf,
  kconfigReferences,
  onlyNew,
  type Reference,
  type References,
  sourceReferences,
} from './source/symbol-references.ts';
import type { Anchor, Arch, Attempt, Evidence, Tree } from './types.ts';

export default defineRule({
  id: 'undefined-symbol',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
References to a symbol that no Kconfig file of any architecture defines: brought in by the series,
or left behind where it removes or renames the definition. In Kconfig expressions and selects, in
Kbuild files, and in "#if"/"#ifdef" lines and IS_ENABLED() and its like in C.
## Why it matters
An undefined symbol counts as n. Nothing warns: the dependency is never met, the object never built,
the code under the #ifdef never compiled.
## Example
"config FOO_CORE" becomes "config FOO", and one driver still has "depends on FOO_CORE".
## Instead
Change every user of the old name in the same series.
## What it misses
References through macros and generated files, in Rust, and of a symbol's value in C. Documentation,
defconfigs, tools/ and scripts/ are not looked at. A CONFIG_ macro that a C or Kbuild file defines by
itself is no symbol, and is passed over.`,

  begin: (change) => ({ finish: () => findAll(change) }),
});

/** References that are listed in full; the rest is counted. */
const MAX_LISTED = 20;
const MAX_GREP_LINES = 20_000;

async function findAll(change: KernelChange): Promise<Candidate[]> {
  const { pool } = change;
  const before = declaredIn(pool, change.before.kconfig.files.values());
  const after = declaredIn(pool, change.after.kconfig.files.values());
  const isUndefined = (name: string): boolean => {
    const id = pool.findSymbol(name);
    return id === undefined || !after.has(id);
  };
  const removed = new Map(
    [...before].filter((symbol) => !after.has(symbol)).map((symbol) => [pool.names[symbol]!, symbol]),
  );
  const introduced = await newReferences(change, (id) => !after.has(id), isUndefined);
  for (const name of removed.keys()) introduced.delete(name);
  if (removed.size + introduced.size === 0) return [];

  // One search for all names: it reads the whole tree.
  const words = [...removed.keys(), ...introduced.keys()].flatMap((name) => [
    `CONFIG_${name}`,
    `CONFIG_${name}_MODULE`,
    `DCONFIG_${name}`,
  ]);
  const hits = await change.after.tree.grep(words, MAX_GREP_LINES);
  const macros = definedElsewhere(hits);
  const left = await remaining(change, removed, hits);
  const found = [
    ...[...removed].map(([name, symbol]) =>
      macros.has(name) ? undefined : leftBehind(change, symbol, left.get(name) ?? []),
    ),
    ...[...introduced].map(([name, references]) =>
      macros.has(name) ? undefined : broughtIn(change, name, references, after),
    ),
  ];
  return found.filter((one) => one !== undefined);
}

/** What changed files name and did not name before. */
async function newReferences(
  { pool, before, after, changedPaths }: KernelChange,
  isUndefined: (symbol: SymbolId) => boolean,
  isUndefinedName: (name: string) => boolean,
): Promise<References> {
  const oldPathOf = new Map(
    changedPaths.flatMap(({ path, oldPath }) => (oldPath === undefined ? [] : [[path, oldPath]])),
  );
  const paths = changedPaths.map(({ path }) => path);
  const oldPaths = new Set([...paths, ...oldPathOf.values()]);
  const kconfig = onlyNew(
    kconfigReferences(pool, before.kconfig.files, oldPaths, isUndefined),
    kconfigReferences(pool, after.kconfig.files, paths, isUndefined),
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
  removed: ReadonlyMap<string, SymbolId>,
  hits: readonly GrepHit[],
): Promise<References> {
  const symbols = new Set(removed.values());
  const { files } = after.kconfig;
  const kconfig = kconfigReferences(pool, files, files.keys(), (symbol) => symbols.has(symbol));
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
  change: KernelChange,
  name: string,
  references: readonly Reference[],
  after: ReadonlySet<SymbolId>,
): Candidate | undefined {
  const first = references[0]!;
  const anchor = change.lines.added(first.path, first.line, first.text) ?? change.lines.near(first.path, first.line);
  if (!anchor) return undefined;
  const similar = nearest(
    name,
    [...after].map((id) => change.pool.names[id]!),
  );
  return candidate(change, name, references, anchor, { how: 'introduced', ...(similar && { similar }) });
}

function leftBehind(change: KernelChange, symbol: SymbolId, references: readonly Reference[]): Candidate | undefined {
  if (references.length === 0) return undefined;
  const { pool } = change;
  const name = pool.names[symbol]!;
  for (const [path, file] of change.before.kconfig.files) {
    const statement = fileReferences(pool, file).declares.get(symbol);
    if (!statement) continue;
    const text = file.text.split('\n')[statement.line - 1] ?? '';
    const anchor = change.lines.removed(path, statement.line, text) ?? change.lines.near(path, statement.line);
    if (!anchor) continue;
    const renamedTo = newNameAt(change, anchor);
    return candidate(change, name, references, anchor, {
      how: 'definition-removed',
      removed: { path, line: statement.line },
      ...(renamedTo && { renamedTo }),
    });
  }
  return undefined;
}

/** `+config NEW` right behind `-config OLD`: a rename. */
function newNameAt(change: KernelChange, anchor: Anchor): string | undefined {
  const patch = change.series.patches.find((p) => p.n === anchor.patch)!;
  const lines = patch.diff.flatMap((file) => file.hunks.flatMap((hunk) => hunk.lines));
  const next = lines[lines.findIndex((line) => line.mailLine === anchor.mailLines[0]) + 1];
  return next?.kind === 'add' ? /^\s*(?:menu)?config\s+(\w+)/.exec(next.text)?.[1] : undefined;
}

function candidate(
  change: KernelChange,
  name: string,
  references: readonly Reference[],
  anchor: Anchor,
  claim: Record<string, unknown>,
): Candidate {
  const first = references[0]!;
  const arch = archOf(first.path);
  return {
    key: `undefined-symbol ${name}`,
    symbols: [name],
    anchor,
    claim: {
      symbol: name,
      where: first.where,
      references: references.slice(0, MAX_LISTED).map(({ path, line, text }) => ({ path, line, text })),
      consequence: consequenceOf(references),
      total: references.length,
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
    confirm: (conf) => confirm(conf, arch, name),
  };
}

/** Even a configuration that asks for the symbol comes out of conf without it. */
async function confirm(conf: Conf, arch: Arch, name: string): Promise<Attempt[]> {
  const run = await conf.olddefconfig('after', arch, `CONFIG_${name}=y\n`);
  const line = lineOf(run.config ?? '', name);
  return [
    {
      rung: 2,
      side: 'after',
      argv: run.argv,
      exitCode: run.exitCode,
      excerpt: run.config === undefined ? run.stderr.slice(0, 2000) : line,
      agrees: run.exitCode === 0 && line.startsWith('(no '),
    },
  ];
}

function archOf(path: string): Arch {
  return /^arch\/([^/]+)\//.exec(path)?.[1] ?? 'x86';
}
