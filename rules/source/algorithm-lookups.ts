/**
 * Where a C file asks the crypto API for an algorithm by a name that stands in its text, and cannot do its work where
 * there is none of that name: all ways of the function on from there end as failures (crypto/api.c, crypto_alloc_tfm:
 * ERR_PTR(-ENOENT)).
 */

import { ofStub } from './abstract-value.ts';
import { type Algorithm, partsOfName } from './algorithm-names.ts';
import type { Expr } from './c-ast.ts';
import { visitExprs, withCallees } from './c-ast.ts';
import { callsOf } from './c-calls.ts';
import { all, any, type Condition } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import type { CTree } from './c-definitions.ts';
import type { CFile, CFunction } from './c-file.ts';
import type { FunctionDef } from './control-flow.ts';
import { canSucceed, resultKind } from './exits.ts';
import type { ExternalUses } from './external-uses.ts';
import { callsIn } from './helper-results.ts';
import { CONSULTED, NEW_CALL } from './path-state.ts';
import { PathFinder, type Paths } from './paths.ts';

/** An algorithm, or a part of its name, that a file asks for. */
export interface Lookup extends Algorithm {
  /** What the file says: a function of the crypto API, or one that gives the name on to it. */
  readonly callee: string;
  readonly caller: string;
  readonly line: number;
  readonly when: Condition;
}

type Call = Expr & { readonly k: 'call' };

/** Something to which a name is given. */
interface Asker {
  /** Which of the arguments the name is. */
  readonly at: number;
  /** What it comes to, of the crypto API itself; or the function that gives the name on, and where. */
  readonly ends: Constant | { readonly def: FunctionDef; readonly call: Call; readonly next: Asker };
}

/** Functions of the crypto API for which there must be an algorithm of that name (include/crypto/). */
const API = new Map<string, Asker>([
  ...api('crypto_alloc', 'aead ahash shash skcipher sync_skcipher lskcipher cipher akcipher sig kpp rng comp acomp', {
    at: 0,
    ends: { k: 'err-ptr', errno: 'ENOENT' },
  }),
  ...api('crypto_grab', 'aead ahash shash skcipher lskcipher cipher akcipher kpp', {
    at: 2,
    ends: { k: 'errno', errno: 'ENOENT' },
  }),
]);
/** Lines of a tree that call or declare these. Linux 6.12 has 500. */
const MAX_LINES = 5000;
/** Functions of one file that give a name on, one to the next. */
const MOST_STEPS = 3;
/** Visits of nodes that one question may take (paths.ts). */
const EFFORT = 20_000;

function api(start: string, kinds: string, asker: Asker): [string, Asker][] {
  return kinds.split(' ').map((kind) => [`${start}_${kind}`, asker]);
}

/** The files of a tree that may ask, and what they may call for it. */
export interface Asking {
  readonly paths: ReadonlySet<string>;
  /** Functions of headers that give a name on. */
  readonly headers: readonly FunctionDef[];
}

/** By searches of the tree; empty where there is more than can be searched. */
export async function askingIn(tree: CTree): Promise<Asking> {
  const direct = await tree.tree.grep([...API.keys()], MAX_LINES);
  const headers: FunctionDef[] = [];
  for (const path of new Set(direct.map((one) => one.path).filter((one) => /^include\/.*\.h$/.test(one)))) {
    const read = await tree.file(path);
    if (read?.ok) headers.push(...read.file.functions.map((one) => ({ path, file: read.file, function: one })));
  }
  const wrappers = askersAmong(headers);
  const indirect = wrappers.size > 0 ? await tree.tree.grep([...wrappers.keys()], MAX_LINES) : [];
  if (direct.length >= MAX_LINES || indirect.length >= MAX_LINES) return { paths: new Set(), headers: [] };
  const paths = [...direct, ...indirect].map(({ path }) => path).filter((path) => path.endsWith('.c'));
  return { paths: new Set(paths), headers: headers.filter(({ function: { name } }) => wrappers.has(name)) };
}

/** What a file asks for; `uses` are its own. */
export function lookupsIn(path: string, file: CFile, uses: ExternalUses, { headers }: Asking): readonly Lookup[] {
  const own = file.functions.map((one): FunctionDef => ({ path, file, function: one }));
  const names = new Set(own.map(({ function: { name } }) => name));
  const askers = askersAmong([...own, ...headers.filter(({ function: { name } }) => !names.has(name))]);
  const sites = callsOf(file);
  const found: Lookup[] = [];
  for (const of of own) {
    for (const call of callsTo(of.function, askers)) {
      const callee = nameOf(call);
      const asker = askerOf(callee, askers)!;
      const whole = textOf(call.args[asker.at], call, of.function);
      if (whole === undefined || !isFatal(of, call, asker, own)) continue;
      const caller = of.function.name;
      const isHere = (one: { callee: string; caller?: string; line: number }): boolean =>
        one.callee === callee && one.caller === caller && one.line === call.line;
      const used = uses.uses.filter(isHere).map(({ when }) => when);
      const when = names.has(callee)
        ? all(any(...sites.filter(isHere).map((site) => site.when)), whenAsked(callee, uses))
        : any(...used);
      if (when === false) continue;
      for (const part of partsOfName(whole)) found.push({ ...part, callee, caller, line: call.line, when });
    }
  }
  return found;
}

