/**
 * Where C and Kbuild files ask for a symbol: `#if`/`#ifdef`/`#elif` lines and IS_ENABLED() and its
 * like in C (include/linux/kconfig.h), any `CONFIG_` word in Kbuild files. Comments are left out.
 */

export interface ConfigReference {
  /** Without `CONFIG_`; `FOO_MODULE` is kept as written. */
  readonly name: string;
  /** 1-based. */
  readonly line: number;
}

export type SourceKind = 'c' | 'kbuild';

/** What kind of file a path is, undefined where references in it do not count: documentation, tools with a configuration of their own, defconfigs. */
export function sourceKind(path: string): SourceKind | undefined {
  if (/^(Documentation|tools|scripts)\//.test(path) || /(^|\/)configs\//.test(path)) return undefined;
  if (/\.(c|h|S)$/.test(path)) return 'c';
  return /(^|\/)(Makefile|Kbuild)[^/]*$/.test(path) ? 'kbuild' : undefined;
}

/** A whole name: not the beginning of one that make or the preprocessor puts together. */
const NAME = '\\bCONFIG_(\\w+)(?![\\w$]|\\s*##)';
const ANY = new RegExp(NAME, 'g');
const CALL = new RegExp(`\\bIS_(?:ENABLED|REACHABLE|BUILTIN|MODULE)\\s*\\(\\s*${NAME}\\s*\\)`, 'g');

/** References in a file, in order. */
export function configReferences(text: string, kind: SourceKind): ConfigReference[] {
  const found: ConfigReference[] = [];
  if (!text.includes('CONFIG_')) return found;
  const lines = (kind === 'c' ? withoutComments(text) : text).split('\n');
  let isDirective = false;
  for (const [i, line] of lines.entries()) {
    if (kind === 'kbuild') {
      for (const match of line.replace(/(^|\s)#.*/, '').matchAll(ANY)) found.push({ name: match[1]!, line: i + 1 });
      continue;
    }
    const isContinued: boolean = isDirective && lines[i - 1]!.trimEnd().endsWith('\\');
    isDirective = isContinued || /^\s*#\s*(if|ifdef|ifndef|elif|elifdef|elifndef)\b/.test(line);
    for (const match of line.matchAll(isDirective ? ANY : CALL)) found.push({ name: match[1]!, line: i + 1 });
  }
  return found;
}

/** The text with comments blanked, line for line. Strings are matched too, since one may hold the start of a comment. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (match) =>
    match[0] === '/' ? match.replace(/[^\n]/g, ' ') : match,
  );
}
