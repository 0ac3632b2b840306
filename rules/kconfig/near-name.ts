/** The name that somebody may have meant. */

import type { SymbolName } from '../types.ts';

/** The one name that differs least, if that is little: at most one character in five, and no second one as near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  const most = Math.floor(name.length / 5);
  let best: string | undefined;
  let least = most + 1;
  for (const other of names) {
    // A tie must be seen, so that equal distances are computed too.
    const allowed = Math.min(least, most);
    if (Math.abs(other.length - name.length) > allowed) continue;
    const edits = editDistance(name, other, allowed);
    if (edits === undefined) continue;
    best = edits < least ? other : undefined;
    least = edits;
  }
  return best;
}

/** Longest name that is compared; the longest symbol of Linux 6.12 has 52 characters. */
const MAX_NAME_CHARS = 100;

/**
 * Declared names nearest to a misspelt one (`CONFIG_` allowed, case ignored), best first, at most
 * `limit`: a transposed, wrong, missing or extra letter in about four, words in another order, a
 * beginning, a part. Empty where nothing is near.
 */
export function similar(
  declared: Iterable<{ readonly name: SymbolName }>,
  name: string,
  limit: number = 5,
): SymbolName[] {
  const wanted = name.toUpperCase().replace(/^CONFIG_/, '');
  if (wanted === '' || wanted.length > MAX_NAME_CHARS) return [];
  const ranked: { readonly name: string; readonly score: number }[] = [];
  for (const { name: candidate } of declared) {
    const score = distance(wanted, candidate.toUpperCase());
    if (score !== undefined) ranked.push({ name: candidate, score });
  }
  ranked.sort((a, b) => a.score - b.score || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, limit).map((r) => r.name);
}

const words = (name: string): string => name.split('_').sort().join('_');

/** 0 for the same, undefined for too far. */
function distance(wanted: string, candidate: string): number | undefined {
  const allowed = Math.max(1, Math.floor(wanted.length / 4));
  if (Math.abs(wanted.length - candidate.length) <= allowed) {
    const edits = editDistance(wanted, candidate, allowed);
    if (edits !== undefined) return edits;
    if (words(wanted) === words(candidate)) return 1;
  }
  if (wanted.length < 3) return undefined;
  if (candidate.startsWith(wanted)) return allowed + 1;
  return candidate.includes(wanted) ? allowed + 2 : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); undefined above `allowed`. */
function editDistance(a: string, b: string, allowed: number): number | undefined {
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, j) => j);
  let oldLeast = 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (old[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(change, (old[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, (older[j - 2] ?? 0) + 1);
      row.push(best);
      if (best < least) least = best;
    }
    // A swap looks two rows back, so both have to be too far.
    if (least > allowed && oldLeast > allowed) return undefined;
    older = old;
    old = row;
    oldLeast = least;
  }
  const edits = old[b.length] ?? 0;
  return edits > allowed ? undefined : edits;
}
