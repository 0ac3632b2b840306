/**
 * What a C file needs of other files to be linked: exported names that its code calls, itself or through macros and
 * inline functions of the headers it includes, each with the condition under which the compiler keeps the call.
 */

import { type Expr, partsOf } from './c-ast.ts';
import type { CallSite, Outcome, OutcomeOf } from './c-calls.ts';
import { callsIn, callsOf } from './c-calls.ts';
import type { Condition } from './c-condition.ts';
import { all, any, not, withoutOpaque } from './c-condition.ts';
import { conditionOf, mentionsConfig } from './c-config-test.ts';
import { type Constant, trivialMacro, trivialResult } from './c-constant.ts';
import type { CTree } from './c-definitions.ts';
import type { CFile, CFunction } from './c-file.ts';
import { whenAt } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';
import { livenessOf } from './c-liveness.ts';
import type { ExportedNames } from './exported-names.ts';
import type { HeaderReach, Reached } from './header-reach.ts';

/** One exported name that a file uses. */
export interface ExternalUse {
  readonly name: string;
  /** What the file says: the name itself, or the macro or inline function behind which it is. */
  readonly callee: string;
  /** Function in which it stands; absent for a macro outside of functions. */
  readonly caller?: string;
  readonly line: number;
  readonly when: Condition;
}

/** The uses of one file, and when headers declare the names. */
export interface ExternalUses {
  readonly uses: readonly ExternalUse[];
  /** Undefined where no header within reach declares the name. */
  readonly declared: ReadonlyMap<string, Condition>;
  /** Headers in reach that may define or declare a name. */
  readonly headersOf: (name: string) => readonly string[];
}

/** Macros and inline functions followed from a call. */
const MOST_STEPS = 4;
/** Names that one file may lead to. */
const MOST_NAMES = 3000;
const OPAQUE: Condition = { opaque: 'not followed' };
/** A macro that decides for itself whether it evaluates what it is given. */
const DECIDES = /\b(?:CONFIG_\w+|IS_ENABLED|IS_REACHABLE|IS_BUILTIN|IS_MODULE|typeof|__typeof__|sizeof|if)\b|##|\?/;

interface Target {
  readonly name: string;
  readonly when: Condition;
}

/** Undefined where the tree has no such file, or it cannot be read. */
export async function externalUses(
  tree: CTree,
  path: string,
  exported: ExportedNames,
  reach: HeaderReach,
): Promise<ExternalUses | undefined> {
  const read = await tree.file(path);
  if (!read?.ok) return undefined;
  const { file } = read;
  const reached = await reach.of(path);
  if (!reached) return undefined;
  const search = new Search(tree, file, exported, reached);
  const named = callsOf(file).map(({ callee }) => callee);
  const invoked = new Set(file.invocations.map(({ macro }) => macro));
  const values = file.variables.flatMap(({ init }) => valuesIn(init).map(({ name }) => name));
  await search.load([...new Set([...named, ...invoked, ...values])]);
  search.close();
  const calls = callsOf(file, (callee) => search.outcomeOf(callee));
  const live = livenessOf(file, calls, (callee) => search.keeps(callee));
  const uses: ExternalUse[] = [];
  const take = (site: Pick<CallSite, 'callee' | 'line'> & { readonly caller?: string }, when: Condition): void => {
    for (const target of search.targets(site.callee)) {
      const { callee, line, caller } = site;
      const both = all(when, target.when);
      if (both !== false) uses.push({ name: target.name, callee, line, ...(caller && { caller }), when: both });
    }
  };
  for (const site of calls) {
    if (site.isPointer || site.isDoubtful) continue;
    take(site, all(site.when, live(site.caller)));
  }
  for (const { name, init } of file.variables) {
    const kept = live(name);
    for (const value of valuesIn(init))
      take({ callee: value.name, line: value.line }, all(whenAt(file, value.line), kept));
  }
  for (const { macro, line } of file.invocations) take({ callee: macro, line }, whenAt(file, line));
  return {
    uses,
    declared: search.declared(new Set(uses.map(({ name }) => name))),
    headersOf: (name) => search.headersOf(name),
  };
}

/** Names that stand in the lists of an initialiser: functions, and macros for several members. */
function valuesIn(e: Expr): { readonly name: string; readonly line: number }[] {
  if (e.k !== 'list') return [];
  return e.items.flatMap(({ value, line }) => {
    const of = value.k === 'unary' && value.op === '&' ? value.of : value;
    return of.k === 'name' ? [{ name: of.name, line }] : valuesIn(value);
  });
}

/** What names of one file lead to. */
class Search {
  readonly #tree: CTree;
  readonly #own: ReadonlySet<string>;
  readonly #ownFile: CFile;
  readonly #exported: ExportedNames;
  readonly #reached: ReadonlyMap<string, Reached>;
  readonly #headersOf = new Map<string, readonly string[]>();
  readonly #headers = new Map<string, CFile | undefined>();
  readonly #targets = new Map<string, readonly Target[]>();

