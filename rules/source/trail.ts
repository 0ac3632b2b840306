/** How a stub's constant came to force a return: the steps of one way, in the order of control. */

import { variablesIn } from './access-path.ts';
import type { Trail, TrailEvent } from './path-state.ts';
import { CONSULTED } from './path-state.ts';
import type { Exit } from './walk.ts';

export interface Step {
  /** `call`: into a helper or the stub. `store`: of the constant, or of the failure that is made of it. */
  readonly kind: TrailEvent['kind'];
  readonly path: string;
  readonly function: string;
  readonly line: number;
  /** The callee, place, test, label or returned expression; arrows are dots (access-path.ts). */
  readonly text: string;
  /** How a test comes out: of `if (!p)` the text is `p`, and this is false for NULL. */
  readonly outcome?: boolean;
}

/** Of the shortest way to an exit that a stub forced; empty where there is none. */
export function stepsOf(exits: readonly Exit[]): readonly Step[] {
  const ways = exits
    .filter(({ value, state: { flags } }) => value?.stub || (flags & CONSULTED) !== 0)
    .flatMap(({ state: { trail } }) => (trail ? [inOrder(trail)] : []))
    .sort((a, b) => a.length - b.length);
  return (ways[0] ?? []).map(({ kind, of, line, text, outcome }) => ({
    kind,
    path: of.path,
    function: of.function.name,
    line,
    text,
    ...(outcome !== undefined && { outcome }),
  }));
}

function inOrder(trail: Trail): readonly TrailEvent[] {
  const events: TrailEvent[] = [];
  for (let at: Trail | undefined = trail; at; at = at.before) events.push(at.event);
  events.reverse();
  const last = events.at(-1);
  // of failures that are stored on the way, the one that is returned
  const returned = last?.kind === 'return' ? [last.text, ...variablesIn(last.text)] : [];
  const own = events.findLastIndex(({ isOwn, text }) => isOwn && returned.includes(text));
  return events
    .filter(({ isOwn }, i) => !isOwn || i === own)
    .flatMap((event) => (event.inside ? [event, ...inOrder(event.inside)] : [event]));
}
