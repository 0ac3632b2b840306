/** Makefiles of trees, parsed once for each blob: a patched tree costs only what the patch touches. */

import type { ExprPool } from '../kconfig/expr.ts';
import { perList } from '../per-list.ts';
import type { Tree } from '../types.ts';
import { Conditions } from './conditions.ts';
import { KbuildError } from './error.ts';
import { EvaluationCache } from './evaluation-cache.ts';
import { type Makefile, parseMakefile } from './makefile.ts';
import { globPattern } from './patterns.ts';

/** Makefiles kept; the kernel has about 2,900. */
const MAX_FILES = 12_000;
/** The kernel's largest has 80 KiB. */
const MAX_FILE_CHARS = 4 << 20;

export class KbuildStore {
  readonly conditions: Conditions;
  readonly evaluations = new EvaluationCache();
  readonly #byBlob = new Map<string, Makefile>();
  readonly #byTree = new WeakMap<Tree, Promise<TreeMakefiles>>();

  /** Conditions are expressions of `pool`: give it that of the KconfigStore. */
  constructor(pool: ExprPool) {
    this.conditions = new Conditions(pool);
  }

  /** A tree's makefiles, the same for all architectures. */
  makefilesOf(tree: Tree): Promise<TreeMakefiles> {
    let made = this.#byTree.get(tree);
    if (!made) this.#byTree.set(tree, (made = TreeMakefiles.open(this, tree)));
    return made;
  }

  /** The makefile of a blob; `text` is asked for only if it is new. Throws KbuildError. */
  parsed(path: string, blob: string, text?: string): Makefile | undefined {
    const key = `${blob} ${path}`;
    const known = this.#byBlob.get(key);
    if (known || text === undefined) return known;
    if (text.length > MAX_FILE_CHARS) throw new KbuildError(path, 1, `larger than ${MAX_FILE_CHARS} characters`);
    const made = parseMakefile(path, text);
    if (this.#byBlob.size >= MAX_FILES) this.#byBlob.clear();
    this.#byBlob.set(key, made);
    return made;
  }
}

/** The makefiles of one tree, and which paths there are. */
export class TreeMakefiles {
  readonly #store: KbuildStore;
  readonly #tree: Tree;
  readonly #paths: ReadonlySet<string>;
  readonly #files = new Map<string, Makefile>();
  readonly #list: readonly string[];

  private constructor(store: KbuildStore, tree: Tree, list: readonly string[]) {
    this.#store = store;
    this.#tree = tree;
    this.#list = list;
    this.#paths = setOf(list);
  }

  static async open(store: KbuildStore, tree: Tree): Promise<TreeMakefiles> {
    return new TreeMakefiles(store, tree, await tree.paths());
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  get(path: string): Makefile | undefined {
    return this.#files.get(path);
  }

  /** The file that Kbuild reads in a directory (`kbuild-file` of scripts/Kbuild.include). */
  kbuildFile(dir: string): string | undefined {
    const inside = (name: string): string => (dir === '.' ? name : `${dir}/${name}`);
    return ['Kbuild', 'Makefile'].map(inside).find((path) => this.#paths.has(path));
  }

  /** All that a build may read: in one go, before a walk over the whole tree. */
  loadAll(): Promise<void> {
    const isMakefile = /(^|\/)(Makefile|Kbuild|Platform)[^/]*$/;
    const isRead = (path: string): boolean => isMakefile.test(path) && !/^(tools|Documentation)\//.test(path);
    return this.load([...this.#paths].filter(isRead));
  }

  /** Reads those that are not read yet and that the tree has. Throws KbuildError for what make refuses. */
  async load(paths: readonly string[]): Promise<void> {
    const unread: { path: string; blob: string }[] = [];
    for (const path of paths) {
      if (this.#files.has(path)) continue;
      const blob = await this.#tree.blob(path);
      if (blob === undefined) continue;
      const known = this.#store.parsed(path, blob);
      if (known) this.#files.set(path, known);
      else unread.push({ path, blob });
    }
    if (unread.length === 0) return;
    const texts = await this.#tree.read(unread.map(({ path }) => path));
    for (const { path, blob } of unread) {
      const text = texts.get(path);
      if (text !== undefined) this.#files.set(path, this.#store.parsed(path, blob, text)!);
    }
  }

  /** What `$(wildcard pattern)` gives, sorted. */
  wildcard(pattern: string): string[] {
    const isFolder = pattern.endsWith('/');
    const components = pattern.split('/').filter((name) => name !== '' && name !== '.');
    const folders = foldersOf(this.#list);
    let found = [''];
    for (const component of components) {
      const isGlob = /[*?]/.test(component);
      const glob = isGlob ? globPattern(component) : undefined;
      found = found.flatMap((folder) => {
        const names = folders.get(folder);
        if (!names) return [];
        const matching = glob
          ? [...names].filter((name) => glob.test(name)).sort()
          : names.has(component)
            ? [component]
            : [];
        return matching.map((name) => (folder === '' ? name : `${folder}/${name}`));
      });
    }
    return isFolder ? found.filter((path) => folders.has(path)).map((path) => `${path}/`) : found;
  }
}

/** Names in each folder; '' is the top. */
const foldersOf = perList((paths): ReadonlyMap<string, ReadonlySet<string>> => {
  const folders = new Map<string, Set<string>>([['', new Set()]]);
  for (const path of paths) {
    for (let end = path.length; end >= 0; ) {
      const at = path.lastIndexOf('/', end - 1);
      const folder = at < 0 ? '' : path.slice(0, at);
      const name = path.slice(at + 1, end);
      const names = folders.get(folder) ?? new Set();
      folders.set(folder, names);
      if (names.has(name)) break;
      names.add(name);
      end = at;
    }
  }
  return folders;
});

const setOf = perList((paths): ReadonlySet<string> => new Set(paths));
