/**
 * Makefiles evaluated for all configurations at once: `ifdef CONFIG_X` is taken both ways, `$(CONFIG_X)` is all it can
 * be, and each word of each variable knows when it is there. Otherwise as GNU make does it.
 *
 * What nobody can know (`$(shell …)`, variables of compiler flags) is an unknown: both ways are possible.
 * (More than 400 lines: statements expand texts, and texts, by `$(eval)`, execute statements, on one set of variables.)
 */

import { normalize } from 'node:path/posix';
import type { ExprId } from '../kconfig/expr.ts';
import { type SymbolType, SymbolType as Type } from '../kconfig/parse.ts';
import type { Conditions } from './conditions.ts';
import { KbuildError } from './error.ts';
import { TEXT_FUNCTIONS } from './functions.ts';
import { GuardedText, hasHole, hole, type Segment, type Word } from './guarded-text.ts';
import { type Assign, type LazyText, type Makefile, parseMakefile, type Statement, type Test } from './makefile.ts';
import { replaced } from './patterns.ts';
import { assigned, type Piece, type Scope } from './scope.ts';
import type { Part, Place } from './text-parts.ts';

/** The tree and the architecture as a makefile sees them. */
export interface World {
  /** The makefile at a path; undefined where the tree has none (it is generated, or missing). */
  makefile(path: string): Makefile | undefined;
  /** Type of a symbol; undefined or unknown where nothing declares it. */
  symbolType(name: string): SymbolType | undefined;
  /** Paths that a pattern of `$(wildcard)` matches; folders with a `/` at the end if the pattern has it. */
  wildcard(pattern: string): readonly string[];
}

/** Segments that one makefile and what it includes may handle; the kernel's largest needs 3 % of it. */
const MAX_WORK = 1_000_000;
/** Variables within variables, and functions. make gives up where its stack ends. */
const MAX_DEPTH = 150;
const MAX_INCLUDES = 40;

/** Variables of which nobody asks for objects: flags of compilers and linkers, and what make makes of itself. */
const NOT_EVALUATED = /^(?!CONFIG_).*flags|^(?:MAKE_VERSION|\.FEATURES|CURDIR|MAKEFILE_LIST|MAKE|SHELL|[@<^?*+|%])$/i;

export class Evaluator {
  readonly conditions: Conditions;
  readonly text: GuardedText;
  readonly scope: Scope;
  readonly #world: World;
  /** Variables that no makefile sets, as if given on the command line. */
  readonly #fixed: ReadonlyMap<string, string>;
  /** Arguments of `$(call)`, variables of `$(foreach)`; innermost last. */
  readonly #locals: Map<string, readonly Segment[]>[] = [];
  #when: ExprId;
  #depth = 0;
  #includes = 0;
  #work = 0;
  /** What is executed, for errors. */
  #at: Place = { path: 'Makefile', line: 1 };

  constructor(conditions: Conditions, world: World, scope: Scope, fixed: ReadonlyMap<string, string>) {
    this.conditions = conditions;
    this.text = new GuardedText(conditions);
    this.scope = scope;
    this.#world = world;
    this.#fixed = fixed;
    this.#when = conditions.TRUE;
  }

  /** Executes a makefile. Throws KbuildError where make would refuse it, or where it takes too much. */
  run(makefile: Makefile): void {
    try {
      this.#statements(makefile.statements);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw this.#error('nested too deep to evaluate');
    }
  }

