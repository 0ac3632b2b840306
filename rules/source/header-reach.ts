/**
 * All headers that a C file includes, directly or through others, and when: whatever is declared to it stands in one
 * of them. Found by name as Kbuild's compiler finds them (LINUXINCLUDE of the top Makefile), and beyond that, where a
 * makefile may have given more folders, by the end of their path.
 */

import { basename, dirname, join } from 'node:path/posix';
import { perList } from '../per-list.ts';
import type { Arch, Sha, Tree } from '../types.ts';
import type { Condition } from './c-condition.ts';
import { all, any, conditionText } from './c-condition.ts';
import { type HeaderWords, readWords } from './header-words.ts';

/** A file in reach. */
export interface Reached {
  readonly path: string;
  readonly when: Condition;
  readonly words: HeaderWords;
}

/** Folders of what an architecture has that has no header of its own (scripts/Makefile.asm-headers). */
const GENERIC = ['include/asm-generic', 'include/uapi/asm-generic'];
/** Files in reach of one. Linux 6.12 has C files with 2 900. */
const MOST_HEADERS = 6000;
/** Files whose words are kept. */
const MOST_KEPT = 12_000;
/** Times that a header's condition may change; then nothing is known of it. */
const MOST_VISITS = 4;
const ONE_OF_SEVERAL: Condition = { opaque: 'a header of a folder that the makefile tells' };
/** Given to the compiler for every file (Makefile, LINUXINCLUDE and USERINCLUDE). */
const FORCED = ['include/linux/compiler-version.h', 'include/linux/kconfig.h', 'include/linux/compiler_types.h'];

/** Words of headers of all trees, each blob read once. */
export class WordStore {
  readonly #byBlob = new Map<Sha, HeaderWords>();

  /** Of the files of a tree, by path; those that it does not have are left out. */
  async read(tree: Tree, paths: readonly string[]): Promise<Map<string, HeaderWords>> {
    const found = new Map<string, HeaderWords>();
    const unread = new Map<string, Sha>();
    for (const path of paths) {
      const blob = await tree.blob(path);
      const known = blob === undefined ? undefined : this.#byBlob.get(blob);
      if (known) found.set(path, known);
      else if (blob !== undefined) unread.set(path, blob);
    }
    for (const [path, text] of unread.size > 0 ? await tree.read([...unread.keys()]) : []) {
      const words = readWords(text, path.endsWith('.c'));
      this.#byBlob.set(unread.get(path)!, words);
      if (this.#byBlob.size > MOST_KEPT) this.#byBlob.delete(this.#byBlob.keys().next().value!);
      found.set(path, words);
    }
    return found;
  }
}

/** The headers of one tree. */
export class HeaderReach {
  readonly #tree: Tree;
  readonly #store: WordStore;
  readonly #words = new Map<string, HeaderWords>();
  #paths: Promise<Paths> | undefined;

  constructor(tree: Tree, store: WordStore) {
    this.#tree = tree;
    this.#store = store;
  }

