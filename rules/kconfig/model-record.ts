/**
 * A model as columns of numbers and lists of texts, and back: what can be kept of a tree that has been read, so
 * that the next process need not read it again. The restored model equals the recorded one, in whatever pool.
 *
 * Columns, since a process restores one model and ends: most of this code runs once, before V8 has compiled it,
 * and then a plain loop over typed arrays costs least.
 */

import { type ExprId, type ExprPool, NONE, Op } from './expr.ts';
import type { Choice, Declaration, DeclarationKind, Edge, KconfigModel, KSymbol, Prompt } from './model.ts';
import type { SourceText, SymbolType } from './parse.ts';
import { NOTHING, put, SymbolTable } from './symbol-table.ts';

/** A row is one number of each column. */
export type Table<Column extends string = string> = Readonly<Record<Column, Int32Array>>;

/** Columns that properties share: index of the declaration, condition, line. */
type PropertyColumn = 'in' | 'cond' | 'line';

/** Symbols and expressions go by their ids in the pool that was recorded, declarations and choices by their index. */
export interface ModelRecord {
  readonly title: string;
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  readonly messages: KconfigModel['messages'];
  /** All of the pool, by id. */
  readonly names: readonly string[];
  readonly constants: Table<'id'>;
  readonly exprs: Table<'op' | 'left' | 'right'>;
  readonly symbols: Table<'id' | 'type' | 'isChoiceMember' | 'isTransitional'>;
  readonly declared: Table<'id'>;
  readonly modules: Table<'id'>;
  readonly declarations: Table<
    | 'kind'
    | 'symbol'
    | 'parent'
    | 'file'
    | 'line'
    | 'end'
    | 'hasDep'
    | 'dep'
    | 'visibility'
    | 'visibleLine'
    | 'helpStart'
    | 'helpEnd'
  >;
  readonly dependencies: Table<'in' | 'expr' | 'line'>;
  readonly members: Table<'choice' | 'symbol' | 'choiceOfSymbol'>;
  readonly prompts: Table<PropertyColumn | 'menusVisible'>;
  readonly promptTexts: readonly string[];
  readonly defaults: Table<PropertyColumn | 'value'>;
  readonly ranges: Table<PropertyColumn | 'low' | 'high'>;
  readonly selects: Table<PropertyColumn | 'to'>;
  readonly implies: Table<PropertyColumn | 'to'>;
}

const KINDS: readonly DeclarationKind[] = ['root', 'config', 'menuconfig', 'choice', 'menu', 'comment', 'if'];

/** For a link that leads nowhere: a declaration without a symbol, a symbol outside of choices. */
const NOWHERE = -1;

/** Of a model that conf takes: RangeError where answers are missing, or findCycles has not found it free of circles. */
export function recordModel(pool: ExprPool, model: KconfigModel): ModelRecord {
  if (model.unanswered.size > 0 || !model.isAcyclic) throw new RangeError('not a model that conf takes');
  const { title, files, warnings, messages, declared, declarations, choices, modules } = model;
  const symbols = model.symbols.filter((symbol) => symbol !== undefined);
  const fileNumbers = new Map(files.map((path, number) => [path, number]));
  const dependencies = declarations.flatMap(({ index, dependencies: own }) =>
    own.map(({ expr, line }) => ({ in: index, expr, line })),
  );
  const members = choices.flatMap((choice) => choice.members.map((symbol) => ({ choice, symbol })));
  const prompts = [
    ...symbols.flatMap((symbol) => symbol.prompts),
    ...declarations.flatMap(({ symbol, prompt }) => (symbol || !prompt ? [] : [prompt])),
  ];
  const property: Columns<PropertyColumn, Pick<Prompt, 'in' | 'cond' | 'line'>> = {
    in: (p) => p.in.index,
    cond: (p) => p.cond,
    line: (p) => p.line,
  };
  const edges = (list: 'selects' | 'implies'): Table<PropertyColumn | 'to'> => {
    // In file order, which the lists at both ends have.
    const sorted = symbols.flatMap((symbol) => symbol[list]).sort((a, b) => a.in.index - b.in.index);
    return table(sorted, { ...property, to: ({ to }) => to.id });
  };
  return {
    title,
    files,
    warnings,
    messages,
    names: pool.names,
    constants: table(
      pool.names.flatMap((_, id) => (pool.constant[id] ? [id] : [])),
      { id: (id) => id },
    ),
    exprs: {
      op: new Int32Array(pool.ops.subarray(0, pool.size)),
      left: pool.lefts.slice(0, pool.size),
      right: pool.rights.slice(0, pool.size),
    },
    symbols: table(symbols, {
      id: ({ id }) => id,
      type: ({ type }) => type,
      isChoiceMember: ({ isChoiceMember }) => Number(isChoiceMember),
      isTransitional: ({ isTransitional }) => Number(isTransitional),
    }),
    declared: table(declared, { id: ({ id }) => id }),
    modules: table(modules ? [modules] : [], { id: ({ id }) => id }),
    declarations: table(declarations, {
      kind: ({ kind }) => KINDS.indexOf(kind),
      symbol: ({ symbol }) => symbol?.id ?? NOWHERE,
      parent: ({ parent }) => parent?.index ?? NOWHERE,
      file: ({ path }) => fileNumbers.get(path)!,
      line: ({ line }) => line,
      end: ({ end }) => end,
      hasDep: ({ hasDep }) => Number(hasDep),
      dep: ({ dep }) => dep,
      visibility: ({ visibility }) => visibility,
      visibleLine: ({ visibleLine }) => visibleLine,
      helpStart: ({ help }) => help?.start ?? NOWHERE,
      helpEnd: ({ help }) => help?.end ?? NOWHERE,
    }),
    dependencies: table(dependencies, { in: (d) => d.in, expr: (d) => d.expr, line: (d) => d.line }),
    members: table(members, {
      choice: ({ choice }) => choice.index,
      symbol: ({ symbol }) => symbol.id,
      choiceOfSymbol: ({ symbol }) => symbol.choice?.index ?? NOWHERE,
    }),
    prompts: table(prompts, { ...property, menusVisible: ({ menusVisible }) => menusVisible }),
    promptTexts: prompts.map(({ text }) => text),
    defaults: table(
      [...symbols, ...choices].flatMap((owner) => owner.defaults),
      { ...property, value: ({ value }) => value },
    ),
    ranges: table(
      symbols.flatMap((symbol) => symbol.ranges),
      { ...property, low: ({ low }) => low, high: ({ high }) => high },
    ),
    selects: edges('selects'),
    implies: edges('implies'),
  };
}

