/**
 * C files that a symbol may decide about, without reading all makefiles: those whose makefile names it, in the
 * directories at and below its Kconfig entry, where the kernel keeps them, or in those of an architecture; and those
 * that name it themselves.
 */

import { dirname } from 'node:path/posix';
import type { Arch, SymbolName, Tree } from '../types.ts';

/** Makefiles looked at; drivers/gpu/drm has 200. */
const MOST_MAKEFILES = 400;
/** Files of one symbol; those of a directory that holds many drivers. */
const MOST_FILES = 1200;
/** Files of a directory that are asked about whatever its makefile says. */
const FEW_FILES = 100;
/** Files at and below a Kconfig entry that are read for a symbol; beyond, it is not looked for in code. */
const MOST_READ = 400;

/** Also those that others include: arch/mips/Kbuild.platforms lists the directories of boards. */
const MAKEFILE = /(?:^|\/)(?:Makefile|Kbuild)(?:\.\w+)?$/;

/** Several rules ask the same of one tree. */
const answers = new WeakMap<Tree, Map<string, Promise<readonly string[]>>>();

function answered(
  tree: Tree,
  question: readonly unknown[],
  find: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const known = answers.get(tree) ?? new Map<string, Promise<readonly string[]>>();
  answers.set(tree, known);
  const key = JSON.stringify(question);
  const found = known.get(key) ?? find();
  known.set(key, found);
  return found;
}

/** Which .c files to ask KbuildTree about on an architecture; their conditions may turn out not to mention the symbol. */
export function filesNear(
  tree: Tree,
  symbol: SymbolName,
  kconfigPaths: readonly string[],
  arch: Arch,
): Promise<readonly string[]> {
  return answered(tree, [symbol, kconfigPaths, arch], () => near(tree, symbol, kconfigPaths, arch));
}

async function near(
  tree: Tree,
  symbol: SymbolName,
  kconfigPaths: readonly string[],
  arch: Arch,
): Promise<readonly string[]> {
  const paths = await tree.paths();
  const found = new Set<string>();
  const word = new RegExp(`\\bCONFIG_${symbol}\\b`);
  // what every architecture has its own of is listed there: HAVE_EBPF_JIT in arch/Kconfig, the code in arch/x86/net/
  for (const dir of new Set([...kconfigPaths.map(dirname), `arch/${arch}`])) {
    const inside = dir === '.' ? directlyIn(paths, dir) : under(paths, dir);
    const makefiles = inside.filter((path) => MAKEFILE.test(path));
    // a platform's directory may be entered for it
    const own = directlyIn(paths, dir).filter((path) => path.endsWith('.c'));
    if (own.length <= FEW_FILES) for (const path of own) found.add(path);
    const near = makefiles.length > MOST_MAKEFILES ? makefiles.filter((path) => dirname(path) === dir) : makefiles;
    for (const [path, text] of await tree.read(near)) {
      const lines = text
        .replace(/\\\n/g, ' ')
        .split('\n')
        .filter((line) => word.test(line.replace(/(^|[^\\])#.*/, '$1')));
      if (lines.length === 0) continue;
      const at = dirname(path);
      for (const file of directlyIn(paths, at)) if (file.endsWith('.c')) found.add(file);
      const listed = lines.join('\n');
      for (const [, object] of listed.matchAll(/(?<=\s)([\w.-]+\/[\w./-]+)\.o(?=\s|$)/g)) {
        const file = `${at}/${object}.c`;
        if ((await tree.blob(file)) !== undefined) found.add(file);
      }
      for (const [, below] of listed.matchAll(/(?<=\s)([\w./-]+)\/(?=\s|$)/g))
        for (const file of under(paths, `${at}/${below}`)) if (file.endsWith('.c')) found.add(file);
    }
  }
  return [...found].slice(0, MOST_FILES);
}

/** Which .c files at and below a symbol's Kconfig entries name it: parts of them hang on it, whatever else builds them. */
export function filesNaming(
  tree: Tree,
  symbol: SymbolName,
  kconfigPaths: readonly string[],
): Promise<readonly string[]> {
  return answered(tree, [symbol, kconfigPaths], () => naming(tree, symbol, kconfigPaths));
}

async function naming(tree: Tree, symbol: SymbolName, kconfigPaths: readonly string[]): Promise<readonly string[]> {
  const paths = await tree.paths();
  const found: string[] = [];
  const word = new RegExp(`\\bCONFIG_${symbol}(?:_MODULE)?\\b`);
  for (const dir of new Set(kconfigPaths.map(dirname))) {
    const inside = (dir === '.' ? directlyIn(paths, dir) : under(paths, dir)).filter((path) => path.endsWith('.c'));
    if (inside.length > MOST_READ) continue;
    for (const [path, text] of await tree.read(inside)) if (word.test(text)) found.push(path);
  }
  return found.sort();
}

/** Paths in a directory, without those in directories of it; `.` is the top. */
function directlyIn(paths: readonly string[], dir: string): readonly string[] {
  if (dir === '.') return paths.filter((path) => !path.includes('/'));
  return under(paths, dir).filter((path) => !path.includes('/', dir.length + 1));
}

/** Paths are sorted, so that those of a directory stand together. */
function under(paths: readonly string[], dir: string): readonly string[] {
  const prefix = `${dir}/`;
  let [low, high] = [0, paths.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (paths[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < paths.length && paths[end]!.startsWith(prefix)) end++;
  return paths.slice(low, end);
}