  /**
   * What `path` includes, itself first. `asm/` is that of the architecture, or where none is given what
   * include/asm-generic has. Undefined where that is more than can be looked at.
   */
  async of(path: string, arch?: Arch): Promise<readonly Reached[] | undefined> {
    const paths = await (this.#paths ??= this.#tree.paths().then(pathsOf));
    const when = new Map<string, Condition>([[path, true]]);
    for (const one of FORCED) if (paths.has(one)) when.set(one, true);
    const visits = new Map<string, number>();
    for (let step = [...when.keys()]; step.length > 0; ) {
      await this.#load(step);
      const next = new Set<string>();
      for (const from of step) {
        for (const { name, when: own } of this.#words.get(from)?.includes ?? []) {
          const reach = all(when.get(from)!, own);
          if (reach === false) continue;
          const places = paths.resolve(from, name, arch);
          for (const found of places) {
            const known = when.get(found);
            if (known === true) continue;
            if (known === undefined && when.size >= MOST_HEADERS) return undefined;
            const here = places.length > 1 ? all(reach, ONE_OF_SEVERAL) : reach;
            const both = known === undefined ? here : any(known, here);
            if (known !== undefined && conditionText(both) === conditionText(known)) continue;
            const times = (visits.get(found) ?? 0) + 1;
            visits.set(found, times);
            when.set(found, times > MOST_VISITS ? true : both);
            next.add(found);
          }
        }
      }
      step = [...next];
    }
    return [...when].flatMap(([at, holds]) => {
      const words = this.#words.get(at);
      return words ? [{ path: at, when: holds, words }] : [];
    });
  }

  /**
   * Whether the file includes, in whatever configuration, a header of architectures that `arch` has not: there it does
   * not compile, and nothing else that it lacks is why.
   */
  async isForOthers(path: string, arch: Arch): Promise<boolean> {
    return (await this.foreignHeaders(path, arch)).length > 0;
  }

  /** Those headers, each with the line that includes it and where another architecture has it. */
  async foreignHeaders(
    path: string,
    arch: Arch,
  ): Promise<readonly { readonly name: string; readonly line: number; readonly at: string }[]> {
    const paths = await (this.#paths ??= this.#tree.paths().then(pathsOf));
    await this.#load([path]);
    const found = (this.#words.get(path)?.includes ?? []).flatMap(({ name, when, line }) => {
      const at = when === true && name.startsWith('<asm/') ? paths.ofOthers(name, arch) : undefined;
      return at === undefined ? [] : [{ name: name.slice(1, -1), line, at }];
    });
    if (found.length === 0) return [];
    const made = await this.#madeOn(arch);
    return found.filter(({ name }) => !made.has(basename(name)));
  }

  /** Whether it is known what `asm/…` is on an architecture: a file that is there, or nothing. */
  async isTold(name: string, arch: Arch): Promise<boolean> {
    const paths = await (this.#paths ??= this.#tree.paths().then(pathsOf));
    return paths.resolve('', `<${name}>`, arch).length > 0 || !(await this.#madeOn(arch)).has(basename(name));
  }

  /** Headers of `asm/` that are made on an architecture, or taken from asm-generic, are named there. */
  async #madeOn(arch: Arch): Promise<ReadonlySet<string>> {
    return new Set([...(await this.#tree.read(kbuildOf(arch))).values()].join('\n').split(/\s+/));
  }

  async #load(paths: readonly string[]): Promise<void> {
    const unread = paths.filter((path) => !this.#words.has(path));
    for (const [path, words] of await this.#store.read(this.#tree, unread)) this.#words.set(path, words);
  }
}

/** Where a tree's headers are. */
class Paths {
  readonly #all: ReadonlySet<string>;
  readonly #byName: ReadonlyMap<string, readonly string[]>;

  constructor(all: readonly string[]) {
    this.#all = new Set(all);
    this.#byName = Map.groupBy(
      all.filter((path) => /\.(?:h|c|inc)$/.test(path) && !/^(?:tools|Documentation|scripts|usr)\//.test(path)),
      (path) => basename(path),
    );
  }

  has(path: string): boolean {
    return this.#all.has(path);
  }

  /** Where another architecture has a header `<asm/...>` that this one has not as a file. */
  ofOthers(include: string, arch: Arch): string | undefined {
    const name = include.slice(1, -1);
    if (this.resolve('', include, arch).length > 0) return undefined;
    return (this.#byName.get(basename(name)) ?? []).find(
      (path) => /^arch\/[^/]+\/include\//.test(path) && path.endsWith(`/${name}`),
    );
  }

  /** None, for what is generated; several, where the name does not tell which. */
  resolve(from: string, include: string, arch: Arch | undefined): readonly string[] {
    const name = include.slice(1, -1);
    const beside = join(dirname(from), name);
    const general = [...folders(arch), 'include', 'include/uapi'].map((folder) => `${folder}/${name}`);
    if (name.startsWith('asm/')) for (const folder of GENERIC) general.push(`${folder}/${name.slice('asm/'.length)}`);
    const found = (include.startsWith('"') ? [beside, ...general] : general).find((path) => this.#all.has(path));
    if (found !== undefined) return [found];
    if (name.startsWith('asm/') || name.startsWith('generated/')) return [];
    const end = `/${name.replace(/^(?:\.\.?\/)+/, '')}`;
    return (this.#byName.get(basename(name)) ?? []).filter((path) => path.endsWith(end));
  }
}

const pathsOf = perList((paths) => new Paths(paths));

/** Files that name the headers of `asm/` which are made for an architecture. */
function kbuildOf(arch: Arch): string[] {
  return [...GENERIC, ...folders(arch).map((folder) => `${folder}/asm`)].map((folder) => `${folder}/Kbuild`);
}

/** Folders of an architecture's headers (arch/um/Makefile: user mode also has those of what it runs on). */
function folders(arch: Arch | undefined): string[] {
  if (arch === undefined) return [];
  const of = (name: string): string[] => [`arch/${name}/include`, `arch/${name}/include/uapi`];
  return arch === 'um' ? [...of('um'), 'arch/x86/um', ...of('x86')] : of(arch);
}
