/** Patterns with one `%`, as patsubst and filter have them (GNU make, "Functions for String Substitution"). */

/** What `%` stands for in `text`, or undefined where it does not match. A pattern without `%` stands for itself. */
export function stemOf(pattern: string, text: string): string | undefined {
  const percent = pattern.indexOf('%');
  if (percent < 0) return pattern === text ? '' : undefined;
  const [head, tail] = [pattern.slice(0, percent), pattern.slice(percent + 1)];
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return undefined;
  return text.slice(head.length, text.length - tail.length);
}

/** `text` with `pattern` replaced: `patsubst` of one word. */
export function replaced(pattern: string, replacement: string, text: string): string {
  const stem = stemOf(pattern, text);
  if (stem === undefined) return text;
  return pattern.includes('%') ? replacement.replace('%', () => stem) : replacement;
}

/** Whether a glob (`*`, `?`) of one path component or more matches a path. `[…]` is not understood. */
export function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${source}$`);
}
