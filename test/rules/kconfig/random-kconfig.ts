/** Small Kconfig files at random, without circular dependencies: what a symbol refers to stands above it. */

import fc from 'fast-check';

interface Leaf {
  readonly kind: 'symbol' | 'not' | 'equal' | 'unequal' | 'm' | 'undefined' | 'less';
  readonly a: number;
  readonly b: number;
}

type Expr = Leaf | { readonly op: '&&' | '||' | '!'; readonly left: Expr; readonly right: Expr };

interface Property {
  readonly cond: Expr | undefined;
}

interface Entry {
  readonly type: 'bool' | 'tristate' | 'int' | 'hex' | 'string';
  readonly prompt: Property | undefined;
  readonly depends: readonly Expr[];
  readonly defaults: readonly (Property & { readonly value: Expr; readonly text: number })[];
  readonly ranges: readonly (Property & { readonly low: number; readonly high: number })[];
  readonly edges: readonly (Property & { readonly to: number; readonly isSelect: boolean })[];
  /** What stands around it. */
  readonly around: 'nothing' | 'if' | 'visible' | 'menu';
  readonly outer: Expr;
  /** Declared a second time. */
  readonly again: { readonly depends: Expr | undefined; readonly prompt: Property | undefined } | undefined;
}

export interface RandomKconfig {
  readonly modules: 'none' | 'prompt' | 'always' | 'never';
  readonly entries: readonly Entry[];
  /** The first member of a choice, and their number; fewer than two are none. */
  readonly choice: { readonly first: number; readonly size: number; readonly default: number; readonly depends: Expr };
}

const number = fc.nat({ max: 11 });
const leaf: fc.Arbitrary<Expr> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('symbol' as const) },
    { weight: 3, arbitrary: fc.constant('not' as const) },
    { weight: 1, arbitrary: fc.constantFrom('equal' as const, 'unequal' as const, 'm' as const, 'undefined' as const) },
    { weight: 1, arbitrary: fc.constant('less' as const) },
  ),
  a: number,
  b: number,
});
const branch: fc.Arbitrary<Expr> = fc.record({
  op: fc.constantFrom('&&' as const, '||' as const, '!' as const),
  left: leaf,
  right: leaf,
});
const expr: fc.Arbitrary<Expr> = fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: branch });
const cond = fc.option(expr, { nil: undefined, freq: 2 });
const prompt = fc.option(fc.record({ cond }), { nil: undefined, freq: 3 });

const entry: fc.Arbitrary<Entry> = fc.record({
  type: fc.oneof(
    { weight: 4, arbitrary: fc.constant('bool' as const) },
    { weight: 4, arbitrary: fc.constant('tristate' as const) },
    { weight: 1, arbitrary: fc.constantFrom('int' as const, 'hex' as const, 'string' as const) },
  ),
  prompt,
  depends: fc.array(expr, { maxLength: 2 }),
  defaults: fc.array(fc.record({ cond, value: expr, text: number }), { maxLength: 2 }),
  ranges: fc.array(fc.record({ cond, low: number, high: number }), { maxLength: 2 }),
  edges: fc.array(fc.record({ cond, to: number, isSelect: fc.boolean() }), { maxLength: 2 }),
  around: fc.oneof(
    { weight: 5, arbitrary: fc.constant('nothing' as const) },
    { weight: 1, arbitrary: fc.constantFrom('if' as const, 'visible' as const, 'menu' as const) },
  ),
  outer: expr,
  again: fc.option(fc.record({ depends: cond, prompt }), { nil: undefined, freq: 5 }),
});

/** As a value, for fast-check to make smaller; `kconfigText` writes it. */
export const randomKconfig: fc.Arbitrary<RandomKconfig> = fc.record({
  modules: fc.constantFrom('none' as const, 'prompt' as const, 'always' as const, 'never' as const),
  entries: fc.array(entry, { minLength: 2, maxLength: 6 }),
  choice: fc.record({ first: fc.nat({ max: 12 }), size: fc.nat({ max: 3 }), default: number, depends: expr }),
});

export function kconfigText(of: RandomKconfig): string {
  return new Writer(of).text();
}

class Writer {
  readonly #of: RandomKconfig;
  readonly #types: readonly Entry['type'][];
  readonly #first: number;
  readonly #last: number;

  constructor(of: RandomKconfig) {
    this.#of = of;
    const { first, size } = of.choice;
    const isChoice = size >= 2 && first + size <= of.entries.length;
    this.#first = isChoice ? first : of.entries.length;
    this.#last = isChoice ? first + size : of.entries.length;
    this.#types = of.entries.map(({ type }, i) => (this.#isMember(i) ? 'bool' : type));
  }

  text(): string {
    const { modules, entries, choice } = this.#of;
    const lines: string[] = [];
    if (modules === 'prompt') lines.push('config MODULES', '\tbool "MODULES"', '\tmodules');
    else if (modules !== 'none')
      lines.push('config MODULES', `\tdef_bool ${modules === 'always' ? 'y' : 'n'}`, '\tmodules');
    for (const [i, entry] of entries.entries()) {
      if (i === this.#first) {
        lines.push('choice', '\tprompt "choice"', `\tdepends on ${this.#expr(choice.depends, i)}`);
        if (choice.default < 8) lines.push(`\tdefault ${name(i + (choice.default % (this.#last - i)))}`);
      }
      lines.push(...this.#entry(entry, i));
      if (this.#isMember(i) && i === this.#last - 1) lines.push('endchoice');
    }
    return lines.map((line) => `${line}\n`).join('');
  }

  #isMember(i: number): boolean {
    return i >= this.#first && i < this.#last;
  }

  /** How many entries one may refer to: members of a choice not to each other. */
  #bound(i: number): number {
    return this.#isMember(i) ? this.#first : i;
  }

