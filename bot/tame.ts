/** Texts of strangers, made fit to stand in a mail of ours. */

const MAX_VALUE_CHARS = 300;
const MAX_VALUE_LINES = 60;

/** A copy of JSON-like data with every string tamed; line ends inside strings stay. */
export function tameAll(value: unknown): unknown {
  if (typeof value === 'string') {
    const lines = value.split(/\r?\n/);
    return lines.length === 1
      ? tame(value)
      : lines
          .slice(0, MAX_VALUE_LINES)
          .map((line) => tameLine(line))
          .join('\n');
  }
  if (Array.isArray(value)) {
    return value.map(tameAll);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, tameAll(one)]));
  }
  return value;
}

/** One line of bounded length, harmless to a terminal. */
export function tame(text: string, most: number = MAX_VALUE_CHARS): string {
  return tameLine(text.replace(/[\s\u2028\u2029]+/g, ' ').trim(), most);
}

/** Controls and characters that reorder text (what a terminal would obey) become U+FFFD; long text is cut. */
function tameLine(text: string, most: number = MAX_VALUE_CHARS): string {
  const plain = text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
  const chars = [...plain];
  return chars.length > most ? `${chars.slice(0, most - 3).join('')}...` : plain;
}
