/**
 * Clocks and regulators that a driver enables only in its runtime resume callback. With CONFIG_PM off nobody calls
 * that: include/linux/pm_runtime.h has stubs which say that all went well, and include/linux/pm.h leaves the callback
 * out of its table (Documentation/power/runtime_pm.rst, section 3).
 */

import type { Tree } from '../types.ts';
import type { Expr } from './c-ast.ts';
import { visitExprs } from './c-ast.ts';
import { type CallSite, callsOf } from './c-calls.ts';
import { all, any, type Condition, not } from './c-condition.ts';
import type { CFile } from './c-file.ts';
import { livenessOf } from './c-liveness.ts';
import { type Held, Holders, isSame, membersOf } from './holders.ts';

type Kind = 'clock' | 'regulator';

/** Something that a file enables under runtime PM alone. */
export interface PowerUse {
  /** The member that holds it: `hsm_clock` of `clk_prepare_enable(hdmi->hsm_clock)`. */
  readonly name: string;
  /** All members that may hold it. */
  readonly names: readonly string[];
  readonly what: Kind;
  /** What enables it: `clk_prepare_enable`. */
  readonly callee: string;
  readonly caller: string;
  readonly line: number;
  /** When nothing else in the file enables it, and runtime PM is asked for the device. */
  readonly when: Condition;
  /** When runtime PM calls the callback. */
  readonly declared: Condition;
  /** The line that hands the callback to runtime PM. */
  readonly at: { readonly path: string; readonly line: number };
}

/** What enables what it is given, and as which argument (include/linux/clk.h, include/linux/regulator/consumer.h). */
const ENABLERS = new Map<string, { readonly what: Kind; readonly at: number }>([
  ['clk_enable', { what: 'clock', at: 0 }],
  ['clk_prepare_enable', { what: 'clock', at: 0 }],
  ['clk_bulk_enable', { what: 'clock', at: 1 }],
  ['clk_bulk_prepare_enable', { what: 'clock', at: 1 }],
  ['regulator_enable', { what: 'regulator', at: 0 }],
  ['regulator_bulk_enable', { what: 'regulator', at: 1 }],
]);
/** What gets clocks enabled: devm_clk_get_optional_enabled(), devm_clk_bulk_get_all_enabled() and their like. */
const GETS_ENABLED = /^(?=.{1,64}$)\w*clk\w*_get\w*_enabled?(?:_\w+)?$/;
/** What enables nothing that is given to it, but for `ENABLERS`. */
const HARMLESS =
  /^(?:(?:devm_)?(?:of_)?(?:clk|regulator)_\w+|(?:IS_ERR|PTR_ERR|WARN|BUG|dev_(?:err|warn|notice|info|v?dbg)|pr_)\w*|(?:un)?likely|ARRAY_SIZE)$/;
/** Calls in one file that enable something. No file of Linux 6.12 has more than 18. */
const MAX_SITES = 400;
/** Words of which one stands in every file that hands a callback to runtime PM. */
const WORDS = [
  ...['SET_RUNTIME_PM_OPS', 'RUNTIME_PM_OPS', 'UNIVERSAL_DEV_PM_OPS', '_DEFINE_DEV_PM_OPS', 'runtime_resume'],
  ...['DEFINE', 'EXPORT', 'EXPORT_GPL', 'EXPORT_NS', 'EXPORT_NS_GPL'].map((start) => `${start}_RUNTIME_DEV_PM_OPS`),
];
/** Lines of a tree that have one. Linux 6.12 has 2,000. */
const MAX_LINES = 20_000;
/** Which argument of a macro is the runtime resume callback (include/linux/pm.h, pm_runtime.h). */
const RESUME_ARGUMENT: readonly (readonly [RegExp, number])[] = [
  [/^(?:SET_)?RUNTIME_PM_OPS$/, 1],
  [/RUNTIME_DEV_PM_OPS$|^UNIVERSAL_DEV_PM_OPS$/, 2],
  [/^_\w*DEV_PM_OPS$/, 4],
];
/** What asks runtime PM to resume a device. */
const ASKS = /^pm_runtime_(?:get|get_sync|resume_and_get|resume|force_resume)$/;

