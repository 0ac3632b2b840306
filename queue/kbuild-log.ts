/**
 * Diagnostics in what make prints: gcc's and clang's, modpost's, the linker's, and make's own words where nothing else
 * says why; which objects it made, and which it could not.
 * Source: gcc's "Formatting of diagnostics"; scripts/mod/modpost.c; cmd_cc_o_c of scripts/Makefile.build.
 */
import type { Diagnostic } from '../rules/diagnostic.ts';
import { SRCTREE } from './toolchain.ts';

/** More are not read: the first errors of a file are the ones that count. */
const MOST = 1000;

const PLACED = /^(\S+?):(\d+)(?::\d+)?: (fatal error|error|warning): (.*)$/;
const IN_FUNCTION = /^(\S+?): In (?:member )?function ['‘](.+?)['’]:$/;
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
  for (const line of output.split('\n')) {
    if (found.length >= MOST) break;
    // the last of several is what is compiled
    const [, includer] = INCLUDED.exec(line) ?? [];
    if (includer !== undefined) {
      unit = inTree(includer);
      continue;
    }
    const [, inFile, inName] = IN_FUNCTION.exec(line) ?? [];
    if (inFile !== undefined) within = { file: inTree(inFile), name: inName! };
    else if (/: At top level:$/.test(line)) within = undefined;
    const one = diagnosticOf(line);
    if (!one) continue;
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

/** Objects that make says it compiles, in what a make without `-s` prints. */
export function objectsMade(stdout: string): Set<string> {
  return new Set(stdout.split('\n').flatMap((line) => MADE.exec(line)?.[1] ?? []));
}

/** Objects that make could not make, or for which something was not there. */
export function objectsFailed(stderr: string): Set<string> {
  return new Set(stderr.split('\n').flatMap((line) => FAILED.exec(line)?.[1] ?? NEEDED.exec(line)?.[1] ?? []));
}

function diagnosticOf(line: string): Diagnostic | undefined {
  const [, path, number, kind, words] = PLACED.exec(line) ?? [];
  if (path !== undefined) {
    const option = OPTION.exec(words!)?.[1]
      ?.replace(/^-Werror=/, '-W')
      .replace(/^-Werror,/, '');
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
  const [, makefile, at, wrong] = MAKEFILE.exec(line) ?? [];
  if (makefile !== undefined) return { severity: 'error', file: inTree(makefile), line: Number(at), text: wrong! };
  const made = MAKE.exec(line)?.[1];
  return made === undefined ? undefined : { severity: 'error', file: '', text: made };
}

/** Path in the tree: compilers name it as make named it to them, from the output folder. */
function inTree(path: string): string {
  return path.startsWith(`${SRCTREE}/`) ? path.slice(SRCTREE.length + 1) : path.replace(/^\.\//, '');
}
