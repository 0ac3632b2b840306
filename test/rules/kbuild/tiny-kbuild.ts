/** Small trees of makefiles, and what becomes of their objects, in words. */
import { KbuildStore } from '../../../rules/kbuild/files.ts';
import { KbuildTree } from '../../../rules/kbuild/kbuild-tree.ts';
import type { Presence } from '../../../rules/kbuild/presence.ts';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { SymbolType } from '../../../rules/kconfig/parse.ts';
import { mapTree } from '../../support/dir-tree.ts';

export interface TinyKbuild {
  readonly kbuild: KbuildTree;
  readonly pool: ExprPool;
  /** `builtIn | module | elsewhere` of each object, n left out of the last; sorted by path. */
  objects(): Promise<Record<string, string>>;
  words(presence: Presence): string;
}

/** Types by the first letter: B… bools, S… strings, U… undeclared; MODULES is a bool, all others are tristates. */
export function tinyType(name: string): SymbolType | undefined {
  if (name.startsWith('B') || name === 'MODULES') return SymbolType.bool;
  if (name.startsWith('U')) return undefined;
  return name.startsWith('S') ? SymbolType.string : SymbolType.tristate;
}

export async function tinyKbuild(files: Readonly<Record<string, string>>, store?: KbuildStore): Promise<TinyKbuild> {
  const used = store ?? new KbuildStore(new ExprPool());
  const { pool } = used.conditions;
  const kbuild = await KbuildTree.open(used, mapTree(files), { arch: 'x86', symbolType: tinyType });
  const words = ({ builtIn, module, elsewhere }: Presence): string => {
    const [y, m, other] = [builtIn, module, elsewhere].map((e) => pool.print(e));
    return `${y} | ${m}${other === 'n' ? '' : ` | ${other}`}`;
  };
  return {
    kbuild,
    pool,
    words,
    objects: async () => {
      const all = [...(await kbuild.allObjects())].sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(all.map(([path, presence]) => [path, words(presence)]));
    },
  };
}

/** Objects of one makefile at the top. */
export async function objectsOf(
  makefile: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  return (await tinyKbuild({ Kbuild: makefile, ...more })).objects();
}
