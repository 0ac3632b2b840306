/** Objects that makefiles of other directories list too: `obj-y += ../led.o`, `foo-objs := ../bar/baz.o`. */

import { dirname, join } from 'node:path/posix';
import type { Tree } from '../types.ts';

const LISTED = /(?<![\w./)-])(?:\$\((?:srctree|src|obj)\)\/)?((?:\.\.\/)+[\w./-]+\.o)(?![\w.])/g;

/** Directories by the object that their makefiles name with a path that leads out of them. */
export async function listedElsewhere(tree: Tree): Promise<ReadonlyMap<string, readonly string[]>> {
  const makefiles = (await tree.paths()).filter(
    (path) => /(?:^|\/)(?:Makefile|Kbuild)$/.test(path) && !/^(?:tools|Documentation|scripts|samples)\//.test(path),
  );
  const found = new Map<string, string[]>();
  for (const [path, text] of await tree.read(makefiles)) {
    if (!text.includes('../')) continue;
    for (const [, object] of text.matchAll(LISTED)) {
      const whole = join(dirname(path), object!);
      found.set(whole, [...new Set([...(found.get(whole) ?? []), dirname(path)])]);
    }
  }
  return found;
}
