/**
 * `#if` groups as they open and close: which arm each line is in, and what an arm means. Arms of a group that
 * are not whole pieces of C side by side, such as
 *
 *     #ifdef CONFIG_X
 *             if (a) {
 *     #else
 *             if (b) {
 *     #endif
 *
 * cannot both be left to a parser: one is chosen (always the same for the same condition), and the text is
 * read a second time with the other choice.
 */

import type { Condition } from './c-condition.ts';
import { all, conditionText, not } from './c-condition.ts';

/** Index into `arms`; 0 is the whole file. */
export type ArmId = number;

/** One branch of an `#if` group. */
export interface Arm {
  readonly parent: ArmId;
  /** The same for all branches of an `#if` group; 0 for the whole file. */
  readonly group: number;
  /** When its lines are compiled: with what is around it, and without the branches before it. */
  readonly when: Condition;
}

/** From `line` on (1-based) the text is in `arm`. */
export type Region = readonly [line: number, arm: ArmId];

/** Where the text stands between brackets, and whether a statement ended. */
export interface Position {
  readonly brace: number;
  readonly paren: number;
  /** Last character of code; empty at the beginning. */
  readonly last: string;
}

interface Branch {
  readonly arm: ArmId;
  readonly own: Condition;
  /** Lines between the directives, as indices: first, and the one after the last. */
  readonly from: number;
  to: number;
  end: Position;
  /** A bracket from before the group was closed in it. */
  dips: boolean;
}

interface Group {
  readonly id: number;
  readonly begin: Position;
  readonly branches: Branch[];
  readonly isGuard: boolean;
}

/** Lines that were left out, as indices: first, and the one after the last. */
export type Span = readonly [from: number, to: number];

/** More than this many branches, or groups in each other, and what follows is opaque: nothing in Linux 6.12 comes near. */
const MAX_ARMS = 20_000;
const MAX_NESTING = 64;
const MAX_BRANCHES = 200;

export class Conditionals {
  readonly arms: Arm[] = [{ parent: 0, group: 0, when: true }];
  readonly regions: Region[] = [[1, 0]];
  /** Lines of branches that were not chosen. */
  readonly left: Span[] = [];
  /** Lines of branches that are never compiled. */
  readonly dead: Span[] = [];
  readonly #prefer: 'first' | 'last';
  readonly #groups: Group[] = [];
  #opened = 0;
  readonly #choices = new Map<string, boolean>();
  /** A closed group whose branches all end in `)`: a signature, if a body follows. */
  #signatures: Group | undefined;

  constructor(prefer: 'first' | 'last') {
    this.#prefer = prefer;
  }

  get depth(): number {
    return this.#groups.length;
  }

  get current(): ArmId {
    return this.#groups.at(-1)?.branches.at(-1)?.arm ?? 0;
  }

  /** An `#if` whose code begins at line `from`. `isGuard`: it is the whole file's, and means nothing. */
  open(own: Condition, from: number, at: Position, isGuard: boolean): void {
    const group: Group = { id: ++this.#opened, begin: at, branches: [], isGuard };
    this.#groups.push(group);
    this.#begin(group, own, from, at);
  }

  /** An `#elif` or `#else` (`own` is true) at line `to`; code goes on at `from`. Returns where the text stands there. */
  next(own: Condition, to: number, from: number, at: Position): Position {
    const group = this.#groups.at(-1);
    if (!group) return at;
    this.#end(group, to, at);
    this.#begin(group, own, from, group.begin);
    return group.begin;
  }

  /** An `#endif` at line `to`; code goes on at `from`. Returns where the text stands there. */
  close(to: number, from: number, at: Position): Position {
    const group = this.#groups.pop();
    if (!group) return at;
    this.#end(group, to, at);
    this.regions.push([from + 1, this.current]);
    this.#signatures = undefined;
    const alive = group.branches.filter(({ own }) => own !== false);
    for (const { own, from: first, to: last } of group.branches) if (own === false) this.dead.push([first, last]);
    if (alive.length === 0) return group.begin;
    const filled = alive.filter(({ end }) => end.last !== OPENED);
    if (isExclusive(group, filled)) return this.#choose(group, alive);
    const end = filled.at(-1)?.end ?? group.begin;
    if (filled.length > 1 && end.brace === 0 && filled.every((one) => one.end.last === ')')) this.#signatures = group;
    return end;
  }

  /** Code goes on after a group; `first` is its first character. */
  code(first: string): void {
    const group = this.#signatures;
    this.#signatures = undefined;
    if (group && first === '{') this.#choose(group, group.branches);
  }

  /** Ends what is still open at the end of the text. */
  finish(lines: number, at: Position): void {
    while (this.#groups.length > 0) this.close(lines, lines, at);
  }

  /** A bracket was closed: is it one from outside? */
  closed(brace: number, paren: number): void {
    const group = this.#groups.at(-1);
    const branch = group?.branches.at(-1);
    if (branch && (brace < group!.begin.brace || paren < group!.begin.paren)) branch.dips = true;
  }

  #begin(group: Group, own: Condition, from: number, at: Position): void {
    const isBeyond =
      this.arms.length >= MAX_ARMS || this.#groups.length > MAX_NESTING || group.branches.length >= MAX_BRANCHES;
    const beyond: Condition = { opaque: `too many conditionals, line ${from}` };
    const isFirst = group.branches.length === 0;
    const when = group.isGuard
      ? isFirst
      : isBeyond
        ? beyond
        : all(...group.branches.map((branch) => not(branch.own)), own);
    const parent = this.#groups.at(-2)?.branches.at(-1)?.arm ?? 0;
    this.arms.push({ parent, group: group.id, when: isBeyond ? beyond : all(this.arms[parent]!.when, when) });
    const arm = this.arms.length - 1;
    const end = { ...at, last: OPENED };
    group.branches.push({ arm, own: when === false ? false : own, from, to: from, end, dips: false });
    this.regions.push([from + 1, arm]);
  }

  #end(group: Group, to: number, at: Position): void {
    const branch = group.branches.at(-1)!;
    branch.to = to;
    branch.end = at;
  }

  #choose(group: Group, alive: readonly Branch[]): Position {
    const first = alive[0]!;
    const isNegated = typeof first.own === 'object' && 'not' in first.own;
    const key = conditionText(isNegated ? not(first.own) : first.own);
    const known = this.#choices.get(key);
    const takesFirst = known === undefined ? this.#prefer === 'first' : known !== isNegated;
    if (known === undefined) this.#choices.set(key, takesFirst !== isNegated);
    const chosen = takesFirst ? first : alive.length < 2 ? undefined : alive.at(this.#prefer === 'first' ? 1 : -1);
    for (const branch of alive) if (branch !== chosen) this.left.push([branch.from, branch.to]);
    return chosen?.end ?? group.begin;
  }
}

/** Stands for "no code yet" in a branch. */
export const OPENED = '#';

/** Branches that a parser cannot read one after the other. */
function isExclusive({ begin, branches }: Group, filled: readonly Branch[]): boolean {
  const isUneven = branches.some(
    ({ end, dips, own }) => own !== false && (dips || end.brace !== begin.brace || end.paren !== begin.paren),
  );
  if (isUneven) return true;
  if (filled.length < 2) return false;
  return begin.paren > 0 || isMidStatement(begin) || filled.some(({ end }) => isMidStatement(end));
}

function isMidStatement({ last, brace }: Position): boolean {
  if (last === '' || last === OPENED) return false;
  return last === ')' ? brace > 0 : !';{},:'.includes(last);
}
