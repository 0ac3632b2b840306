/** Two small Kconfig trees in one pool, compared: what rules get for one architecture. */
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { KconfigModel } from '../../rules/kconfig/model.ts';
import { changedSymbols, type SymbolChange } from '../../rules/kconfig/properties.ts';
import { TreeReaders } from '../../rules/kconfig/tree-readers.ts';
import { Upgrade } from '../../rules/kconfig/upgrade.ts';
import { mapTree } from './dir-tree.ts';

export interface KconfigPair {
  readonly store: KconfigStore;
  readonly before: KconfigModel;
  readonly after: KconfigModel;
  readonly changes: Map<string, SymbolChange>;
  readonly readers: TreeReaders;
  readonly upgrade: Upgrade;
}

/** A text stands for a tree with just a `Kconfig`. */
type Files = string | Readonly<Record<string, string>>;

export async function kconfigPair(before: Files, after: Files): Promise<KconfigPair> {
  const store = new KconfigStore();
  const world = { env: { ARCH: 'x86', SRCARCH: 'x86' }, shell: () => '' };
  const [b, a] = await Promise.all(
    [before, after].map((files) => store.open(mapTree(typeof files === 'string' ? { Kconfig: files } : files))),
  );
  if (!b || !a) throw new Error('two trees are opened');
  const [modelBefore, modelAfter] = [await b.model(world), await a.model(world)];
  const readers = new TreeReaders(store.pool);
  readers.add([...a.files, ...b.files]);
  const changes = changedSymbols(modelBefore, modelAfter, new Set([...b.files.keys(), ...a.files.keys()]));
  const upgrade = new Upgrade(store.pool, modelBefore, modelAfter, changes, readers);
  return { store, before: modelBefore, after: modelAfter, changes, readers, upgrade };
}

/** `text` with what stands between the slashes taken away (before) and put in (after): `a{x/y}b` is `axb`, then `ayb`. */
export function sides(text: string): [before: string, after: string] {
  const pick = (side: 1 | 2): string =>
    text.replace(/\{([^{}/]*)\/([^{}]*)\}/g, (...match: string[]) => match[side] ?? '');
  return [pick(1), pick(2)];
}
