/**
 * Text that differs from configuration to configuration: a list of segments, each there when its condition holds.
 * `obj-$(CONFIG_X)` is `obj-`, then `y` when X=y, then `m` when X=m.
 *
 * What is not known is a *hole*: a symbol's id between two marks (a character that no makefile keeps), for a symbol of type string, int or hex, or for a
 * pseudo symbol that stands for the output of a command and the like.
 */

import type { ExprId, SymbolId } from '../kconfig/expr.ts';
import { type Conditions, unknownName } from './conditions.ts';
import type { Place } from './text-parts.ts';

export interface Segment {
  readonly when: ExprId;
  readonly text: string;
  /** A space that may have nothing on one side: it divides words, and is not there at the ends of a text. */
  readonly isJoint?: true;
  /** Where the text is written; absent for what was made. */
  readonly at?: Place;
}

/** One word of a list. */
export interface Word {
  readonly when: ExprId;
  readonly text: string;
  readonly at?: Place;
}

/** A whole text, in the configurations in which it is that. */
export interface Alternative {
  readonly when: ExprId;
  readonly text: string;
}

/** More forms of one word or one text than this are not told apart. */
const MAX_ALTERNATIVES = 48;
/** Texts of which it is seen whether there is only one of them. */
const MAX_EXCLUSIVE = 6;

/** Private use; a makefile's own are replaced as it is read. */
export const HOLE_MARK = '\ue000';
const HOLES = /\ue000(\d+)\ue000/g;
const HOLE_ALONE = /^\ue000(\d+)\ue000$/;

export function hole(symbol: SymbolId): string {
  return `${HOLE_MARK}${symbol}${HOLE_MARK}`;
}

export function hasHole(text: string): boolean {
  return text.includes(HOLE_MARK);
}

export class GuardedText {
  readonly #conditions: Conditions;

  constructor(conditions: Conditions) {
    this.#conditions = conditions;
  }

