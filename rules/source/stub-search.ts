/**
 * Ways by which a function that was there before a series comes to a stub that it did not call before: from the calls
 * that the series adds to it, or puts under another condition, through functions of the series, of its own file and
 * of headers, to a name that stands for a constant in some configuration. A matter of the text alone.
 */

import type { KernelChange, TreeSide } from '../rule.ts';
import type { Side } from '../types.ts';
import { type CallSite, callsIn } from './c-calls.ts';
import { conditionText, isConfigured } from './c-condition.ts';
import { entriesOf } from './c-entries.ts';
import type { CFile } from './c-file.ts';
import { ChangedCode, type ChangedFunction, isSame } from './changed-functions.ts';
import type { FunctionDef } from './control-flow.ts';
import { FarFunctions } from './far-functions.ts';
import { HeaderReach } from './header-reach.ts';
import { QUIET } from './known-calls.ts';
import { type Meaning, Unit } from './meanings.ts';
import { MemberSets } from './member-sets.ts';
import { UserSearch } from './users.ts';

/** A call on the way. */
export interface Call {
  readonly caller: FunctionDef;
  readonly site: CallSite;
}

export interface Chain {
  readonly of: ChangedFunction & { readonly before: FunctionDef };
  /** From `of` down; the last one is of the stub. */
  readonly calls: readonly Call[];
  readonly stub: Meaning & { readonly kind: 'constant' };
}

/** Functions between the old one and the stub, and one more. */
const MOST_CALLS = 6;
/** Names looked up for one series. */
const MOST_NAMES = 4000;
/** Lines that name a member of a table of operations. */
const MOST_LINES = 2000;
/** Ways of one series. */
const MOST_FOUND = 200;
/** Ways from one function. */
const MOST_CHAINS = 12;

export class StubSearch {
  readonly #change: KernelChange;
  readonly #reach: Readonly<Record<Side, HeaderReach>>;
  readonly #units = new Map<string, Promise<Unit | undefined>>();
  #code: Promise<ChangedCode> | undefined;
  readonly #handed = new Map<Side, Promise<ReadonlyMap<string, readonly FunctionDef[]>>>();
  readonly #far: Readonly<Record<Side, FarFunctions>>;
  readonly #users: Readonly<Record<Side, UserSearch>>;
  readonly #members: MemberSets;
  readonly #pointees = new Map<string, Promise<FunctionDef | undefined>>();
  #names = 0;
  #isCut = false;

  constructor(change: KernelChange) {
    this.#change = change;
    const reach = ({ tree, c }: TreeSide): HeaderReach => new HeaderReach(tree, c.words);
    this.#reach = { before: reach(change.before), after: reach(change.after) };
    const users = (side: Side): UserSearch => new UserSearch(change[side].c, (path) => this.unit(side, path));
    this.#users = { before: users('before'), after: users('after') };
    this.#members = new MemberSets(change.before.c);
    this.#far = { before: new FarFunctions(change.before.c), after: new FarFunctions(change.after.c) };
  }

