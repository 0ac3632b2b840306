/** Declarations that a series takes away, and the line by which it does: their own, or one that sourced their file. */

import type { GoneDeclarations } from './kconfig/cause.ts';
import { Platforms } from './kconfig/platforms.ts';
import { type Property, properties } from './kconfig/properties.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import { removedSource, SourceLines } from './source/sourced-files.ts';
import { lineAt } from './told.ts';

export interface Gone {
  /** By the name of the symbol: its declaration, at the line that the series removes. */
  readonly declarations: GoneDeclarations;
  /** Of these, symbols whose entry stays, in a file that is not read any more. */
  readonly unread: ReadonlySet<string>;
}

export class GoneSymbols {
  readonly #change: KernelChange;
  #sources: SourceLines | undefined;
  #platforms: Platforms | undefined;

  constructor(change: KernelChange) {
    this.#change = change;
  }

  /**
   * Of one architecture. Without platforms: that their drivers go along is what a series means that removes one; and
   * without what no removed line explains.
   */
  of({ changes }: ArchPair): Gone {
    const { pool, before } = this.#change;
    const declarations = new Map<string, Property>();
    const unread = new Set<string>();
    for (const { name, before: was, after } of changes.values()) {
      const own = was && !after && properties(was).find(({ kind }) => kind === 'declaration');
      if (!own) continue;
      if (this.#isRemoved(own)) {
        this.#platforms ??= new Platforms(pool, before.kconfig.files);
        if (!this.#platforms.isPlatform(was.id)) declarations.set(name, own);
        continue;
      }
      const source = this.#sourceOf(own.path);
      if (!source) continue;
      declarations.set(name, { ...own, ...source });
      unread.add(name);
    }
    return { declarations, unread };
  }

  #isRemoved({ path, line }: Property): boolean {
    return this.#change.lines.removed(path, line, lineAt(this.#change, 'before', path, line)) !== undefined;
  }

  #sourceOf(file: string): { readonly path: string; readonly line: number } | undefined {
    const { before, after } = this.#change;
    if (!after.kconfig.files.has(file)) return undefined;
    this.#sources ??= new SourceLines(before.kconfig.files);
    const removed = removedSource(this.#change, before.kconfig.files, this.#sources, file);
    return removed && { path: removed.path, line: removed.line };
  }
}
