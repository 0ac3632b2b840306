/**
 * What a tree's own scripts/kconfig understands beyond Linux 6.12: a word that it does not know is an error
 * there, whatever later kernels make of it.
 */

export interface Dialect {
  /** `depends on X if Y`, since Linux 7.0. */
  readonly conditionalDepends: boolean;
  /** `transitional`, since Linux 6.18. */
  readonly transitional: boolean;
}

/** The file that says it. */
export const GRAMMAR = 'scripts/kconfig/parser.y';

/** Reads the tree's grammar; without one, as for a part of a tree, everything is understood. */
export function dialectOf(grammar: string | undefined): Dialect {
  if (grammar === undefined) return { conditionalDepends: true, transitional: true };
  return {
    conditionalDepends: /T_DEPENDS\s+T_ON\s+expr\s+if_expr/.test(grammar),
    transitional: /\bT_TRANSITIONAL\b/.test(grammar),
  };
}
