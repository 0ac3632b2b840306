/**
 * Answers of `$(shell,…)` left open: what a compiler can do becomes a symbol that may be set, as if the Kconfig files
 * asked the user. Only of commands that print y or n and nothing else, as `$(success,…)` and `$(failure,…)` of
 * scripts/Kconfig.include make them, or that answered so; a flag stays what it is.
 */

import { type ExprPool, NONE } from './expr.ts';
import type { Default, KconfigModel } from './model.ts';
import { SymbolType } from './parse.ts';
import { put } from './symbol-table.ts';

/** The end of such a command, as `if-success` writes it. */
const YES_OR_NO = /&& echo "?([yn])"? \|\| echo "?([yn])"?\s*$/;

export interface FreeAnswer {
  readonly symbol: string;
  /** Whether it succeeds is what the symbol stands for. */
  readonly command: string;
}

export class FreeAnswers {
  /** A file that the tree does not have: declarations of the symbols, read behind all others. */
  readonly path = 'answers of shell commands';
  readonly #pool: ExprPool;
  readonly #names = new Map<string, string>();

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  /** What to put in the place of the command's output, which was `said` if it is known; undefined: that it has to be. */
  answer(command: string, said?: string): string | undefined {
    const [end, onSuccess, onFailure] = YES_OR_NO.exec(command) ?? [];
    if (end === undefined || onSuccess === onFailure)
      return said === 'y' || said === 'n' ? this.#nameOf(command.trim()) : undefined;
    const name = this.#nameOf(command.slice(0, -end.length).trim());
    return onSuccess === 'y' ? name : `!${name}`;
  }

  /** The first Kconfig file's text, with the symbols sourced at its end. */
  sourcedFrom(text: string): string {
    return `${text}\nsource "${this.path}"\n`;
  }

  get all(): readonly FreeAnswer[] {
    return [...this.#names].map(([command, symbol]) => ({ symbol, command }));
  }

  /** Kconfig text of the symbols so far. */
  text(): string {
    return this.all.map(({ symbol }) => `config ${symbol}\n\tbool "answer of a shell command"\n`).join('');
  }

  #nameOf(command: string): string {
    const name = this.#names.get(command) ?? this.#newName();
    this.#names.set(command, name);
    return name;
  }

  #newName(): string {
    for (let i = this.#names.size + 1; ; i++) {
      const name = `SHELL_ANSWER_${i}`;
      if (this.#pool.findSymbol(name) === undefined) return name;
    }
  }
}

/**
 * Gives a prompt to every number and text whose default a macro computes, such as GCC_VERSION: what compilers say of
 * themselves becomes what the user may say.
 */
export function openVersions({ declared }: KconfigModel): void {
  for (const symbol of declared) {
    const { type, prompts, defaults } = symbol;
    if (prompts.length > 0 || type === SymbolType.bool || type === SymbolType.tristate) continue;
    const computed = defaults.find(isComputed);
    if (!computed) continue;
    const { in: declaration, line } = computed;
    put(symbol, 'prompts', { in: declaration, cond: NONE, line, text: 'answer of a macro', menusVisible: NONE });
  }
}

/** Whether a macro computes a default, as its line says. */
export function isComputed({ in: { file }, line }: Default): boolean {
  return file.text.split('\n')[line - 1]?.includes('$(') ?? false;
}
