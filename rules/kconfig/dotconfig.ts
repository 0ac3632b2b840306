/**
 * `.config` in and out, byte for byte as conf reads and writes it (scripts/kconfig/confdata.c:
 * conf_read_simple, conf_write, conf_write_defconfig). Texts are latin1, one character a byte.
 */

import { NO, Op, type Tristate, YES } from './expr.ts';
import type { KSymbol } from './model.ts';
import { isValidValue } from './number.ts';
import { SymbolType } from './parse.ts';
import type { Values } from './values.ts';

const PREFIX = 'CONFIG_';

/**
 * Sets the user's values from a .config or a fragment of one; values set before are forgotten.
 * Returns conf's warnings, `name:line:warning: text`. Symbols that the tree does not know are skipped in silence.
 */
export function readConfig(values: Values, text: string, name: string): string[] {
  values.clear();
  const warnings: string[] = [];
  let lineNo = 0;
  const warn = (message: string): void => {
    warnings.push(`${name}:${lineNo}:warning: ${message}`);
  };
  for (let pos = 0; pos < text.length; ) {
    let nl = text.indexOf('\n', pos);
    if (nl < 0) nl = text.length;
    // Only a CR before a newline is dropped, as getline_stripped() does.
    const end = nl < text.length && nl > pos && text.charCodeAt(nl - 1) === 13 ? nl - 1 : nl;
    const line = text.slice(pos, end);
    pos = nl + 1;
    lineNo++;
    if (line === '') continue;
    let symbolName: string;
    let value: string;
    if (line.charCodeAt(0) === 35) {
      if (!line.startsWith(`# ${PREFIX}`)) continue;
      const space = line.indexOf(' ', 2 + PREFIX.length);
      if (space < 0 || line.slice(space + 1) !== 'is not set') continue;
      symbolName = line.slice(2 + PREFIX.length, space);
      value = 'n';
    } else {
      const equal = line.startsWith(PREFIX) ? line.indexOf('=', PREFIX.length) : -1;
      if (equal < 0) {
        warn(`unexpected data: ${line}`);
        continue;
      }
      symbolName = line.slice(PREFIX.length, equal);
      value = line.slice(equal + 1);
    }
    const id = values.pool.findSymbol(symbolName);
    const symbol = id === undefined ? undefined : values.model.symbols[id];
    if (!symbol) continue;
    if (values.hasUser(symbol)) warn(`override: reassigning to symbol ${symbolName}`);
    const problem = assign(values, symbol, value);
    if (problem) warn(problem);
    else values.prefer(symbol);
  }
  return warnings;
}

/**
 * Whether a line sets a symbol to y, m, n or a number, or says that it is not set; an empty one is plain as well. Any
 * other value is text, which conf writes to include/config/auto.conf as it is and make expands, `$(shell …)` and all.
 * Source: scripts/kconfig/confdata.c, conf_write_autoconf().
 */
