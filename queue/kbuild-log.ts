/**
 * Diagnostics in what make prints: gcc's and clang's, modpost's, the linker's, and make's own words where nothing else
 * says why; which objects it made, and which it could not.
 * Source: gcc's "Formatting of diagnostics"; scripts/mod/modpost.c; cmd_cc_o_c of scripts/Makefile.build.
 */
import type { Diagnostic } from '../rules/diagnostic.ts';
import { SRCTREE } from './toolchain.ts';

/** Of one file more are not read: its first errors are the ones that count. */
const MOST = 1000;
/** Of a longer line the rest is not read: it may be made to keep an expression busy. */
const MOST_OF_LINE = 2048;

/** The assembler writes them large. */
const PLACED = /^(\S+?|\{standard input\}):(\d+)(?::\d+)?: (fatal error|error|warning): (.*)$/i;
/** scripts/kconfig/parser.y, zconf_error() and yyerror(); symbol.c, of circles. */
const KCONFIG = /^(\S*Kconfig\S*):(\d+):(?:(error|warning):)?\s*(.*)$/;
const IN_FUNCTION = /^(\S+?): In (?:member )?function ['‘](.+?)['’]:$/;
/** What follows was inlined from another function than it names, or it names none. */
const INLINED = /^(?:\S+: )?In (?:member )?function ['‘].*,$|^ +inlined from /;
/** gcc's, after a diagnostic, from the innermost macro outwards. */
const EXPANSION = /^(\S+?):(\d+)(?::\d+)?: note: in expansion of macro ['‘](\w+)['’]$/;
/** Below a place, the line of code. */
const SOURCE = /^ *(\d+) \| (.*)$/;
const OPTION = / \[(-W[^\]]+)\]$/;
const MODPOST = /^(ERROR|WARNING): modpost: (.*)$/;
const LINKER = /^(?:\S*ld: )?(\S+?): (?:in function [^:]*: )?(?:\S+: )?(undefined reference to .*)$/;
const MAKE = /^make(?:\[\d+\])?: \*\*\* (?:\[[^\]]*\] )?(No rule to make target .*|.*: No such file or directory)$/;
/** Of a makefile itself: `drivers/foo/Makefile:3: *** missing separator.  Stop.` */
const MAKEFILE = /^(\S+?):(\d+): \*\*\* (.*?)\.? {2}Stop\.$/;
const INCLUDED = /^(?:In file included| +) from (\S+?):\d+(?::\d+)?([:,])$/;
const MADE = /^ {2}(?:CC|AS)(?: \[\w+\])? +(\S+\.o)$/;
const NEEDED = /No rule to make target .*, needed by '(\S+\.o)'/;
const FAILED = /^make(?:\[\d+\])?: \*\*\* \[(?:[^\]]*: )?([^\s\]]+\.o)\] Error \d+$/;

/** All diagnostics of an output, in order. */
export function readDiagnostics(output: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  let within: { readonly file: string; readonly name: string } | undefined;
  let unit = '';
  let isCounted = false;
  const counts = new Map<string, number>();
  for (const line of linesOf(output)) {
    // the last of several is what is compiled
    const [, includer] = INCLUDED.exec(line) ?? [];
    if (includer !== undefined) {
      unit = inTree(includer);
      continue;
    }
    const [, inFile, inName] = IN_FUNCTION.exec(line) ?? [];
    if (inFile !== undefined) within = { file: inTree(inFile), name: inName! };
    else if (/: At top level:$/.test(line) || INLINED.test(line)) within = undefined;
    const [, number, code] = SOURCE.exec(line) ?? [];
    // what another note speaks of is no part of it
    if (/: note: /.test(line) && !EXPANSION.test(line)) isCounted = false;
    if (code !== undefined && isCounted) {
      found.push(withSource(found.pop()!, Number(number), code));
      continue;
    }
    const [, useFile, useLine, macro] = EXPANSION.exec(line) ?? [];
    const last = found.at(-1);
    if (macro !== undefined && last && isCounted) {
      const place = { name: macro, file: inTree(useFile!), line: Number(useLine) };
      const isWithin = last.function === undefined && within?.file === place.file;
      found[found.length - 1] = { ...last, macro: place, ...(isWithin && { function: within!.name }) };
      continue;
    }
    const one = diagnosticOf(line);
    if (!one) continue;
    const count = (counts.get(`${unit} ${one.file}`) ?? 0) + 1;
    counts.set(`${unit} ${one.file}`, count);
    isCounted = count <= MOST;
    if (!isCounted) continue;
    // a header's line belongs to no function of the file that includes it
    const isIncluded = unit !== '' && /\.h$/.test(one.file);
    found.push({
      ...one,
      ...(within?.file === one.file && { function: within.name }),
      ...(isIncluded && { unit }),
    });
  }
  return found;
}

