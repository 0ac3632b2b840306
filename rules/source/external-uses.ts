/**
 * What a C file needs of other files to be linked: exported names that its code calls, itself or through macros and
 * inline functions of the headers it includes, exported variables whose value or address it takes, and such names that
 * are not exported but declared where it says them, each with the condition under which the compiler keeps the use.
 */

import type { Expr } from './c-ast.ts';
import type { CallSite, Known } from './c-calls.ts';
import { callsOf, sitesOf } from './c-calls.ts';
import type { Condition } from './c-condition.ts';
import { all } from './c-condition.ts';
import type { CTree } from './c-definitions.ts';
import { whenAt } from './c-file.ts';
import { isKnown, whenGiven } from './c-leads.ts';
import { livenessOf } from './c-liveness.ts';
import { Parameters } from './c-parameters.ts';
import type { ExportedNames } from './exported-names.ts';
import type { HeaderReach, Reached } from './header-reach.ts';
import { NameSearch } from './name-search.ts';

/** One exported name that a file uses. */
export interface ExternalUse {
  readonly name: string;
  /** What the file says: the name itself, or the macro or inline function behind which it is. */
  readonly callee: string;
  /** Function in which it stands; absent for a macro outside of functions. */
  readonly caller?: string;
  readonly line: number;
  readonly when: Condition;
  readonly isVariable?: true;
  /** Nothing exports it. */
  readonly isInternal?: true;
  /** The C file, included by the one that is built, in which it stands. */
  readonly within?: string;
}

/** The uses of one file, and when headers declare the names. */
export interface ExternalUses {
  readonly uses: readonly ExternalUse[];
  /** Undefined where no header within reach declares the name. */
  readonly declared: ReadonlyMap<string, Condition>;
  /** Headers in reach that may define or declare a name. */
  readonly headersOf: (name: string) => readonly string[];
  /** Called in functions that could not be read as a whole. */
  readonly doubtful: ReadonlySet<string>;
}

/** C files that one may include. */
const MOST_PARTS = 8;

/** Undefined where the tree has no such file, or it cannot be read. */
export async function externalUses(
  tree: CTree,
  path: string,
  exported: ExportedNames,
  reach: HeaderReach,
): Promise<ExternalUses | undefined> {
  const reached = await reach.of(path);
  const whole = reached && (await usesIn(tree, path, exported, reached));
  if (!reached || !whole) return undefined;
  const parts: (ExternalUses & { readonly part: Reached })[] = [];
  // tests are often included by what they test
  for (const part of reached.filter((one) => one.path.endsWith('.c') && one.path !== path).slice(0, MOST_PARTS)) {
    const own = await usesIn(tree, part.path, exported, [part, ...reached.filter((one) => one !== part)]);
    if (own) parts.push({ ...own, part });
  }
  if (parts.length === 0) return whole;
  const also = parts.flatMap(({ uses, part }) =>
    uses.flatMap((use) => {
      const when = all(use.when, part.when);
      return when === false ? [] : { ...use, when, within: part.path };
    }),
  );
  return {
    uses: [...whole.uses, ...also],
    declared: new Map([...parts, whole].flatMap(({ declared }) => [...declared])),
    headersOf: whole.headersOf,
    doubtful: new Set([...parts, whole].flatMap(({ doubtful }) => [...doubtful])),
  };
}