type Columns<Column extends string, Row> = Readonly<Record<Column, (row: Row) => number>>;

function table<Column extends string, Row>(rows: readonly Row[], columns: Columns<Column, Row>): Table<Column> {
  const made: Record<string, Int32Array> = {};
  for (const [name, of] of Object.entries<(row: Row) => number>(columns)) {
    const numbers = new Int32Array(rows.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = of(rows[i]!);
    made[name] = numbers;
  }
  return made as Table<Column>;
}

/**
 * The model of a record, which must be one of recordModel. `source` gives the text of a file that was read, for
 * help texts and quotes: it has to be what it was.
 */
export function restoreModel(pool: ExprPool, record: ModelRecord, source: (path: string) => SourceText): KconfigModel {
  const names = restoreNames(pool, record);
  const exprs = restoreExprs(pool, record, names);
  const { all, symbols } = restoreSymbols(pool, record, names);
  const { declarations, choices } = restoreDeclarations(record, exprs, symbols, record.files.map(source));
  restoreProperties(record, exprs, names, symbols, declarations);
  const { title, files, warnings, messages } = record;
  return {
    symbols: all,
    declared: Array.from(record.declared.id, (id) => symbols[id]!),
    declarations,
    choices,
    modules: symbols[record.modules.id[0] ?? NOWHERE],
    title,
    files,
    warnings,
    messages,
    unanswered: new Set(),
    asked: new Map(),
    isAcyclic: true,
  };
}

/** Ids in the pool, by recorded id. */
function restoreNames(pool: ExprPool, { names, constants }: ModelRecord): Int32Array {
  const isConstant = new Uint8Array(names.length);
  for (const id of constants.id) isConstant[id] = 1;
  const ids = new Int32Array(names.length);
  for (let id = 0; id < ids.length; id++) {
    const name = names[id]!;
    ids[id] = isConstant[id] === 1 ? pool.constantId(name) : pool.symbolId(name);
  }
  return ids;
}

function restoreExprs(pool: ExprPool, { exprs }: ModelRecord, names: Int32Array): Int32Array {
  const { op, left, right } = exprs;
  const ids = new Int32Array(op.length);
  for (let e = 0; e < ids.length; e++) {
    const kind = op[e] as Op;
    const [l, r] = [left[e]!, right[e]!];
    // An expression's parts are made before it.
    if (kind === Op.and || kind === Op.or) ids[e] = pool.make(kind, ids[l]!, ids[r]!);
    else if (kind === Op.not) ids[e] = pool.not(ids[l]!);
    else if (kind === Op.symbol) ids[e] = pool.symbol(names[l]!);
    else if (kind === Op.modules) ids[e] = pool.make(kind, 0, 0);
    else ids[e] = pool.make(kind, names[l]!, names[r]!);
  }
  return ids;
}

/** All symbols, by id in the pool and by recorded id. */
function restoreSymbols(
  pool: ExprPool,
  { symbols: { id, type, isChoiceMember, isTransitional } }: ModelRecord,
  names: Int32Array,
): { all: (KSymbol | undefined)[]; symbols: (KSymbol | undefined)[] } {
  const made = new SymbolTable(pool);
  const symbols = new Array<KSymbol | undefined>(names.length).fill(undefined);
  for (let i = 0; i < id.length; i++) {
    const symbol = made.get(names[id[i]!]!);
    symbol.type = type[i] as SymbolType;
    symbol.isChoiceMember = isChoiceMember[i] === 1;
    symbol.isTransitional = isTransitional[i] === 1;
    symbols[id[i]!] = symbol;
  }
  return { all: made.all, symbols };
}

function restoreDeclarations(
  record: ModelRecord,
  exprs: Int32Array,
  symbols: readonly (KSymbol | undefined)[],
  sources: readonly SourceText[],
): { declarations: Declaration[]; choices: Choice[] } {
  const { files } = record;
  const { kind, symbol, parent, file, line, end, hasDep, dep, visibility, visibleLine, helpStart, helpEnd } =
    record.declarations;
  const declarations: Declaration[] = [];
  const choices: Choice[] = [];
  for (let index = 0; index < kind.length; index++) {
    const declaration: Declaration = {
      index,
      kind: KINDS[kind[index]!]!,
      symbol: symbols[symbol[index]!],
      choice: KINDS[kind[index]!] === 'choice' ? begin(choices, declarations[0]!) : undefined,
      parent: declarations[parent[index]!],
      path: files[file[index]!]!,
      line: line[index]!,
      dependencies: NOTHING,
      dep: exprOf(exprs, dep[index]!),
      hasDep: hasDep[index] === 1,
      visibility: exprOf(exprs, visibility[index]!),
      visibleLine: visibleLine[index]!,
      prompt: undefined,
      file: sources[file[index]!]!,
      help: helpStart[index] === NOWHERE ? undefined : { start: helpStart[index]!, end: helpEnd[index]! },
      end: end[index]!,
    };
    declarations.push(declaration);
    if (declaration.symbol) put(declaration.symbol, 'declarations', declaration);
    if (declaration.choice) declaration.choice.declaration = declaration;
  }
  const { in: at, expr, line: lines } = record.dependencies;
  for (let i = 0; i < at.length; i++) {
    const declaration = declarations[at[i]!]!;
    const dependency = { expr: exprs[expr[i]!]!, line: lines[i]! };
    if (declaration.dependencies === NOTHING) declaration.dependencies = [dependency];
    else declaration.dependencies.push(dependency);
  }
  const { choice, symbol: member, choiceOfSymbol } = record.members;
  for (let i = 0; i < choice.length; i++) {
    const one = symbols[member[i]!]!;
    choices[choice[i]!]!.members.push(one);
    one.choice = choices[choiceOfSymbol[i]!];
  }
  return { declarations, choices };
}

/** The next choice, whose declaration is yet to come. */
function begin(choices: Choice[], root: Declaration): Choice {
  const choice = { index: choices.length, declaration: root, defaults: [], members: [] };
  choices.push(choice);
  return choice;
}

function exprOf(exprs: Int32Array, e: number): ExprId {
  return e === NONE ? NONE : exprs[e]!;
}

function restoreProperties(
  record: ModelRecord,
  exprs: Int32Array,
  names: Int32Array,
  symbols: readonly (KSymbol | undefined)[],
  declarations: readonly Declaration[],
): void {
  const { prompts, promptTexts, defaults, ranges } = record;
  for (let i = 0; i < prompts.in.length; i++) {
    const at = declarations[prompts.in[i]!]!;
    const prompt: Prompt = {
      in: at,
      cond: exprOf(exprs, prompts.cond[i]!),
      line: prompts.line[i]!,
      text: promptTexts[i]!,
      menusVisible: exprOf(exprs, prompts.menusVisible[i]!),
    };
    at.prompt = prompt;
    if (at.symbol) put(at.symbol, 'prompts', prompt);
  }
  for (let i = 0; i < defaults.in.length; i++) {
    const at = declarations[defaults.in[i]!]!;
    const value = exprs[defaults.value[i]!]!;
    const property = { in: at, cond: exprOf(exprs, defaults.cond[i]!), line: defaults.line[i]!, value };
    if (at.symbol) put(at.symbol, 'defaults', property);
    else at.choice!.defaults.push(property);
  }
  for (let i = 0; i < ranges.in.length; i++) {
    const at = declarations[ranges.in[i]!]!;
    const [low, high] = [names[ranges.low[i]!]!, names[ranges.high[i]!]!];
    put(at.symbol!, 'ranges', { in: at, cond: exprOf(exprs, ranges.cond[i]!), line: ranges.line[i]!, low, high });
  }
  for (const kind of ['select', 'imply'] as const) {
    const edges = kind === 'select' ? record.selects : record.implies;
    for (let i = 0; i < edges.in.length; i++) {
      const at = declarations[edges.in[i]!]!;
      const [from, to] = [at.symbol!, symbols[edges.to[i]!]!];
      const edge: Edge = { in: at, cond: exprOf(exprs, edges.cond[i]!), line: edges.line[i]!, kind, from, to };
      put(from, kind === 'select' ? 'selects' : 'implies', edge);
      put(to, kind === 'select' ? 'selectedBy' : 'impliedBy', edge);
    }
  }
}
