/**
 * What a function calls on one side of a series, as far as it is known what that is in all configurations that are
 * looked at: functions to follow and constants of stubs.
 */

import type { Arch, Side } from '../types.ts';
import { type Condition, isConfigured } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { callsInMacro } from './c-definitions.ts';
import type { FunctionDef } from './control-flow.ts';
import { callsIn, reachingStubs } from './helper-results.ts';
import { QUIET } from './known-calls.ts';
import type { Meaning, Unit } from './meanings.ts';
import type { Side as EffectSide } from './stub-effect.ts';
import type { StubSearch } from './stub-search.ts';

/** What the configurations make of a condition; undefined where they differ. */
export type Decide = (c: Condition) => boolean | undefined;

export interface Position {
  readonly path: string;
  readonly line: number;
}

export interface CalledCode {
  readonly side: EffectSide;
  /** What names stand for. */
  readonly places: ReadonlyMap<string, Position>;
  /** All names that are called, whatever they stand for, and those of which nothing at all is known. */
  readonly names: ReadonlySet<string>;
  readonly unknown: ReadonlySet<string>;
  /** Stubs that are in force in some of the configurations only. */
  readonly open: ReadonlyMap<string, readonly (Meaning & { readonly constant: Constant })[]>;
  /** A name that may stand for a stub, or lead to one, in a way that is not followed. */
  readonly doubt?: string;
}

/** Names that one question follows. */
const MOST_NAMES = 600;
/** Files from which a call leads to the next. */
const MOST_HOPS = 2;

export interface Follow {
  readonly search: StubSearch;
  readonly side: Side;
  readonly decide: Decide;
  /** For functions of files that the series leaves alone as well; those are not followed without it. */
  readonly far?: Arch;
  /** Whether a stub has to do with what the question is about; another is in force wherever the function is built. */
  readonly isBlamed?: (when: Condition) => boolean;
}

/** All that `of` calls, itself and through what it calls. */
export async function calledCode(of: FunctionDef, follow: Follow): Promise<CalledCode> {
  return await new Following(of, follow).run();
}

interface Wanted {
  readonly unitPath: string;
  readonly name: string;
  readonly hops: number;
}

/** What a name stands for. */
type Standing =
  | (Position & {
      readonly constant?: Constant;
      readonly when?: Condition;
      readonly def?: FunctionDef;
      readonly isFar?: true;
    })
  | { readonly open: readonly (Meaning & { readonly constant: Constant })[] }
  /** One of them; what they can come to is examined. */
  | { readonly several: readonly FunctionDef[] }
  | 'doubtful'
  /** Something that needs no following. */
  | 'other';

class Following {
  readonly #of: FunctionDef;
  readonly #follow: Follow;
  readonly #helpers = new Map<string, FunctionDef>();
  readonly #several = new Map<string, FunctionDef>();
  readonly #stubs = new Map<string, Constant>();
  readonly #blamed = new Set<string>();
  readonly #places = new Map<string, Position>();
  readonly #names = new Set<string>();
  readonly #unknown = new Set<string>();
  readonly #open = new Map<string, readonly (Meaning & { readonly constant: Constant })[]>();
  readonly #queue: Wanted[] = [];
  #doubt: string | undefined;

  constructor(of: FunctionDef, follow: Follow) {
    this.#of = of;
    this.#follow = follow;
  }

