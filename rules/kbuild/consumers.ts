/**
 * What a symbol stands for: the objects that a makefile lists because of it, and the code that asks for it. Read
 * from the lines that name it; said to be unknown rather than told in part.
 */

import { dirname, join, normalize } from 'node:path/posix';
import type { ExprPool, SymbolId } from '../kconfig/expr.ts';
import { sourceKind } from '../source/config-references.ts';
import type { Arch, SymbolName, Tree } from '../types.ts';
import type { KbuildTree } from './kbuild-tree.ts';
import type { Presence } from './presence.ts';

/** Lines and files beyond which a symbol is not a matter of one driver. */
const MOST_LINES = 400;
const MOST_FILES = 60;

/** Makefiles that are meant for the whole kernel, or for a whole architecture: what they say of a symbol lists no object. */
const FOR_ALL = /^(?:arch\/[^/]+\/)?Makefile[^/]*$|^(?:scripts|include)\//;
/** What a folder's makefile builds that is no object of the kernel: device trees, programs. */
const NO_OBJECT = /^\s*(?:dtbo?|always|extra|hostprogs|userprogs|targets)-/;

/** Where a symbol is named, the same for all architectures. */
export interface Mentions {
  /** Code that asks for it, and code that includes a header (or another file) that does. */
  readonly code: readonly string[];
  readonly makefiles: readonly { readonly path: string; readonly lines: readonly string[] }[];
}

interface Line {
  readonly path: string;
  readonly text: string;
}

/** Undefined where it is named too often, or by something else than code and makefiles of folders. */
export async function mentionsOf(tree: Tree, symbol: SymbolName): Promise<Mentions | undefined> {
  const lines = await tree.grep([`CONFIG_${symbol}`, `CONFIG_${symbol}_MODULE`], MOST_LINES);
  if (lines.length >= MOST_LINES) return undefined;
  const code = new Set<string>();
  const makefiles = new Map<string, string[]>();
  for (const { path, text } of lines) {
    if (/^(?:Documentation|tools)\/|(?:^|\/)configs\/|(?:^|\/)Kconfig[^/]*$/.test(path)) continue;
    const kind = sourceKind(path) ?? (path.endsWith('.rs') ? 'c' : undefined);
    if (kind === 'kbuild') makefiles.set(path, [...(makefiles.get(path) ?? []), text]);
    else if (kind === 'c') isComment(text) || code.add(path);
    else if (path.startsWith('scripts/')) return undefined;
  }
  const included = await withIncluders(tree, code);
  return included && { code: included, makefiles: [...makefiles].map(([path, texts]) => ({ path, lines: texts })) };
}

/** `#endif /* CONFIG_FOO *\/` and the like. */
function isComment(text: string): boolean {
  return /^\s*(?:\/\*|\*|\/\/|#\s*(?:endif|else)\b)/.test(text);
}

/** The files, and those that include them, over whatever steps. */
async function withIncluders(tree: Tree, files: ReadonlySet<string>): Promise<string[] | undefined> {
  const found = new Set(files);
  for (let fresh = [...files]; fresh.length > 0; ) {
    const names = new Set(fresh.map((path) => path.slice(path.lastIndexOf('/') + 1)));
    const lines = await tree.grep([...names], MOST_LINES);
    if (lines.length >= MOST_LINES) return undefined;
    const next = lines.filter((line) => !found.has(line.path) && fresh.some((path) => includes(line, path)));
    fresh = [...new Set(next.map(({ path }) => path))];
    for (const path of fresh) found.add(path);
    if (found.size > MOST_FILES) return undefined;
  }
  return [...found];
}

function includes({ path, text }: Line, header: string): boolean {
  const named = /^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)/.exec(text);
  const file = named?.[1] ?? named?.[2];
  if (file === undefined) return false;
  return (
    normalize(join(dirname(path), file)) === header || `/${header}`.endsWith(`/${file.replace(/^(?:\.\.?\/)+/, '')}`)
  );
}

/** What the makefile beside a Kconfig file says of a symbol: most need no further look. */
export async function nearMentions(tree: Tree, symbol: SymbolName, kconfigPath: string): Promise<Mentions> {
  const dir = dirname(kconfigPath);
  const paths = ['Kbuild', 'Makefile'].map((name) => (dir === '.' ? name : `${dir}/${name}`));
  const named = new RegExp(`\\bCONFIG_${symbol}\\b`);
  const makefiles = [...(await tree.read(paths))].map(([path, text]) => ({
    path,
    lines: text.split('\n').filter((line) => named.test(line)),
  }));
  return { code: [], makefiles: makefiles.filter(({ lines }) => lines.length > 0) };
}

/**
 * Objects of one architecture that are there because of the symbol, or hold code that asks for it. Undefined where
 * one of them hangs on what no configuration decides, or somebody asks for the symbol who is in no such object: boot
 * code, linker scripts, Rust, flags for the whole kernel. Throws KbuildError.
 */
export async function consumersOf(
  kbuild: KbuildTree,
  arch: Arch,
  pool: ExprPool,
  symbol: SymbolName,
  { code, makefiles }: Mentions,
): Promise<Presence[] | undefined> {
  const found = new Map<string, Presence>();
  for (const { path, lines } of makefiles) {
    if (isOfAnother(arch, path)) continue;
    const listed = await listedObjects(kbuild, path, lines);
    const isForOthers = listed.length === 0 || FOR_ALL.test(path) || lines.some((line) => NO_OBJECT.test(line));
    if (isForOthers && lines.some((line) => !/^\s*#/.test(line))) return undefined;
    const id = pool.symbolId(symbol);
    const own = listed.filter((presence) => hangsOn(pool, presence, id));
    // Flags for the compiler, or something else that is meant for the whole folder.
    const isForAll = own.length === 0 || lines.some((line) => /flags/i.test(line));
    for (const presence of isForAll ? listed : own) found.set(presence.object, presence);
  }
  for (const path of code) {
    if (path.endsWith('.h') || isOfAnother(arch, path)) continue;
    const presence = await kbuild.conditionOf(path);
    if (!presence) return undefined;
    found.set(presence.object, presence);
  }
  const all = [...found.values()];
  return all.some(({ isUnknown }) => isUnknown) ? undefined : all;
}

/** Below another architecture's folder; UML has code of x86. */
function isOfAnother(arch: Arch, path: string): boolean {
  const of = /^arch\/([^/]+)\//.exec(path)?.[1];
  return of !== undefined && of !== arch && !(arch === 'um' && of === 'x86');
}

/** Objects that a makefile lists, and those of folders named in the given lines. */
async function listedObjects(kbuild: KbuildTree, makefile: string, lines: readonly string[]): Promise<Presence[]> {
  const dir = dirname(makefile);
  const folders = lines.flatMap((line) => [...line.matchAll(/(?<=\s)([\w./-]+)\/(?=\s|$)/g)].map(([, name]) => name!));
  const objects = await kbuild.objectsIn(dir);
  for (const folder of new Set(folders)) objects.push(...(await kbuild.objectsIn(normalize(join(dir, folder)), true)));
  return objects;
}

function hangsOn(pool: ExprPool, { builtIn, module, elsewhere }: Presence, symbol: SymbolId): boolean {
  let found = false;
  for (const e of [builtIn, module, elsewhere])
    pool.symbolsOf(e, (one) => {
      found ||= one === symbol;
    });
  return found;
}
