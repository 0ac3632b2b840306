/**
 * Path patterns as the `F:` and `X:` lines of the kernel's MAINTAINERS have them, matched as scripts/get_maintainer.pl
 * (file_match_pattern) matches them:
 *
 *   drivers/net/        all files in and below drivers/net
 *   drivers/net/*       all files in drivers/net, but not below
 *   lib/locking*.[ch]   `*` stands for any characters, `?` for one, a class for one of its own
 *   net/sched           all files in and below that folder, where it is one; else paths that start so and have as
 *                       many slashes: `include/linux/foo` covers include/linux/foo.h and include/linux/foobar.h
 *
 * `*` may stand for slashes, too; without a slash at the end of the pattern their number has to be the same. Patterns
 * are the operator's or the tree's, paths are a stranger's: matching takes at most length of pattern times length of
 * path.
 */

/** A character, a class of them, or any number of them. */
type Token = string | RegExp | '*';

/** A class has letters, digits, `_`, `-`; a pattern starts at the top of the tree. */
const TOKEN = /\[[\w-]+\]|[^[\]\\]/gu;
const PATTERN = /^(?!\.{0,2}\/)(?!.*(?:\*\*|\/\/|\0))(?:\[[\w-]+\]|[^[\]\\])+$/su;

/** Whether it is a pattern of this kind. One that nobody would write, with `**`, `./` or a leading `/`, is none. */
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

/** Makes the test of a pattern that `isPathPattern` takes. `isFolder` tells the folders of the tree. */
export function pathMatcher(pattern: string, isFolder: (path: string) => boolean): (path: string) => boolean {
  // The script asks for the folder after it has escaped the dots, and so finds none that has one.
  const whole = !pattern.endsWith('/') && !pattern.includes('.') && isFolder(pattern) ? `${pattern}/` : pattern;
  const literal = /^[^*?[]*/.exec(whole)![0];
  const rest = tokensOf(whole.slice(literal.length));
  const isMatch = (path: string): boolean => path.startsWith(literal) && startsWith(path.slice(literal.length), rest);
  if (whole.endsWith('/')) return isMatch;
  const slashes = slashesIn(whole);
  return (path) => isMatch(path) && slashesIn(path) === slashes;
}

function slashesIn(text: string): number {
  return text.split('/').length - 1;
}

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(TOKEN)].map(([token]) => {
    if (token === '?') return /./su;
    return token.length > 1 && token.startsWith('[') ? new RegExp(token, 'u') : token;
  });
}

/** Whether some start of a text is what the tokens say. Greedy, with a way back to the last `*`: no earlier one can help. */
function startsWith(text: string, tokens: readonly Token[]): boolean {
  const chars = [...text];
  let at = 0;
  let next = 0;
  let star: { readonly token: number; taken: number } | undefined;
  while (next < tokens.length) {
    const token = tokens[next]!;
    const char = chars[at];
    if (token === '*') {
      star = { token: next++, taken: at };
    } else if (char !== undefined && (token instanceof RegExp ? token.test(char) : token === char)) {
      at++;
      next++;
    } else if (star !== undefined && star.taken < chars.length) {
      at = ++star.taken;
      next = star.token + 1;
    } else {
      return false;
    }
  }
  return true;
}
