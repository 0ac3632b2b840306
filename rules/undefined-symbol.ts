import type { Anchor, Arch, Attempt, Evidence } from './types.ts';
import { lineOf } from './config-upgrade.ts';
import type { ExprPool, SymbolId } from './kconfig/expr.ts';
import { declaredIn, fileReferences, type Mention, requires } from './kconfig/references.ts';
import { Kind } from './kconfig/parse.ts';
import { type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { configReferences, sourceKind } from './source/config-references.ts';

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
References through macros and generated files. Documentation, defconfigs, tools/ and scripts/ are not
looked at. A CONFIG_ macro that some file defines by itself is no symbol, and is passed over.`,

  begin: (change) => ({ finish: () => findAll(change) }),
});

type Where = 'kconfig' | 'kbuild' | 'c';

interface Reference {
  readonly where: Where;
  readonly path: string;
  readonly line: number;
  readonly text: string;
  readonly consequence: string;
}

/** References that are listed in full; the rest is counted. */
const MAX_LISTED = 20;
const MAX_GREP_LINES = 2000;

async function findAll(change: KernelChange): Promise<Candidate[]> {
  const { pool } = change;
  const before = declaredIn(pool, change.before.kconfig.files.values());
  const after = declaredIn(pool, change.after.kconfig.files.values());
  const removed = [...before].filter((symbol) => !after.has(symbol));
  const isUndefined = (name: string): boolean => {
    const id = pool.findSymbol(name);
    return id === undefined || !after.has(id);
  };
  const introduced = new Map<string, Reference[]>();
  for (const [name, references] of [...newKconfigReferences(change, after), ...(await newSourceReferences(change, isUndefined))]) {
    introduced.set(name, [...(introduced.get(name) ?? []), ...references]);
  }
  const found: (Candidate | undefined)[] = [];
  for (const symbol of removed) {
    const name = pool.names[symbol]!;
    introduced.delete(name);
    found.push(leftBehind(change, symbol, await remaining(change, symbol)));
  }
  for (const [name, references] of introduced) {
    if (!(await isMacro(change, name))) found.push(broughtIn(change, name, references, after));
  }
  return found.filter((one) => one !== undefined);
}

/** Mentions in changed Kconfig files that the same file did not have before. */
function newKconfigReferences(change: KernelChange, after: ReadonlySet<SymbolId>): Map<string, Reference[]> {
  const { pool } = change;
  const found = new Map<string, Reference[]>();
  for (const { path, oldPath } of change.changedPaths) {
    const file = change.after.kconfig.files.get(path);
    if (!file) continue;
    const old = change.before.kconfig.files.get(oldPath ?? path);
    const had = new Set(old ? fileReferences(pool, old).mentions.map((mention) => mention.symbol) : []);
    const lines = file.text.split('\n');
    for (const mention of fileReferences(pool, file).mentions) {
      if (after.has(mention.symbol) || had.has(mention.symbol)) continue;
      put(found, pool.names[mention.symbol]!, kconfigReference(pool, path, lines, mention));
    }
  }
  return found;
}

/** References in changed C and Kbuild files that the same file did not have before. */
async function newSourceReferences(change: KernelChange, isUndefined: (name: string) => boolean): Promise<Map<string, Reference[]>> {
  const found = new Map<string, Reference[]>();
  const paths = change.changedPaths.filter(({ path, status }) => status !== 'deleted' && sourceKind(path));
  const texts = await change.after.tree.read(paths.map(({ path }) => path));
  const oldTexts = await change.before.tree.read(paths.map(({ path, oldPath }) => oldPath ?? path));
  for (const { path, oldPath } of paths) {
    const kind = sourceKind(path)!;
    const text = texts.get(path);
    if (text === undefined) continue;
    const had = new Set(configReferences(oldTexts.get(oldPath ?? path) ?? '', kind).map((reference) => reference.name));
    const lines = text.split('\n');
    for (const { name: written, line } of configReferences(text, kind)) {
      const name = written.endsWith('_MODULE') && isUndefined(written) ? written.slice(0, -'_MODULE'.length) : written;
      if (had.has(written) || !isUndefined(name)) continue;
      put(found, name, sourceReference(path, line, lines[line - 1]!, name));
    }
  }
  return found;
}

/** What still mentions a symbol whose definition is gone. */
async function remaining(change: KernelChange, symbol: SymbolId): Promise<Reference[]> {
  const { pool } = change;
  const name = pool.names[symbol]!;
  const found: Reference[] = [];
  for (const [path, file] of change.after.kconfig.files) {
    for (const mention of fileReferences(pool, file).mentions) {
      if (mention.symbol === symbol) found.push(kconfigReference(pool, path, file.text.split('\n'), mention));
    }
  }
  const hits = await change.after.tree.grep([`CONFIG_${name}`, `CONFIG_${name}_MODULE`], MAX_GREP_LINES);
  const paths = [...new Set(hits.map((hit) => hit.path))].filter((path) => sourceKind(path));
  const texts = await change.after.tree.read(paths);
  for (const [path, text] of texts) {
    const lines = text.split('\n');
    for (const reference of configReferences(text, sourceKind(path)!)) {
      if (reference.name === name || reference.name === `${name}_MODULE`) found.push(sourceReference(path, reference.line, lines[reference.line - 1]!, name));
    }
  }
  return found.length > 0 && (await isMacro(change, name)) ? [] : found;
}

/** Whether some file of the tree defines `CONFIG_name` by itself, so that it is no Kconfig matter. */
async function isMacro(change: KernelChange, name: string): Promise<boolean> {
  const hits = await change.after.tree.grep([`CONFIG_${name}`], MAX_GREP_LINES);
  return hits.some(({ text }) => new RegExp(`#\\s*define\\s+CONFIG_${name}\\b|-DCONFIG_${name}\\b|\\bCONFIG_${name}\\s*[:?]?=[^=]`).test(text));
}

