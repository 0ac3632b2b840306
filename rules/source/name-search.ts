/** What names of one C file lead to, by what it and the headers that it includes define. */

import { dirname } from 'node:path/posix';
import type { Known } from './c-calls.ts';
import type { Condition } from './c-condition.ts';
import { all, any, conditionText, isConfigured, not, withoutOpaque } from './c-condition.ts';
import type { CTree } from './c-definitions.ts';
import type { CFile } from './c-file.ts';
import { whenAt } from './c-file.ts';
import { type Definition, definitionsIn, type Target, whenGiven } from './c-leads.ts';
import { isOpen, OPEN, type Outcome, outcomeBy, outcomeOf, UNCLEAR } from './c-outcome.ts';
import type { ExportedNames } from './exported-names.ts';
import type { Reached } from './header-reach.ts';
import { PastedNames } from './pasted-names.ts';

/** Macros and inline functions followed from a call. */
const MOST_STEPS = 6;
/** Ways from one name to exported ones. */
const MOST_TARGETS = 1000;
/** Names that one file may lead to. */
const MOST_NAMES = 3000;
const OPAQUE: Condition = { opaque: 'not followed' };
/** Built-in functions and macros that only look at the type of what they are given. */
const UNEVALUATED =
  /^(?:__builtin_(?:types_compatible_p|constant_p|choose_expr|object_size|offsetof)|__same_type|__must_be_\w+|BUILD_BUG_ON\w*|static_assert|_Static_assert|compiletime_assert\w*|__typecheck|typecheck)$/;

export class NameSearch {
  readonly #tree: CTree;
  readonly #folder: string;
  readonly #own: ReadonlySet<string>;
  readonly #ownFile: CFile;
  readonly #exported: ExportedNames;
  readonly #reached: ReadonlyMap<string, Reached>;
  readonly #headersOf = new Map<string, readonly string[]>();
  readonly #headers = new Map<string, CFile | undefined>();
  #pasted: PastedNames | undefined;
  readonly #targets = new Map<string, readonly Target[]>();

