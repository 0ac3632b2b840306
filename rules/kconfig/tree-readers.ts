/**
 * Who may read whom, for all architectures of a tree at once: for a symbol X, every symbol whose value
 * may depend on X's. Read from the files' statements, which trees and architectures share, so it costs
 * little; it says too much rather than too little (a file counts as sourced wherever any line says so).
 */

import { type ExprPool, NONE, type SymbolId } from './expr.ts';
import { type KconfigFile, Kind, type Statement } from './parse.ts';

/** A block (or the file itself): what is read for all that is in it. */
interface Scope {
  readonly reads: Set<SymbolId>;
  /** Symbols declared in it, and those that are selected or implied from there. */
  readonly members: Set<SymbolId>;
  /** Paths sourced in it; `*` stands for what a macro expands to. */
  readonly sources: string[];
}

const known = new WeakMap<KconfigFile, readonly Scope[]>();

/** Readers of single symbols that are kept, in all; beyond, they are put together anew. */
const MOST_KEPT = 2_000_000;
/** Steps from reader to reader on the look-out for a circle. */
const MOST_STEPS = 5_000_000;

export class TreeReaders {
  /** By symbol, groups of those that read it: the members of a large choice are one group, each read by all. */
  readonly #groups = new Map<SymbolId, Set<ReadonlySet<SymbolId>>>();
  /** Groups put together. */
  readonly #lists = new Map<SymbolId, ReadonlySet<SymbolId>>();
  #kept = 0;
  readonly #pool: ExprPool;

