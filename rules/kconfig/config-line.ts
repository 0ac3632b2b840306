/** A symbol's line in the text of a .config. */

/** The line, or `(no CONFIG_X)` where there is none. */
export function lineOf(config: string, symbol: string): string {
  const match = new RegExp(`^(?:CONFIG_${symbol}=.*|# CONFIG_${symbol} is not set)$`, 'm').exec(config);
  return match?.[0] ?? `(no CONFIG_${symbol})`;
}

/** Value on such a line: `y`, `m`, the text; `n` for `is not set`, undefined without a line. */
export function valueOn(line: string): string | undefined {
  if (line.startsWith('(no ')) return undefined;
  if (!line.startsWith('CONFIG_')) return 'n';
  const value = line.slice(line.indexOf('=') + 1);
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}
