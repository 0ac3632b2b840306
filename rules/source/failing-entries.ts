/**
 * Probe and init functions that can only fail where some function that they come to is a stub: what the stub returns
 * makes all ways through them end as failures, and what is returned otherwise does not.
 */

import { ANY, ofStub } from './abstract-value.ts';
import { type CallSite, callsOf } from './c-calls.ts';
import { type Condition, isConfigured, not } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { entriesOf } from './c-entries.ts';
import { type CFile, type CFunction, whenAt } from './c-file.ts';
import type { FunctionDef } from './control-flow.ts';
import { isMeantWell, resultKind } from './exits.ts';
import { callsIn } from './helper-results.ts';
import type { Meaning, Unit } from './meanings.ts';
import { PathFinder } from './paths.ts';

/** A call to which a probe or init function comes, and which a stub answers in some configurations. */
export interface StubCall {
  /** The stub, which is also what the file says. */
  readonly name: string;
  readonly callee: string;
  readonly constant: Constant;
  readonly line: number;
  /** The probe or init function. */
  readonly entry: string;
  /** When that is compiled. */
  readonly when: Condition;
  /** When the stub is not in force. */
  readonly declared: Condition;
  /** Where the stub is defined. */
  readonly at: { readonly path: string; readonly line: number };
}

/** Visits of nodes that one question may take (paths.ts). */
const EFFORT = 20_000;

/** Of one file, as the compiler sees it. */
export class EntryCode {
  readonly #unit: Unit;
  readonly #entries: readonly FunctionDef[];
  readonly #helpers: ReadonlyMap<string, FunctionDef>;

  constructor(unit: Unit) {
    const { file, path } = unit;
    const own = file.functions.map((one): FunctionDef => ({ path, file, function: one }));
    const names = beginnings(file);
    this.#unit = unit;
    this.#helpers = helpersIn(own);
    this.#entries = [...this.#helpers.values()].filter(({ function: { name } }) => names.has(name));
  }

  async stubCalls(): Promise<readonly StubCall[]> {
    const { file } = this.#unit;
    if (this.#entries.length === 0) return [];
    const own = new Set(file.functions.map(({ name }) => name));
    const calls = callsOf(file).filter(({ callee, isPointer }) => !isPointer && !own.has(callee));
    const found: StubCall[] = [];
    for (const of of this.#entries) {
      const followed = this.#followed(of);
      const sites = new Map<string, CallSite>();
      for (const one of calls) if (followed.has(one.caller) && !sites.has(one.callee)) sites.set(one.callee, one);
      for (const [name, { line }] of sites)
        for (const { constant, when, ...at } of await this.#stubs(name))
          found.push({
            ...{ name, callee: name, constant, line, entry: of.function.name, when: whenAt(file, of.function.line) },
            ...{ declared: not(when), at: { path: at.path, line: at.line } },
          });
    }
    return found;
  }

  /** Whether the entry ends well on some way with whatever the call gives, and on none with the stub's constant. */
  isFatal({ name, constant, entry }: StubCall): boolean {
    const of = this.#helpers.get(entry);
    const kind = of && resultKind(of.function.type);
    if (!of || kind !== 'errno') return false;
    const canEndWell = (value: typeof ANY): boolean | undefined => {
      const stubs = new Map([[name, value]]);
      const finder = new PathFinder({
        ...{ helpers: this.#helpers, stubs, decide: () => undefined, effort: { left: EFFORT } },
      });
      const ways = finder.paths(of);
      if (typeof ways === 'string' || ways.cut || !ways.isStubCalled || ways.exits.length === 0) return undefined;
      return ways.exits.some((exit) => isMeantWell(kind, exit.value));
    };
    return canEndWell(ofStub(constant)) === false && canEndWell({ ...ANY, stub: true }) === true;
  }

  /** The function, and those of the file to which it comes by calls. */
  #followed(of: FunctionDef): ReadonlySet<string> {
    const from = new Set([of.function.name]);
    for (const name of from)
      for (const callee of callsIn(this.#helpers.get(name)!)) if (this.#helpers.has(callee)) from.add(callee);
    return from;
  }

  /** Stubs that a call of the name may come to: functions of headers with a result of their own in some configurations. */
  async #stubs(name: string): Promise<(Meaning & { readonly constant: Constant })[]> {
    const all = await this.#unit.meanings(name);
    // what else it may be in the same configurations is not known
    if (all.some(({ kind }) => kind === 'unclear')) return [];
    return all.flatMap((one) =>
      one.kind === 'constant' && one.constant && one.constant.k !== 'void' && isConfigured(one.when)
        ? { ...one, constant: one.constant }
        : [],
    );
  }
}

/** Functions with which all begins that a driver does: its probe, or what its module runs first. */
function beginnings(file: CFile): ReadonlySet<string> {
  const entries = entriesOf(file).filter(
    ({ how, to = '', type = '' }) =>
      (how === 'table' && to === 'probe' && /\bdriver\b|_driver\b/.test(type)) ||
      (how === 'macro' && /^(?:module_init|(?:core|postcore|arch|subsys|fs|rootfs|device|late)_initcall)$/.test(to)),
  );
  return new Set(entries.map(({ name }) => name));
}

function isWhole({ unread, otherBody }: CFunction): boolean {
  return !unread && !otherBody;
}

/** Functions of the file that can be followed. */
function helpersIn(own: readonly FunctionDef[]): ReadonlyMap<string, FunctionDef> {
  const byName = Map.groupBy(own, ({ function: { name } }) => name);
  return new Map(
    [...byName].flatMap(([name, [one, ...others]]) =>
      one && others.length === 0 && isWhole(one.function) ? [[name, one] as const] : [],
    ),
  );
}
