/** Kconfiglib of 2020 as a peer: what today's Kconfig says, in words that it knows. */

/** Lines that Kconfiglib does not read, and what stands for them: enough to measure it, not to trust its result. */
const NEWER: readonly (readonly [RegExp, string])[] = [
  // since 6.x a property of its own
  [/^([ \t]+)modules[ \t]*$/gm, '$1option modules'],
  [/^[ \t]+transitional[ \t]*$/gm, ''],
  // a condition on a dependency: it holds, or the condition does not
  [/^([ \t]+depends on )([^#\n]+) if ([^#\n]+)/gm, '$1($2) || !($3)'],
];

/** The text with what Kconfiglib cannot read put into older words; undefined where nothing had to be. */
export function olderWords(text: string): string | undefined {
  let older = text;
  for (const [newer, instead] of NEWER) older = older.replace(newer, instead);
  return older === text ? undefined : older;
}
