/**
 * What conf finds once all files are read: its warnings about properties (scripts/kconfig/menu.c, sym_check_prop)
 * and the errors that end it there (parser.y, conf_parse).
 */

import type { Dialect } from './dialect.ts';
import { KconfigError } from './error.ts';
import { type ExprPool, Op, type SymbolId } from './expr.ts';
import type { Choice, Declaration, Default, Edge, KconfigModel, KSymbol, Prompt, Range } from './model.ts';
import { isValidValue } from './number.ts';
import { SymbolType } from './parse.ts';
import { Simplifier } from './simplify.ts';

type Property = Prompt | Default | Range | Edge;

/** `path:line:warning: text` for each symbol, a block's contents before what follows it. */
export function propertyWarnings(pool: ExprPool, model: KconfigModel): string[] {
  const out: string[] = [];
  const isDone = new Uint8Array(model.symbols.length);
  const open: Declaration[] = [];
  const close = (end: number): void => {
    while (open.length > 0 && open.at(-1)!.end <= end) warnChoice(pool, open.pop()!.choice!, out);
  };
  for (const declaration of model.declarations) {
    close(declaration.index);
    if (declaration.choice) open.push(declaration);
    const { symbol } = declaration;
    if (!symbol || isDone[symbol.id] === 1) continue;
    isDone[symbol.id] = 1;
    if (symbol.type === SymbolType.unknown)
      out.push(`${declaration.path}:${declaration.line}:warning: config symbol defined without type`);
    warnSymbol(pool, model, symbol, out);
  }
  close(model.declarations.length);
  return out;
}

function warnChoice(pool: ExprPool, choice: Choice, out: string[]): void {
  for (const property of choice.defaults) {
    const member = pool.lefts[property.value]!;
    if (!choice.members.some(({ id, choice: own }) => id === member && own === choice))
      warn(out, property, `choice default symbol '${pool.names[member]}' is not contained in the choice`);
  }
}

function warnSymbol(pool: ExprPool, model: KconfigModel, symbol: KSymbol, out: string[]): void {
  const { type, name, defaults, selects, implies, ranges } = symbol;
  const isTristate = type === SymbolType.bool || type === SymbolType.tristate;
  const isNumber = type === SymbolType.int || type === SymbolType.hex;
  if (isTristate && selects.length + implies.length + ranges.length === 0) return;
  const typeOf = (id: SymbolId): SymbolType => {
    if (id <= pool.y) return SymbolType.tristate;
    return pool.constant[id] ? SymbolType.unknown : (model.symbols[id]?.type ?? SymbolType.unknown);
  };
  const isNumeric = (id: SymbolId): boolean => {
    const other = typeOf(id);
    if (other === SymbolType.unknown) return isValidValue(pool.names[id]!, type);
    return other === SymbolType.int || other === SymbolType.hex;
  };
  for (const property of inOrder([...defaults, ...selects, ...implies, ...ranges])) {
    if ('value' in property) {
      const isSymbol = pool.ops[property.value] === Op.symbol;
      if (!isTristate && type !== SymbolType.unknown && !isSymbol)
        warn(out, property, `default for config symbol '${name}' must be a single symbol`);
      if (isNumber && isSymbol && !isNumeric(pool.lefts[property.value]!))
        warn(out, property, `'${name}': number is invalid`);
    } else if ('to' in property) {
      const { to, kind } = property;
      const other = typeOf(to.id);
      if (!isTristate) warn(out, property, `config symbol '${name}' uses ${kind}, but is not bool or tristate`);
      else if (other !== SymbolType.unknown && other !== SymbolType.bool && other !== SymbolType.tristate)
        warn(out, property, `'${to.name}' has wrong type. '${kind}' only accept arguments of bool and tristate type`);
    } else if ('low' in property) {
      if (!isNumber) warn(out, property, 'range is only allowed for int or hex symbols');
      if (!isNumeric(property.low) || !isNumeric(property.high)) warn(out, property, 'range is invalid');
    }
  }
}

function warn(out: string[], property: Property, text: string): void {
  out.push(`${property.in.path}:${property.line}:warning: ${text}`);
}

/** Throws KconfigError at the first thing wrong; its `stderr` names all, behind the warnings. */
export function refuseWrong(pool: ExprPool, model: KconfigModel, dialect: Dialect): void {
  const errors: KconfigError[] = [];
  for (const declaration of model.declarations) {
    const { symbol, choice } = declaration;
    const wrong = symbol?.isTransitional ? beyondHelp(pool, model, declaration, symbol) : undefined;
    if (wrong)
      errors.push(new KconfigError(wrong.path, wrong.line, 'error: transitional symbols can only have help sections'));
    if (choice) errors.push(...wrongMembers(model, choice, dialect));
  }
  const [first] = errors;
  if (!first) return;
  const lines = [...model.warnings, ...errors.map(({ message }) => message)];
  throw new KconfigError(first.path, first.line, first.detail, lines.map((line) => `${line}\n`).join(''));
}

/** A transitional symbol has a type and a help text, nothing else (kconfig-language.rst, "Transitional symbols"). */
function beyondHelp(
  pool: ExprPool,
  model: KconfigModel,
  declaration: Declaration,
  symbol: KSymbol,
): { path: string; line: number } | undefined {
  if (declaration.hasDep) {
    const simplifier = new Simplifier(pool, model);
    if (!simplifier.isYes(simplifier.dependency(declaration))) return declaration;
  }
  const { prompts, defaults, selects, implies, ranges } = symbol;
  const [first] = inOrder<Property>([...prompts, ...defaults, ...selects, ...implies, ...ranges]);
  return first && { path: first.in.path, line: first.line };
}

/** Of each entry of a choice all properties of its symbol (parser.y, choice_check_sanity). */
function wrongMembers({ declarations }: KconfigModel, { declaration }: Choice, dialect: Dialect): KconfigError[] {
  const errors: KconfigError[] = [];
  for (const entry of declarations.slice(declaration.index + 1, declaration.end)) {
    if (!entry.symbol) continue;
    const { prompts, defaults } = entry.symbol;
    for (const property of inOrder<Prompt | Default>([...prompts, ...defaults])) {
      const { path, kind } = property.in;
      if ('value' in property)
        errors.push(new KconfigError(path, property.line, 'error: defaults for choice values not supported'));
      else if (property.in === entry || kind !== 'config') continue;
      else if (dialect.onePromptForMember)
        errors.push(
          new KconfigError(path, property.line, 'error: choice value must not have a prompt in another entry'),
        );
      else if (groupOf(property.in) !== declaration)
        errors.push(new KconfigError(path, property.line, 'error: choice value has a prompt outside its choice group'));
    }
  }
  return errors;
}

/** The innermost block around a declaration that is more than an `if`. */
function groupOf(declaration: Declaration): Declaration | undefined {
  let group = declaration.parent;
  while (group?.kind === 'if') group = group.parent;
  return group;
}

/** As they were read. */
function inOrder<P extends Property>(properties: readonly P[]): readonly P[] {
  if (properties.length < 2) return properties;
  return properties.toSorted((a, b) => a.in.index - b.in.index || a.line - b.line);
}
