/**
 * Path patterns as the `F:` lines of the kernel's MAINTAINERS have them.
 *
 *   drivers/net/        all files in and below drivers/net
 *   drivers/net/*       all files in drivers/net, but not below
 *   lib/locking*.[ch]   `*`, `?` and a class stand for characters other than `/`
 *   net/sched           that file, or all in and below that folder
 *
 * Source: MAINTAINERS of Linux 6.12, "F:"; the last form and classes: scripts/get_maintainer.pl. Patterns are the
 * operator's, paths are a stranger's: matching takes at most length of pattern times length of path.
 */

/** A character, a class of them, or any number of them. */
type Token = string | RegExp | '*';

/** A class has letters, digits, `_`, `-`; a pattern starts at the top of the tree. */
const TOKEN = /\[[\w-]+\]|[^[\]\\]/gu;
const PATTERN = /^(?!\.{0,2}\/)(?!.*(?:\*\*|\/\/|\0))(?:\[[\w-]+\]|[^[\]\\])+$/su;

/** Whether it is a pattern of this kind. One that could never match, with `**`, `./` or a leading `/`, is none. */
export function isPathPattern(text: string): boolean {
  if (!PATTERN.test(text)) return false;
  try {
    tokensOf(text);
    return true;
  } catch (error) {
    // A class that runs backwards: [z-a].
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Makes the test of a pattern. Throws SyntaxError for a class that `isPathPattern` refuses. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const tokens = tokensOf(pattern);
  if (pattern.endsWith('/')) {
    const depth = tokens.filter((token) => token === '/').length;
    return (path) => {
      const folders = path.split('/', depth + 1);
      return folders.length > depth && isMatch(tokens, `${folders.slice(0, depth).join('/')}/`);
    };
  }
  if (!/[*?[]/.test(pattern)) return (path) => path === pattern || path.startsWith(`${pattern}/`);
  return (path) => isMatch(tokens, path);
}

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(TOKEN)].map(([token]) => {
    if (token === '?') return /[^/]/u;
    return token.length > 1 && token.startsWith('[') ? new RegExp(token, 'u') : token;
  });
}

/** Greedy, with a way back to the last `*` only: an earlier one cannot help, it ends at its `/`, or as early as it can. */
function isMatch(tokens: readonly Token[], text: string): boolean {
  const chars = [...text];
  let at = 0;
  let next = 0;
  let star: { readonly token: number; taken: number } | undefined;
  while (at < chars.length) {
    const char = chars[at]!;
    const token = tokens[next];
    if (token === '*') {
      star = { token: next++, taken: at };
    } else if (token instanceof RegExp ? token.test(char) : token === char) {
      at++;
      next++;
    } else if (star !== undefined && chars[star.taken] !== '/') {
      at = ++star.taken;
      next = star.token + 1;
    } else {
      return false;
    }
  }
  return tokens.slice(next).every((token) => token === '*');
}
