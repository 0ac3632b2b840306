/**
 * Probe and init functions that can only fail where some function that they come to is a stub: what the stub returns
 * makes all ways through them end as failures, and what is returned otherwise does not.
 */

import { ANY, ofStub, type Value } from './abstract-value.ts';
import { withCallees } from './c-ast.ts';
import { callsOf } from './c-calls.ts';
import { all as and, type Condition, conditionText, isConfigured, not, symbolsOf } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { entriesOf } from './c-entries.ts';
import { type CFile, type CFunction, whenAt } from './c-file.ts';
import { livenessOf } from './c-liveness.ts';
import type { MacroLine } from './c-preprocess.ts';
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
  /** Lines of all such calls: `line` is one of them. */
  readonly lines: readonly number[];
  /** The probe or init function. */
  readonly entry: string;
  /** The type of the table that has the probe, `pci_driver`; absent of an init function. */
  readonly driver?: string;
  /** When that is compiled. */
  readonly when: Condition;
  /** When the stub is not in force. */
  readonly declared: Condition;
  /** Where the stub is defined. */
  readonly at: { readonly path: string; readonly line: number };
}

/** Probe and init functions of one file. Few have more than two. */
const MAX_ENTRIES = 16;
/** Calls of one stub of which each is looked at for itself. */
const MAX_LINES = 12;
/** Visits of nodes that one question may take (paths.ts). */
const EFFORT = 20_000;

/** Of one file, as the compiler sees it. */
export class EntryCode {
  readonly #unit: Unit;
  readonly #beginnings: ReadonlyMap<string, Beginning>;
  readonly #entries: readonly FunctionDef[];
  readonly #helpers: ReadonlyMap<string, FunctionDef>;
  #stubCalls: Promise<readonly StubCall[]> | undefined;

  constructor(unit: Unit) {
    const { file, path } = unit;
    const own = file.functions.map((one): FunctionDef => ({ path, file, function: one }));
    this.#unit = unit;
    this.#beginnings = beginnings(file);
    this.#helpers = helpersIn(own);
    this.#entries = [...this.#helpers.values()].filter(({ function: { name } }) => this.#beginnings.has(name));
  }

  stubCalls(): Promise<readonly StubCall[]> {
    this.#stubCalls ??= this.#findStubCalls();
    return this.#stubCalls;
  }