/** When a function of the file itself comes to ask. */
function whenAsked(name: string, { uses }: ExternalUses): Condition {
  const inside = uses.filter(({ caller, name: used }) => caller === name && API.has(used));
  return inside.length > 0 ? any(...inside.map(({ when }) => when)) : true;
}

/** Functions that give one of their parameters on as a name. */
function askersAmong(defs: readonly FunctionDef[]): ReadonlyMap<string, Asker> {
  const found = new Map<string, Asker>();
  for (let n = 0; n < MOST_STEPS; n++) {
    for (const def of defs) {
      const { name, params, unread } = def.function;
      if (found.has(name) || unread) continue;
      for (const call of callsTo(def.function, found)) {
        const next = askerOf(nameOf(call), found)!;
        const given = call.args[next.at];
        const at = given?.k === 'name' ? params.indexOf(given.name) : -1;
        if (at < 0) continue;
        found.set(name, { at, ends: { def, call, next } });
        break;
      }
    }
  }
  return found;
}

function askerOf(name: string, askers: ReadonlyMap<string, Asker>): Asker | undefined {
  return API.get(name) ?? askers.get(name);
}

function callsTo({ body, otherBody = [] }: CFunction, askers: ReadonlyMap<string, Asker>): readonly Call[] {
  const found: Call[] = [];
  visitExprs([...body, ...otherBody], (e) => {
    if (e.k === 'call' && askerOf(nameOf(e), askers)) found.push(e);
  });
  return found;
}

function nameOf({ callee }: Call): string {
  return callee.k === 'name' ? callee.name : '';
}

/** The name that is given: as it stands there, a variable for it, or the format by which it is printed. */
function textOf(given: Expr | undefined, call: Call, of: CFunction): string | undefined {
  if (given?.k === 'string') return /^"([^"\\]+)"$/.exec(given.text)?.[1];
  if (given?.k !== 'name') return undefined;
  const { name } = given;
  const written: (Expr | undefined)[] = [];
  visitExprs(of.body, (e) => {
    if (e.k === 'assign' && e.to.k === 'name' && e.to.name === name) written.push(e.from);
    const [to, , format] = e.k === 'call' && e.line <= call.line && e !== call ? e.args : [];
    if (to?.k === 'name' && to.name === name && e.k === 'call' && /printf$|cpy$|cat$/.test(nameOf(e)))
      written.push(nameOf(e) === 'snprintf' ? format : undefined);
  });
  for (const s of of.body) if (s.k === 'decl' && s.name === name && s.init?.k === 'string') written.push(s.init);
  const [only] = written;
  return written.length === 1 && only?.k === 'string' ? /^"([^"\\]+)"$/.exec(only.text)?.[1] : undefined;
}

/** Whether a function comes to nothing where the call finds no algorithm, nor its callers in the file with it. */
function isFatal(of: FunctionDef, call: Call, asker: Asker, own: readonly FunctionDef[]): boolean {
  const { def, helpers, stubs } = withoutAlgorithm(of, call, asker);
  const ways = paths(def, helpers, stubs);
  const kind = resultKind(of.function.type);
  const ends = ways?.exits.filter(({ state }) => state.flags & NEW_CALL) ?? [];
  if (ends.length === 0 || ends.some(({ value }) => canSucceed(kind, value))) return false;
  if (!of.function.static) return true;
  const { name } = of.function;
  const callers = own.filter((one) => one !== of && callsIn(one).includes(name));
  const around = new Map([...helpers, [name, def]]);
  return callers.length === 0 || callers.some((one) => isPassedOn(one, paths(one, around, stubs)));
}

/** Whether a caller fails as well: it tests what it gets, or gives it back, and ends well on none of these ways. */
function isPassedOn({ function: { type } }: FunctionDef, ways: Paths | undefined): boolean {
  const kind = resultKind(type);
  const told = ways?.exits.filter(({ value, state }) => value?.stub === true || state.flags & CONSULTED) ?? [];
  return told.length > 0 && told.every(({ value }) => !canSucceed(kind, value));
}

/** No names of C: the calls that are looked at, from the outermost in. */
const HERE = 'here';

interface Situation {
  readonly def: FunctionDef;
  readonly helpers: ReadonlyMap<string, FunctionDef>;
  readonly stubs: ReadonlyMap<string, Constant>;
}

function withoutAlgorithm(of: FunctionDef, call: Call, { ends }: Asker, depth = 0): Situation {
  const name = `${HERE}:${depth}`;
  const def = { ...of, function: withCallees(of.function, (one) => (one === call ? name : undefined)) };
  if (!('def' in ends)) return { def, helpers: new Map(), stubs: new Map([[name, ends]]) };
  const inner = withoutAlgorithm(ends.def, ends.call, ends.next, depth + 1);
  return { def, helpers: new Map([...inner.helpers, [name, inner.def]]), stubs: inner.stubs };
}

function paths(
  of: FunctionDef,
  helpers: ReadonlyMap<string, FunctionDef>,
  stubs: ReadonlyMap<string, Constant>,
): Paths | undefined {
  const values = new Map([...stubs].map(([name, constant]) => [name, ofStub(constant)]));
  const finder = new PathFinder({ helpers, stubs: values, decide: () => undefined, effort: { left: EFFORT } });
  const ways = finder.paths(of, { isNewCall: (callee) => callee === `${HERE}:0` });
  return typeof ways === 'string' || ways.cut ? undefined : ways;
}
