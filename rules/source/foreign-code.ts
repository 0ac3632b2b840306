/**
 * What a C file takes from headers of other architectures: headers that this one has not, and names that no header in
 * its reach says here, while one of another architecture declares them. Where such a file comes to be built it does
 * not compile, whatever the configuration.
 */

import type { Arch, Tree } from '../types.ts';
import { whenAt } from './c-file.ts';
import { preprocess } from './c-preprocess.ts';
import type { HeaderReach, Reached } from './header-reach.ts';
import { isMadeOf, withoutStrings } from './header-words.ts';
import { type ConditionalUse, otherVariables } from './undeclared.ts';

/** Architectures whose headers are looked through for a name, those with most drivers of their own. */
const OTHERS: readonly Arch[] = ['x86', 'arm64', 'arm', 'mips', 'powerpc', 'riscv', 's390'];
/** Names of one file that are looked for there. */
const MOST_NAMES = 200;

/** Undeclared on `arch`; empty too where the tree has no such file, or what it includes is not known. */
export async function foreignUses(
  tree: Tree,
  path: string,
  arch: Arch,
  reach: HeaderReach,
): Promise<readonly ConditionalUse[]> {
  const headers = await reach.foreignHeaders(path, arch);
  if (headers.length > 0)
    return headers.map(({ name, line, at }) => ({
      kind: 'header',
      name,
      line,
      when: true,
      declared: false,
      at: { path: at, line: 1 },
    }));
  const text = (await tree.read([path])).get(path);
  const reached = text === undefined ? undefined : await reach.of(path, arch);
  if (text === undefined || !reached) return [];
  const read = preprocess(text);
  const left = unsaid(withoutStrings(read.code), reached, path);
  const found: ConditionalUse[] = [];
  for (const other of OTHERS) {
    if (left.size === 0 || left.size > MOST_NAMES) break;
    if (other === arch) continue;
    for (const { path: header, when, words } of (await reach.of(path, other)) ?? []) {
      const own = /^arch\/\w+\/include\/(?:uapi\/)?(asm\/.*)$/.exec(header)?.[1];
      // what is made of it here may say everything
      if (when !== true || own === undefined || !(await reach.isTold(own, arch))) continue;
      for (const [name, line] of left) {
        if (!words.always.has(name) || !(words.externs.has(name) || words.heads.has(name))) continue;
        left.delete(name);
        const at = { path: header, line: await lineOf(tree, header, name) };
        const isLeft = read.left.some(([from, to]) => line > from && line <= to);
        if (!isLeft) found.push({ kind: 'foreign', name, line, when: whenAt(read, line), declared: false, at });
      }
    }
  }
  return found;
}

/** Words of the file's code that neither it nor any header in reach declares, each with its first line. */
function unsaid(code: string, reached: readonly Reached[], path: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [i, line] of code.split('\n').entries())
    for (const [name] of line.matchAll(/(?<![.\w]|->\s*|\b(?:struct|union|enum|goto)\s+)[A-Za-z_]\w{3,}\b/g))
      if (!found.has(name)) found.set(name, i + 1);
  const own = new Set(otherVariables(code));
  for (const [, names] of code.matchAll(/\b(?:struct|union|enum)\b[^;{}()]*\{([^{}]*)\}/g))
    for (const [name] of names!.matchAll(/\w+/g)) own.add(name);
  for (const [, name] of code.matchAll(/^\s*(\w+)\s*:|\bstruct\s+\w+[\s*]+(\w+)/gm)) if (name) own.add(name);
  for (const { path: at, words } of reached) {
    const isOwn = at === path;
    // what other headers put together, the other architecture would have twice
    const isOfArch = /^(?:arch|include\/asm-generic)\//.test(at);
    // one of its numbers may have any name
    if (words.isTable) return new Map();
    for (const name of found.keys()) {
      const isSaid = isOwn
        ? words.heads.has(name) || words.externs.has(name)
        : words.always.has(name) || words.sometimes.has(name);
      if (isSaid || (isOfArch && isMadeOf(words.pasted, name))) found.delete(name);
    }
  }
  for (const name of own) found.delete(name);
  return found;
}

/** Line of a header that declares a name, as far as that is told by its words. */
async function lineOf(tree: Tree, header: string, name: string): Promise<number> {
  const lines = ((await tree.read([header])).get(header) ?? '').split('\n');
  const word = new RegExp(`^(?:\\s*#\\s*define\\s+${name}\\b|[A-Za-z_].*\\b${name}\\b)`);
  return lines.findIndex((line) => word.test(line)) + 1 || 1;
}
