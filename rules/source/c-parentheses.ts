/** Which parenthesis closes which, found in one pass over the text: asking for each is cheap whatever the text. */

/** Longer arguments than these are not looked at. */
const MAX_LENGTH = 20_000;

export class Parentheses {
  readonly #closing = new Map<number, number>();

  constructor(code: string) {
    const open: number[] = [];
    for (let i = 0; i < code.length; i++) {
      const c = code[i];
      if (c === '(') open.push(i);
      else if (c === ')' && open.length > 0) this.#closing.set(open.pop()!, i);
      else if (c === '"' || c === "'") i = endOfQuoted(code, i);
    }
  }

  /** Index of the parenthesis that closes the one at `open`; undefined where there is none near. */
  closing(open: number): number | undefined {
    const close = this.#closing.get(open);
    return close === undefined || close - open > MAX_LENGTH ? undefined : close;
  }
}

/** Index of the quote that closes the one at `from`, or of the last character before the line ends. */
export function endOfQuoted(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\n') return i - 1;
    if (text[i] === '\\') i += 1;
    else if (text[i] === text[from]) return i;
  }
  return text.length - 1;
}