/** Of one file alone, and of what `reached` has beside it. */
async function usesIn(
  tree: CTree,
  path: string,
  exported: ExportedNames,
  reached: readonly Reached[],
): Promise<ExternalUses | undefined> {
  const read = await tree.file(path);
  if (!read?.ok) return undefined;
  const { file } = read;
  const search = new NameSearch(tree, file, exported, reached);
  const said = sitesOf(file);
  const named = said.calls.map(({ callee }) => callee);
  const invoked = new Set(file.invocations.map(({ macro }) => macro));
  const listed = file.variables.flatMap(({ init, line }) => valuesIn(init, line).map(({ name }) => name));
  const taken = said.values.flatMap(({ name }) => (exported.has(name) ? [name] : []));
  await search.load([...new Set([...named, ...invoked, ...listed, ...taken])]);
  search.close();
  const known: Known = {
    call: (callee) => search.outcomeOf(callee),
    evaluates: (callee) => search.evaluates(callee),
  };
  const { param } = new Parameters(file, callsOf(file, known), known);
  const { calls, values } = sitesOf(file, { ...known, param });
  const live = livenessOf(file, calls, {
    call: (callee) => search.keeps(callee),
    list: (macro, index) => search.lists(macro, index),
  });
  const uses: ExternalUse[] = [];
  const doubtful = new Set(calls.flatMap(({ isDoubtful, callee }) => (isDoubtful ? [callee] : [])));
  const take = (
    { callee, line, caller, args = [] }: Pick<CallSite, 'callee' | 'line'> & Partial<Pick<CallSite, 'caller' | 'args'>>,
    when: Condition,
  ): void => {
    for (const target of search.targets(callee)) {
      const both = all(when, whenGiven(target, args.map(isKnown)));
      if (both !== false) uses.push({ name: target.name, callee, line, ...(caller && { caller }), when: both });
    }
    const both = all(when, search.internal(callee));
    if (both !== false)
      uses.push({ name: callee, callee, line, ...(caller && { caller }), when: both, isInternal: true });
  };
  const takeVariable = (
    at: Pick<ExternalUse, 'name' | 'line' | 'caller'> & { readonly callee?: string },
    when: Condition,
  ): void => {
    const isInternal = !exported.has(at.name) && ({ isInternal: true } as const);
    if (when !== false) uses.push({ callee: at.name, ...at, when, isVariable: true, ...isInternal });
  };
  /** Outside of functions a macro stands for lists, or declares them. */
  const takeListed = ({ callee, line }: Pick<CallSite, 'callee' | 'line'>, when: Condition): void => {
    take({ callee, line }, when);
    for (const { name, when: own } of search.pointedTo(callee)) takeVariable({ name, callee, line }, all(when, own));
  };
  for (const site of calls) {
    if (site.isPointer || site.isDoubtful) continue;
    take(site, all(site.when, live(site.caller)));
  }
  for (const { name, line: start, init } of file.variables) {
    const kept = live(name);
    for (const { name: callee, line, given } of valuesIn(init, start)) {
      const when = all(whenAt(file, line), kept, given ? search.lists(given.macro, given.index) : true);
      if (search.isVariable(callee)) takeVariable({ name: callee, line }, when);
      else takeListed({ callee, line }, when);
    }
  }
  for (const { macro, line } of file.invocations) takeListed({ callee: macro, line }, whenAt(file, line));
  for (const { name, line, caller, when, isDoubtful, isBare, givenTo } of values) {
    const isFunction = search.isFunction(name);
    if (!isFunction && !search.isVariable(name)) continue;
    // handed to a stub it is dropped
    const isHanded = givenTo !== undefined && (isFunction || isBare);
    const handed = !isHanded ? true : search.isMacro(givenTo) ? false : search.keeps(givenTo);
    if (isFunction) {
      if (!isDoubtful) take({ callee: name, line, caller }, all(when, handed, live(caller)));
      continue;
    }
    if (isDoubtful) doubtful.add(name);
    else takeVariable({ name, line, caller }, all(when, handed, live(caller)));
  }
  return {
    uses,
    declared: search.declared(new Set(uses.map(({ name }) => name))),
    headersOf: (name) => search.headersOf(name),
    doubtful,
  };
}

/** A name of an initialiser. */
interface Listed {
  readonly name: string;
  readonly line: number;
  /** The macro that it is given to, and as which of its arguments. */
  readonly given?: { readonly macro: string; readonly index: number };
}

/** Names that stand in an initialiser, of lists within lists and of what they point to: functions, variables, macros. */
function valuesIn(e: Expr, line: number): readonly Listed[] {
  if (e.k === 'list') return e.items.flatMap((item) => valuesIn(item.value, item.line));
  if (e.k === 'name') return [{ name: e.name, line }];
  if (e.k === 'cast' || e.k === 'index' || e.k === 'member' || (e.k === 'unary' && e.op === '&'))
    return valuesIn(e.of, line);
  if (e.k !== 'call' || e.callee.k !== 'name') return [];
  // what is called there is a macro
  const macro = e.callee.name;
  const args = e.args.flatMap((arg, index) =>
    valuesIn(arg, line).flatMap((one) => (one.given ? [] : [{ ...one, given: { macro, index } }])),
  );
  return [{ name: macro, line }, ...args];
}
