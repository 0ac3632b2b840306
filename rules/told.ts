/** What claims are made of: lines of Kconfig files, and the configuration that shows a fault. */

import type { Setting } from './kconfig/justify.ts';
import type { KernelChange } from './rule.ts';
import type { Arch, Side, Witness } from './types.ts';

/** A line of a file, its text without white space around it. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** A line of a Kconfig file as it stands there; empty where there is none. */
export function lineAt({ before, after }: KernelChange, side: Side, path: string, line: number): string {
  const { files } = (side === 'before' ? before : after).kconfig;
  return files.get(path)?.text.split('\n', line)[line - 1] ?? '';
}

/** A line of the tree after. */
export function placeAt(change: KernelChange, path: string, line: number): Place {
  return { path, line, text: lineAt(change, 'after', path, line).trim() };
}

/** Settings that are all of a .config, which olddefconfig completes. */
export function witnessOf(arch: Arch, settings: readonly Setting[]): Witness {
  const named = settings.map(({ symbol, value }) => ({ symbol: symbol.name, value }));
  return { arch, from: 'empty', settings: named.sort((a, b) => (a.symbol < b.symbol ? -1 : 1)) };
}
