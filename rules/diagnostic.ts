/**
 * What a compiler, modpost, the linker or make complains of, and which complaints are new: compared as sets, so that
 * a line that moves is no news, and one complaint does not hide behind another.
 */

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Path in the tree, or of the output folder; empty where none is named. */
  readonly file: string;
  /** 1-based; not part of what a diagnostic is. */
  readonly line?: number;
  /** The function that it is in, where the compiler said so. */
  readonly function?: string;
  /** Such as `-Wunused-variable`, also of a warning that -Werror made an error. */
  readonly option?: string;
  readonly text: string;
  /** The outermost macro that it stands in, and where the code says that. */
  readonly macro?: Pick<Diagnostic, 'file' | 'source'> & { readonly name: string; readonly line: number };
  /** The line of code, as the compiler quotes it: blanks in a row are one. */
  readonly source?: string;
  /** The C file that was compiled, where it is another: `file` is a header that it includes. */
  readonly unit?: string;
}

/** What a series gives other names, so that what is said of it is not new. */
export interface Renames {
  /** Path without the series. */
  oldPath(path: string): string;
  /** Whether the function of `was` is that of `is`, under another name. */
  isRenamed(was: Diagnostic, is: Diagnostic): boolean;
}

const NOTHING_RENAMED: Renames = { oldPath: (path) => path, isRenamed: () => false };

/** Diagnostics of `after` that `before` does not have, each once. */
export function newDiagnostics(
  before: readonly Diagnostic[],
  after: readonly Diagnostic[],
  { oldPath, isRenamed }: Renames = NOTHING_RENAMED,
): Diagnostic[] {
  const known = new Set(before.map((one) => keyOf(one)));
  const alike = Map.groupBy(before, (was) => restOf(was));
  return after.filter((one) => {
    const key = keyOf(one, oldPath);
    const isKnown = known.has(key);
    known.add(key);
    if (isKnown) return false;
    const some = alike.get(restOf(one, oldPath)) ?? [];
    return !some.some((was) => was.function !== one.function && isRenamed(was, one));
  });
}

/** Whether one says of a function of one file what the other says of one of that name in another. */
export function isAlike(was: Diagnostic, is: Diagnostic): boolean {
  const anywhere = (): string => '';
  return was.file !== is.file && keyOf(was, anywhere) === keyOf(is, anywhere);
}

/** As a compiler prints it, without the column. */
export function printDiagnostic({ severity, file, line, option, text }: Diagnostic): string {
  const place = file === '' ? '' : `${file}:${line === undefined ? '' : `${line}:`} `;
  return `${place}${severity}: ${text}${option === undefined ? '' : ` [${option}]`}`;
}

/** The same complaint, wherever in its function it stands. */
function keyOf(one: Diagnostic, oldPath = (path: string): string => path): string {
  return JSON.stringify([restOf(one, oldPath), one.function]);
}

/** A warning that becomes an error is another one; what was compiled does not matter to a header's. */
function restOf({ severity, file, option, text }: Diagnostic, oldPath = (path: string): string => path): string {
  return JSON.stringify([severity, oldPath(file), option, withoutNumbers(text)]);
}

/**
 * Without the numbers that change though nothing comes or goes: of lines; of names that macros count on
 * (__COUNTER__); and of a stack frame, which the compiler complained of before it grew further.
 */
export function withoutNumbers(text: string): string {
  return text.replace(/(\bline |:|\bframe size of |\b__(?:UNIQUE_ID|compiletime_assert)_\w*?)\d+\b/g, '$1');
}
