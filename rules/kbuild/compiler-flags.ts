/**
 * What makefiles hand to the compiler for one file beside its text (Documentation/kbuild/makefiles.rst, "Compilation
 * flags"): macros with -D and headers with -include, in ccflags-y, subdir-ccflags-y, CFLAGS_file.o and others.
 */

import { dirname } from 'node:path/posix';
import type { Tree } from '../types.ts';

export interface CompilerFlags {
  /** Macros that may be defined for the file. */
  readonly defines: ReadonlySet<string>;
  /** Headers may be put before it. */
  readonly includes: boolean;
}

/** Of the makefiles of a file's directory and those above, without the top: what these say is for everybody. */
export async function compilerFlags(tree: Tree, path: string): Promise<CompilerFlags> {
  const makefiles: string[] = [];
  for (let dir = dirname(path); dir !== '.'; dir = dirname(dir)) makefiles.push(`${dir}/Makefile`, `${dir}/Kbuild`);
  const defines = new Set<string>();
  let includes = false;
  for (const text of (await tree.read(makefiles)).values()) {
    for (const [, name] of text.matchAll(/(?<!\w)-D\s*['"]?([A-Za-z_]\w*)/g)) defines.add(name!);
    // at the beginning of a line it is a makefile that is read
    includes ||= /^[^#\n]*\S[ \t]+-(?:include|imacros)\s/m.test(text);
  }
  return { defines, includes };
}
