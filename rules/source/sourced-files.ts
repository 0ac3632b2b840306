/**
 * Which Kconfig files the architectures read: what stands in a file that nothing sources defines no symbol.
 */

import type { ExprPool, SymbolId } from '../kconfig/expr.ts';
import { type KconfigFile, Kind } from '../kconfig/parse.ts';
import { fileReferences } from '../kconfig/references.ts';
import type { ArchPair, KernelChange, TreeSide } from '../rule.ts';
import type { Anchor, Arch, Tree } from '../types.ts';

type Files = ReadonlyMap<string, KconfigFile>;

/** A `source` line. */
export interface SourceLine {
  readonly path: string;
  readonly line: number;
  /** The file it names. */
  readonly target: string;
}

/** Files that count on either side. */
export interface ReadFiles {
  readonly before: Files;
  readonly after: Files;
}

/** Architectures as they are compared, with the files that each reads. */
export class SourcedFiles {
  readonly archs: Arch[] = [];
  readonly #before = new Set<string>();
  readonly #after = new Set<string>();

  take({ arch, before, after }: ArchPair): void {
    this.archs.push(arch);
    for (const path of before.files) this.#before.add(path);
    for (const path of after.files) this.#after.add(path);
  }

  /** Files that some architecture reads; all there are where not every architecture of the tree was compared. */
  async files({ before, after }: KernelChange): Promise<ReadFiles> {
    const all = { before: before.kconfig.files, after: await withUnread(before, after) };
    const known = await archsOf(after.tree);
    if (known.length === 0 || known.some((arch) => !this.archs.includes(arch))) return all;
    // The series removes them whole, so they are not compared.
    const gone = (await archsOf(before.tree)).filter((arch) => !known.includes(arch));
    const isGone = (path: string): boolean => gone.some((arch) => path.startsWith(`arch/${arch}/`));
    return {
      before: new Map([...all.before].filter(([path]) => this.#before.has(path) || isGone(path))),
      after: new Map([...all.after].filter(([path]) => this.#after.has(path))),
    };
  }
}

/**
 * The files of the tree after. Some (Documentation/Kconfig) are read only when a model asks for them, and where
 * no model differs none is made of the tree after.
 */
async function withUnread(before: TreeSide, after: TreeSide): Promise<Files> {
  const files = new Map(after.kconfig.files);
  for (const [path, file] of before.kconfig.files) {
    if (files.has(path)) continue;
    const blob = await after.tree.blob(path);
    if (blob !== undefined && blob === (await before.tree.blob(path))) files.set(path, file);
  }
  return files;
}

/** Architectures of a tree: directories below `arch/` with a Kconfig file. */
export async function archsOf(tree: Tree): Promise<Arch[]> {
  return (await tree.paths()).flatMap((path) => /^arch\/([^/]+)\/Kconfig$/.exec(path)?.[1] ?? []);
}

/** The first of the files that declares a symbol. */
export function declaringPath(pool: ExprPool, files: Files, symbol: SymbolId): string | undefined {
  for (const [path, file] of files) if (fileReferences(pool, file).declares.has(symbol)) return path;
  return undefined;
}

/** Who sources whom. */
export class SourceLines {
  readonly #byTarget = new Map<string, SourceLine[]>();
  readonly #patterns: { readonly pattern: RegExp; readonly path: string; readonly line: number }[] = [];

  constructor(files: Files) {
    for (const [path, file] of files) {
      for (const { kind, line, text, start, end } of file.statements) {
        if (kind === Kind.source)
          this.#byTarget.set(text, [...(this.#byTarget.get(text) ?? []), { path, line, target: text }]);
        if (kind !== Kind.raw) continue;
        const named = /^\s*source\s+["']([^"'\n]*)["']/.exec(file.text.slice(start, end))?.[1];
        if (named) this.#patterns.push({ pattern: asPattern(named), path, line });
      }
    }
  }

  /** Lines that source `target`, or what sources it, nearest first. */
  above(target: string): SourceLine[] {
    const found: SourceLine[] = [];
    const targets = new Set([target]);
    for (const one of targets) {
      const direct = this.#byTarget.get(one) ?? [];
      const matching = this.#patterns.filter(({ pattern }) => pattern.test(one));
      for (const { path, line } of [...direct, ...matching]) {
        found.push({ path, line, target: one });
        targets.add(path);
      }
    }
    return found;
  }

  /** Whether some line leads to it from the top. */
  isRead(path: string): boolean {
    return path === TOP || this.above(path).some((one) => one.path === TOP);
  }
}

/** Where conf begins (scripts/kconfig/Makefile). */
const TOP = 'Kconfig';

/** The nearest line by which `file` was read, directly or through others, that the series takes away from `files`. */
export function removedSource(
  { lines }: KernelChange,
  files: Files,
  was: SourceLines,
  file: string,
): (SourceLine & { readonly text: string; readonly anchor: Anchor }) | undefined {
  for (const one of was.above(file)) {
    const text = files.get(one.path)?.text.split('\n', one.line)[one.line - 1] ?? '';
    const anchor = lines.removed(one.path, one.line, text);
    if (anchor) return { ...one, text, anchor };
  }
  return undefined;
}

/** A path with macros: each stands for any one part of it. */
function asPattern(path: string): RegExp {
  const parts = path.split(/\$\([^)]*\)|\*/).map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]*')}$`);
}
