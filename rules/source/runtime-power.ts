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
/** What gets something enabled: devm_clk_get_optional_enabled(), devm_clk_bulk_get_all_enabled() and their like. */
const GETS_ENABLED = /^\w*clk\w*_get\w*_enabled?(?:_\w+)?$/;
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
  const found = new Map<string, PowerUse>();
  for (const { held, what, callee, caller, line } of sites) {
    const callback = reached.get(caller);
    if (!held || callback === undefined || found.has(held.name)) continue;
    const when = all(not(enabled(what, held)), asked);
    if (when === false) continue;
    found.set(held.name, {
      ...{ name: held.name, names: [...held.all].filter((one) => /^\w+$/.test(one)), what, callee, caller, line, when },
      declared: { symbol: 'PM', is: 'enabled' },
      at: { path, line: callbacks.get(callback)! },
    });
  }
  return [...found.values()];
}

/** Whether the file is known to enable it, in some configuration, where nobody calls what it hands to runtime PM. */
export function isEnabledIn(file: CFile, { name, names, what }: PowerUse): boolean {
  const enabled = powerIn(file)?.enabled(what, { name, all: new Set(names) });
  return enabled !== undefined && enabled !== false;
}

/** Whether another file's text enables something of that name, or gets it enabled. */
export function enablesIn(text: string, { name, names, what }: PowerUse): boolean {
  const callees = [...ENABLERS].flatMap(([callee, one]) => (one.what === what ? callee : []));
  const given = `(?:[^;]*\\b${name}\\b|[^;]*(?:->|\\.)\\s*(?:${names.join('|')})\\s*(?:\\[[^\\]]*\\]\\s*)?\\))`;
  const gets = '\\w*clk\\w*_get\\w*_enabled?\\w*\\s*\\(';
  return (
    new RegExp(`\\b(?:${callees.join('|')})\\s*\\(${given}`).test(text) ||
    (what === 'clock' && new RegExp(`\\b${name}\\b[^=;]*=[^;]*\\b${gets}|\\b${gets}[^;]*\\b${name}\\b`).test(text))
  );
}

/** What holds a clock or regulator: `clk` of `reef->clks[0].clk`, which is also a part of `clks`. */
interface Held {
  readonly name: string;
  readonly all: ReadonlySet<string>;
}

interface Power {
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
  const live = livenessOf(without, calls, () => true);
  const holders = aliasesIn(file);
  const sites = calls.flatMap((site) => {
    const enabler = ENABLERS.get(site.callee);
    return enabler ? { ...site, what: enabler.what, held: heldIn(site.args[enabler.at], holders) } : [];
  });
  const taken = takenEnabled(file, holders);
  return {
    ...{ calls, live, sites },
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

function isSame(a: Held, b: Held): boolean {
  return a.all.has(b.name) || b.all.has(a.name);
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
  for (let n = 0; n < found.size; n++) {
    const [caller, by] = [...found][n]!;
    for (const one of calls)
      if (one.caller === caller && !one.isPointer && !found.has(one.callee)) found.set(one.callee, by);
  }
  return found;
}

/** What holds that which is enabled when it is got; undefined for a clock that may be in any member. */
function takenEnabled(file: CFile, holders: Holders): readonly (Held | undefined)[] {
  const found = new Map<Expr, Held | undefined>();
  const nameOf = (e: Expr | undefined): string => (e?.k === 'call' && e.callee.k === 'name' ? e.callee.name : '');
  for (const { body, otherBody = [] } of file.functions)
    visitExprs([...body, ...otherBody], (e) => {
      if (e.k === 'assign' && e.from && /enable/.test(nameOf(e.from))) {
        const held = heldIn(e.to, holders);
        if (held) found.set(e.from, held);
      }
      if (e.k === 'call' && GETS_ENABLED.test(nameOf(e)) && !found.has(e))
        // devm_clk_bulk_get_all_enabled() puts them where its last argument points to
        found.set(e, nameOf(e).includes('_bulk_') ? heldIn(e.args.at(-1), holders) : undefined);
    });
  return [...found.values()];
}

/** Members by each other member that may hold the same. */
type Holders = ReadonlyMap<string, ReadonlySet<string>>;

/** Of assignments of one member to another, `reef->clk = reef->clks[0].clk`, or of one variable to several. */
function aliasesIn(file: CFile): Holders {
  const found = new Map<string, Set<string>>();
  for (const { name: of, body, otherBody = [] } of file.functions)
    visitExprs([...body, ...otherBody], (e) => {
      if (e.k !== 'assign' || e.op !== '=') return;
      const from = e.from?.k === 'assign' ? e.from.to : e.from;
      const [to] = membersOf(e.to);
      const same = from?.k === 'name' && /[a-z]/.test(from.name) ? [`${of}() ${from.name}`] : membersOf(from);
      if (to === undefined || same.length === 0) return;
      const both = new Set([to, ...same].flatMap((name) => [name, ...(found.get(name) ?? [])]));
      for (const name of both) found.set(name, both);
    });
  return found;
}

function heldIn(e: Expr | undefined, holders: Holders): Held | undefined {
  const [name, ...others] = membersOf(e);
  return name === undefined ? undefined : { name, all: new Set([name, ...others, ...(holders.get(name) ?? [])]) };
}

/** The member of a structure that an expression is, or is a part of, and those that it is a part of, outwards. */
function membersOf(e: Expr | undefined): readonly string[] {
  if (e?.k === 'member') return [e.field, ...membersOf(e.of)];
  if (e?.k === 'index' || e?.k === 'cast' || e?.k === 'unary') return membersOf(e.of);
  return [];
}

function nameIn(e: Expr): string | undefined {
  if (e.k === 'call') return e.args.length === 1 ? nameIn(e.args[0]!) : undefined;
  if (e.k === 'cast' || e.k === 'unary') return nameIn(e.of);
  return e.k === 'name' ? e.name : undefined;
}