  constructor(tree: CTree, file: CFile, exported: ExportedNames, reached: readonly Reached[]) {
    this.#tree = tree;
    this.#ownFile = file;
    this.#own = new Set(file.functions.map(({ name }) => name));
    this.#exported = exported;
    this.#reached = new Map(reached.slice(1).map((one) => [one.path, one]));
  }

  /** Headers in reach that may define or declare a name. */
  headersOf(name: string): readonly string[] {
    let found = this.#headersOf.get(name);
    if (!found) {
      found = [...this.#reached.values()].filter(({ words }) => words.heads.has(name)).map(({ path }) => path);
      this.#headersOf.set(name, found);
    }
    return found;
  }

  /** Reads the headers that define what these names stand for, a few steps far. */
  async load(from: readonly string[]): Promise<void> {
    const seen = new Set(from);
    let step = [...from];
    for (let n = 0; n < MOST_STEPS && seen.size < MOST_NAMES; n++) {
      const next = new Set<string>();
      for (const name of step) {
        if (this.#own.has(name)) continue;
        for (const path of this.headersOf(name)) await this.#read(path);
        for (const { leadsTo } of this.#definitions(name))
          for (const other of leadsTo) if (!seen.has(other.name)) next.add(other.name);
      }
      for (const name of next) seen.add(name);
      step = [...next];
    }
  }

  /** Everything is read: from now on tests in the headers' functions are followed as well. */
  close(): void {
    this.#isClosed = true;
    this.#known.clear();
  }

  /** Exported names that a call of `name` needs, with the condition that the headers set. */
  targets(name: string, steps = MOST_STEPS): readonly Target[] {
    if (steps === 0 || this.#own.has(name)) return [];
    const known = steps === MOST_STEPS ? this.#targets.get(name) : undefined;
    if (known) return known;
    // what may stand in for it is not known where a header was not read
    if (!this.headersOf(name).every((path) => this.#headers.get(path))) return [];
    const definitions = this.#definitions(name);
    const found: Target[] = [];
    if (this.#exported.has(name)) found.push({ name, when: not(any(...definitions.map(({ when }) => when))) });
    for (const { when, leadsTo } of definitions)
      for (const other of leadsTo)
        for (const target of other.name === name ? [] : this.targets(other.name, steps - 1))
          found.push({ name: target.name, when: all(when, other.when, target.when) });
    const some = found.filter(({ when }) => when !== false && JSON.stringify(when).length < 3000);
    if (steps === MOST_STEPS) this.#targets.set(name, some);
    return some;
  }

  /** What a call of `name` can come out as, by what the headers and the file itself define. */
  outcomeOf(name: string, steps = MOST_STEPS): Outcome | 'unclear' | undefined {
    const known = this.#outcomes.get(name);
    if (known !== undefined) return known === 'open' ? undefined : known;
    // one that asks about itself
    this.#outcomes.set(name, 'open');
    const found = this.#outcomeNow(name, steps);
    this.#outcomes.set(name, found ?? 'open');
    return found;
  }

  #outcomeNow(name: string, steps: number): Outcome | 'unclear' | undefined {
    const definitions = this.#definitions(name);
    if (definitions.length === 0 && /^[A-Z_0-9]+$/.test(name)) return this.#isSwitched(name) ? 'unclear' : undefined;
    const results = definitions.map(({ when, result }) => ({ when, result }));
    const isUnclear = definitions.some(
      ({ result, tests }) =>
        result === 'unclear' || (steps > 0 && tests.some((one) => one !== name && this.outcomeOf(one, steps - 1))),
    );
    if (isUnclear) return 'unclear';
    const can = (of: (result: Condition) => Condition): Condition =>
      all(
        ...results.map(({ when, result }) =>
          result === 'unclear' ? true : any(not(withoutOpaque(when, true)), withoutOpaque(of(result), true)),
        ),
      );
    const [yes, no] = [can((result) => result), can(not)];
    return yes === true && no === true ? undefined : { yes, no };
  }

  /** A number that is another one in another configuration. */
  #isSwitched(name: string): boolean {
    return [...this.#reached.values()].some(({ words }) => words.declares.get(name)?.kind === 'macro');
  }

  /** When a call of `name` keeps what it is given. */
  keeps(name: string): Condition {
    if (this.#own.has(name)) return true;
    const definitions = this.#definitions(name);
    if (definitions.length === 0) return this.#exported.has(name) ? true : OPAQUE;
    const own = this.#exported.has(name) ? not(any(...definitions.map(({ when }) => when))) : false;
    return any(
      own,
      ...definitions.map(({ when, isEmpty, leadsTo }) => (isEmpty ? false : leadsTo.length > 0 ? when : OPAQUE)),
    );
  }

  /** When the headers declare or define each of the names. */
  declared(names: ReadonlySet<string>): Map<string, Condition> {
    const found = new Map<string, Condition>();
    const put = (name: string, when: Condition): void => {
      if (names.has(name)) found.set(name, any(found.get(name) ?? false, when));
    };
    const of = (file: CFile, reach: Condition): void => {
      for (const { name, line } of [...file.declarations, ...file.functions, ...file.macros])
        put(name, all(reach, whenAt(file, line)));
    };
    of(this.#ownFile, true);
    for (const [path, file] of this.#headers) if (file) of(file, this.#reached.get(path)!.when);
    return found;
  }

  async #read(path: string): Promise<void> {
    if (this.#headers.has(path)) return;
    this.#headers.set(path, undefined);
    const read = await this.#tree.file(path);
    if (read?.ok) this.#headers.set(path, read.file);
  }

  #isClosed = false;
  readonly #outcomes = new Map<string, Outcome | 'unclear' | 'open'>();
  readonly #known = new Map<string, readonly HeaderDefinition[]>();

  #definitions(name: string): readonly HeaderDefinition[] {
    const known = this.#known.get(name);
    if (known) return known;
    const headers = this.headersOf(name);
    const outcomeOf = this.#isClosed ? (other: string) => this.outcomeOf(other) : undefined;
    const found = definitionsIn(this.#ownFile, name, outcomeOf);
    for (const path of headers) {
      const file = this.#headers.get(path);
      for (const one of file ? definitionsIn(file, name, outcomeOf) : [])
        found.push({ ...one, when: all(one.when, this.#reached.get(path)!.when) });
    }
    if (headers.every((path) => this.#headers.has(path))) this.#known.set(name, found);
    return found;
  }
}

interface HeaderDefinition {
  readonly when: Condition;
  /** It does nothing, or gives back a constant. */
  readonly isEmpty: boolean;
  /** When what it gives back is not 0; opaque where that is a matter of run time; `unclear` where the configuration may decide it. */
  readonly result: Condition | 'unclear';
  /** Names of which the result is made. */
  readonly tests: readonly string[];
  readonly leadsTo: readonly Target[];
}

function definitionsIn(file: CFile, name: string, outcomeOf: OutcomeOf | undefined): HeaderDefinition[] {
  const functions = file.functions
    .filter((one) => one.name === name)
    .map((one): HeaderDefinition => {
      const calls = one.unread ? [] : callsIn(file, one, undefined, outcomeOf).filter(({ isPointer }) => !isPointer);
      return {
        when: whenAt(file, one.line),
        isEmpty: trivialResult(one) !== undefined,
        result: resultOf(one),
        tests: one.body.length === 1 && one.body[0]?.k === 'return' ? wordsIn(one.body[0].value) : [],
        leadsTo: calls.map(({ callee, when }) => ({ name: callee, when })),
      };
    });
  const macros = file.macros
    .filter((one) => one.name === name && one.body !== name)
    .map((macro): HeaderDefinition => {
      const code = macro.body.replace(/"(?:\\.|[^"\\])*"/g, '""');
      const words = DECIDES.test(code) ? [] : (code.match(/(?<![.>\w])[A-Za-z_]\w*/g) ?? []);
      return {
        when: whenAt(file, macro.line),
        isEmpty: trivialMacro(macro) !== undefined,
        result: asCondition(trivialMacro(macro)) ?? tested(parseExpression(macro.body)),
        tests: words.filter((word) => !macro.params?.includes(word)),
        leadsTo: [...new Set(words)]
          .filter((word) => !macro.params?.includes(word))
          .map((word) => ({ name: word, when: true })),
      };
    });
  return [...functions, ...macros];
}

function wordsIn(e: Expr | undefined): string[] {
  if (!e) return [];
  return e.k === 'name' ? [e.name] : partsOf(e).flatMap(wordsIn);
}

/** Of a function that does nothing but return. */
function resultOf(one: CFunction): Condition | 'unclear' {
  const constant = asCondition(trivialResult(one));
  if (constant !== undefined) return constant;
  const [only] = one.body;
  if (!one.unread && one.body.length === 1 && only?.k === 'return') return tested(only.value);
  return JSON.stringify(one.body).includes('CONFIG_') ? 'unclear' : RUN_TIME;
}

const RUN_TIME: Condition = { opaque: 'run time' };

function tested(e: Expr | undefined): Condition {
  let parts = 0;
  return e && mentionsConfig(e) ? conditionOf(e, { opaque: () => `run time ${++parts}` }) : RUN_TIME;
}

function asCondition(constant: Constant | undefined): Condition | undefined {
  switch (constant?.k) {
    case 'null':
      return false;
    case 'bool':
      return constant.value;
    case 'int':
      return constant.value !== 0;
    case 'errno':
    case 'err-ptr':
      return true;
    default:
      return undefined;
  }
}
