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

/** Something that a file enables under runtime PM alone. */
export interface PowerUse {
  /** The member that holds it: `hsm_clock` of `clk_prepare_enable(hdmi->hsm_clock)`. */
  readonly name: string;
  readonly what: 'clock' | 'regulator';
  /** What enables it: `clk_prepare_enable`. */
  readonly callee: string;
  readonly caller: string;
  readonly line: number;
  /** When nothing else in the file enables it. */
  readonly when: Condition;
  /** When runtime PM calls the callback. */
  readonly declared: Condition;
  /** The line that hands the callback to runtime PM. */
  readonly at: { readonly path: string; readonly line: number };
}

/** What enables what it is given, and as which argument (include/linux/clk.h, include/linux/regulator/consumer.h). */
const ENABLERS = new Map<string, { readonly what: PowerUse['what']; readonly at: number }>([
  ['clk_enable', { what: 'clock', at: 0 }],
  ['clk_prepare_enable', { what: 'clock', at: 0 }],
  ['clk_bulk_enable', { what: 'clock', at: 1 }],
  ['clk_bulk_prepare_enable', { what: 'clock', at: 1 }],
  ['regulator_enable', { what: 'regulator', at: 0 }],
  ['regulator_bulk_enable', { what: 'regulator', at: 1 }],
]);
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
  if (callbacks.size === 0) return [];
  const calls = callsOf(file);
  if (!calls.some(({ callee }) => ASKS.test(callee)) || calls.some(({ isDoubtful }) => isDoubtful)) return [];
  const isTable = (type: string): boolean => /\bdev_pm_ops\b/.test(type);
  // as it is for who has no PM
  const without: CFile = {
    ...file,
    variables: file.variables.filter(({ type }) => !isTable(type)),
    invocations: file.invocations.filter(({ macro }) => !/PM_OPS/.test(macro)),
  };
  const live = livenessOf(without, calls, () => true);
  const reached = reachedFrom(new Map([...callbacks].map(([name]) => [name, name])), calls);
  const taken = takenEnabled(file);
  const sites = calls.flatMap((site) => {
    const enabler = ENABLERS.get(site.callee);
    return enabler ? { ...site, what: enabler.what, name: memberOf(site.args[enabler.at]) } : [];
  });
  const found = new Map<string, PowerUse>();
  for (const { name, what, callee, caller, line } of sites) {
    const callback = reached.get(caller);
    if (name === undefined || callback === undefined || taken.has(name) || found.has(name)) continue;
    // one that is held in a variable may be any
    const same = sites.filter((one) => one.what === what && (one.name === undefined || one.name === name));
    const enabled = any(...same.map((one) => all(one.when, live(one.caller))));
    if (enabled === true) continue;
    found.set(name, {
      name,
      what,
      callee,
      caller,
      line,
      when: not(enabled),
      declared: { symbol: 'PM', is: 'enabled' },
      at: { path, line: callbacks.get(callback)! },
    });
  }
  return [...found.values()];
}

/** Whether another file's text enables something of that name. */
export function enablesIn(text: string, { name, what }: PowerUse): boolean {
  const callees = [...ENABLERS].flatMap(([callee, one]) => (one.what === what ? callee : []));
  return new RegExp(`\\b(?:${callees.join('|')})\\s*\\([^;]*\\b${name}\\b`).test(text);
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
  for (let n = 0; n < found.size; n++) {
    const [caller, by] = [...found][n]!;
    for (const one of calls)
      if (one.caller === caller && !one.isPointer && !found.has(one.callee)) found.set(one.callee, by);
  }
  return found;
}

/** Members that hold what is enabled when it is got: devm_clk_get_enabled() and its like. */
function takenEnabled(file: CFile): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { body, otherBody = [] } of file.functions)
    visitExprs([...body, ...otherBody], (e) => {
      if (e.k !== 'assign' || e.from?.k !== 'call' || e.from.callee.k !== 'name') return;
      const name = memberOf(e.to);
      if (name !== undefined && /enable/.test(e.from.callee.name)) found.add(name);
    });
  return found;
}

/** The member of a structure that an expression is, or is a part of. */
function memberOf(e: Expr | undefined): string | undefined {
  if (e?.k === 'member') return e.field;
  if (e?.k === 'index' || e?.k === 'cast' || e?.k === 'unary') return memberOf(e.of);
  return undefined;
}

function nameIn(e: Expr): string | undefined {
  if (e.k === 'call') return e.args.length === 1 ? nameIn(e.args[0]!) : undefined;
  if (e.k === 'cast' || e.k === 'unary') return nameIn(e.of);
  return e.k === 'name' ? e.name : undefined;
}