  #entry(entry: Entry, i: number): string[] {
    const bound = this.#bound(i);
    const isMember = this.#isMember(i);
    const lines = [`config ${name(i)}`, `\t${this.#types[i]}${isMember ? ` "${name(i)}"` : ''}`];
    if (entry.prompt && !isMember) lines.push(`\tprompt "${name(i)}"${this.#if(entry.prompt, bound)}`);
    for (const depends of entry.depends) lines.push(`\tdepends on ${this.#expr(depends, bound)}`);
    if (!isMember) for (const property of entry.defaults) lines.push(this.#default(property, i));
    if (this.#types[i] === 'int' || this.#types[i] === 'hex') {
      for (const range of entry.ranges) lines.push(`\trange ${this.#bounds(range, i)}${this.#if(range, bound)}`);
    }
    if (this.#types[i] === 'bool' || this.#types[i] === 'tristate') {
      for (const edge of entry.edges) {
        const to = this.#target(i, edge.to);
        if (to !== undefined) lines.push(`\t${edge.isSelect ? 'select' : 'imply'} ${name(to)}${this.#if(edge, bound)}`);
      }
    }
    if (isMember) return lines;
    if (entry.again) {
      lines.push(`config ${name(i)}`);
      if (entry.again.depends) lines.push(`\tdepends on ${this.#expr(entry.again.depends, bound)}`);
      if (entry.again.prompt) lines.push(`\tprompt "again"${this.#if(entry.again.prompt, bound)}`);
    }
    const outer = this.#expr(entry.outer, bound);
    if (entry.around === 'if') return [`if ${outer}`, ...lines, 'endif'];
    if (entry.around === 'visible') return ['menu "menu"', `\tvisible if ${outer}`, ...lines, 'endmenu'];
    if (entry.around === 'menu') return ['menu "menu"', `\tdepends on ${outer}`, ...lines, 'endmenu'];
    return lines;
  }

  #target(from: number, to: number): number | undefined {
    const after = this.#isMember(from) ? this.#last : from + 1;
    const targets = this.#types.flatMap((type, i) => {
      const isTarget = i >= after && !this.#isMember(i) && (type === 'bool' || type === 'tristate');
      return isTarget ? [i] : [];
    });
    return targets.length === 0 ? undefined : targets[to % targets.length];
  }

  #default(property: Entry['defaults'][number], i: number): string {
    const bound = this.#bound(i);
    const type = this.#types[i]!;
    let value = this.#expr(property.value, bound);
    if (type !== 'bool' && type !== 'tristate') {
      const same = this.#of.entries.flatMap((_, k) => (k < i && this.#types[k] === type ? [name(k)] : []));
      const own = type === 'string' ? `"${'ab'[property.text % 2]}"` : this.#number(property.text % 4, type);
      value = property.text > 8 && same.length > 0 ? same[property.text % same.length]! : own;
    }
    return `\tdefault ${value}${this.#if(property, bound)}`;
  }

  #bounds({ low, high }: { readonly low: number; readonly high: number }, i: number): string {
    const type = this.#types[i]!;
    const other = this.#types.findIndex((own, k) => k < i && own === type);
    const from = this.#number(low % 4, type);
    return `${from} ${high > 8 && other >= 0 ? name(other) : this.#number((low % 4) + (high % 3), type)}`;
  }

  #number(n: number, type: Entry['type']): string {
    return type === 'hex' ? `0x${n}` : `${n}`;
  }

  #if(property: Property, bound: number): string {
    return property.cond ? ` if ${this.#expr(property.cond, bound)}` : '';
  }

  #expr(e: Expr, bound: number): string {
    if ('op' in e) {
      const left = this.#expr(e.left, bound);
      return e.op === '!'
        ? `!(${left} && ${this.#expr(e.right, bound)})`
        : `(${left} ${e.op} ${this.#expr(e.right, bound)})`;
    }
    const { kind, a, b } = e;
    if (kind === 'm') return 'm';
    if (kind === 'undefined' || bound === 0) return a % 3 === 0 ? 'y' : a % 3 === 1 ? 'MODULES' : 'UNDEFINED';
    const at = a % bound;
    const type = this.#types[at]!;
    const word = name(at);
    if (type === 'bool' || type === 'tristate') {
      if (kind === 'symbol') return word;
      if (kind === 'not') return `!${word}`;
      const sign = kind === 'less' ? '<' : kind === 'equal' ? '=' : '!=';
      const [other] = this.#of.entries.flatMap((_, k) => (k < bound && k !== at && this.#types[k] === type ? [k] : []));
      return `${word}${sign}${b > 8 && other !== undefined ? name(other) : 'nmy'[b % 3]}`;
    }
    const sign = kind === 'less' ? ['<', '<=', '>', '>='][b % 4] : kind === 'not' || kind === 'unequal' ? '!=' : '=';
    const [other] = this.#of.entries.flatMap((_, k) => (k < bound && k !== at && this.#types[k] === type ? [k] : []));
    if (b > 8 && other !== undefined) return `${word}${sign}${name(other)}`;
    return `${word}${sign}${type === 'string' ? `"${'ab'[b % 2]}"` : this.#number(b % 4, type)}`;
  }
}

function name(i: number): string {
  return 'ABCDEFGH'[i]!;
}
