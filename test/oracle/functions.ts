/**
 * The functions that rules/source says are in an object, and those that the compiler put there.
 *
 * Set aside, and counted: static functions that we say are there and the compiler inlined or dropped; symbols that
 * are not defined in the file's own text, since a macro or an included file makes them; functions under a
 * condition that is none of the configuration's.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExprPool } from '../../rules/kconfig/expr.ts';
import { NO } from '../../rules/kconfig/expr.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import type { Values } from '../../rules/kconfig/values.ts';
import { type ConditionContext, conditionBounds } from '../../rules/source/c-condition.ts';
import { type CFile, type CFunction, whenAt } from '../../rules/source/c-file.ts';
import type { ReadC } from '../../rules/source/c-file-cache.ts';
import type { BuiltObject } from './kernel-build.ts';

export interface Compared {
  readonly object: string;
  /** One sentence each; none where the two agree. */
  readonly differences: readonly string[];
  /** Functions that both say are there, or both say are not. */
  readonly agreed: { readonly there: number; readonly absent: number };
  readonly aside: { readonly inlined: number; readonly generated: number; readonly opaque: number };
}

/** Compares one object. `values` hold its configuration. */
export async function compareFunctions(
  tree: string,
  built: BuiltObject,
  values: Values,
  read: ReadC,
): Promise<Compared> {
  const text = readFileSync(join(tree, built.source), 'utf8');
  const outcome = await read(text);
  if (!outcome.ok) return failed(built, outcome.why);
  const say = new Said(values, built.isModule);
  const ours = new Map<string, { presence: Presence; isStatic: boolean }>();
  for (const one of outcome.file.functions) {
    // `int NAME(void)` with a macro NAME has another name in the object
    const macros = outcome.file.macros.filter(({ name }) => name === one.name);
    if (macros.some(({ line }) => say.presence(outcome.file, line) !== 'absent')) continue;
    for (const name of namesInObject(one)) {
      const presence = say.presence(outcome.file, one.line);
      const known = ours.get(name);
      const isStatic = one.static === true || one.inline === true;
      if (!known || RANK[presence] > RANK[known.presence]) ours.set(name, { presence, isStatic });
    }
  }
  const theirs = new Map(built.functions.map(({ name, global }) => [withoutSuffix(name), global]));
  const differences: string[] = [];
  const [agreed, aside] = [
    { there: 0, absent: 0 },
    { inlined: 0, generated: 0, opaque: 0 },
  ];
  for (const [name, { presence, isStatic }] of ours) {
    const isThere = theirs.has(name);
    if (presence === 'opaque') aside.opaque += 1;
    else if (presence === 'there' && isThere) agreed.there += 1;
    else if (presence === 'absent' && !isThere) agreed.absent += 1;
    else if (presence === 'there' && isStatic) aside.inlined += 1;
    else if (presence === 'there' && isAlias(name)) aside.inlined += 1;
    else differences.push(`${name} is ${presence} by our conditions, but ${isThere ? '' : 'not '}in the object`);
  }
  for (const name of theirs.keys()) {
    if (ours.has(name) || isCompilers(name)) continue;
    if (isDefinedIn(text, name))
      differences.push(`${name} is in the object and defined in the text, but no function of ours`);
    else aside.generated += 1;
  }
  return { object: built.object, differences, agreed, aside };
}

function failed({ object }: BuiltObject, why: string): Compared {
  return {
    object,
    differences: [`the file cannot be read: ${why}`],
    agreed: { there: 0, absent: 0 },
    aside: { inlined: 0, generated: 0, opaque: 0 },
  };
}

/** Whether a plain search finds a definition: a line that begins with a word, the name, parentheses, a brace. */
export function isDefinedIn(text: string, name: string): boolean {
  return new RegExp(`^(?:\\w[^\\n;=#(){}]*\\b)?${name}\\s*\\([^;{}]*\\)\\s*\\{`, 'm').test(text);
}

type Presence = 'there' | 'absent' | 'opaque';
/** Of several definitions in the branches of an `#if`, the one that is there counts. */
const RANK: Readonly<Record<Presence, number>> = { absent: 0, opaque: 1, there: 2 };

class Said {
  readonly #values: Values;
  readonly #pool: ExprPool;
  readonly #context: ConditionContext;

  constructor(values: Values, isModule: boolean) {
    const { pool, model } = values;
    this.#values = values;
    this.#pool = pool;
    const TEXT: readonly SymbolType[] = [SymbolType.string, SymbolType.int, SymbolType.hex];
    this.#context = {
      modular: pool.symbol(isModule ? pool.y : pool.n),
      typeOf: (name) => {
        const id = pool.findSymbol(name);
        const symbol = id === undefined ? undefined : model.symbols[id];
        if (!symbol || symbol.declarations.length === 0) return undefined;
        return TEXT.includes(symbol.type) ? 'text' : symbol.type === SymbolType.bool ? 'bool' : 'tristate';
      },
    };
  }

  presence(file: CFile, line: number): Presence {
    const { least, most } = conditionBounds(this.#pool, whenAt(file, line), this.#context);
    if (this.#values.expr(least) !== NO) return 'there';
    return this.#values.expr(most) === NO ? 'absent' : 'opaque';
  }
}

/** `f.isra.0`, `f.constprop.0`, `f.part.0`, `f.cold`. */
function withoutSuffix(name: string): string {
  return name.replace(/\.(?:isra|constprop|part|cold|lto_priv|localalias)\b.*$/, '');
}

/** Symbols that the compiler or the linker adds: padding before functions, constructors of instrumentation. */
function isCompilers(name: string): boolean {
  return /^(?:__pfx_|__cfi_|_sub_[ID]_|\.L)/.test(name);
}

/** A system call by its number of another architecture's layer; the native one is looked for. */
function isAlias(name: string): boolean {
  return name.startsWith('__x64_compat_');
}

/** arch/x86/include/asm/syscall_wrapper.h: on x86_64 sys_f is __x64_sys_f. */
function namesInObject({ name, definer }: CFunction): readonly string[] {
  if (definer === undefined) return [name];
  if (name.startsWith('sys_')) return [`__x64_${name}`];
  return name.startsWith('compat_sys_') ? [] : [name];
}
