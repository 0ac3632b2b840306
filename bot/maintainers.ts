/**
 * MAINTAINERS of a kernel tree: which sections a file or a patch belongs to, and who stands there. The same sections
 * as scripts/get_maintainer.pl finds by `F:`, `X:`, `N:` and `K:` (sub get_maintainers; without git history).
 *
 * The file is the operator's tree's and is trusted; paths and patches are a stranger's.
 */

import type { Tree } from '../rules/types.ts';
import { parseAddresses } from './message-headers.ts';
import { isPathPattern, pathMatcher } from './path-pattern.ts';

export interface Section {
  /** As its first line has it: `VFIO PCI DEVICE SPECIFIC DRIVERS`. */
  readonly name: string;
  /** Line of that name in MAINTAINERS, from 1. */
  readonly line: number;
  /** Addresses of its `M:` lines, in lower case. */
  readonly maintainers: readonly string[];
  /** Addresses of its `R:` lines, in lower case. */
  readonly reviewers: readonly string[];
  /** Addresses of its `L:` lines, in lower case, without remarks. */
  readonly lists: readonly string[];
}

/** Characters of a line of a patch that keywords are looked for in. */
const MAX_LINE_CHARS = 2000;

/** A section as it is written: the values of its lines by their letter. */
interface Written {
  readonly name: string;
  readonly line: number;
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** Of some sections, a stranger's patch is to be compared with no more of them than matter. */
export type WhichSections = (section: Section) => boolean;

interface Matcher {
  readonly section: Section;
  isOf(path: string): boolean;
  /** Of the text before the first diff, and of a line of a diff. */
  readonly keywords: readonly { readonly words: RegExp; readonly change: RegExp }[];
}

export class Maintainers {
  readonly #matchers: readonly Matcher[];
  /** Tells the folders of the tree. */
  readonly isFolder: (path: string) => boolean;
  /** Patterns that could not be read, and do not match anything, with their lines' sections. */
  readonly unread: readonly string[];

  private constructor(written: readonly Written[], isFolder: (path: string) => boolean) {
    const unread: string[] = [];
    this.isFolder = isFolder;
    this.unread = unread;
    this.#matchers = written.map((one) => matcherOf(one, isFolder, unread));
  }

  /** Of the text of MAINTAINERS; `isFolder` tells the folders of the tree. */
  static parse(text: string, isFolder: (path: string) => boolean): Maintainers {
    return new Maintainers(sectionsIn(text), isFolder);
  }

  /** Of a tree; of one without MAINTAINERS, no sections. */
  static async of(tree: Tree): Promise<Maintainers> {
    const text = (await tree.read(['MAINTAINERS'])).get('MAINTAINERS') ?? '';
    const folders = new Set<string>();
    for (const path of await tree.paths()) {
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
        const folder = path.slice(0, at);
        if (folders.has(folder)) break;
        folders.add(folder);
      }
    }
    return Maintainers.parse(text, (path) => folders.has(path));
  }

  /** All sections, in the order of the file. */
  get sections(): readonly Section[] {
    return this.#matchers.map(({ section }) => section);
  }

  /** Those with that name; a name may stand there twice. */
  named(name: string): readonly Section[] {
    return this.sections.filter((section) => section.name === name);
  }

  /** By `F:`, `X:` and `N:`, in the order of the file. */
  sectionsOfFile(path: string): readonly Section[] {
    return this.#matchers.filter((one) => one.isOf(path)).map(({ section }) => section);
  }