  readonly #scopes = new Map<string, Scope[]>();

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  /** Takes files in, by path; several files of one path (before and after a series) count together. */
  add(files: readonly (readonly [path: string, file: KconfigFile])[]): void {
    const added: Scope[] = [];
    for (const [path, file] of files) {
      const own = scopesOf(this.#pool, file);
      added.push(...own);
      this.#scopes.set(path, [...(this.#scopes.get(path) ?? []), ...own]);
    }
    const inside = insides(this.#scopes);
    for (const { reads, members, sources } of added) {
      if (reads.size === 0) continue;
      const readers = sources.length === 0 ? [members] : [members, ...sources.flatMap((source) => inside(source))];
      for (const read of reads) {
        const groups = this.#groups.get(read) ?? new Set();
        this.#groups.set(read, groups);
        for (const group of readers) groups.add(group);
      }
    }
    this.#forget();
  }

  /** Symbols that may read `symbol`. */
  of(symbol: SymbolId): ReadonlySet<SymbolId> {
    const known = this.#lists.get(symbol);
    if (known) return known;
    const groups = [...(this.#groups.get(symbol) ?? [])];
    if (groups.length <= 1) return groups[0] ?? EMPTY;
    const list = new Set<SymbolId>();
    for (const group of groups) for (const reader of group) list.add(reader);
    if (this.#kept > MOST_KEPT) this.#forget();
    this.#kept += list.size;
    this.#lists.set(symbol, list);
    return list;
  }

  #forget(): void {
    this.#lists.clear();
    this.#kept = 0;
  }

  /**
   * Whether a way from reader to reader leads from one of the symbols back to itself: without one there is no new
   * circle. True also where that takes too long to find out.
   */
  mayBeCircular(symbols: Iterable<SymbolId>): boolean {
    let left = MOST_STEPS;
    for (const start of symbols) {
      const seen = new Set<SymbolId>();
      const queue = [...this.of(start)];
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        if (id === start) return true;
        if (seen.has(id)) continue;
        seen.add(id);
        const readers = this.of(id);
        left -= readers.size;
        if (left < 0) return true;
        for (const reader of readers) if (!seen.has(reader)) queue.push(reader);
      }
    }
    return false;
  }
}

const EMPTY: ReadonlySet<SymbolId> = new Set();

/** Symbols that a file declares, selects or implies. */
export function membersOf(pool: ExprPool, file: KconfigFile): ReadonlySet<SymbolId> {
  return scopesOf(pool, file)[0]!.members;
}

/** All symbols in a file and in what it sources, by path or pattern. */
function insides(scopes: ReadonlyMap<string, readonly Scope[]>): (source: string) => Set<SymbolId>[] {
  const done = new Map<string, Set<SymbolId>[]>();
  const inside = (source: string): Set<SymbolId>[] => {
    const before = done.get(source);
    if (before) return before;
    const found: Set<SymbolId>[] = [];
    // Set first: a file may source itself, which conf refuses later.
    done.set(source, found);
    const paths = source.includes('*') ? [...scopes.keys()].filter(matcher(source)) : [source];
    for (const path of paths) {
      // The first scope of a file is the whole file.
      for (const { members, sources } of scopes.get(path) ?? []) {
        found.push(members);
        for (const next of sources) found.push(...inside(next));
      }
    }
    return found;
  };
  return inside;
}

function matcher(source: string): (path: string) => boolean {
  const pattern = new RegExp(
    `^${source
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
  return (path) => pattern.test(path);
}

/** One scope for each block and for each symbol's declaration; members of a choice are one scope. */
function scopesOf(pool: ExprPool, file: KconfigFile): readonly Scope[] {
  const cached = known.get(file);
  if (cached) return cached;
  const all: Scope[] = [];
  const open: Scope[] = [];
  const begin = (): Scope => {
    const scope: Scope = { reads: new Set(), members: new Set(), sources: [] };
    all.push(scope);
    return scope;
  };
  let entry: Scope | undefined = begin();
  open.push(entry);
  let choice: Scope | undefined;
  const member = (symbol: SymbolId): void => {
    for (const scope of open) scope.members.add(symbol);
    entry?.members.add(symbol);
  };
  for (const s of file.statements) {
    switch (s.kind) {
      case Kind.config:
      case Kind.menuconfig:
        entry = choice ?? begin();
        member(s.symbol);
        if (choice) choice.reads.add(s.symbol);
        continue;
      case Kind.if:
      case Kind.menu:
      case Kind.choice:
        entry = begin();
        open.push(entry);
        if (s.kind === Kind.choice) choice = entry;
        break;
      case Kind.endif:
      case Kind.endmenu:
      case Kind.endchoice:
        if (open.length > 1) open.pop();
        if (s.kind === Kind.endchoice) choice = undefined;
        entry = undefined;
        continue;
      case Kind.source:
        for (const scope of open) scope.sources.push(s.text);
        continue;
      case Kind.assign:
      case Kind.comment:
        entry = undefined;
        continue;
      case Kind.select:
      case Kind.imply:
        member(s.symbol);
        // The target reads the selector.
        for (const owner of entry?.members ?? []) if (owner !== s.symbol) entry?.reads.add(owner);
        break;
      case Kind.range:
        for (const id of [s.symbol, s.other]) if (!pool.constant[id]) entry?.reads.add(id);
        break;
      case Kind.raw:
        takeRaw(pool, file, s, open, entry);
        continue;
    }
    for (const e of [s.expr, s.cond]) if (e !== NONE) pool.symbolsOf(e, (id) => entry?.reads.add(id));
  }
  known.set(file, all);
  return all;
}

/** A line with macros is not parsed yet: every word of it counts. */
function takeRaw(
  pool: ExprPool,
  file: KconfigFile,
  s: Statement,
  open: readonly Scope[],
  entry: Scope | undefined,
): void {
  const text = file.text.slice(s.start, s.end);
  const source = /^\s*source\s+["'](.*)["']/.exec(text);
  if (source) {
    for (const scope of open) scope.sources.push(source[1]!.replace(/\$\([^)]*\)/g, '*'));
    return;
  }
  for (const [word] of text.matchAll(/[A-Za-z0-9_]+/g)) {
    const id = pool.findSymbol(word);
    if (id !== undefined && !pool.constant[id]) (entry ?? open.at(-1))?.reads.add(id);
  }
}