  /** Sets a variable in all configurations. */
  define(name: string, value: string): void {
    const { TRUE } = this.conditions;
    const piece: Piece = { when: TRUE, segments: this.text.plain(value), at: this.#at };
    this.scope.set(name, { pieces: [piece], defined: TRUE, simple: TRUE });
  }

  /** Words of a variable, each with the statement that put it there. */
  list(name: string): (Word & { readonly by: Place })[] {
    const words: (Word & { readonly by: Place })[] = [];
    for (const piece of this.scope.get(name)?.pieces ?? [])
      for (const word of this.text.words(this.#piece(piece))) words.push({ ...word, by: piece.at });
    return words;
  }

  // ------------------------------------------------------------ statements

  #statements(statements: readonly Statement[]): void {
    for (const statement of statements) {
      this.#at = statement.at;
      switch (statement.kind) {
        case 'assign':
          this.#assign(statement);
          break;
        case 'if': {
          const before = this.#when;
          let left = before;
          for (const arm of statement.arms) {
            this.#at = arm.at;
            const test = arm.test ? this.#test(arm.test) : this.conditions.TRUE;
            this.#when = this.conditions.and(left, test);
            if (this.#when !== this.conditions.FALSE) this.#statements(arm.body);
            left = this.conditions.and(left, this.conditions.not(test));
            if (left === this.conditions.FALSE) break;
          }
          this.#when = before;
          break;
        }
        case 'include':
          this.#include(statement.paths);
          break;
        case 'export':
          for (const { text } of this.text.words(this.#expand(statement.names.parts))) this.scope.export(text);
          break;
        case 'undefine':
          for (const { text, when } of this.#names(statement.name)) {
            const old = this.scope.get(text);
            const { conditions } = this;
            if (!old) continue;
            const otherwise = conditions.not(conditions.and(this.#when, when));
            const pieces = old.pieces.map((piece) => ({ ...piece, when: conditions.and(piece.when, otherwise) }));
            this.scope.set(text, {
              pieces: pieces.filter((piece) => piece.when !== conditions.FALSE),
              defined: conditions.and(old.defined, otherwise),
              simple: conditions.and(old.simple, otherwise),
            });
          }
          break;
        case 'expand':
          this.#expand(statement.text.parts);
      }
    }
  }

  #assign(statement: Assign): void {
    const { conditions } = this;
    const { op, value, at } = statement;
    let expanded: readonly Segment[] | undefined;
    const simply = (when: ExprId): Piece => ({ when, segments: (expanded ??= this.#expand(value.parts)), at });
    for (const name of this.#names(statement.name)) {
      if (hasHole(name.text) || this.#fixed.has(name.text) || NOT_EVALUATED.test(name.text)) continue;
      if (statement.isExported) this.scope.export(name.text);
      let when = conditions.and(this.#when, name.when);
      const old = this.scope.get(name.text);
      if (op === '?=' && old) when = conditions.and(when, conditions.not(old.defined));
      if (when === conditions.FALSE) continue;
      const set = (isAppended: boolean, isSimple: boolean, piece: Piece): void =>
        this.scope.set(name.text, assigned(conditions, this.scope.get(name.text), { isAppended, isSimple }, piece));
      if (op === ':=') set(false, true, simply(when));
      else if (op !== '+=') set(false, false, { when, text: value, at });
      else {
        const simple = old?.simple ?? conditions.FALSE;
        const [now, later] = [conditions.and(when, simple), conditions.and(when, conditions.not(simple))];
        if (now !== conditions.FALSE) set(true, true, simply(now));
        if (later !== conditions.FALSE) set(true, false, { when: later, text: value, at });
      }
      this.#spend(this.scope.get(name.text)!.pieces.length >> 4);
    }
  }

  /** What a name can be. */
  #names(name: LazyText): readonly { readonly when: ExprId; readonly text: string }[] {
    const [only, ...more] = name.parts;
    if (only?.kind === 'text' && more.length === 0) return [{ when: this.conditions.TRUE, text: only.text.trim() }];
    const forms = this.text.alternatives(this.#expand(name.parts)) ?? [];
    return forms.map(({ when, text }) => ({ when, text: text.trim() })).filter(({ text }) => text !== '');
  }

  #test(test: Test): ExprId {
    const { conditions } = this;
    let holds: ExprId;
    if (test.kind === 'equal') holds = this.text.isEqual(this.#expand(test.left.parts), this.#expand(test.right.parts));
    else {
      holds = conditions.FALSE;
      for (const name of this.#names(test.name))
        holds = conditions.or(holds, conditions.and(name.when, this.#isSet(name.text)));
    }
    return test.isNegated ? conditions.not(holds) : holds;
  }

  /** `ifdef`: it has a value that is not empty, expanded or not. */
  #isSet(name: string): ExprId {
    const { conditions } = this;
    const variable = this.scope.get(name);
    if (!variable || this.#fixed.has(name)) return this.text.isNonEmpty(this.#variable(name), false);
    let set = conditions.FALSE;
    for (const { when, segments, text } of variable.pieces) {
      const filled = segments ? this.text.isNonEmpty(segments, false) : text!.source === '' ? conditions.FALSE : when;
      set = conditions.or(set, conditions.and(when, filled));
    }
    return set;
  }

  #include(paths: LazyText): void {
    const at = this.#at;
    for (const { when, text } of this.text.words(this.#expand(paths.parts))) {
      if (hasHole(text)) continue;
      const makefile = this.#world.makefile(normalize(text));
      // not there: generated, and without objects
      if (!makefile) continue;
      const before = this.#when;
      this.#when = this.conditions.and(before, when);
      if (this.#when !== this.conditions.FALSE) {
        if (this.#includes >= MAX_INCLUDES) throw new KbuildError(at.path, at.line, `${text} includes itself`);
        this.#includes++;
        this.#statements(makefile.statements);
        this.#includes--;
      }
      this.#when = before;
      this.#at = at;
    }
  }

  // ------------------------------------------------------------ texts

  #expand(parts: readonly Part[]): Segment[] {
    if (this.#depth > MAX_DEPTH) throw this.#error('a variable references itself');
    this.#depth++;
    const out: Segment[] = [];
    for (const part of parts) {
      switch (part.kind) {
        case 'text':
          out.push({ when: this.conditions.TRUE, text: part.text, at: part.at });
          break;
        case 'variable':
          for (const segment of this.#named(part.name, (name) => this.#variable(name))) out.push(segment);
          break;
        case 'replaced':
          for (const segment of this.#replaced(part)) out.push(segment);
          break;
        case 'function':
          for (const segment of this.#function(part.name, part.args, part.source)) out.push(segment);
      }
      this.#spend(1);
    }
    this.#spend(out.length);
    this.#depth--;
    return out;
  }

  /** The value of whichever variable the name says. */
  #named(name: readonly Part[], value: (name: string) => readonly Segment[]): readonly Segment[] {
    const [only, ...more] = name;
    if (only?.kind === 'text' && more.length === 0) return value(only.text);
    const names = this.text.alternatives(this.#expand(name));
    if (!names) return this.text.unknown('a variable with one of many names');
    return names.flatMap(({ when, text }) =>
      hasHole(text) ? this.text.unknown('a variable of an unknown name') : this.text.restricted(value(text), when),
    );
  }

  #variable(name: string): readonly Segment[] {
    for (let i = this.#locals.length - 1; i >= 0; i--) {
      const local = this.#locals[i]!.get(name);
      if (local) return local;
    }
    if (/^\d+$/.test(name)) return [];
    const fixed = this.#fixed.get(name);
    if (fixed !== undefined) return this.text.plain(fixed);
    if (NOT_EVALUATED.test(name)) return this.text.unknown(name);
    const variable = this.scope.get(name);
    if (!variable) return name.startsWith('CONFIG_') ? this.#symbol(name.slice('CONFIG_'.length)) : [];
    const out = this.#pieces(variable.pieces);
    this.#spend(out.length);
    return out;
  }

  #pieces(pieces: readonly Piece[]): Segment[] {
    const groups: Segment[][] = [];
    for (const piece of pieces) {
      const segments = this.#piece(piece);
      // those of `=` and `:=` are there instead of one another
      if (piece.isAppended || groups.length === 0) groups.push(segments);
      else for (const segment of segments) groups.at(-1)!.push(segment);
    }
    return this.text.spaced(groups);
  }

  #piece({ when, segments, text }: Piece): Segment[] {
    return this.text.restricted(segments ?? this.#expand(text!.parts), when);
  }

  /** `$(CONFIG_X)` as include/config/auto.conf has it (scripts/kconfig/confdata.c, conf_write_autoconf). */
  #symbol(name: string): Segment[] {
    const { conditions } = this;
    const id = conditions.pool.symbolId(name);
    switch (this.#world.symbolType(name)) {
      case undefined:
      case Type.unknown:
        return [];
      case Type.bool:
        return [{ when: conditions.bool(id), text: 'y' }];
      case Type.tristate:
        return [
          { when: conditions.is(id, 'y'), text: 'y' },
          { when: conditions.is(id, 'm'), text: 'm' },
        ];
      default:
        return this.text.plain(hole(id));
    }
  }

  #replaced(part: Extract<Part, { kind: 'replaced' }>): Segment[] {
    const [from, to] = [this.text.alternatives(this.#expand(part.from)), this.text.alternatives(this.#expand(part.to))];
    const value = this.#named(part.name, (name) => this.#variable(name));
    if (from?.length !== 1 || to?.length !== 1) return this.text.unknown('a replacement that differs');
    const [a, b] = [from[0]!.text, to[0]!.text];
    const [pattern, replacement] = a.includes('%') ? [a, b] : [`%${a}`, `%${b}`];
    return this.text.joined(
      this.text.words(value).map((word) => ({ ...word, text: replaced(pattern, replacement, word.text) })),
    );
  }

  #function(name: string, args: readonly (readonly Part[])[], source: string): readonly Segment[] {
    const pure = TEXT_FUNCTIONS.get(name);
    if (pure) {
      const values = args.map((arg) => this.#expand(arg));
      const result = pure(this, values);
      let length = 0;
      for (const { text } of result) length += text.length;
      this.#spend(result.length + (length >> 3));
      return result;
    }
    const expanded = (i: number): Segment[] => this.#expand(args[i] ?? []);
    const { conditions, text } = this;
    switch (name) {
      case 'if': {
        const holds = text.isNonEmpty(expanded(0), true);
        const yes = holds === conditions.FALSE ? [] : text.restricted(expanded(1), holds);
        const no = holds === conditions.TRUE ? [] : text.restricted(expanded(2), conditions.not(holds));
        return [...yes, ...no];
      }
      case 'or': {
        const out: Segment[] = [];
        let left = conditions.TRUE;
        for (let i = 0; i < args.length && left !== conditions.FALSE; i++) {
          const value = text.joined(text.words(expanded(i)));
          const filled = text.isNonEmpty(value, true);
          out.push(...text.restricted(value, conditions.and(left, filled)));
          left = conditions.and(left, conditions.not(filled));
        }
        return out;
      }
      case 'and': {
        let all = conditions.TRUE;
        let last: Segment[] = [];
        for (let i = 0; i < args.length && all !== conditions.FALSE; i++) {
          last = expanded(i);
          all = conditions.and(all, text.isNonEmpty(last, true));
        }
        return text.restricted(last, all);
      }
      case 'foreach':
        return this.#foreach(args);
      case 'call':
        return this.#call(args);
      case 'eval':
        this.#eval(expanded(0));
        return [];
      case 'wildcard':
        return text.joined(
          text
            .words(expanded(0))
            .flatMap((word) =>
              hasHole(word.text)
                ? []
                : this.#world.wildcard(word.text).map((path) => ({ when: word.when, text: path })),
            ),
        );
      case 'abspath':
      case 'realpath':
        return text.joined(text.words(expanded(0)).map((word) => ({ ...word, text: normalize(word.text) })));
      case 'origin':
      case 'flavor':
        return this.#origin(name, expanded(0));
      case 'error':
      case 'warning':
      case 'info':
        return [];
      default:
        // shell, file, value
        return text.unknown(name === 'shell' ? `$(shell ${text.shown(expanded(0)).trim()})` : source);
    }
  }

  #foreach(args: readonly (readonly Part[])[]): Segment[] {
    const [name] = this.text.alternatives(this.#expand(args[0] ?? [])) ?? [];
    const bodies: Segment[][] = [];
    if (!name) return [];
    const before = this.#when;
    for (const word of this.text.words(this.#expand(args[1] ?? []))) {
      this.#locals.push(new Map([[name.text.trim(), this.text.plain(word.text, word.at)]]));
      this.#when = this.conditions.and(before, word.when);
      const body = this.#when === this.conditions.FALSE ? [] : this.#expand(args[2] ?? []);
      this.#locals.pop();
      bodies.push(this.text.restricted(body, word.when));
    }
    this.#when = before;
    return this.text.spaced(bodies);
  }

  #call(args: readonly (readonly Part[])[]): readonly Segment[] {
    const values = args.map((arg) => this.#expand(arg));
    const names = this.text.alternatives(values[0] ?? []) ?? [];
    return names.flatMap(({ when, text }) => {
      const name = text.trim();
      const own = TEXT_FUNCTIONS.get(name);
      if (own) return this.text.restricted(own(this, values.slice(1)), when);
      // all arguments up to the ninth, so that those of a call around this one are hidden
      const locals = new Map<string, readonly Segment[]>();
      for (let i = 0; i < Math.max(10, values.length); i++) locals.set(String(i), values[i] ?? []);
      this.#locals.push(locals);
      const body = this.#variable(name);
      this.#locals.pop();
      return this.text.restricted(body, when);
    });
  }

  #eval(value: readonly Segment[]): void {
    const before = this.#when;
    const at = this.#at;
    for (const { when, text } of this.text.alternatives(value) ?? []) {
      this.#when = this.conditions.and(before, when);
      if (this.#when === this.conditions.FALSE || text.trim() === '') continue;
      if (this.#includes >= MAX_INCLUDES) throw this.#error('$(eval) within itself');
      this.#includes++;
      this.#statements(parseMakefile(at.path, text).statements.map((statement) => ({ ...statement, at })));
      this.#includes--;
    }
    this.#when = before;
    this.#at = at;
  }

  #origin(name: string, value: readonly Segment[]): Segment[] {
    const [only, ...more] = this.text.alternatives(value) ?? [];
    if (!only || more.length > 0) return this.text.unknown(`$(${name} ${this.text.shown(value)})`);
    if (this.#fixed.has(only.text)) return this.text.plain(name === 'origin' ? 'command line' : 'recursive');
    const variable = this.scope.get(only.text);
    const { conditions } = this;
    const defined = variable?.defined ?? conditions.FALSE;
    const simple = variable?.simple ?? conditions.FALSE;
    const there: Segment[] =
      name === 'origin'
        ? this.text.plain('file')
        : [
            { when: simple, text: 'simple' },
            { when: conditions.not(simple), text: 'recursive' },
          ];
    return [
      ...this.text.restricted(there, defined),
      ...this.text.restricted(this.text.plain('undefined'), conditions.not(defined)),
    ];
  }

  #spend(segments: number): void {
    this.#work += segments;
    if (this.#work > MAX_WORK) throw this.#error('takes too much to evaluate');
  }

  #error(detail: string): KbuildError {
    return new KbuildError(this.#at.path, this.#at.line, detail);
  }
}
