/** What somebody may have meant who wrote a key that there is not. */

/** Longest list of guesses that still helps. */
const MAX_GUESSES = 3;

/**
 * The known keys that a wrong one resembles: those of its name in other sections, else the nearest, up to three
 * letters off and with one in common. Empty where nothing is near. All are whole paths, `bot.operator`.
 */
export function nearKeys(path: string, known: readonly string[]): string[] {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const moved = known.filter((key) => key.endsWith(`.${name}`));
  if (moved.length > 0 && moved.length <= MAX_GUESSES) return moved;
  const others = known.filter((key) => !path.startsWith(`${key}.`));
  const scored = others.map((key) => ({ key, slips: editDistance(path, key) })).sort((a, b) => a.slips - b.slips);
  const best = scored[0];
  return best !== undefined && best.slips <= Math.min(3, name.length - 1) ? [best.key] : [];
}

/** Letters to add, drop or change (Levenshtein). Keys are short; a long one is cut, it resembles nothing anyway. */
function editDistance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 100), b.slice(0, 100)];
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
