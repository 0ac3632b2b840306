/**
 * What a tree's own scripts/kconfig understands and refuses: a word that it does not know is an error there,
 * whatever later kernels make of it, and later kernels refuse what Linux 6.12 let pass.
 */

export interface Dialect {
  /** `depends on X if Y`, since Linux 7.0. */
  readonly conditionalDepends: boolean;
  /** `transitional`, since Linux 6.18. */
  readonly transitional: boolean;
  /** `bool "prompt"` in a choice; Linux 7.1 has only `prompt "prompt"`. */
  readonly typeInChoice: boolean;
  /** A member of a choice has its prompt in one entry: Linux 7.1 refuses a second one in the same choice. */
  readonly onePromptForMember: boolean;
  /** `menuconfig` without a prompt, a blank help text and a second one are errors, as in Linux 7.1, not warnings. */
  readonly strictEntries: boolean;
}

/** The file that says it. */
export const GRAMMAR = 'scripts/kconfig/parser.y';

/** For a part of a tree, which has no grammar: everything is understood. */
const LENIENT: Dialect = {
  conditionalDepends: true,
  transitional: true,
  typeInChoice: true,
  onePromptForMember: false,
  strictEntries: false,
};

/** Reads the tree's grammar; without one everything is understood. */
export function dialectOf(grammar: string | undefined): Dialect {
  if (grammar === undefined) return LENIENT;
  return {
    conditionalDepends: /T_DEPENDS\s+T_ON\s+expr\s+if_expr/.test(grammar),
    transitional: /\bT_TRANSITIONAL\b/.test(grammar),
    // By that name up to Linux 6.9.
    typeInChoice: /^choice_option:\s*(T_BOOL|logic_type)\b/m.test(grammar),
    onePromptForMember: grammar.includes('must not have a prompt in another entry'),
    strictEntries: /zconf_error\(\s*"menuconfig statement without prompt"/.test(grammar),
  };
}