  /** A text that is the same in all configurations. */
  plain(text: string, at?: Place): Segment[] {
    return text === '' ? [] : [{ when: this.#conditions.TRUE, text, ...(at && { at }) }];
  }

  /** A text that nobody can know; `what` says what it is. */
  unknown(what: string): Segment[] {
    return this.plain(hole(this.#conditions.pool.symbolId(unknownName(what))));
  }

  /** The text where `when` holds, else nothing. */
  restricted(segments: readonly Segment[], when: ExprId): Segment[] {
    const { TRUE, FALSE } = this.#conditions;
    if (when === TRUE) return [...segments];
    if (when === FALSE) return [];
    const out: Segment[] = [];
    for (const segment of segments) {
      const both = this.#conditions.and(when, segment.when);
      if (both !== FALSE) out.push({ ...segment, when: both });
    }
    return out;
  }

  /** Its words. Those of one condition and text may come more than once. */
  words(segments: readonly Segment[]): Word[] {
    const { TRUE, FALSE } = this.#conditions;
    const found: Word[] = [];
    let open: Word[] = [{ when: TRUE, text: '' }];
    const finish = (words: readonly Word[]): void => {
      for (const word of words) if (word.text !== '') found.push(word);
    };
    for (const { when, text, isJoint, at } of segments) {
      if (isJoint || text === '') {
        // between any two words, whether these are there or not
        if (isJoint) {
          finish(open);
          open = [{ when: TRUE, text: '' }];
        }
        continue;
      }
      const pieces = text.split(/[ \t\n]+/);
      const stay: Word[] = [];
      const go: Word[] = [];
      for (const word of open) {
        const without = when === TRUE ? FALSE : this.#conditions.and(word.when, this.#conditions.not(when));
        if (without !== FALSE) stay.push({ ...word, when: without });
        const both = this.#conditions.and(word.when, when);
        if (both !== FALSE) go.push({ when: both, text: word.text + pieces[0]!, ...place(word, at) });
      }
      if (pieces.length === 1) {
        open = this.#merged([...stay, ...go]);
        continue;
      }
      finish(go);
      for (const piece of pieces.slice(1, -1)) found.push({ when, text: piece, ...(at && { at }) });
      open = this.#merged([...stay, { when, text: pieces.at(-1)!, ...(at && { at }) }]);
    }
    finish(open);
    return found;
  }

  /** Words as a text again. */
  joined(words: readonly Word[]): Segment[] {
    return this.spaced(words.map((word) => [word]));
  }

  /**
   * Texts with a space between any two that are not empty. Of the first few it is seen whether only one of them can
   * be there, which is what names are made of; the others are words of a list.
   */
  spaced(texts: readonly (readonly Segment[])[]): Segment[] {
    const conditions = this.#conditions;
    const out: Segment[] = [];
    let before: ExprId | undefined = conditions.FALSE;
    for (const [i, text] of texts.entries()) {
      if (text.length === 0) continue;
      const here: ExprId | undefined =
        i < MAX_EXCLUSIVE && before !== undefined ? this.isNonEmpty(text, false) : undefined;
      if (here === undefined || before === undefined || conditions.and(before, here) !== conditions.FALSE) {
        out.push({ when: conditions.TRUE, text: ' ', isJoint: true });
        before = undefined;
      } else before = conditions.or(before, here);
      for (const segment of text) out.push(segment);
    }
    return out;
  }

  /** All texts that it can be, or undefined for too many. Joints are one space, none at the ends. */
  alternatives(segments: readonly Segment[]): Alternative[] | undefined {
    const { TRUE, FALSE } = this.#conditions;
    let all: { when: ExprId; text: string; isJointDue: boolean }[] = [{ when: TRUE, text: '', isJointDue: false }];
    for (const { when, text, isJoint } of segments) {
      if (isJoint) {
        all = all.map((one) => ({ ...one, isJointDue: true }));
        continue;
      }
      const next: typeof all = [];
      for (const one of all) {
        const both = this.#conditions.and(one.when, when);
        const without = when === TRUE ? FALSE : this.#conditions.and(one.when, this.#conditions.not(when));
        if (without !== FALSE) next.push({ ...one, when: without });
        const joint = one.isJointDue && one.text !== '' ? ' ' : '';
        if (both !== FALSE) next.push({ when: both, text: one.text + joint + text, isJointDue: false });
      }
      if (next.length > MAX_ALTERNATIVES) return undefined;
      all = next;
    }
    const byText = new Map<string, ExprId>();
    for (const { when, text } of all) byText.set(text, this.#conditions.or(byText.get(text) ?? FALSE, when));
    return [...byText].map(([text, when]) => ({ when, text }));
  }

  /** When there is anything in it; with `isStripped` white space alone does not count. */
  isNonEmpty(segments: readonly Segment[], isStripped: boolean): ExprId {
    let when = this.#conditions.FALSE;
    for (const segment of segments) {
      if (segment.isJoint || segment.text === '') continue;
      if (isStripped && !/[^ \t\n]/.test(segment.text)) continue;
      const known = segment.text.replaceAll(HOLES, '');
      let filled = segment.when;
      if (isStripped ? !/[^ \t\n]/.test(known) : known === '') {
        const holes = holesIn(segment.text).map((symbol) => this.#conditions.not(this.#conditions.isText(symbol, '')));
        filled = this.#conditions.and(
          filled,
          holes.reduce((a, b) => this.#conditions.or(a, b)),
        );
      }
      when = this.#conditions.or(when, filled);
      if (when === this.#conditions.TRUE) break;
    }
    return when;
  }

  /** When two texts are the same, as `ifeq` compares them. */
  isEqual(left: readonly Segment[], right: readonly Segment[]): ExprId {
    if (right.length === 0) return this.#conditions.not(this.isNonEmpty(left, false));
    if (left.length === 0) return this.#conditions.not(this.isNonEmpty(right, false));
    const [a, b] = [this.alternatives(left), this.alternatives(right)];
    if (!a || !b) return this.#conditions.unknown(`${this.shown(left)} = ${this.shown(right)}`);
    let when = this.#conditions.FALSE;
    for (const one of a) {
      for (const other of b) {
        const both = this.#conditions.and(one.when, other.when);
        if (both === this.#conditions.FALSE) continue;
        when = this.#conditions.or(when, this.#conditions.and(both, this.sameText(one.text, other.text)));
      }
    }
    return when;
  }

  /** When two texts of one configuration each are the same; holes compare with what they are. */
  sameText(a: string, b: string): ExprId {
    if (a === b) return this.#conditions.TRUE;
    const [holed, other] = hasHole(a) ? [a, b] : [b, a];
    if (!hasHole(holed)) return this.#conditions.FALSE;
    const only = HOLE_ALONE.exec(holed);
    if (only && !hasHole(other)) return this.#conditions.isText(Number(only[1]), other);
    return this.#conditions.unknown(`${this.#named(a)} = ${this.#named(b)}`);
  }

  /** For the name of an unknown: short, and different for different texts as far as it goes. */
  shown(segments: readonly Segment[]): string {
    let text = '';
    for (const segment of segments) {
      text += segment.when === this.#conditions.TRUE ? segment.text : `[${segment.when}:${segment.text}]`;
      if (text.length > 400) break;
    }
    return this.#named(text);
  }

  #named(text: string): string {
    return text.replaceAll(HOLES, (_, symbol: string) => {
      const name = this.#conditions.pool.names[Number(symbol)]!;
      return this.#conditions.isUnknown(Number(symbol)) ? name : `$(CONFIG_${name})`;
    });
  }

  #merged(words: readonly Word[]): Word[] {
    if (words.length < 2) return [...words];
    const byText = new Map<string, Word>();
    for (const word of words) {
      const seen = byText.get(word.text);
      byText.set(word.text, seen ? { ...seen, when: this.#conditions.or(seen.when, word.when) } : word);
    }
    if (byText.size <= MAX_ALTERNATIVES) return [...byText.values()];
    return this.unknown('one of many words').map(({ when, text }) => ({ when, text }));
  }
}

function place(word: Word, at: Place | undefined): { at?: Place } {
  const known = word.text === '' ? (at ?? word.at) : (word.at ?? at);
  return known ? { at: known } : {};
}

function holesIn(text: string): SymbolId[] {
  return [...text.matchAll(HOLES)].map((match) => Number(match[1]));
}