  /** `reached`: what the file includes, itself first. */
  constructor(tree: CTree, file: CFile, exported: ExportedNames, reached: readonly Reached[]) {
    this.#tree = tree;
    this.#folder = dirname(reached[0]?.path ?? '');
    this.#ownFile = file;
    this.#own = new Set([...file.functions, ...file.variables].map(({ name }) => name));
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

  /** Whether it is a variable of another file, which a header in reach declares and none defines as something else. */
  isVariable(name: string): boolean {
    if (this.#own.has(name) || this.headersOf(name).length > 0) return false;
    if (definitionsIn(this.#ownFile, name, {}).length > 0) return false;
    if (this.#ownFile.invocations.some(({ args }) => args.includes(name))) return false;
    return [...this.#reached.values()].some(({ words }) => words.externs.has(name));
  }

  /** Whether it is an exported function, by the prototype or stub that a header in reach has. */
  isFunction(name: string): boolean {
    if (!this.#exported.has(name) || this.#own.has(name) || this.isMacro(name)) return false;
    return this.headersOf(name).some((path) => {
      const { declarations = [], functions = [] } = this.#headers.get(path) ?? {};
      return [...declarations, ...functions].some((one) => one.name === name);
    });
  }

  /** Whether the file or a header in reach defines it as a macro, or may do so. */
  isMacro(name: string): boolean {
    const files = [this.#ownFile, ...this.headersOf(name).map((path) => this.#headers.get(path))];
    return files.some((file) => !file || file.macros.some((one) => one.name === name));
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
    const key = `${steps} ${name}`;
    const known = this.#targets.get(key);
    if (known) return known;
    // what may stand in for it is not known where a header was not read
    if (!this.headersOf(name).every((path) => this.#headers.get(path))) return [];
    const definitions = this.#definitions(name);
    const found: Target[] = [];
    if (this.#exported.has(name) && !this.#mayBeMade(name))
      found.push({ name, when: not(any(...definitions.map(({ when }) => when), this.#weak(name))), given: [] });
    for (const { when, leadsTo } of definitions)
      for (const other of leadsTo)
        for (const target of other.name === name || found.length > MOST_TARGETS
          ? []
          : this.targets(other.name, steps - 1))
          found.push({
            name: target.name,
            when: all(when, other.when, whenGiven(target, other.args)),
            given: other.given.map((one) => all(when, one, whenGiven(target, other.args))),
          });
    const some = found.filter(({ when }) => when !== false && conditionText(when).length < 3000);
    this.#targets.set(key, some);
    return some;
  }

  /** When a call of `name` needs a function that nothing exports. */
  internal(name: string): Condition {
    if (this.#exported.has(name) || this.#own.has(name)) return false;
    const isPrototype = (file: CFile | undefined): boolean =>
      file?.declarations.some((one) => one.name === name && !one.static) ?? false;
    const headers = this.headersOf(name).map((path) => this.#headers.get(path));
    if (headers.includes(undefined) || ![this.#ownFile, ...headers].some(isPrototype)) return false;
    if (this.#mayBeMade(name)) return false;
    return not(any(...this.#definitions(name).map(({ when }) => when), this.#weak(name)));
  }

  /** Variables that nothing exports and to which a macro of the file, or of headers beside it, points in a list. */
  pointedTo(macro: string): readonly { readonly name: string; readonly when: Condition }[] {
    const found: { readonly name: string; readonly when: Condition }[] = [];
    const seen = new Set([macro]);
    let step = new Map<string, Condition>([[macro, true]]);
    for (let n = 0; n < MOST_STEPS && step.size > 0; n++) {
      const next = new Map<string, Condition>();
      for (const [name, reached] of step) {
        if (!this.#isOwnMacro(name)) continue;
        for (const { when, leadsTo, pointsTo = [] } of this.#definitions(name)) {
          const both = all(reached, when);
          for (const other of pointsTo)
            if (!this.#exported.has(other) && this.isVariable(other)) found.push({ name: other, when: both });
          for (const { name: other } of leadsTo)
            if (!seen.has(other)) next.set(other, any(next.get(other) ?? false, both));
        }
      }
      for (const name of next.keys()) seen.add(name);
      step = seen.size > MOST_NAMES ? new Map() : next;
    }
    return found;
  }

  #isOwnMacro(name: string): boolean {
    const isBeside = (path: string): boolean => dirname(path) === this.#folder && this.#headers.get(path) !== undefined;
    return !this.#own.has(name) && this.isMacro(name) && this.headersOf(name).every(isBeside);
  }

  /** Whether a macro of a header may define it, a stub say, under a name that it puts together. */
  #mayBeMade(name: string): boolean {
    this.#pasted ??= new PastedNames([...this.#reached.values()].map(({ words }) => words));
    return this.#pasted.mayMake(name);
  }

  /** When a declaration lets the linker do without it. */
  #weak(name: string): Condition {
    const of = (file: CFile, reach: Condition): Condition[] =>
      file.declarations.flatMap((one) =>
        one.name === name && one.weak ? [all(withoutOpaque(reach, true), whenAt(file, one.line))] : [],
      );
    const headers = this.headersOf(name).map((path) => [path, this.#headers.get(path)] as const);
    return any(
      ...of(this.#ownFile, true),
      ...headers.flatMap(([path, file]) => (file ? of(file, this.#reached.get(path)!.when) : [])),
    );
  }

  /** What a call of `name`, or the macro, comes out as, by what the headers and the file itself define. */
  outcomeOf(name: string, steps = MOST_STEPS): Outcome | undefined {
    const known = this.#outcomes.get(name);
    if (known) return isOpen(known) ? undefined : known;
    // one that asks about itself
    this.#outcomes.set(name, OPEN);
    const found = this.#outcomeNow(name, steps);
    this.#outcomes.set(name, found);
    return isOpen(found) ? undefined : found;
  }

  #outcomeNow(name: string, steps: number): Outcome {
    const definitions = this.#definitions(name);
    if (definitions.length === 0) return /^[A-Z_0-9]+$/.test(name) && this.#isSwitched(name) ? UNCLEAR : OPEN;
    const results = definitions.map((one) => ({ when: one.when, of: this.#resultOf(one, steps) }));
    return outcomeBy((key) => all(...results.map(({ when, of }) => any(not(withoutOpaque(when, true)), of[key]))));
  }

  #resultOf({ result, params }: Definition, steps: number): Outcome {
    if (!('k' in result)) return result;
    if (steps === 0) return UNCLEAR;
    const call = (name: string): Outcome | undefined => this.outcomeOf(name, steps - 1);
    const name = (one: string): Outcome | undefined => (params.includes(one) ? undefined : call(one));
    return outcomeOf(result, { name, call, expand: () => undefined });
  }

  /** When a call of `name` evaluates what it is given: a macro may only print its text, or nothing. */
  evaluates(name: string): Condition {
    if (UNEVALUATED.test(name)) return false;
    const macros = this.#definitions(name).filter((one) => one.drops);
    return not(any(...macros.map(({ when }) => withoutOpaque(when, true))));
  }

  /** Where a header says the name and the parser saw neither a definition nor a prototype, there may be a stub. */
  #unparsed(path: string, file: CFile, name: string): Definition[] {
    const { words, when: reach } = this.#reached.get(path)!;
    const said = words.always.has(name) ? true : (words.sometimes.get(name) ?? false);
    const when = all(reach, said, not(parsedWhen(file, name)));
    // what no configuration decides is the same in all
    return !isConfigured(when) ? [] : [{ when, isEmpty: false, result: UNCLEAR, params: [], leadsTo: [] }];
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

  /** When a macro that stands in an initialiser keeps what it is given as its argument of that index. */
  lists(name: string, index: number): Condition {
    const definitions = this.#definitions(name);
    return definitions.length > 0 && definitions.every(({ lists }) => lists?.[index])
      ? any(...definitions.map(({ when }) => when))
      : OPAQUE;
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
    for (const { words, when } of this.#reached.values())
      for (const name of words.externs)
        put(name, all(when, words.always.has(name) ? true : (words.sometimes.get(name) ?? false)));
    return found;
  }

  async #read(path: string): Promise<void> {
    if (this.#headers.has(path)) return;
    this.#headers.set(path, undefined);
    const read = await this.#tree.file(path);
    if (read?.ok) this.#headers.set(path, read.file);
  }

  #isClosed = false;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #known = new Map<string, readonly Definition[]>();

  #definitions(name: string): readonly Definition[] {
    const known = this.#known.get(name);
    if (known) return known;
    const headers = this.headersOf(name);
    const context: Known = this.#isClosed ? { call: (other) => this.outcomeOf(other) } : {};
    const found = definitionsIn(this.#ownFile, name, context);
    for (const path of headers) {
      const file = this.#headers.get(path);
      if (file) found.push(...this.#unparsed(path, file, name));
      for (const one of file ? definitionsIn(file, name, context) : [])
        found.push({ ...one, when: all(one.when, this.#reached.get(path)!.when) });
    }
    if (headers.every((path) => this.#headers.has(path))) this.#known.set(name, found);
    return found;
  }
}

/** When a file defines or declares a name, as far as it could be parsed. */
function parsedWhen(file: CFile, name: string): Condition {
  const all = [...file.functions, ...file.declarations, ...file.macros].filter((one) => one.name === name);
  return any(...all.map(({ line }) => whenAt(file, line)));
}
