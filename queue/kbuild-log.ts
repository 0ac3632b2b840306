/**
 * Diagnostics in what make prints: gcc's and clang's, modpost's, the linker's, and make's own words where nothing else
 * says why. Compared as sets, so that a line that moves is no news, and one for another does not hide.
 * Source: gcc's "Formatting of diagnostics"; scripts/mod/modpost.c.
 */
import { SRCTREE } from './toolchain.ts';

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
}

/** More are not read: the first errors of a file are the ones that count. */
const MOST = 1000;

const PLACED = /^(\S+?):(\d+)(?::\d+)?: (fatal error|error|warning): (.*)$/;
const IN_FUNCTION = /^(\S+?): In (?:member )?function ['‘](.+?)['’]:$/;
const OPTION = / \[(-W[^\]]+)\]$/;
const MODPOST = /^(ERROR|WARNING): modpost: (.*)$/;
const LINKER = /^(?:\S*ld: )?(\S+?): (?:in function [^:]*: )?(?:\S+: )?(undefined reference to .*)$/;
const MAKE = /^make(?:\[\d+\])?: \*\*\* (?:\[[^\]]*\] )?(No rule to make target .*|.*: No such file or directory)$/;

/** All diagnostics of an output, in order. */
export function readDiagnostics(output: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  let within: { readonly file: string; readonly name: string } | undefined;
  for (const line of output.split('\n')) {
    if (found.length >= MOST) break;
    const [, inFile, inName] = IN_FUNCTION.exec(line) ?? [];
    if (inFile !== undefined) within = { file: inTree(inFile), name: inName! };
    else if (/: At top level:$/.test(line)) within = undefined;
    const one = diagnosticOf(line);
    if (!one) continue;
    // a header's line belongs to no function of the file that includes it
    found.push(within?.file === one.file ? { ...one, function: within.name } : one);
  }
  return found;
}

function diagnosticOf(line: string): Diagnostic | undefined {
  const [, path, number, kind, words] = PLACED.exec(line) ?? [];
  if (path !== undefined) {
    const option = OPTION.exec(words!)?.[1]?.replace(/^-Werror=/, '-W');
    return {
      severity: kind === 'warning' ? 'warning' : 'error',
      file: inTree(path),
      line: Number(number),
      ...(option !== undefined && { option }),
      text: words!.replace(OPTION, ''),
    };
  }
  const [, level, said] = MODPOST.exec(line) ?? [];
  if (level !== undefined) return { severity: level === 'ERROR' ? 'error' : 'warning', file: '', text: said! };
  const [, object, reference] = LINKER.exec(line) ?? [];
  if (object !== undefined) return { severity: 'error', file: inTree(object), text: reference! };
  const made = MAKE.exec(line)?.[1];
  return made === undefined ? undefined : { severity: 'error', file: '', text: made };
}

/** Diagnostics of `after` that `before` does not have, each once. */
export function newDiagnostics(before: readonly Diagnostic[], after: readonly Diagnostic[]): Diagnostic[] {
  const known = new Set(before.map(keyOf));
  return after.filter((one) => {
    const key = keyOf(one);
    const isNew = !known.has(key);
    known.add(key);
    return isNew;
  });
}

/** As a compiler prints it, without the column. */
export function printDiagnostic({ severity, file, line, option, text }: Diagnostic): string {
  const place = file === '' ? '' : `${file}:${line === undefined ? '' : `${line}:`} `;
  return `${place}${severity}: ${text}${option === undefined ? '' : ` [${option}]`}`;
}

function keyOf({ severity, file, function: name, option, text }: Diagnostic): string {
  return JSON.stringify([severity, file, name, option, text]);
}

/** Path in the tree: compilers name it as make named it to them, from the output folder. */
function inTree(path: string): string {
  return path.startsWith(`${SRCTREE}/`) ? path.slice(SRCTREE.length + 1) : path.replace(/^\.\//, '');
}