  /** All ways of the series, the shortest of each function first. */
  async chains(): Promise<readonly Chain[]> {
    const found: Chain[] = [];
    for (const one of (await this.code()).functions) {
      const { before } = one;
      this.#isCut ||= found.length >= MOST_FOUND;
      if (this.#isCut) break;
      if (!before || !one.after.path.endsWith('.c') || isSame(one)) continue;
      const old = new Set((await this.#callsOf('before', before)).map(keyOf));
      const fresh = (await this.#callsOf('after', one.after)).filter((site) => !old.has(keyOf(site)));
      found.push(...(await this.#follow({ ...one, before }, fresh)));
    }
    return found;
  }

  /** The same, one step longer, from functions of the same file that call the chain's function. */
  async callersOf({ of, calls, stub }: Chain): Promise<readonly Chain[]> {
    const found: Chain[] = [];
    for (const one of (await this.code()).functions) {
      if (!one.before || one.after.path !== of.after.path || calls.some(({ caller }) => caller === one.after)) continue;
      const site = (await this.#callsOf('after', one.after)).find(({ callee }) => callee === of.after.function.name);
      if (site)
        found.push({ of: { ...one, before: one.before }, calls: [{ caller: one.after, site }, ...calls], stub });
    }
    return found;
  }

  code(): Promise<ChangedCode> {
    return (this.#code ??= ChangedCode.of(this.#change));
  }

  /** Files and ways that were left out: nothing can be concluded from what was not found there. */
  async leftOut(): Promise<readonly string[]> {
    const { unread } = await this.code();
    return this.#isCut ? [...unread, 'more ways'] : unread;
  }

  unit(side: Side, path: string): Promise<Unit | undefined> {
    const key = `${side} ${path}`;
    const known = this.#units.get(key) ?? Unit.open(this.#change[side].c, path, this.#reach[side]);
    this.#units.set(key, known);
    return known;
  }

  /**
   * The function that a call through a member of that name leads to: where the tree has one such member, and a changed
   * file is the only one that puts something into it, always the same function.
   */
  handedTo(side: Side, member: string): Promise<FunctionDef | undefined> {
    const key = `${side} ${member}`;
    const known = this.#pointees.get(key) ?? this.#pointee(side, member);
    this.#pointees.set(key, known);
    return known;
  }

  /** Functions of files that the series leaves alone. */
  far(side: Side): FarFunctions {
    return this.#far[side];
  }

  /** Who comes to a function. */
  users(side: Side): UserSearch {
    return this.#users[side];
  }

  /** When members of structures were set without the series. */
  get membersBefore(): MemberSets {
    return this.#members;
  }

  async #pointee(side: Side, member: string): Promise<FunctionDef | undefined> {
    const handed = this.#handed.get(side) ?? this.#handedOut(side);
    this.#handed.set(side, handed);
    const [def, ...others] = (await handed).get(member) ?? [];
    if (!def || others.length > 0) return undefined;
    const lines = await this.#change[side].tree.grep([member], MOST_LINES);
    const declared = new RegExp(`\\(\\s*\\*\\s*(?:const\\s+)?${member}\\s*\\)\\s*\\(`);
    const set = new RegExp(`(?:\\.|->)\\s*${member}\\s*=(?!=)`);
    const isOne = lines.filter(({ text }) => declared.test(text)).length === 1;
    const isHere = lines.every(({ path, text }) => path === def.path || !set.test(text));
    return lines.length < MOST_LINES && isOne && isHere ? def : undefined;
  }

  async #follow(of: Chain['of'], fresh: readonly CallSite[]): Promise<Chain[]> {
    const found: Chain[] = [];
    const seen = new Set<string>();
    let step: { readonly unitPath: string; readonly calls: readonly Call[] }[] = fresh.map((site) => ({
      unitPath: of.after.path,
      calls: [{ caller: of.after, site }],
    }));
    while (step.length > 0) {
      const next: typeof step = [];
      for (const { unitPath, calls } of step) {
        const { site } = calls.at(-1)!;
        const key = `${unitPath} ${site.isPointer ? '.' : ''}${site.callee}`;
        if (seen.has(key) || QUIET.test(site.callee)) continue;
        seen.add(key);
        if (found.length >= MOST_CHAINS || ++this.#names > MOST_NAMES) {
          this.#isCut = true;
          return found;
        }
        const unit = await this.unit('after', unitPath);
        if (!unit) continue;
        for (const meaning of await this.#meanings(unit, site)) {
          if (isStub(meaning)) found.push({ of, calls, stub: meaning });
          const { def } = meaning;
          if (meaning.kind !== 'code' || !def || calls.length >= MOST_CALLS) continue;
          const path = def.path.endsWith('.h') ? unitPath : def.path;
          for (const inner of await this.#callsOf('after', def))
            next.push({ unitPath: path, calls: [...calls, { caller: def, site: inner }] });
        }
      }
      step = next;
    }
    return found;
  }

  async #meanings(unit: Unit, { callee, isPointer }: CallSite): Promise<readonly Meaning[]> {
    if (isPointer) {
      const def = await this.handedTo('after', callee);
      return def ? [{ kind: 'code', path: def.path, line: def.function.line, when: true, def }] : [];
    }
    const own = await unit.meanings(callee);
    const all = [...own];
    for (const { alias } of own) if (alias !== undefined) all.push(...(await unit.meanings(alias)));
    if (all.every(({ kind }) => kind !== 'code')) {
      const def = (await this.code()).shared(callee);
      if (def) all.push({ kind: 'code', path: def.path, line: def.function.line, when: true, def });
    }
    return all;
  }

  async #callsOf(side: Side, def: FunctionDef): Promise<readonly CallSite[]> {
    const read = await this.#change[side].c.file(def.path);
    return read?.ok ? callsIn(read.file, def.function) : [];
  }

  async #handedOut(side: Side): Promise<ReadonlyMap<string, readonly FunctionDef[]>> {
    const found = new Map<string, FunctionDef[]>();
    for (const path of (await this.code()).files[side]) {
      const read = await this.#change[side].c.file(path);
      for (const [member, def] of read?.ok ? tablesOf(path, read.file) : []) {
        const known = found.get(member) ?? [];
        if (!known.some(({ function: one }) => one === def.function)) found.set(member, [...known, def]);
      }
    }
    return found;
  }
}

function* tablesOf(path: string, file: CFile): Generator<[string, FunctionDef]> {
  for (const { how, to, name } of entriesOf(file)) {
    if ((how !== 'table' && how !== 'assigned') || to === undefined) continue;
    for (const one of file.functions) if (one.name === name) yield [to, { path, file, function: one }];
  }
}

/** The constant of one configuration, where another one has something else. */
function isStub(meaning: Meaning): meaning is Chain['stub'] {
  return meaning.kind === 'constant' && meaning.constant?.k !== 'void' && isConfigured(meaning.when);
}

const keyOf = ({ callee, isPointer, when }: CallSite): string =>
  `${isPointer ? '.' : ''}${callee} ${conditionText(when)}`;
