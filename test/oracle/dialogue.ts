/**
 * The questions of oldaskconfig and oldconfig, line by line as conf puts them (scripts/kconfig/conf.c,
 * conf and check_conf), without the help that `?` would print.
 */

import { NO, type Tristate, YES } from '../../rules/kconfig/expr.ts';
import type { KSymbol } from '../../rules/kconfig/model.ts';
import { isValidValue, strtoll } from '../../rules/kconfig/number.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import type { Values } from '../../rules/kconfig/values.ts';
import type { MenuNode } from './menu-tree.ts';

export interface Terminal {
  print(text: string): void;
  /** The next line of input with its newline; undefined at the end. */
  ask(): Promise<string | undefined>;
}

const LETTERS = ['n', 'm', 'y'] as const;

/** Whether conf shows the entry, or something below it. */
export function isVisible(values: Values, node: MenuNode): boolean {
  const { kind, prompt, symbol, visibility } = node.declaration;
  if (kind === 'root') return true;
  if (!prompt || values.expr(visibility) === NO) return false;
  if (values.promptVisible(prompt) !== NO) return true;
  return (
    symbol !== undefined &&
    isBoolean(symbol) &&
    values.tristate(symbol) !== NO &&
    node.children.some((child) => isVisible(values, child))
  );
}

/** Whether the user could set the symbol and has not. */
export function isNew(values: Values, symbol: KSymbol): boolean {
  return !values.hasUser(symbol) && values.visible(symbol) > values.reverseDep(symbol);
}

function isBoolean(symbol: KSymbol): boolean {
  return symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate;
}

/** Calculates; what transitional symbols gave then stays (scripts/kconfig/symbol.c, sym_calc_value). */
export function settle(values: Values): void {
  values.calculate();
  values.adopt();
}

export class Dialogue {
  readonly #values: Values;
  readonly #root: MenuNode;
  readonly #terminal: Terminal;
  #indent = 1;
  /** Menu that is shown although it may hold nothing new. */
  #shown: MenuNode;
  #asksAll = false;
  #restarts = 0;

  constructor(values: Values, root: MenuNode, terminal: Terminal) {
    this.#values = values;
    this.#root = root;
    this.#shown = root;
    this.#terminal = terminal;
  }

  /** oldaskconfig: every question there is, then new ones that came up. */
  async askAll(): Promise<void> {
    this.#asksAll = true;
    await this.#show(this.#root);
    this.#asksAll = false;
    await this.askNew();
  }