/** The same with a line of code that belongs to it, or to the macro that it stands in. */
function withSource(one: Diagnostic, line: number, code: string): Diagnostic {
  const source = code.trim().replace(/\s+/g, ' ');
  if (one.macro)
    return one.macro.line === line && one.macro.source === undefined
      ? { ...one, macro: { ...one.macro, source } }
      : one;
  return one.line === line && one.source === undefined ? { ...one, source } : one;
}

function linesOf(output: string): string[] {
  return output.split('\n').map((line) => line.slice(0, MOST_OF_LINE));
}

/** Objects that make says it compiles, in what a make without `-s` prints. */
export function objectsMade(stdout: string): Set<string> {
  return new Set(linesOf(stdout).flatMap((line) => MADE.exec(line)?.[1] ?? []));
}

/** Counts those of `objects` that make says it compiles while it prints; takes chunks of its output. */
export function countMade(objects: readonly string[], told: (made: number) => void): (chunk: Buffer) => void {
  const left = new Set(objects);
  let rest = '';
  return (chunk) => {
    const text = rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end).slice(0, MOST_OF_LINE);
    const before = left.size;
    for (const object of objectsMade(text.slice(0, end))) left.delete(object);
    if (left.size < before) told(objects.length - left.size);
  };
}

/** Objects that make could not make, or for which something was not there. */
export function objectsFailed(stderr: string): Set<string> {
  return new Set(linesOf(stderr).flatMap((line) => FAILED.exec(line)?.[1] ?? NEEDED.exec(line)?.[1] ?? []));
}

function diagnosticOf(line: string): Diagnostic | undefined {
  const [, path, number, kind, words] = PLACED.exec(line) ?? [];
  if (path !== undefined) {
    const option = OPTION.exec(words!)?.[1]
      ?.replace(/^-Werror=/, '-W')
      .replace(/^-Werror,/, '');
    return {
      severity: kind!.toLowerCase() === 'warning' ? 'warning' : 'error',
      // what a compiler hands on is no file
      file: path.startsWith('{') ? '' : inTree(path),
      line: Number(number),
      ...(option !== undefined && { option }),
      text: words!.replace(OPTION, ''),
    };
  }
  const [, kconfig, row, degree, complaint] = KCONFIG.exec(line) ?? [];
  if (kconfig !== undefined && complaint !== '')
    return {
      severity: degree === 'warning' ? 'warning' : 'error',
      file: inTree(kconfig),
      line: Number(row),
      text: complaint!,
    };
  const [, level, said] = MODPOST.exec(line) ?? [];
  if (level !== undefined) return { severity: level === 'ERROR' ? 'error' : 'warning', file: '', text: said! };
  const [, object, reference] = LINKER.exec(line) ?? [];
  if (object !== undefined) return { severity: 'error', file: inTree(object), text: reference! };
  const [, makefile, at, wrong] = MAKEFILE.exec(line) ?? [];
  if (makefile !== undefined) return { severity: 'error', file: inTree(makefile), line: Number(at), text: wrong! };
  const made = MAKE.exec(line)?.[1];
  return made === undefined ? undefined : { severity: 'error', file: '', text: made };
}

/** Path in the tree: compilers name it as make named it to them, from the output folder. */
function inTree(path: string): string {
  return path.startsWith(`${SRCTREE}/`) ? path.slice(SRCTREE.length + 1) : path.replace(/^\.\//, '');
}
