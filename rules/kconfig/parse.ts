/**
 * A Kconfig file -> its statements, in order, each with its line. Grammar of
 * scripts/kconfig/parser.y up to Linux 7.1 (`transitional`, `depends on … if …`). What a statement
 * belongs to is not decided here, so a file's statements depend on its bytes alone and are kept by
 * blob. A line with `$(...)` stays unread until a tree and an architecture give the variables.
 */

import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import { type Expander, KEYWORDS, LineLexer, Token } from './lex.ts';

export const Kind = {
  config: 0,
  menuconfig: 1,
  choice: 2,
  endchoice: 3,
  if: 4,
  endif: 5,
  menu: 6,
  endmenu: 7,
  comment: 8,
  source: 9,
  mainmenu: 10,
  assign: 11,
  type: 12,
  prompt: 13,
  default: 14,
  select: 15,
  imply: 16,
  range: 17,
  depends: 18,
  visible: 19,
  modules: 20,
  transitional: 21,
  help: 22,
  /** A line whose macros are not expanded yet. */
  raw: 23,
  error: 24,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export const SymbolType = { unknown: 0, bool: 1, tristate: 2, int: 3, hex: 4, string: 5 } as const;
export type SymbolType = (typeof SymbolType)[keyof typeof SymbolType];

/**
 * One statement. Which fields count depends on `kind`:
 * `symbol` config, menuconfig, select, imply, range (lower bound); `other` range (upper bound);
 * `expr` if, depends, default's value; `cond` the `if` behind a property; `type` type and
 * def_bool/def_tristate defaults; `text` prompt, menu, comment, source, mainmenu, assigned value,
 * error; `start`/`end` offsets of help and raw lines in the file's text.
 */
export interface Statement {
  readonly kind: Kind;
  readonly line: number;
  readonly symbol: SymbolId;
  readonly other: SymbolId;
  readonly expr: ExprId;
  readonly cond: ExprId;
  readonly type: SymbolType;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Offsets in a file's text. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

export interface SourceText {
  readonly text: string;
}

export interface KconfigFile extends SourceText {
  readonly statements: readonly Statement[];
  readonly warnings: readonly { readonly line: number; readonly text: string }[];
}

interface Fields {
  symbol?: SymbolId;
  other?: SymbolId;
  expr?: ExprId;
  cond?: ExprId;
  type?: SymbolType;
  text?: string;
  start?: number;
  end?: number;
}

function statement(kind: Kind, line: number, f: Fields): Statement {
  return {
    kind,
    line,
    symbol: f.symbol ?? -1,
    other: f.other ?? -1,
    expr: f.expr ?? NONE,
    cond: f.cond ?? NONE,
    type: f.type ?? SymbolType.unknown,
    text: f.text ?? '',
    start: f.start ?? 0,
    end: f.end ?? 0,
  };
}

/** Deepest nesting of parentheses and negations; a deeper one is an error, not a crash. */
const MAX_DEPTH = 500;

class SyntaxProblem extends Error {}

export class KconfigParser {
  readonly #pool: ExprPool;
  readonly #lexer = new LineLexer();
  #at = 0;
  #depth = 0;

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  /** Parses a whole file. Never throws for bad text: an unreadable line becomes an `error` statement. */
  parseFile(text: string): KconfigFile {
    const statements: Statement[] = [];
    const warnings: { line: number; text: string }[] = [];
    const warn = (line: number, message: string): void => {
      warnings.push({ line, text: message });
    };
    const lexer = this.#lexer;
    let pos = 0;
    let line = 1;
    while (pos < text.length) {
      const start = pos;
      lexer.read(text, pos, line, undefined, warn);
      pos = lexer.end;
      const at = line;
      line += lexer.lines;
      if (lexer.hasMacro) {
        statements.push(statement(Kind.raw, lexer.firstTokenLine, { start, end: lexer.end, other: at }));
      } else if (lexer.count > 0) {
        const s = this.#statement();
        statements.push(s);
        if (s.kind === Kind.help) {
          const help = helpExtent(text, pos);
          statements[statements.length - 1] = statement(Kind.help, s.line, { start: pos, end: help.end });
          pos = help.end;
          line += help.lines;
        }
      }
    }
    return { text, statements, warnings };
  }

  /** Parses a `raw` line again, now with its macros expanded; undefined where nothing is left of it. */
  parseRaw(
    file: KconfigFile,
    raw: Statement,
    expand: Expander,
    warn: (line: number, text: string) => void,
  ): Statement | undefined {
    this.#lexer.read(file.text.slice(raw.start, raw.end), 0, raw.other, expand, warn);
    return this.#lexer.count > 0 ? this.#statement() : undefined;
  }

  #statement(): Statement {
    this.#at = 0;
    this.#depth = 0;
    const line = this.#lexer.firstTokenLine;
    try {
      return this.#read(line);
    } catch (problem) {
      if (!(problem instanceof SyntaxProblem)) throw problem;
      return statement(Kind.error, line, { text: problem.message });
    }
  }

  #read(line: number): Statement {
    const { kinds, texts, assigned } = this.#lexer;
    const word = texts[0]!;
    if (assigned !== undefined)
      return statement(Kind.assign, line, { text: assigned, symbol: this.#pool.constantId(word), other: kinds[1]! });
    if (kinds[0] !== Token.word) throw new SyntaxProblem('invalid statement');
    this.#at = 1;
    switch (word) {
      case 'config':
        return this.#end(Kind.config, line, { symbol: this.#name() });
      case 'menuconfig':
        return this.#end(Kind.menuconfig, line, { symbol: this.#name() });
      case 'choice':
        return this.#end(Kind.choice, line, {});
      case 'endchoice':
        return this.#end(Kind.endchoice, line, {});
      case 'if':
        return this.#end(Kind.if, line, { expr: this.#pool.inDependency(this.#or()) });
      case 'endif':
        return this.#end(Kind.endif, line, {});
      case 'menu':
        return this.#end(Kind.menu, line, { text: this.#quoted() });
      case 'endmenu':
        return this.#end(Kind.endmenu, line, {});
      case 'comment':
        return this.#end(Kind.comment, line, { text: this.#quoted() });
      case 'source':
        return this.#end(Kind.source, line, { text: this.#quoted() });
      case 'mainmenu':
        return this.#end(Kind.mainmenu, line, { text: this.#quoted() });
      case 'bool':
        return this.#type(line, SymbolType.bool);
      case 'tristate':
        return this.#type(line, SymbolType.tristate);
      case 'int':
        return this.#type(line, SymbolType.int);
      case 'hex':
        return this.#type(line, SymbolType.hex);
      case 'string':
        return this.#type(line, SymbolType.string);
      case 'prompt':
        return this.#end(Kind.prompt, line, { text: this.#quoted(), cond: this.#condition() });
      case 'default':
        return this.#end(Kind.default, line, { expr: this.#or(), cond: this.#condition() });
      case 'def_bool':
        return this.#end(Kind.default, line, { expr: this.#or(), cond: this.#condition(), type: SymbolType.bool });
      case 'def_tristate':
        return this.#end(Kind.default, line, { expr: this.#or(), cond: this.#condition(), type: SymbolType.tristate });
      case 'select':
        return this.#end(Kind.select, line, { symbol: this.#name(), cond: this.#condition() });
      case 'imply':
        return this.#end(Kind.imply, line, { symbol: this.#name(), cond: this.#condition() });
      case 'range':
        return this.#end(Kind.range, line, {
          symbol: this.#operand(),
          other: this.#operand(),
          cond: this.#condition(),
        });
      case 'depends': {
        if (texts[this.#at] !== 'on' || this.#lexer.count < 2) throw new SyntaxProblem('expected "on" after "depends"');
        this.#at++;
        const expr = this.#pool.inDependency(this.#or());
        // Kept as written: it is compared with n, and a literal `m` is not n even where modules are off.
        const cond = this.#condition(true);
        return this.#end(Kind.depends, line, { expr, cond });
      }
      case 'visible':
        // Kept as written: a menu is shown for a literal `m` even where modules are off (menu.c, menu_is_visible).
        return this.#end(Kind.visible, line, { cond: this.#condition(true) });
      case 'modules':
        return this.#end(Kind.modules, line, {});
      case 'transitional':
        return this.#end(Kind.transitional, line, {});
      case 'help':
        return this.#end(Kind.help, line, {});
      default:
        throw new SyntaxProblem(`unknown statement "${word}"`);
    }
  }

  #type(line: number, type: SymbolType): Statement {
    if (this.#at >= this.#lexer.count) return statement(Kind.type, line, { type });
    return this.#end(Kind.type, line, { type, text: this.#quoted(), cond: this.#condition(), other: 1 });
  }

  #end(kind: Kind, line: number, fields: Fields): Statement {
    if (this.#at < this.#lexer.count) throw new SyntaxProblem(`unexpected "${this.#lexer.texts[this.#at]}"`);
    return statement(kind, line, fields);
  }

  #condition(isAsWritten = false): ExprId {
    const { kinds, texts, count } = this.#lexer;
    if (this.#at >= count || kinds[this.#at] !== Token.word || texts[this.#at] !== 'if') return NONE;
    this.#at++;
    const e = this.#or();
    return isAsWritten ? e : this.#pool.inDependency(e);
  }

  #name(): SymbolId {
    const { kinds, texts, count } = this.#lexer;
    const at = this.#at++;
    if (at >= count || kinds[at] !== Token.word || KEYWORDS.has(texts[at]!))
      throw new SyntaxProblem('expected a symbol name');
    return this.#pool.symbolId(texts[at]!);
  }

  #quoted(): string {
    const at = this.#at++;
    if (at >= this.#lexer.count || this.#lexer.kinds[at] !== Token.quoted)
      throw new SyntaxProblem('expected a text in quotes');
    return this.#lexer.texts[at]!;
  }

  #operand(): SymbolId {
    const { kinds, texts, count } = this.#lexer;
    if (this.#at < count && kinds[this.#at] === Token.quoted) {
      const text = texts[this.#at++]!;
      // A quoted y, m or n is the constant itself (scripts/kconfig/symbol.c, sym_lookup).
      return text === 'y' || text === 'm' || text === 'n' ? this.#pool.symbolId(text) : this.#pool.constantId(text);
    }
    return this.#name();
  }

  #or(): ExprId {
    let left = this.#and();
    while (this.#at < this.#lexer.count && this.#lexer.kinds[this.#at] === Token.or) {
      this.#at++;
      left = this.#pool.make(Op.or, left, this.#and());
    }
    return left;
  }

  #and(): ExprId {
    let left = this.#primary();
    while (this.#at < this.#lexer.count && this.#lexer.kinds[this.#at] === Token.and) {
      this.#at++;
      left = this.#pool.make(Op.and, left, this.#primary());
    }
    return left;
  }

  #primary(): ExprId {
    const { kinds, count } = this.#lexer;
    if (this.#at >= count) throw new SyntaxProblem('expression ends too early');
    if (++this.#depth > MAX_DEPTH) throw new SyntaxProblem(`expression nested deeper than ${MAX_DEPTH}`);
    let e: ExprId;
    if (kinds[this.#at] === Token.not) {
      this.#at++;
      e = this.#pool.not(this.#primary());
    } else if (kinds[this.#at] === Token.open) {
      this.#at++;
      e = this.#or();
      if (this.#at >= count || kinds[this.#at] !== Token.close) throw new SyntaxProblem('missing ")"');
      this.#at++;
    } else {
      const left = this.#operand();
      const op = this.#at < count ? COMPARISONS[kinds[this.#at]!] : undefined;
      if (op === undefined) {
        e = this.#pool.symbol(left);
      } else {
        this.#at++;
        e = this.#pool.make(op, left, this.#operand());
      }
    }
    this.#depth--;
    return e;
  }
}

const COMPARISONS: Readonly<Partial<Record<Token, Op>>> = {
  [Token.equal]: Op.equal,
  [Token.unequal]: Op.unequal,
  [Token.less]: Op.less,
  [Token.lessEqual]: Op.lessEqual,
  [Token.greater]: Op.greater,
  [Token.greaterEqual]: Op.greaterEqual,
};

/**
 * Where a help text that starts at `pos` ends: at a line indented less than its first one, or at a
 * non-blank in the first column (scripts/kconfig/lexer.l, state HELP).
 */
function helpExtent(text: string, pos: number): { end: number; lines: number } {
  const length = text.length;
  let lines = 0;
  let indent = 0;
  let isFirst = true;
  while (pos < length) {
    let at = pos;
    let column = 0;
    for (; at < length; at++) {
      const ch = text.charCodeAt(at);
      if (ch === 32) column++;
      else if (ch === 9) column = (column & ~7) + 8;
      else break;
    }
    const isBlank = at >= length || text.charCodeAt(at) === 10;
    if (!isBlank) {
      if (column === 0 && !isFirst) break;
      if (indent > 0 && column < indent) break;
      if (indent === 0) indent = column;
    }
    isFirst = false;
    const nl = text.indexOf('\n', at);
    if (nl < 0) return { end: length, lines };
    pos = nl + 1;
    lines++;
  }
  return { end: pos, lines };
}

/** The text of a help statement, indentation of its first line removed, no trailing blank lines. */
export function helpText(file: SourceText, help: Extent): string {
  const lines = file.text
    .slice(help.start, help.end)
    .split('\n')
    .map((l) => l.replace(/\t/g, '        ').trimEnd());
  const first = lines.find((l) => l !== '') ?? '';
  const indent = first.length - first.trimStart().length;
  return lines
    .map((l) => l.slice(Math.min(indent, l.length - l.trimStart().length)))
    .join('\n')
    .replace(/^\n+|\n+$/g, '');
}
