/** Variables of a makefile: what each is, in which configurations. */

import type { ExprId } from '../kconfig/expr.ts';
import type { Conditions } from './conditions.ts';
import type { Segment } from './guarded-text.ts';
import type { LazyText } from './makefile.ts';
import type { Place } from './text-parts.ts';

/** What one statement gave to a variable. */
export interface Piece {
  readonly when: ExprId;
  /** Set for `:=`, else the text is expanded as it is used. */
  readonly segments?: readonly Segment[];
  readonly text?: LazyText;
  readonly at: Place;
  /** With `+=`: behind a space. */
  readonly isAppended?: true;
}

export interface Variable {
  /** In order. */
  readonly pieces: readonly Piece[];
  /** When it has been set at all. */
  readonly defined: ExprId;
  /** When it was set with `:=`, so that `+=` expands at once. */
  readonly simple: ExprId;
}

/** Variables above those of another scope, which stay as they are. */
let scopes = 0;

export class Scope {
  /** Tells it from all others. */
  readonly id = scopes++;
  readonly #variables = new Map<string, Variable>();
  readonly #exported = new Set<string>();
  readonly #below: Scope | undefined;

  constructor(below?: Scope) {
    this.#below = below;
  }

  get(name: string): Variable | undefined {
    return this.#variables.get(name) ?? this.#below?.get(name);
  }

  set(name: string, variable: Variable): void {
    this.#variables.set(name, variable);
  }

  export(name: string): void {
    this.#exported.add(name);
  }

  /** What a sub-make finds in its environment. */
  exported(): Scope {
    const scope = new Scope();
    for (const name of this.#exported) {
      const variable = this.get(name);
      if (variable) scope.set(name, variable);
    }
    return scope;
  }
}

/** The variable after an assignment; `old` is as it was. */
export function assigned(
  conditions: Conditions,
  old: Variable | undefined,
  how: { readonly isAppended: boolean; readonly isSimple: boolean },
  piece: Piece,
): Variable {
  const { FALSE } = conditions;
  const before: Variable = old ?? { pieces: [], defined: FALSE, simple: FALSE };
  const defined = conditions.or(before.defined, piece.when);
  if (how.isAppended)
    return { pieces: [...before.pieces, { ...piece, isAppended: true }], defined, simple: before.simple };
  const otherwise = conditions.not(piece.when);
  const kept = before.pieces.flatMap((one): Piece[] => {
    const when = conditions.and(one.when, otherwise);
    return when === FALSE ? [] : [{ ...one, when }];
  });
  const simple = how.isSimple ? conditions.or(before.simple, piece.when) : conditions.and(before.simple, otherwise);
  return { pieces: [...kept, piece], defined, simple };
}
