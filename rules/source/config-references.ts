/**
 * Where C and Kbuild files ask for a symbol: `#if`/`#ifdef`/`#elif` lines and IS_ENABLED() and its
 * like in C (include/linux/kconfig.h), any `CONFIG_` word in Kbuild files. Comments and strings are left out.
 */

export interface ConfigReference {
  /** Without `CONFIG_`; `FOO_MODULE` is kept as written. */
  readonly name: string;
  /** 1-based, of the name. */
  readonly line: number;
  /** `IS_ENABLED` and its like, where the name is its argument in C. */
  readonly call?: string;
}

export type SourceKind = 'c' | 'kbuild';

/** What kind of file a path is, undefined where references in it do not count: documentation, tools with a configuration of their own, programs that build the kernel, defconfigs. */
export function sourceKind(path: string): SourceKind | undefined {
  if (/^(Documentation|tools|scripts\/kconfig)\//.test(path) || /(^|\/)configs\//.test(path)) return undefined;
  if (/\.(c|h|S)$/.test(path)) return path.startsWith('scripts/') ? undefined : 'c';
  return /(^|\/)(?:(?:Makefile|Kbuild)[^/]*|Platform)$/.test(path) ? 'kbuild' : undefined;
}

/** A whole name: not the beginning of one that make or the preprocessor puts together. */
const NAME = '\\bCONFIG_(\\w+)(?![\\w$]|\\s*##)';
const ANY = new RegExp(NAME, 'g');
/** Its argument may stand on a line of its own, in a macro after a backslash. */
const CALL = new RegExp(`\\b(IS_(?:ENABLED|REACHABLE|BUILTIN|MODULE))\\s*\\([\\s\\\\]*${NAME}[\\s\\\\]*\\)`, 'g');

/** References in a file, in order. */
export function configReferences(text: string, kind: SourceKind): ConfigReference[] {
  if (!text.includes('CONFIG_')) return [];
  return kind === 'c' ? inC(codeOnly(text)) : inKbuild(text);
}

function inKbuild(text: string): ConfigReference[] {
  return text
    .split('\n')
    .flatMap((line, i) =>
      [...line.replace(/(^|\s)#.*/, '').matchAll(ANY)].map((match) => ({ name: match[1]!, line: i + 1 })),
    );
}

function inC(text: string): ConfigReference[] {
  const found: ConfigReference[] = [];
  const calls = callsIn(text);
  let next = 0;
  let isDirective = false;
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    const isContinuation = i > 0 && lines[i - 1]!.trimEnd().endsWith('\\');
    isDirective = isContinuation ? isDirective : /^\s*#\s*(if|ifdef|ifndef|elif|elifdef|elifndef)\b/.test(line);
    const names = new Set<string>();
    for (; calls[next]?.line === i + 1; next++) {
      found.push(calls[next]!);
      names.add(calls[next]!.name);
    }
    if (!isDirective) continue;
    for (const match of line.matchAll(ANY)) if (!names.has(match[1]!)) found.push({ name: match[1]!, line: i + 1 });
  }
  return found;
}

function callsIn(text: string): ConfigReference[] {
  const calls: ConfigReference[] = [];
  let line = 1;
  let at = 0;
  for (const match of text.matchAll(CALL)) {
    const end = match.index + match[0].indexOf('CONFIG_');
    for (let nl = text.indexOf('\n', at); nl >= 0 && nl < end; nl = text.indexOf('\n', at)) {
      line++;
      at = nl + 1;
    }
    calls.push({ name: match[2]!, line, call: match[1]! });
  }
  return calls;
}

/** The text with comments, strings and characters blanked, line for line. */
function codeOnly(text: string): string {
  return text.replace(/\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/g, (match) =>
    match.replace(/[^\n]/g, ' '),
  );
}
