/**
 * Answers of `$(shell,…)` left open: what a compiler can do becomes a symbol that may be set, as if the Kconfig files
 * asked the user. Only of commands that print y or n and nothing else, as `$(success,…)` and `$(failure,…)` of
 * scripts/Kconfig.include make them; a version, or a flag, stays what it is.
 */

import type { ExprPool } from './expr.ts';

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

  /** What to put in the place of the command's output; undefined where it has to be run. */
  answer(command: string): string | undefined {
    const [end, onSuccess, onFailure] = YES_OR_NO.exec(command) ?? [];
    if (end === undefined || onSuccess === onFailure) return undefined;
    const asked = command.slice(0, -end.length).trim();
    const name = this.#names.get(asked) ?? this.#newName();
    this.#names.set(asked, name);
    return onSuccess === 'y' ? name : `!${name}`;
  }

  get all(): readonly FreeAnswer[] {
    return [...this.#names].map(([command, symbol]) => ({ symbol, command }));
  }

  /** Kconfig text of the symbols so far. */
  text(): string {
    return this.all.map(({ symbol }) => `config ${symbol}\n\tbool "answer of a shell command"\n`).join('');
  }

  #newName(): string {
    for (let i = this.#names.size + 1; ; i++) {
      const name = `SHELL_ANSWER_${i}`;
      if (this.#pool.findSymbol(name) === undefined) return name;
    }
  }
}
