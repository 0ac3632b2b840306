/** When an object is built, where it goes, and which lines say so. */

import type { ExprId } from '../kconfig/expr.ts';
import type { SymbolName } from '../types.ts';
import type { Makefile } from './makefile.ts';
import type { Place } from './text-parts.ts';

/** Where an object goes: into vmlinux, into a module, or it is only compiled (boot code, vDSO, EFI stub). */
export type Destination = 'vmlinux' | 'module' | 'elsewhere';

/** One way in which an object comes to be built. */
export interface Way {
  readonly destination: Destination;
  readonly when: ExprId;
  /** Lines that say so, from the top directory down. */
  readonly lines: readonly MakefileLine[];
  /** The composite object that it is part of, such as `drivers/vfio/pci/vfio-pci-core.o`. */
  readonly composite?: string;
  /** From lib.a: without CONFIG_MODULES it is linked only if something asks for it. */
  readonly isLibrary?: true;
}

export interface MakefileLine extends Place {
  readonly text: string;
}

/** When an object is built. Conditions are two-valued; FALSE (a constant n) where it cannot be. */
export interface Presence {
  readonly object: string;
  readonly builtIn: ExprId;
  readonly module: ExprId;
  readonly elsewhere: ExprId;
  /** What no configuration decides has a part in it: then both are possible. */
  readonly isUnknown: boolean;
  readonly ways: readonly Way[];
}

/** Lines that name a symbol, comments left out, by the symbol. */
export function mentionsIn(makefiles: readonly Makefile[]): Map<SymbolName, MakefileLine[]> {
  const mentions = new Map<SymbolName, MakefileLine[]>();
  for (const { path, lines } of makefiles) {
    for (const [i, text] of lines.entries()) {
      const names = text.replace(/(^|[^\\])#.*/, '$1').matchAll(/\bCONFIG_(\w+)/g);
      for (const symbol of new Set([...names].map((match) => match[1]!))) {
        const found = mentions.get(symbol);
        if (found) found.push({ path, line: i + 1, text });
        else mentions.set(symbol, [{ path, line: i + 1, text }]);
      }
    }
  }
  return mentions;
}