function kconfigReference(pool: ExprPool, path: string, lines: readonly string[], { statement, symbol, within }: Mention): Reference {
  const of = within >= 0 ? pool.names[within]! : undefined;
  const isNeeded = (statement.kind === Kind.depends || statement.kind === Kind.if) && requires(pool, statement.expr, symbol);
  const consequence =
    statement.kind === Kind.select || statement.kind === Kind.imply
      ? statement.symbol === symbol
        ? `this ${statement.kind === Kind.select ? 'select' : 'imply'} has no effect`
        : 'it counts as n in this condition'
      : isNeeded
        ? `it counts as n, so this dependency${of && statement.kind === Kind.depends ? ` of ${of}` : ''} is never met`
        : 'it counts as n there';
  return { where: 'kconfig', path, line: statement.line, text: lines[statement.line - 1] ?? '', consequence };
}

function sourceReference(path: string, line: number, text: string, name: string): Reference {
  const where = sourceKind(path) === 'kbuild' ? 'kbuild' : 'c';
  const isObject = new RegExp(`^\\s*obj-\\$\\(CONFIG_${name}\\)`).test(text);
  const consequence =
    where === 'c'
      ? 'it is never set, so the condition has the same outcome in every configuration'
      : isObject
        ? 'it is never set, so this object is never built'
        : 'it is empty in every configuration';
  return { where, path, line, text, consequence };
}

function broughtIn(change: KernelChange, name: string, references: readonly Reference[], after: ReadonlySet<SymbolId>): Candidate | undefined {
  const first = references[0]!;
  const anchor = change.lines.added(first.path, first.line, first.text) ?? change.lines.near(first.path, first.line);
  if (!anchor) return undefined;
  const similar = nearest(name, [...after].map((id) => change.pool.names[id]!));
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
  const next = lines[lines.findIndex((line) => line.mailLine === anchor.mailLines[1]) + 1];
  return next?.kind === 'add' ? /^\s*(?:menu)?config\s+(\w+)/.exec(next.text)?.[1] : undefined;
}

function candidate(change: KernelChange, name: string, references: readonly Reference[], anchor: Anchor, claim: Record<string, unknown>): Candidate {
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
      consequence: first.consequence,
      total: references.length,
      ...claim,
    },
    evidence: references
      .slice(0, MAX_LISTED)
      .map(({ path, line, text }): Evidence => ({ kind: 'source', side: 'after', commit: change.after.commit, path, line, text })),
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

function put(map: Map<string, Reference[]>, name: string, reference: Reference): void {
  map.set(name, [...(map.get(name) ?? []), reference]);
}

/** The one name that differs least, if that is little: at most one character in five, and no second one as near. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const most = Math.floor(name.length / 5);
  let best: string | undefined;
  let least = most + 1;
  for (const other of names) {
    if (Math.abs(other.length - name.length) >= least) continue;
    const d = distance(name, other, least);
    if (d < least) {
      least = d;
      best = other;
    } else if (d === least && d <= most) {
      best = undefined;
    }
  }
  return best;
}

/** Levenshtein distance, or `limit` when it is that much or more. */
function distance(a: string, b: string, limit: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    if (Math.min(...next) >= limit) return limit;
    row = next;
  }
  return row[b.length]!;
}