/** C files that may hand a callback to runtime PM; empty where there are more than can be searched. */
export async function filesOfRuntimePm(tree: Tree): Promise<ReadonlySet<string>> {
  const lines = await tree.grep(WORDS, MAX_LINES);
  return new Set(lines.length < MAX_LINES ? lines.map(({ path }) => path).filter((path) => path.endsWith('.c')) : []);
}

/** `path` is the file's own. Empty where the file cannot be told apart from one that enables all by itself. */
export function powerUsesIn(path: string, file: CFile): readonly PowerUse[] {
  const callbacks = callbacksIn(file);
  const power = callbacks.size > 0 ? powerIn(file) : undefined;
  if (!power) return [];
  const { calls, live, sites, enabled } = power;
  const reached = reachedFrom(new Map([...callbacks].map(([name]) => [name, name])), calls);
  if (file.macros.some(({ body }) => wordsIn(body).some((word) => reached.has(word)))) return [];
  const asked = any(...calls.filter(({ callee }) => ASKS.test(callee)).map((one) => all(one.when, live(one.caller))));
  const own = new Set(file.functions.map(({ name }) => name));
  const found = new Map<string, PowerUse>();
  for (const { held, what, callee, caller, line } of sites) {
    const callback = reached.get(caller);
    if (!held || callback === undefined || found.has(held.name)) continue;
    const when = all(not(any(enabled(what, held), givenAway(held, power, own))), asked);
    if (when === false) continue;
    found.set(held.name, {
      ...{ name: held.name, names: [...held.names], what, callee, caller, line, when },
      declared: { symbol: 'PM', is: 'enabled' },
      at: { path, line: callbacks.get(callback)! },
    });
  }
  return [...found.values()];
}

/** When it is given to a function of another file, which may enable it. */
function givenAway(held: Held, { calls, holders, live }: Power, own: ReadonlySet<string>): Condition {
  const isGiven = ({ callee, args }: CallSite): boolean =>
    !own.has(callee) &&
    !HARMLESS.test(callee) &&
    args.some((arg) => {
      const given = holders.of(membersOf(arg));
      return given !== undefined && isSame(given, held);
    });
  return any(...calls.filter(isGiven).map((one) => all(one.when, live(one.caller))));
}

/** Whether the file is known to enable it, in some configuration, where nobody calls what it hands to runtime PM. */
export function isEnabledIn(file: CFile, { names, what }: PowerUse): boolean {
  const power = powerIn(file);
  const held = power?.holders.of(names);
  return power !== undefined && held !== undefined && power.enabled(what, held) !== false;
}

/** Whether another file's text enables something of that name, or gets it enabled. */
export function enablesIn(text: string, { names, what }: PowerUse): boolean {
  return text.split(/[;{}]/).some((statement) => {
    const words = wordsIn(statement);
    const enables = words.findIndex((word) => ENABLERS.get(word)?.what === what);
    if (enables >= 0 && words.slice(enables).some((word) => names.includes(word))) return true;
    // it may be assigned, or given
    return (
      what === 'clock' && words.some((word) => GETS_ENABLED.test(word)) && words.some((word) => names.includes(word))
    );
  });
}

interface Power {
  readonly holders: Holders;
  readonly calls: readonly CallSite[];
  /** When a function is kept where there is no runtime PM. */
  readonly live: (name: string) => Condition;
  /** Calls that enable. */
  readonly sites: readonly (CallSite & { readonly what: Kind; readonly held: Held | undefined })[];
  /** When something is enabled where there is no runtime PM. */
  readonly enabled: (what: Kind, held: Held) => Condition;
}