  async run(): Promise<CalledCode> {
    const { search, side } = this.#follow;
    this.#enqueue(this.#of.path, this.#of, 0);
    for (const wanted of this.#queue) {
      const { unitPath, name } = wanted;
      if (this.#names.has(name) || QUIET.test(name)) continue;
      if (this.#names.size >= MOST_NAMES) {
        this.#doubt ??= name;
        break;
      }
      this.#names.add(name);
      const unit = await search.unit(side, unitPath);
      const found = unit && (await this.#standing(unit, name, wanted.hops));
      if (found === undefined) {
        if (wanted.hops === 0) this.#unknown.add(name);
      } else if (found === 'doubtful') this.#doubt ??= name;
      else if (found !== 'other') this.#take(wanted, found);
    }
    if (this.#several.size > 0) {
      const reaching = reachingStubs(new Map([...this.#helpers, ...this.#several]), this.#blamed);
      this.#doubt ??= [...this.#several.keys()].find((name) => reaching.has(name));
    }
    return {
      side: { of: this.#of, helpers: this.#helpers, stubs: this.#stubs },
      places: this.#places,
      names: this.#names,
      unknown: this.#unknown,
      open: this.#open,
      ...(this.#doubt !== undefined && { doubt: this.#doubt }),
    };
  }

  #take({ unitPath, name, hops }: Wanted, found: Exclude<Standing, string>): void {
    if ('open' in found) this.#open.set(name, found.open);
    else if ('several' in found) {
      for (const [i, def] of found.several.entries()) {
        this.#several.set(`${name}#${i}`, def);
        this.#enqueue(def.path, def, hops + 1);
      }
    } else {
      const { path, line, constant, when, def, isFar } = found;
      this.#places.set(name, { path, line });
      if (constant) {
        this.#stubs.set(name, constant);
        if (when !== undefined && this.#isBlamed(when)) this.#blamed.add(name);
      } else if (def && def.function !== this.#of.function) {
        this.#helpers.set(name, def);
        this.#enqueue(def.path.endsWith('.h') ? unitPath : def.path, def, isFar ? hops + 1 : hops);
      }
    }
  }

  #enqueue(unitPath: string, def: FunctionDef, hops: number): void {
    for (const name of callsIn(def)) this.#queue.push({ unitPath, name, hops });
  }

  /** Undefined where nobody knows the name. */
  async #standing(unit: Unit, name: string, hops: number): Promise<Standing | undefined> {
    const { search, side, decide } = this.#follow;
    if (name.startsWith('.')) {
      const def = await search.handedTo(side, name.slice(1));
      return def && { path: def.path, line: def.function.line, def };
    }
    const bodies = (await unit.meanings(name)).filter(({ kind }) => kind !== 'declared');
    const left = bodies.filter(({ when }) => decide(when) !== false);
    if (left.length === 0) return (await this.#shared(name)) ?? (await this.#far(name, unit.path, hops));
    const [one] = left;
    if (left.length > 1 || !one || decide(one.when) !== true) return openAmong(left);
    const { kind, path, line, alias, constant, def, macro } = one;
    if (alias !== undefined) {
      const inner = alias === name ? 'other' : await this.#standing(unit, alias, hops);
      return kind === 'alias' || inner === undefined || typeof inner === 'string' ? inner : withOtherArguments(inner);
    }
    // one that is so in every configuration is no stub
    if (constant && isConfigured(one.when)) return { path, line, constant, when: one.when };
    if (macro) return await this.#inMacro(unit, macro, hops);
    return def && !def.function.weak ? { path, line, def } : 'other';
  }

  #isBlamed(when: Condition): boolean {
    return this.#follow.isBlamed?.(when) ?? true;
  }

  /** A macro is not followed: there is doubt where it may come to a stub. */
  async #inMacro(unit: Unit, { name, body, params }: NonNullable<Meaning['macro']>, hops: number): Promise<Standing> {
    const calls = callsInMacro(body, params).filter((one) => one !== name && !QUIET.test(one));
    const defs: FunctionDef[] = [];
    for (const one of this.#follow.far === undefined ? [] : calls) {
      const own = await unit.meanings(one);
      if (own.some(({ kind, macro, alias }) => kind === 'unclear' && macro && alias === undefined)) continue;
      const inner = await this.#standing(unit, one, hops);
      if (inner === undefined || inner === 'other') continue;
      if (inner === 'doubtful') return inner;
      if ('open' in inner) continue;
      if ('several' in inner) defs.push(...inner.several);
      else if (inner.when !== undefined && this.#isBlamed(inner.when)) return 'doubtful';
      else if (inner.def) defs.push(inner.def);
    }
    return defs.length > 0 ? { several: defs } : 'other';
  }

  async #shared(name: string): Promise<Standing | undefined> {
    const { search, side } = this.#follow;
    const def = side === 'after' ? (await search.code()).shared(name) : undefined;
    return def && { path: def.path, line: def.function.line, def };
  }

  async #far(name: string, from: string, hops: number): Promise<Standing | undefined> {
    const { search, side, far } = this.#follow;
    if (far === undefined) return undefined;
    if (hops >= MOST_HOPS) return 'other';
    // what gives nothing back does not keep its caller from anything
    const all = await search.far(side).of(name, from, far);
    const defs = all.filter(({ function: { type } }) => type !== 'void');
    const [def, ...others] = defs;
    if (!def) return all.length > 0 ? 'other' : undefined;
    return others.length > 0 ? { several: defs } : { path: def.path, line: def.function.line, def, isFar: true };
  }
}

/** What gives back a constant does so whatever it is given; of any other function nothing is known of the parameters. */
function withOtherArguments(found: Exclude<Standing, string>): Standing {
  if (!('path' in found) || !found.def) return found;
  return { ...found, def: { ...found.def, function: { ...found.def.function, params: [] } } };
}

/** Of what may be in force. */
function openAmong(left: readonly Meaning[]): Standing {
  const open = left.flatMap((one) =>
    one.constant && one.constant.k !== 'void' && isConfigured(one.when) ? [{ ...one, constant: one.constant }] : [],
  );
  return open.length > 0 ? { open } : 'other';
}