export function isPlainLine(line: string): boolean {
  return /^(?:CONFIG_\w+=(?:[ynm]|-?\d+|(?:0[xX])?[\da-fA-F]+)|# CONFIG_\w+ is not set)?$/.test(line);
}

/** Sets one value as a line of .config would; returns what is wrong with it. */
function assign(values: Values, symbol: KSymbol, value: string): string | undefined {
  switch (symbol.type) {
    case SymbolType.bool:
    case SymbolType.tristate: {
      const tristate =
        value[0] === 'y'
          ? 2
          : value[0] === 'n'
            ? 0
            : value[0] === 'm' && symbol.type === SymbolType.tristate
              ? 1
              : undefined;
      if (tristate === undefined) return `symbol value '${value}' invalid for ${symbol.name}`;
      values.setTristate(symbol, tristate);
      return undefined;
    }
    case SymbolType.string: {
      // A string without quotes is ignored, as in conf_set_sym_val().
      if (value[0] !== '"') return undefined;
      const text = unquoted(value);
      if (text === undefined) return 'invalid string found';
      values.setText(symbol, text);
      return undefined;
    }
    case SymbolType.int:
    case SymbolType.hex:
      if (!isValidValue(value, symbol.type)) return `symbol value '${value}' invalid for ${symbol.name}`;
      values.setText(symbol, value);
      return undefined;
    default:
      return undefined;
  }
}

/** Text between the quotes, backslashes resolved; undefined where the closing quote is missing. */
function unquoted(value: string): string | undefined {
  let out = '';
  for (let i = 1; i < value.length; i++) {
    const ch = value[i]!;
    if (ch === '"') return out;
    if (ch === '\\') out += value[++i] ?? '';
    else out += ch;
  }
  return undefined;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** One line of .config, newline included; '' for a symbol without a type. */
export function configLine(values: Values, symbol: KSymbol, unset: 'comment' | 'n' = 'comment'): string {
  return symbol.type === SymbolType.unknown ? '' : lineFor(symbol, values.text(symbol), unset);
}

/** The line that gives a symbol a value, newline included. */
export function lineFor(
  { name, type }: Pick<KSymbol, 'name' | 'type'>,
  value: string,
  unset: 'comment' | 'n' = 'comment',
): string {
  const isTristate = type === SymbolType.bool || type === SymbolType.tristate;
  if (isTristate && value === 'n' && unset === 'comment') return `# ${PREFIX}${name} is not set\n`;
  return `${PREFIX}${name}=${type === SymbolType.string ? quoted(value) : value}\n`;
}

/** The whole .config of calculated values. */
export function writeConfig(values: Values): string {
  const { model } = values;
  const out: string[] = [`#\n# Automatically generated file; DO NOT EDIT.\n# ${model.title}\n#\n`];
  const isDone = new Uint8Array(model.symbols.length);
  let needsBlank = false;
  /** Visible menus that are still open, innermost last. */
  const open: { end: number; text: string }[] = [];
  const { declarations } = model;
  for (let i = 1; i <= declarations.length; i++) {
    while (open.length > 0 && open.at(-1)!.end <= i) {
      out.push(`# end of ${open.pop()!.text}\n`);
      needsBlank = true;
    }
    const declaration = declarations[i];
    if (!declaration) break;
    const { kind, symbol, prompt } = declaration;
    if (symbol) {
      if (isDone[symbol.id] === 1 || !values.isWritten(symbol)) continue;
      isDone[symbol.id] = 1;
      if (needsBlank) out.push('\n');
      needsBlank = false;
      out.push(configLine(values, symbol));
    } else if ((kind === 'menu' || kind === 'comment') && prompt) {
      if (values.expr(declaration.visibility) === NO || values.promptVisible(prompt) === NO) continue;
      out.push(`\n#\n# ${prompt.text}\n#\n`);
      needsBlank = false;
      if (kind === 'menu') open.push({ end: declaration.end, text: prompt.text });
    }
  }
  return out.join('');
}

/** What `savedefconfig` writes: the settings that differ from what conf would choose by itself. */
export function writeDefconfig(values: Values): string {
  const { model } = values;
  const isDone = new Uint8Array(model.symbols.length);
  const out: string[] = [];
  for (const { symbol } of model.declarations) {
    if (!symbol || isDone[symbol.id] === 1 || !values.isWritten(symbol)) continue;
    isDone[symbol.id] = 1;
    if (values.visible(symbol) <= values.reverseDep(symbol)) continue;
    if (values.text(symbol) === defaultText(values, symbol)) continue;
    const { choice } = symbol;
    if (choice) {
      values.chosen(choice);
      if (values.tristate(symbol) === YES && values.choiceDefault(choice) === symbol) continue;
    }
    out.push(configLine(values, symbol));
  }
  return out.join('');
}

/** Value that the symbol would have without the user's (scripts/kconfig/symbol.c, sym_get_string_default). */
function defaultText(values: Values, symbol: KSymbol): string {
  const property = values.activeDefault(symbol);
  if (symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate) {
    let value: Tristate = NO;
    if (property) value = Math.min(values.expr(property.value), values.condition(property)) as Tristate;
    value = Math.max(value, values.reverseDep(symbol)) as Tristate;
    const hasModules = values.model.modules !== undefined && values.tristate(values.model.modules) !== NO;
    if (value === 1 && ((!symbol.isChoiceMember && !hasModules) || symbol.type === SymbolType.bool)) value = YES;
    value = Math.max(value, values.implied(symbol)) as Tristate;
    return 'nmy'[value]!;
  }
  let text = '';
  if (property && values.pool.ops[property.value] === Op.symbol)
    text = values.plainText(values.pool.lefts[property.value]!);
  return text !== '' || symbol.type === SymbolType.string ? text : symbol.type === SymbolType.int ? '0' : '0x0';
}
