/** What the variables of a function are given, as far as that tells how a test of them comes out. */

import type { Expr, Stmt } from './c-ast.ts';
import { listsOf, visitExprs } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import { any } from './c-condition.ts';
import { mentionsConfig } from './c-config-test.ts';
import { constantOf } from './c-constant.ts';
import type { CFile, CFunction } from './c-file.ts';
import { each, isOpen, OPEN, type Outcome, ofConstant, outcomeBy } from './c-outcome.ts';

interface Variable {
  isDeclared: boolean;
  /** What it is given; undefined where that is not told by the text: its address is taken, it is counted. */
  readonly values: Expr[];
  isOpen: boolean;
  /** Of constants that were come by: when. */
  readonly constants: { readonly value: Expr; readonly when: Condition }[];
}

/** The variables of one function; those of the file by their initialiser. */
export class Values {
  readonly #file: CFile;
  readonly #own = new Map<string, Variable>();
  readonly #known = new Map<string, Outcome>();
  /** What straight code gave last. */
  #last = new Map<string, Expr>();
  readonly #asked = new Set<string>();
  readonly #outcomeOf: (e: Expr) => Outcome;

  constructor(file: CFile, { params, body }: CFunction, outcomeOf: (e: Expr) => Outcome) {
    this.#file = file;
    this.#outcomeOf = outcomeOf;
    for (const name of params) Object.assign(this.#variable(name), { isOpen: true, isDeclared: true });
    this.#declare(body);
    visitExprs(body, (e) => {
      if (e.k === 'unary' && e.op === '&' && e.of.k === 'name') this.#variable(e.of.name).isOpen = true;
      if (e.k !== 'assign' || e.to.k !== 'name') return;
      if (e.op === '=' && e.from) this.#variable(e.to.name).values.push(e.from);
      else this.#variable(e.to.name).isOpen = true;
    });
  }

  /** Whether it is a variable or parameter of the function, whatever else has the name. */
  isVariable(name: string): boolean {
    return this.#own.get(name)?.isDeclared === true;
  }

  /** Control comes by where a variable is given a value. */
  come(name: string, value: Expr, when: Condition): void {
    if (isConstant(value)) this.#own.get(name)?.constants.push({ value, when });
    this.#last.set(name, value);
  }

  /** Control may come from elsewhere. */
  forget(): void {
    this.#last.clear();
  }

  /** Runs a branch, which gives back when control comes out of it. */
  branch(run: () => Condition): Condition {
    const saved = this.#last;
    this.#last = new Map(saved);
    const out = run();
    const inside = this.#last;
    this.#last = out === false ? saved : new Map([...saved].filter(([name, value]) => inside.get(name) === value));
    return out;
  }

  /** Undefined where run time decides. */
  outcome(name: string): Outcome | undefined {
    const last = this.#last.get(name);
    if (last && !isConstant(last) && this.#own.get(name)?.isOpen === false && !this.#asked.has(name)) {
      this.#asked.add(name);
      const found = this.#outcomeOf(last);
      this.#asked.delete(name);
      return isOpen(found) ? undefined : found;
    }
    const known = this.#known.get(name);
    if (known) return known;
    // one that is made of itself
    this.#known.set(name, OPEN);
    const own = this.#own.get(name);
    const variable = own?.isDeclared ? own : undefined;
    const given = variable?.values ?? this.#file.variables.flatMap((one) => (one.name === name ? [one.init] : []));
    const telling = given.filter((value) => !isConstant(value)).map(this.#outcomeOf);
    const found = each(telling.filter((one) => !isOpen(one)));
    this.#known.delete(name);
    if (!variable || variable.isOpen || telling.length > 0) {
      this.#known.set(name, found);
      return isOpen(found) ? undefined : found;
    }
    return ofConstants(variable);
  }

  #declare(list: readonly Stmt[]): void {
    for (const s of list) {
      if (s.k === 'decl') {
        const variable = this.#variable(s.name);
        variable.isDeclared = true;
        if (s.init) variable.values.push(s.init);
        if (s.static) variable.isOpen = true;
      }
      for (const inner of listsOf(s)) this.#declare(inner);
    }
  }

  #variable(name: string): Variable {
    let found = this.#own.get(name);
    if (!found) this.#own.set(name, (found = { isDeclared: false, values: [], isOpen: false, constants: [] }));
    return found;
  }
}

/** Of a variable that is only ever given constants; those to come may be given by a loop. */
function ofConstants({ values, constants }: Variable): Outcome | undefined {
  if (constants.length < values.length || constants.length === 0) return undefined;
  const outcomes = constants.map(({ value, when }) => ({ of: ofConstant(constantOf(value)!), when }));
  const found = outcomeBy((key) => any(...outcomes.map(({ of, when }) => (of[key] === true ? when : false))));
  return isOpen(found) ? undefined : found;
}

function isConstant(e: Expr): boolean {
  const constant = mentionsConfig(e) ? undefined : constantOf(e);
  return constant !== undefined && constant.k !== 'name';
}