/** Undefined where it cannot be told what the file enables. */
function powerIn(file: CFile): Power | undefined {
  const calls = callsOf(file);
  if (calls.some(({ isDoubtful }) => isDoubtful)) return undefined;
  // whoever has the table may call what is in it
  if (calls.some(({ callee, isPointer }) => isPointer && callee === 'runtime_resume')) return undefined;
  const doesEnable = (word: string): boolean => ENABLERS.has(word) || GETS_ENABLED.test(word);
  if (file.macros.some(({ body }) => wordsIn(body).some(doesEnable))) return undefined;
  const isTable = (type: string): boolean => /\bdev_pm_ops\b/.test(type);
  // as it is for who has no PM
  const without: CFile = {
    ...file,
    variables: file.variables.filter(({ type }) => !isTable(type)),
    invocations: file.invocations.filter(({ macro }) => !/PM_OPS/.test(macro)),
  };
  const live = livenessOf(without, calls, { call: () => true });
  const holders = new Holders(file);
  const sites = calls.flatMap((site) => {
    const enabler = ENABLERS.get(site.callee);
    return enabler ? { ...site, what: enabler.what, held: holders.of(membersOf(site.args[enabler.at])) } : [];
  });
  if (sites.length > MAX_SITES) return undefined;
  const taken = takenEnabled(file, holders);
  return {
    ...{ holders, calls, live, sites },
    enabled: (what, held) =>
      // one that is held in a variable may be any
      taken.some((one) => (one ? isSame(one, held) : what === 'clock')) ||
      any(
        ...sites
          .filter((one) => one.what === what && (!one.held || isSame(one.held, held)))
          .map((one) => all(one.when, live(one.caller))),
      ),
  };
}

function wordsIn(text: string): readonly string[] {
  return text.match(/[A-Za-z_]\w*/g) ?? [];
}

/** Runtime resume callbacks, by name, with the line that hands them out. */
function callbacksIn(file: CFile): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const own = new Set(file.functions.map(({ name }) => name));
  const put = (name: string | undefined, line: number): void => {
    if (name !== undefined && own.has(name) && !found.has(name)) found.set(name, line);
  };
  const argumentOf = (macro: string): number | undefined => RESUME_ARGUMENT.find(([one]) => one.test(macro))?.[1];
  for (const { macro, line, args } of file.invocations) put(args[argumentOf(macro) ?? -1], line);
  for (const { type, init } of file.variables) {
    if (!/\bdev_pm_ops\b/.test(type) || init.k !== 'list') continue;
    for (const { field, value, line } of init.items) {
      if (field === 'runtime_resume') put(nameIn(value), line);
      if (value.k !== 'call' || value.callee.k !== 'name') continue;
      const at = argumentOf(value.callee.name);
      const given = at === undefined ? undefined : value.args[at];
      if (given) put(nameIn(given), line);
    }
  }
  return found;
}

/** Functions that these call, directly or not, each with the one of them it comes from. */
function reachedFrom(from: ReadonlyMap<string, string>, calls: readonly CallSite[]): ReadonlyMap<string, string> {
  const found = new Map(from);
  const byCaller = Map.groupBy(calls, ({ caller }) => caller);
  for (const [caller, by] of found)
    for (const { callee, isPointer } of byCaller.get(caller) ?? [])
      if (!isPointer && !found.has(callee)) found.set(callee, by);
  return found;
}

/** What holds that which is enabled when it is got; undefined for a clock that may be in any member. */
function takenEnabled(file: CFile, holders: Holders): readonly (Held | undefined)[] {
  const found = new Map<Expr, Held | undefined>();
  const nameOf = (e: Expr | undefined): string => (e?.k === 'call' && e.callee.k === 'name' ? e.callee.name : '');
  for (const { body, otherBody = [] } of file.functions)
    visitExprs([...body, ...otherBody], (e) => {
      if (e.k === 'assign' && e.from && /enable/.test(nameOf(e.from))) {
        const held = holders.of(membersOf(e.to));
        if (held) found.set(e.from, held);
      }
      if (e.k === 'call' && GETS_ENABLED.test(nameOf(e)) && !found.has(e))
        // devm_clk_bulk_get_all_enabled() puts them where its last argument points to
        found.set(e, nameOf(e).includes('_bulk_') ? holders.of(membersOf(e.args.at(-1))) : undefined);
    });
  return [...found.values()];
}

function nameIn(e: Expr): string | undefined {
  if (e.k === 'call') return e.args.length === 1 ? nameIn(e.args[0]!) : undefined;
  if (e.k === 'cast' || e.k === 'unary') return nameIn(e.of);
  return e.k === 'name' ? e.name : undefined;
}
