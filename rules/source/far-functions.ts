/**
 * Functions that a file calls in other files: those that are exported, and those of files in the same folder, of
 * which one module may be made.
 */

import { dirname } from 'node:path/posix';
import type { Arch } from '../types.ts';
import type { CTree } from './c-definitions.ts';
import type { FunctionDef } from './control-flow.ts';
import { ExportedNames } from './exported-names.ts';

/** Files of a folder that are looked at. */
const MOST_NEIGHBOURS = 120;
/** Files that may have the function. */
const MOST_PLACES = 6;

/** Of one tree. */
export class FarFunctions {
  readonly #tree: CTree;
  #exported: Promise<ExportedNames> | undefined;
  /** Folders, and which of their files may define a name. */
  readonly #folders = new Map<string, Promise<ReadonlyMap<string, readonly string[]>>>();

  constructor(tree: CTree) {
    this.#tree = tree;
  }

  /** All that a call of `name` in `from` may lead to on an architecture; empty where nobody knows one. */
  async of(name: string, from: string, arch: Arch): Promise<readonly FunctionDef[]> {
    const exported = await (this.#exported ??= ExportedNames.of(this.#tree.tree));
    const exporting = exported.concerning(name, arch).map(({ path }) => path);
    const paths = exporting.length > 0 ? exporting : ((await this.#folder(dirname(from))).get(name) ?? []);
    const found: FunctionDef[] = [];
    for (const path of new Set(paths.slice(0, MOST_PLACES))) {
      const read = path !== from && path.endsWith('.c') ? await this.#tree.file(path) : undefined;
      if (!read?.ok) continue;
      const { file } = read;
      for (const one of file.functions) if (one.name === name && !one.static) found.push({ path, file, function: one });
    }
    return found;
  }

  #folder(path: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const known = this.#folders.get(path) ?? this.#read(path);
    this.#folders.set(path, known);
    return known;
  }

  async #read(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const { tree, words } = this.#tree;
    const files = (await tree.paths()).filter((path) => path.endsWith('.c') && dirname(path) === folder);
    const places = new Map<string, string[]>();
    for (const [path, { heads }] of await words.read(tree, files.slice(0, MOST_NEIGHBOURS)))
      for (const name of heads) {
        const known = places.get(name);
        if (known) known.push(path);
        else places.set(name, [path]);
      }
    return places;
  }
}
