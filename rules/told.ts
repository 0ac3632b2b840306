/** What claims are made of: lines of Kconfig files, and the configuration that shows a fault. */

import { fame } from './config-groups.ts';
import type { Setting } from './kconfig/justify.ts';
import { type KconfigFile, SymbolType } from './kconfig/parse.ts';
import type { KernelChange } from './rule.ts';
import type { Arch, Side, Witness } from './types.ts';

/** A line of a file, its text without white space around it. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** No line: a template shows none. */
export const NOWHERE: Place = { path: '', line: 0, text: '' };

/** A line of a Kconfig file as it stands there; empty where there is none. */
export function lineAt({ before, after }: KernelChange, side: Side, path: string, line: number): string {
  const file = (side === 'before' ? before : after).kconfig.files.get(path);
  return (file && linesOf(file)[line - 1]) ?? '';
}

const linesOfFiles = new WeakMap<KconfigFile, readonly string[]>();

/** Thousands of claims may be of one file. */
function linesOf(file: KconfigFile): readonly string[] {
  const lines = linesOfFiles.get(file) ?? file.text.split('\n');
  linesOfFiles.set(file, lines);
  return lines;
}

/** A line of the tree after. */
export function placeAt(change: KernelChange, path: string, line: number): Place {
  return { path, line, text: lineAt(change, 'after', path, line).trim() };
}

/** Settings that are all of a .config, which olddefconfig completes. */
export function witnessOf(arch: Arch, settings: readonly Setting[]): Witness {
  const named = settings.map(({ symbol: { name, type }, value }) => ({
    symbol: name,
    value,
    ...(type === SymbolType.string && { isString: true as const }),
  }));
  return { arch, from: 'empty', settings: named.sort((a, b) => (a.symbol < b.symbol ? -1 : 1)) };
}

/** What is told of one architecture at least. */
interface OnArchs {
  readonly witness: Witness;
  readonly archs: readonly Arch[];
}

/** The same fault on more architectures: told of the one that most people know. */
export function onAll<T extends OnArchs>(a: T, b: T): T {
  const first = fame(b.witness.arch) < fame(a.witness.arch) ? b : a;
  return { ...first, archs: [...a.archs, ...b.archs] };
}

/** Repairs of the one that is told which help on the other's architectures as well. */
export function helpingBoth<R extends { readonly kind?: string; readonly text: string }>(
  a: OnArchs & { readonly repairs: readonly R[] },
  b: OnArchs & { readonly repairs: readonly R[] },
): R[] {
  const [first, other] = fame(b.witness.arch) < fame(a.witness.arch) ? [b, a] : [a, b];
  return first.repairs.filter((one) => other.repairs.some(({ kind, text }) => one.kind === kind && one.text === text));
}

/** Finds a name as a whole word of C or Kconfig. */
export function wholeWord(name: string): RegExp {
  return new RegExp(`(?<!\\w)${name.replace(/\W/g, '\\$&')}(?!\\w)`);
}