  /** oldconfig: menus with new symbols, until there are none. */
  async askNew(): Promise<void> {
    do {
      this.#restarts = 0;
      await this.#checkNew(this.#root);
    } while (this.#restarts > 0);
  }

  async #checkNew(node: MenuNode): Promise<void> {
    if (!isVisible(this.#values, node)) return;
    const { symbol } = node.declaration;
    if (symbol && isNew(this.#values, symbol)) {
      if (this.#restarts++ === 0) this.#terminal.print('*\n* Restart config...\n*\n');
      let menu = node;
      while (menu !== this.#root && !(menu.declaration.prompt && /^menu/.test(menu.declaration.kind)))
        menu = menu.parent!;
      this.#shown = menu;
      await this.#show(menu);
    }
    for (const child of node.children) await this.#checkNew(child);
  }

  async #show(node: MenuNode): Promise<void> {
    if (!isVisible(this.#values, node)) return;
    const { kind, prompt, symbol, choice } = node.declaration;
    const title = node === this.#root ? this.#values.model.title : prompt?.text;
    const isMenu = kind === 'root' || kind === 'menu' || kind === 'menuconfig';
    if (isMenu && !this.#asksAll && this.#shown !== node) return this.#checkNew(node);
    if (isMenu || kind === 'comment') {
      const star = '*'.padStart(this.#indent);
      this.#terminal.print(`${star}\n${star} ${title}\n${star}\n`);
    }
    if (choice) return this.#askChoice(node);
    if (symbol) {
      if (isBoolean(symbol)) await this.#askTristate(node, symbol);
      else await this.#askText(node, symbol);
      this.#indent += 2;
    }
    for (const child of node.children) await this.#show(child);
    if (symbol) this.#indent -= 2;
  }

  /** The answer, or undefined where there is nothing to ask. */
  async #answer(symbol: KSymbol, current: string): Promise<string | undefined> {
    const values = this.#values;
    const hasUser = values.hasUser(symbol);
    if (!hasUser) this.#terminal.print('(NEW) ');
    const isChangeable = values.visible(symbol) > values.reverseDep(symbol);
    if (!isChangeable || (!this.#asksAll && hasUser)) {
      this.#terminal.print(`${current}\n`);
      return undefined;
    }
    return this.#line();
  }

  async #line(): Promise<string> {
    const line = await this.#terminal.ask();
    if (line !== undefined) this.#terminal.print(line);
    return (line ?? '').trim();
  }

  async #askTristate(node: MenuNode, symbol: KSymbol): Promise<void> {
    const values = this.#values;
    const text = `${' '.repeat(this.#indent - 1)}${node.declaration.prompt!.text} (${symbol.name}) `;
    for (;;) {
      const old = values.tristate(symbol);
      const others = ([0, 1, 2] as const).filter((value) => value !== old && this.#isInRange(symbol, value));
      this.#terminal.print(
        `${text}[${LETTERS[old].toUpperCase()}${others.map((value) => `/${LETTERS[value]}`).join('')}/?] `,
      );
      const answer = await this.#answer(symbol, LETTERS[old]);
      if (answer === undefined) return;
      const value =
        answer === '' ? old : /^([nmy]|no|yes)$/i.test(answer) ? LETTERS.indexOf(answer[0]!.toLowerCase() as 'n') : -1;
      if (value < 0 || !this.#isInRange(symbol, value as Tristate)) continue;
      values.setTristate(symbol, value as Tristate);
      if (value !== old) settle(values);
      return;
    }
  }

  #isInRange(symbol: KSymbol, value: Tristate): boolean {
    const values = this.#values;
    const visible = values.visible(symbol);
    const reverse = values.reverseDep(symbol);
    if (visible <= reverse || (value === 1 && values.typeOf(symbol) === SymbolType.bool)) return false;
    return value >= reverse && value <= visible;
  }

  async #askText(node: MenuNode, symbol: KSymbol): Promise<void> {
    const values = this.#values;
    const text = `${' '.repeat(this.#indent - 1)}${node.declaration.prompt!.text} (${symbol.name}) `;
    for (;;) {
      const old = values.text(symbol);
      this.#terminal.print(`${text}[${old}] `);
      const answer = await this.#answer(symbol, old);
      if (answer === undefined) return;
      const value = answer === '' ? old : answer;
      if (!this.#accepts(symbol, value)) continue;
      values.setText(symbol, symbol.type === SymbolType.hex && !/^0x/i.test(value) ? `0x${value}` : value);
      settle(values);
      return;
    }
  }

  #accepts(symbol: KSymbol, value: string): boolean {
    if (!isValidValue(value, symbol.type)) return false;
    const range = symbol.type === SymbolType.string ? undefined : this.#values.activeRange(symbol);
    if (!range) return true;
    const base = symbol.type === SymbolType.hex ? 16 : 10;
    const bound = (id: number): number | bigint => {
      const other = this.#values.pool.constant[id] ? undefined : this.#values.model.symbols[id];
      return strtoll(other ? this.#values.text(other) : this.#values.pool.names[id]!, base);
    };
    const number = strtoll(value, base);
    return number >= bound(range.low) && number <= bound(range.high);
  }

  async #askChoice(node: MenuNode): Promise<void> {
    const values = this.#values;
    const choice = node.declaration.choice!;
    const pad = ' '.repeat(this.#indent - 1);
    let isAnyNew = false;
    for (;;) {
      this.#terminal.print(`${pad}${node.declaration.prompt!.text}\n`);
      const chosen = values.chosen(choice);
      const members: KSymbol[] = [];
      for (const child of node.children) {
        if (!isVisible(values, child)) continue;
        const { symbol, prompt } = child.declaration;
        if (!symbol) {
          this.#terminal.print(`${pad}* ${prompt!.text}\n`);
          continue;
        }
        members.push(symbol);
        const isUnset = !values.hasUser(symbol);
        isAnyNew ||= isUnset;
        this.#terminal.print(
          `${pad}${symbol === chosen ? '>' : ' '} ${members.length}. ${prompt!.text} (${symbol.name})${isUnset ? ' (NEW)' : ''}\n`,
        );
      }
      this.#terminal.print(`${pad}choice`);
      const standing = chosen ? members.indexOf(chosen) + 1 : 0;
      let picked = standing;
      if (members.length === 1) {
        this.#terminal.print('[1]: 1\n');
        picked = 1;
      } else {
        this.#terminal.print(`[1-${members.length}?]: `);
        if (!this.#asksAll && !isAnyNew) {
          this.#terminal.print(`${picked}\n`);
        } else {
          const answer = await this.#line();
          if (answer !== '') picked = /^[0-9]+$/.test(answer) ? Number(answer) : 0;
        }
      }
      const member = members[picked - 1];
      if (!member) continue;
      for (const symbol of members) {
        values.setTristate(symbol, symbol === member ? YES : NO);
        values.prefer(symbol);
      }
      if (member !== chosen) settle(values);
      return;
    }
  }
}
