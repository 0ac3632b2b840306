/**
 * Kconfig files + environment -> KconfigModel. Walks the statements in the order conf reads them
 * (scripts/kconfig/parser.y and menu.c), expanding macros on the way. (About 400 lines, since a statement's
 * meaning depends on all that is open around it, which is the state of one walk.)
 */

import { type Dialect, dialectOf } from './dialect.ts';
import { KconfigError } from './error.ts';
import { type ExprPool, NONE, Op } from './expr.ts';
import { propertyWarnings, refuseWrong } from './final-checks.ts';
import { Token } from './lex.ts';
import { Macros, type MacroWorld } from './macros.ts';
import type { Choice, Declaration, DeclarationKind, Edge, KconfigModel, KSymbol, Prompt } from './model.ts';
import { type KconfigFile, KconfigParser, Kind, type Statement, SymbolType } from './parse.ts';
import { NOTHING, put, SymbolTable } from './symbol-table.ts';

export interface ModelOptions {
  readonly pool: ExprPool;
  /** A file's statements, or undefined where the tree has no such file. */
  readonly file: (path: string) => KconfigFile | undefined;
  readonly world: MacroWorld;
  /** Path of the first file. */
  readonly root?: string;
  /** Linux 7.0 on refuses a file sourced twice; earlier kernels read it again. */
  readonly refuseRepeatedSource?: boolean;
  /** What the tree's conf understands; everything where absent. */
  readonly dialect?: Dialect;
}

/** Deepest `source` nesting; the kernel's is 8. */
const MAX_SOURCE_DEPTH = 100;

/**
 * Reads all files from `root` on.
 * Throws KconfigError where conf would exit: bad syntax, a missing file, a block without end, …
 */
export function buildModel(options: ModelOptions): KconfigModel {
  return new ModelBuilder(options).build();
}