  /**
   * Of a patch: those of its paths, and by `K:` of its mail's text, where the commit message counts whole, and of the
   * diff every added and removed line. Only of those that `which` takes, in the order of the file.
   */
  sectionsOfPatch(paths: readonly string[], text: string, which: WhichSections = () => true): readonly Section[] {
    const lines = text.split('\n').map((line) => line.slice(0, MAX_LINE_CHARS));
    const diffAt = lines.findIndex((line) => /^(?:\+\+\+|---)\s+\S/.test(line));
    const intro = diffAt < 0 ? lines : lines.slice(0, diffAt);
    const diff = diffAt < 0 ? [] : lines.slice(diffAt).filter((line) => !isHead(line));
    return this.#matchers
      .filter(
        ({ section, isOf, keywords }) =>
          which(section) &&
          (paths.some(isOf) ||
            keywords.some(
              ({ words, change }) =>
                intro.some((line) => !isHead(line) && words.test(line)) || diff.some((line) => change.test(line)),
            )),
      )
      .map(({ section }) => section);
  }
}

/** Lines of a patch that name a file or place, in which the script looks for no keyword. */
function isHead(line: string): boolean {
  return /^(?: mode change |rename (?:from|to) |diff --git a\/|Fixes:\s+[0-9a-f]{6,40}|(?:\+\+\+|---)\s+\S|@@ -\d+,\d+)/i.test(
    line,
  );
}

/** A section is a run of lines `X: value`, under the line with its name; blank lines and comments do not count. */
function sectionsIn(text: string): readonly Written[] {
  const found: Written[] = [];
  let name = { name: '', line: 1 };
  let values: Record<string, string[]> | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const [, type, value = ''] = /^([A-Z]):\s*(.*)/.exec(line) ?? [];
    if (type !== undefined) {
      if (!values) {
        values = {};
        found.push({ ...name, values });
      }
      (values[type] ??= []).push(value.trimEnd());
    } else if (!/^\s*(?:#|$)/.test(line)) {
      name = { name: line.trimEnd(), line: at + 1 };
      values = undefined;
    }
  }
  return found;
}

function matcherOf({ name, line, values }: Written, isFolder: (path: string) => boolean, unread: string[]): Matcher {
  const { M = [], R = [], L = [], F = [], X = [], N = [], K = [] } = values;
  const note = (type: string, value: string): [] => {
    unread.push(`${name}: ${type}: ${value}`);
    return [];
  };
  const paths = (type: string, patterns: readonly string[]) =>
    patterns.flatMap((one) => (isPathPattern(one) ? [pathMatcher(one, isFolder)] : note(type, one)));
  const [files, excluded] = [paths('F', F), paths('X', X)];
  const names = N.flatMap((one) => perlRegex(one) ?? note('N', one));
  const keywords = K.flatMap((one) => {
    const words = perlRegex(one);
    // Put before the text of the expression, so that only its first alternative is asked to be a changed line.
    const change = perlRegex(`^[+-].*${one}`);
    return words && change ? [{ words, change }] : note('K', one);
  });
  // `L: netdev@vger.kernel.org (moderated for non-subscribers)`
  const lists = L.map((one) => one.replace(/\s*\(.*$/, ''));
  return {
    section: { name, line, maintainers: addressesIn(M), reviewers: addressesIn(R), lists: addressesIn(lists) },
    isOf: (path) =>
      !excluded.some((isMatch) => isMatch(path)) &&
      (files.some((isMatch) => isMatch(path)) || names.some((one) => one.test(path))),
    keywords,
  };
}

function addressesIn(values: readonly string[]): string[] {
  return values.flatMap((one) => parseAddresses(one)).map(({ address }) => address.toLowerCase());
}

/** A regular expression of Perl with /x, as far as MAINTAINERS uses them; undefined for another one. */
function perlRegex(source: string): RegExp | undefined {
  // With /x blanks outside classes stand for nothing, and `#` starts a comment.
  const dense = source.replaceAll(/\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|#.*$|\s+/g, (part) =>
    /^[\s#]/.test(part) ? '' : part,
  );
  const flagged = /^(.*?)\(\?([ims]+)\)(.*)$/s.exec(dense);
  try {
    return new RegExp(flagged ? `${flagged[1]}(?${flagged[2]}:${flagged[3]})` : dense);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
