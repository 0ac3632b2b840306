/** What the parameters of a file's own functions can be, by all calls of them: one that is inlined knows it. */

import type { Expr } from './c-ast.ts';
import type { CallSite, Known } from './c-calls.ts';
import { expansions } from './c-calls.ts';
import { all, any } from './c-condition.ts';
import type { Expand } from './c-config-test.ts';
import type { CFile, CFunction } from './c-file.ts';
import { isOpen, type Outcome, outcomeBy, outcomeOf, UNCLEAR } from './c-outcome.ts';
import { Values } from './c-values.ts';

export class Parameters {
  readonly #file: CFile;
  readonly #sites: ReadonlyMap<string, readonly CallSite[]>;
  readonly #callable: ReadonlySet<string>;
  readonly #known: Known;
  readonly #expand: Expand;
  readonly #outcomes = new Map<string, Outcome | undefined>();
  readonly #values = new Map<string, Values>();

  /** `calls` are those of the file. */
  constructor(file: CFile, calls: readonly CallSite[], known: Known) {
    this.#file = file;
    this.#known = known;
    this.#expand = expansions(file);
    this.#sites = Map.groupBy(
      calls.filter(({ isPointer }) => !isPointer),
      ({ callee }) => callee,
    );
    // others may call what is not static, or is handed out
    const text = JSON.stringify([file.variables, file.functions.map(({ body }) => body)]);
    const given = new Set([...text.matchAll(/(?<!"callee":\{)"k":"name","name":"(\w+)"/g)].map(([, name]) => name!));
    this.#callable = new Set(file.functions.flatMap((one) => (one.static && !given.has(one.name) ? [one.name] : [])));
  }

  /** Undefined where run time decides. */
  readonly param = (of: CFunction, name: string): Outcome | undefined => {
    if (!this.#callable.has(of.name)) return undefined;
    const key = `${of.name} ${name}`;
    if (this.#outcomes.has(key)) return this.#outcomes.get(key);
    // one that hands it on to itself
    this.#outcomes.set(key, undefined);
    const found = this.#find(of, of.params.indexOf(name));
    this.#outcomes.set(key, found);
    return found;
  };

  #find(of: CFunction, at: number): Outcome | undefined {
    const sites = this.#sites.get(of.name) ?? [];
    if (sites.length === 0) return undefined;
    const given = sites.map(({ args, when, caller }) => ({ when, value: this.#outcomeOf(args[at], caller) }));
    if (given.some(({ value, when }) => when === true && isOpen(value))) return undefined;
    const found = outcomeBy((key) => any(...given.map(({ when, value }) => all(when, value[key]))));
    return isOpen(found) ? undefined : found;
  }

  #outcomeOf(arg: Expr | undefined, caller: string): Outcome {
    const inside = this.#file.functions.find(({ name }) => name === caller);
    if (!arg || !inside) return UNCLEAR;
    const { call } = this.#known;
    const of = (e: Expr): Outcome =>
      outcomeOf(e, {
        expand: this.#expand,
        call: (name) => call?.(name),
        name: (name) =>
          values.outcome(name) ??
          (inside.params.includes(name)
            ? this.param(inside, name)
            : values.isVariable(name)
              ? undefined
              : call?.(name)),
      });
    const values = this.#values.get(caller) ?? new Values(this.#file, inside, of);
    this.#values.set(caller, values);
    return of(arg);
  }
}
