/**
 * Functions that the parser lost in or behind something that is no C to it (a table of macros, say): they are found
 * again by the kernel's style, a brace in the first column under a parenthesis
 * (Documentation/process/coding-style.rst, "Placing Braces"), and read one by one.
 */

/** A text with one function in it, at its place; what was before is blank. */
export interface LostFunction {
  readonly text: string;
  /** The same without what is between the braces. */
  readonly headOnly: string;
}

/** Lines of a head above its brace. */
const MAX_HEAD = 12;
/** Of one file; the worst of Linux 6.12 has 45. */
const MAX_LOST = 100;
/** Characters of all their texts. */
const MAX_CHARS = 32 << 20;

/** The functions of `masked` whose bodies do not begin at any of the offsets. */
export function lostFunctions(masked: string, bodies: ReadonlySet<number>): readonly LostFunction[] {
  const lines = masked.split('\n');
  const lost: LostFunction[] = [];
  let [offset, chars] = [0, 0];
  for (let i = 0; i < lines.length && lost.length < MAX_LOST && chars < MAX_CHARS; i++) {
    const line = lines[i]!;
    const first = line[0] === '{' && !bodies.has(offset) ? headAbove(lines, i) : undefined;
    offset += line.length + 1;
    if (first === undefined) continue;
    const end = lines.findIndex((below, at) => at > i && below[0] === '}');
    if (end < 0) break;
    const before = lines.slice(0, first).map(blank);
    const inside = lines.slice(i + 1, end);
    const text = (body: readonly string[]): string =>
      [...before, ...lines.slice(first, i + 1), ...body, lines[end]].join('\n');
    chars += offset;
    lost.push({ text: text(inside), headOnly: text(inside.map(blank)) });
  }
  return lost;
}

/** First line of the head of a function whose brace is on line `brace`; undefined where it does not look like one. */
function headAbove(lines: readonly string[], brace: number): number | undefined {
  let last = brace - 1;
  while (last > 0 && lines[last]!.trim() === '') last -= 1;
  if (last < 0 || !/\)\s*$/.test(lines[last]!)) return undefined;
  let first = last;
  while (first > 0 && last - first < MAX_HEAD && !/(?:^\s*|[;}:]\s*)$/.test(lines[first - 1]!)) first -= 1;
  return /^\s*\w/.test(lines[first]!) ? first : undefined;
}

function blank(line: string): string {
  return ' '.repeat(line.length);
}