  async #findStubCalls(): Promise<readonly StubCall[]> {
    const { file } = this.#unit;
    if (this.#entries.length === 0 || this.#beginnings.size > MAX_ENTRIES) return [];
    const own = new Set(file.functions.map(({ name }) => name));
    const all = callsOf(file);
    const calls = all.filter(({ callee, isPointer }) => !isPointer && !own.has(callee));
    // a driver that is compiled may be registered in some configurations alone
    const live = livenessOf(file, all, { call: () => true });
    const found: StubCall[] = [];
    for (const of of this.#entries) {
      const followed = this.#followed(of);
      const sites = Map.groupBy(
        calls.filter(({ caller }) => followed.has(caller)),
        ({ callee }) => callee,
      );
      if (await this.#hasHiddenWays([...sites.keys()])) continue;
      const { name: entry, line: begins } = of.function;
      const { driver } = this.#beginnings.get(entry)!;
      const when = and(whenAt(file, begins), live(entry));
      for (const [name, some] of sites) {
        const lines = [...new Set(some.map(({ line }) => line))];
        for (const { constant, when: isStub, path, line: at } of await this.#stubs(name))
          found.push({
            ...{ name, callee: name, constant, line: lines[0]!, lines, entry, when },
            ...{ declared: not(isStub), at: { path, line: at }, ...(driver && { driver }) },
          });
      }
    }
    return found;
  }

  /**
   * The call by which the entry can only fail with the stub's constant; undefined where it can do better, or others of
   * its kind in the file can: another driver that the file registers may be all that somebody wants of it.
   */
  async fatal(call: StubCall): Promise<StubCall | undefined> {
    const kind = this.#beginnings.get(call.entry)?.kind;
    if (kind === 'one-of-several' || !this.#isFatalTo(call)) return undefined;
    const calls = await this.stubCalls();
    for (const [name, { kind: other }] of this.#beginnings) {
      if (name === call.entry || (other !== kind && other !== 'one-of-several')) continue;
      const alike = calls.filter(({ entry, declared }) => entry === name && isSame(declared, call.declared));
      if (!alike.some((one) => this.#isFatalTo(one))) return undefined;
    }
    if (call.lines.length === 1) return call;
    const line = call.lines
      .slice(0, MAX_LINES)
      .find((at) => this.#canEndWell(call, ofStub(call.constant), at) === false);
    return line === undefined ? undefined : { ...call, line };
  }

  /** Whether the entry ends well on some way with whatever the call gives, and on none with the stub's constant. */
  #isFatalTo(call: StubCall): boolean {
    return (
      this.#canEndWell(call, ofStub(call.constant)) === false && this.#canEndWell(call, { ...ANY, stub: true }) === true
    );
  }

  /** Whether the entry can end well where all such calls, or the one on a line, give the value; undefined where that is not known. */
  #canEndWell({ name, entry }: StubCall, value: Value, line?: number): boolean | undefined {
    const helpers =
      line === undefined
        ? this.#helpers
        : new Map([...this.#helpers].map(([one, def]) => [one, withOneCall(def, name, line)]));
    const of = helpers.get(entry);
    const kind = of && resultKind(of.function.type);
    if (!of || kind !== 'errno') return undefined;
    const stubs = new Map([[name, value]]);
    const finder = new PathFinder({ helpers, stubs, decide: () => undefined, effort: { left: EFFORT } });
    const ways = finder.paths(of);
    if (typeof ways === 'string' || ways.cut || !ways.isStubCalled || ways.exits.length === 0) return undefined;
    return ways.exits.some((exit) => isMeantWell(kind, exit.value));
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
    const meanings = await this.#unit.meanings(name);
    // what else it may be in the same configurations is not known
    if (meanings.some(({ kind }) => kind === 'unclear')) return [];
    const macros = meanings.filter(({ kind }) => kind === 'alias' || kind === 'wrapper');
    return meanings.flatMap((one) =>
      one.kind === 'constant' &&
      one.constant &&
      one.constant.k !== 'void' &&
      isConfigured(one.when) &&
      macros.every(({ when }) => and(when, one.when) === false)
        ? { ...one, constant: one.constant }
        : [],
    );
  }

  /** Whether one of them is a macro that can return from where it stands, jump, or set what it is given. */
  async #hasHiddenWays(names: readonly string[]): Promise<boolean> {
    for (const name of names)
      if ((await this.#unit.meanings(name)).some(({ macro }) => macro && canLeave(macro))) return true;
    return false;
  }
}

/** What stands first in a driver; several in one table may be for different devices. */
interface Beginning {
  readonly kind: 'probe' | 'init' | 'one-of-several';
  readonly driver?: string;
}

/** Functions with which all begins that a driver does: its probe, or what its module runs first. */
function beginnings(file: CFile): ReadonlyMap<string, Beginning> {
  const found = new Map<string, Beginning>();
  for (const { name, how, to = '', type = '' } of entriesOf(file)) {
    const [driver] = /\b(?:\w+_)?driver\b/.exec(type) ?? [];
    if (how === 'table' && to === 'probe' && driver !== undefined && found.get(name)?.kind !== 'one-of-several')
      found.set(name, { kind: type.includes('[') ? 'one-of-several' : 'probe', driver });
    if (how === 'macro' && /^(?:module_init|(?:core|postcore|arch|subsys|fs|rootfs|device|late)_initcall)$/.test(to))
      found.set(name, { kind: 'init' });
  }
  return found;
}

/**
 * Whether the probe is for devices of a bus of which the stub is a part, and not the only one of its module: another
 * file is for devices of another bus, and where this one is off nobody calls the probe. `beside`: texts of other files.
 */
export function isOfOneBus({ driver, declared }: StubCall, beside: Iterable<string>): boolean {
  const bus = driver?.replace(/_?driver$/, '') ?? '';
  if (bus === '' || !symbolsOf(declared).some((symbol) => symbol.split('_')[0] === bus.toUpperCase())) return false;
  for (const text of beside)
    for (const [, other] of text.matchAll(/^(?:static )?(?:const )?struct (\w+_driver) \w+ = \{/gm))
      if (other !== driver) return true;
  return false;
}

/** The function with calls of that name on one line alone: others are of a name that nobody knows. */
function withOneCall(def: FunctionDef, name: string, line: number): FunctionDef {
  if (!callsIn(def).includes(name)) return def;
  const body = withCallees(def.function.body, ({ callee, line: at }) =>
    callee.k === 'name' && callee.name === name && at !== line ? `${name}()` : undefined,
  );
  return { ...def, function: { ...def.function, body } };
}

function canLeave({ body, params = [] }: MacroLine): boolean {
  if (/\b(?:return|goto)\b/.test(body)) return true;
  return params.some((param) => new RegExp(`(?:^|[^\\w.>])${param}\\s{0,4}\\)?\\s{0,4}=(?!=)`).test(body));
}

function isSame(a: Condition, b: Condition): boolean {
  return conditionText(a) === conditionText(b);
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