class ModelBuilder {
  readonly #options: ModelOptions;
  readonly #pool: ExprPool;
  readonly #parser: KconfigParser;
  readonly #macros: Macros;
  readonly #symbols: SymbolTable;
  readonly #dialect: Dialect;
  readonly #declared: KSymbol[] = [];
  readonly #declarations: Declaration[] = [];
  readonly #choices: Choice[] = [];
  readonly #warnings: string[] = [];
  readonly #files = new Set<string>();
  readonly #sourcing: { path: string; line: number }[] = [];
  readonly #firstSource = new Map<string, { path: string; line: number }>();
  #modules: KSymbol | undefined;
  #title = 'Main menu';
  /** Innermost open block. */
  #block!: Declaration;
  /** Declaration that properties belong to. */
  #entry!: Declaration;
  #acceptsProperties = false;
  /** Whether any statement was read. */
  #isStarted = false;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#pool = options.pool;
    this.#parser = new KconfigParser(options.pool);
    this.#macros = new Macros(options.world);
    this.#symbols = new SymbolTable(options.pool);
    this.#dialect = options.dialect ?? dialectOf(undefined);
  }

  build(): KconfigModel {
    const root = this.#options.root ?? 'Kconfig';
    const file = this.#options.file(root);
    if (!file) throw new KconfigError(root, 0, "can't find this file");
    this.#block = this.#declare('root', undefined, undefined, root, 0, file);
    this.#entry = this.#block;
    this.#read(root, file);
    this.#endEntry(root, file.text.split('\n').length);
    this.#close(this.#block);
    checkLastLine(root, file);
    for (const choice of this.#choices) this.#checkChoice(choice);
    const model: KconfigModel = {
      symbols: this.#symbols.all,
      declared: this.#declared,
      declarations: this.#declarations,
      choices: this.#choices,
      modules: this.#modules,
      title: this.#title,
      files: [...this.#files],
      warnings: this.#warnings,
      messages: this.#macros.messages,
      unanswered: this.#macros.missing,
      asked: this.#macros.asked,
      isAcyclic: false,
    };
    this.#warnings.push(...propertyWarnings(this.#pool, model));
    refuseWrong(this.#pool, model, this.#dialect);
    return model;
  }

  #read(path: string, file: KconfigFile): void {
    this.#files.add(path);
    for (const w of file.warnings) this.#warnings.push(`${path}:${w.line}:warning: ${w.text}`);
    const outer = this.#block;
    for (const s of file.statements) {
      if (s.kind !== Kind.raw) {
        this.#take(s, path, file);
        continue;
      }
      const expanded = this.#parser.parseRaw(
        file,
        s,
        (reference, line, closed) => this.#macros.expand(reference, path, line, closed),
        (line, text) => this.#warnings.push(`${path}:${line}:warning: ${text}`),
      );
      if (expanded) this.#take(expanded, path, file);
    }
    if (this.#block !== outer) {
      const open = this.#block;
      throw new KconfigError(path, open.line, `missing end statement for this "${open.kind}"`);
    }
  }

  #take(s: Statement, path: string, file: KconfigFile): void {
    const isFirst = !this.#isStarted;
    this.#isStarted = true;
    if (s.kind < Kind.type) this.#endEntry(path, s.line);
    switch (s.kind) {
      case Kind.config:
      case Kind.menuconfig: {
        if (s.kind === Kind.menuconfig) this.#refuseInChoice(s, path, 'menuconfig');
        const symbol = this.#symbols.get(s.symbol);
        if (this.#block.kind === 'choice' || this.#choiceAround()) this.#addMember(symbol);
        if (symbol.declarations.length === 0) this.#declared.push(symbol);
        this.#entry = this.#declare(
          s.kind === Kind.config ? 'config' : 'menuconfig',
          symbol,
          undefined,
          path,
          s.line,
          file,
        );
        put(symbol, 'declarations', this.#entry);
        this.#close(this.#entry);
        this.#acceptsProperties = true;
        return;
      }
      case Kind.choice: {
        this.#refuseInChoice(s, path, 'choice');
        const choice: Choice = { index: this.#choices.length, declaration: this.#block, defaults: [], members: [] };
        this.#choices.push(choice);
        this.#entry = this.#declare('choice', undefined, choice, path, s.line, file);
        choice.declaration = this.#entry;
        this.#open(this.#entry);
        return;
      }
      case Kind.menu:
        this.#refuseInChoice(s, path, 'menu');
        this.#entry = this.#declare('menu', undefined, undefined, path, s.line, file);
        this.#prompt(s, path);
        this.#open(this.#entry);
        return;
      case Kind.comment:
        this.#entry = this.#declare('comment', undefined, undefined, path, s.line, file);
        this.#prompt(s, path);
        this.#close(this.#entry);
        this.#acceptsProperties = true;
        return;
      case Kind.if:
        this.#entry = this.#declare('if', undefined, undefined, path, s.line, file);
        this.#depend(s.expr, s.line);
        this.#open(this.#entry);
        this.#acceptsProperties = false;
        return;
      case Kind.endchoice:
        this.#endBlock('choice', s, path);
        return;
      case Kind.endmenu:
        this.#endBlock('menu', s, path);
        return;
      case Kind.endif:
        this.#endBlock('if', s, path);
        return;
      case Kind.source:
        this.#refuseInChoice(s, path, 'source');
        this.#acceptsProperties = false;
        this.#source(s, path);
        return;
      case Kind.mainmenu:
        if (!isFirst) throw new KconfigError(path, s.line, '"mainmenu" is not the first statement');
        this.#title = s.text;
        return;
      case Kind.assign: {
        this.#refuseInChoice(s, path, 'assignment');
        const op = s.other === Token.colonEqual ? ':=' : s.other === Token.plusEqual ? '+=' : '=';
        this.#macros.assign(this.#pool.names[s.symbol]!, op, s.text, path, s.line);
        this.#acceptsProperties = false;
        return;
      }
      case Kind.error:
        throw new KconfigError(path, s.line, s.text);
      default:
        this.#property(s, path, file);
    }
  }

  #property(s: Statement, path: string, file: KconfigFile): void {
    const entry = this.#entry;
    const allowed = this.#acceptsProperties ? PROPERTIES[entry.kind] : undefined;
    if (!allowed?.has(s.kind)) {
      throw new KconfigError(
        path,
        s.line,
        allowed ? `this property is not allowed in "${entry.kind}"` : 'property outside of a block',
      );
    }
    switch (s.kind) {
      case Kind.depends:
        if (s.cond !== NONE && !this.#dialect.conditionalDepends) {
          throw new KconfigError(path, s.line, 'syntax error: the conf of this tree knows no "if" behind "depends on"');
        }
        // "X if Y" means "X || Y = n" (menu.c, menu_add_dep).
        this.#depend(
          s.cond === NONE ? s.expr : this.#pool.or(s.expr, this.#pool.comparedWithNo(s.cond, Op.equal)),
          s.line,
        );
        return;
      case Kind.visible:
        entry.visibility = this.#pool.and(entry.visibility, s.cond);
        entry.visibleLine = s.line;
        return;
      case Kind.help:
        this.#help(s, path, file);
        return;
      case Kind.prompt:
        this.#prompt(s, path);
        return;
      case Kind.modules:
        if (this.#modules) {
          throw new KconfigError(
            path,
            s.line,
            `symbol '${entry.symbol!.name}' redefines option 'modules' already defined by symbol '${this.#modules.name}'`,
          );
        }
        this.#modules = entry.symbol;
        return;
      case Kind.transitional:
        if (!this.#dialect.transitional) {
          throw new KconfigError(path, s.line, 'syntax error: the conf of this tree knows no "transitional"');
        }
        entry.symbol!.isTransitional = true;
        return;
      case Kind.type:
        if (entry.choice && !this.#dialect.typeInChoice)
          throw new KconfigError(
            path,
            s.line,
            'syntax error: the conf of this tree takes the prompt of a choice by "prompt"',
          );
        if (entry.choice && (s.type !== SymbolType.bool || s.other !== 1))
          throw new KconfigError(path, s.line, 'a choice takes its type from `bool "prompt"` only');
        if (s.other === 1) this.#prompt(s, path);
        if (entry.symbol) this.#setType(entry.symbol, s, path);
        return;
      case Kind.default: {
        const property = { in: entry, cond: s.cond, line: s.line, value: s.expr };
        if (entry.choice) {
          const value = this.#pool.lefts[s.expr]!;
          const isWord = this.#pool.ops[s.expr] === Op.symbol && (!this.#pool.constant[value] || value <= this.#pool.y);
          if (!isWord) throw new KconfigError(path, s.line, 'default of a choice must be one symbol');
          this.#symbols.get(value);
          entry.choice.defaults.push(property);
          return;
        }
        put(entry.symbol!, 'defaults', property);
        if (s.type !== SymbolType.unknown) this.#setType(entry.symbol!, s, path);
        return;
      }
      case Kind.range:
        put(entry.symbol!, 'ranges', { in: entry, cond: s.cond, line: s.line, low: s.symbol, high: s.other });
        return;
      case Kind.select:
      case Kind.imply: {
        const from = entry.symbol!;
        const to = this.#symbols.get(s.symbol);
        const isSelect = s.kind === Kind.select;
        const edge: Edge = { in: entry, cond: s.cond, line: s.line, kind: isSelect ? 'select' : 'imply', from, to };
        put(from, isSelect ? 'selects' : 'implies', edge);
        put(to, isSelect ? 'selectedBy' : 'impliedBy', edge);
        return;
      }
      default:
        throw new KconfigError(path, s.line, 'invalid statement');
    }
  }

  #help(s: Statement, path: string, file: KconfigFile): void {
    const entry = this.#entry;
    const name = entry.symbol?.name ?? '<choice>';
    const text = file.text.slice(s.start, s.end);
    // conf has read on to the line behind it by then
    const remark = (what: string): void =>
      this.#remark(path, s.line + text.split('\n').length, `'${name}' defined with ${what}`);
    if (entry.help)
      remark(`more than one help text${this.#dialect.strictEntries ? '' : ' -- only the last one will be used'}`);
    if (/^[ \f\n\r\t\v]*$/.test(text)) remark('blank help text');
    entry.help = s;
    entry.file = file;
  }

  /** What follows the properties of an entry begins at path:line. */
  #endEntry(path: string, line: number): void {
    const { kind, prompt } = this.#entry;
    if (this.#acceptsProperties && kind === 'menuconfig' && !prompt)
      this.#remark(path, line, 'menuconfig statement without prompt');
  }

  /** An error or a warning, as the tree's conf has it (parser.y, zconf_error). */
  #remark(path: string, line: number, text: string): void {
    if (this.#dialect.strictEntries) throw new KconfigError(path, line, text);
    this.#warnings.push(`${path}:${line}: warning: ${text}`);
  }

  #depend(expr: number, line: number): void {
    if (this.#entry.dependencies === NOTHING) this.#entry.dependencies = [{ expr, line }];
    else this.#entry.dependencies.push({ expr, line });
    this.#entry.dep = this.#pool.and(this.#entry.dep, expr);
    this.#entry.hasDep = true;
  }

  #prompt(s: Statement, path: string): void {
    const entry = this.#entry;
    if (entry.prompt) this.#warnings.push(`${path}:${s.line}:warning: prompt redefined`);
    let menusVisible = NONE;
    if (entry.kind !== 'menu' && entry.kind !== 'comment') {
      for (let d = entry.parent; d; d = d.parent)
        menusVisible = this.#pool.and(menusVisible, this.#pool.inDependency(d.visibility));
    }
    const text = s.text.charCodeAt(0) > 32 ? s.text : s.text.replace(/^[ \t\n\v\f\r]+/, '');
    if (text !== s.text) this.#warnings.push(`${path}:${s.line}:warning: leading whitespace ignored`);
    const prompt: Prompt = { in: entry, cond: s.cond, line: s.line, text, menusVisible };
    entry.prompt = prompt;
    if (entry.symbol) put(entry.symbol, 'prompts', prompt);
  }

  #setType(symbol: KSymbol, s: Statement, path: string): void {
    const warning = this.#symbols.setType(symbol, s.type, `${path}:${s.line}`);
    if (warning !== undefined) this.#warnings.push(warning);
  }

  #declare(
    kind: DeclarationKind,
    symbol: KSymbol | undefined,
    choice: Choice | undefined,
    path: string,
    line: number,
    file: KconfigFile,
  ): Declaration {
    const parent = kind === 'root' ? undefined : this.#block;
    const declaration: Declaration = {
      index: this.#declarations.length,
      kind,
      symbol,
      choice,
      parent,
      path,
      line,
      dependencies: NOTHING,
      dep: NONE,
      hasDep: parent?.hasDep ?? false,
      visibility: NONE,
      visibleLine: 0,
      prompt: undefined,
      file,
      help: undefined,
      end: 0,
    };
    this.#declarations.push(declaration);
    return declaration;
  }

  #open(declaration: Declaration): void {
    this.#block = declaration;
    this.#acceptsProperties = true;
  }

  #close(declaration: Declaration): void {
    declaration.end = this.#declarations.length;
  }

  #endBlock(kind: DeclarationKind, s: Statement, path: string): void {
    const open = this.#block;
    if (open.kind !== kind) {
      const where =
        open.kind === 'root'
          ? 'outside of any block'
          : `within ${open.kind} block (opened at ${open.path}:${open.line})`;
      throw new KconfigError(path, s.line, `unexpected 'end${kind}' ${where}`);
    }
    if (open.path !== path)
      throw new KconfigError(path, s.line, `'end${kind}' in different file than '${kind}' (${open.path}:${open.line})`);
    this.#close(open);
    this.#block = open.parent!;
    this.#acceptsProperties = false;
  }

  #choiceAround(): Choice | undefined {
    for (let d: Declaration | undefined = this.#block; d; d = d.parent) if (d.choice) return d.choice;
    return undefined;
  }

  #refuseInChoice(s: Statement, path: string, what: string): void {
    if (this.#choiceAround()) throw new KconfigError(path, s.line, `"${what}" is not allowed in a choice`);
  }

  #addMember(symbol: KSymbol): void {
    const choice = this.#choiceAround()!;
    if (!symbol.isChoiceMember) choice.members.push(symbol);
    symbol.isChoiceMember = true;
  }

  #checkChoice(choice: Choice): void {
    const { declaration } = choice;
    if (!declaration.prompt)
      throw new KconfigError(declaration.path, declaration.line, 'error: choice must have a prompt');
    for (let i = declaration.index + 1; i < declaration.end; i++) {
      const { symbol, prompt, path, line } = this.#declarations[i]!;
      if (!symbol) continue;
      if (!prompt) throw new KconfigError(path, line, 'error: choice member must have a prompt');
      if (symbol.type !== SymbolType.bool) throw new KconfigError(path, line, 'error: choice member must be bool');
      if (symbol.prompts[0] === prompt) symbol.choice = choice;
    }
  }

  #source(s: Statement, path: string): void {
    this.#sourcing.push({ path, line: s.line });
    const file = this.#options.file(s.text);
    if (!file) throw new KconfigError(path, s.line, `can't open file "${s.text}"`);
    if (this.#sourcing.some((from) => from.path === s.text)) {
      const trace = this.#sourcing.toReversed().map((from) => `  included from: ${from.path}:${from.line}\n`);
      throw new KconfigError(
        path,
        s.line,
        `recursive inclusion of "${s.text}"`,
        `Recursive inclusion detected.\nInclusion path:\n  current file : ${s.text}\n${trace.join('')}`,
      );
    }
    if (this.#sourcing.length > MAX_SOURCE_DEPTH)
      throw new KconfigError(path, s.line, `files sourced more than ${MAX_SOURCE_DEPTH} deep`);
    const first = this.#firstSource.get(s.text);
    if (first && this.#options.refuseRepeatedSource) {
      throw new KconfigError(
        path,
        s.line,
        `error: repeated inclusion of ${s.text}`,
        `${path}:${s.line}: error: repeated inclusion of ${s.text}\n${first.path}:${first.line}: note: location of first inclusion of ${s.text}\n`,
      );
    }
    if (!first) this.#firstSource.set(s.text, { path, line: s.line });
    // Properties that follow belong to the last entry of the file, as to any other.
    this.#read(s.text, file);
    this.#sourcing.pop();
  }
}

/** The first file's last statement needs its newline; those sourced do without. */
function checkLastLine(path: string, { text, statements }: KconfigFile): void {
  const last = text.slice(text.lastIndexOf('\n') + 1);
  if (/^[ \t]*(#|$)/.test(last) || statements.at(-1)?.kind === Kind.help) return;
  throw new KconfigError(path, text.split('\n').length, 'syntax error: no new line at end of file');
}

const SYMBOL_PROPERTIES = new Set<Kind>([
  Kind.type,
  Kind.prompt,
  Kind.default,
  Kind.select,
  Kind.imply,
  Kind.range,
  Kind.depends,
  Kind.help,
  Kind.modules,
  Kind.transitional,
]);

const PROPERTIES: Readonly<Partial<Record<DeclarationKind, ReadonlySet<Kind>>>> = {
  config: SYMBOL_PROPERTIES,
  menuconfig: SYMBOL_PROPERTIES,
  choice: new Set<Kind>([Kind.type, Kind.prompt, Kind.default, Kind.depends, Kind.help]),
  menu: new Set<Kind>([Kind.visible, Kind.depends]),
  comment: new Set<Kind>([Kind.depends]),
};
