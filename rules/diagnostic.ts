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
  /** The C file that was compiled, where it is another: `file` is a header that it includes. */
  readonly unit?: string;
}

/**
 * Diagnostics of `after` that `before` does not have, each once. One that only changed its function, since that got
 * another name, is none. `oldPath` is the path without the series of a file that it renames.
 */
export function newDiagnostics(
  before: readonly Diagnostic[],
  after: readonly Diagnostic[],
  oldPath: (path: string) => string = (path) => path,
): Diagnostic[] {
  const renamed = after.map((one) => ({ one, key: keyOf(one, oldPath), rest: restOf(one, oldPath) }));
  const kept = new Set(renamed.map(({ key }) => key));
  const known = new Set(before.map((one) => keyOf(one)));
  const gone = new Map(before.filter((one) => !kept.has(keyOf(one))).map((one) => [keyOf(one), restOf(one)]));
  return renamed.flatMap(({ one, key, rest }) => {
    if (known.has(key)) return [];
    known.add(key);
    const was = [...gone].find(([, other]) => other === rest);
    if (!was) return [one];
    gone.delete(was[0]);
    return [];
  });
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
  return JSON.stringify([severity, oldPath(file), option, text.replace(/\b(line |[\w/.-]+:)\d+/g, '$1')]);
}
