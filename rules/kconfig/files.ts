/**
 * Kconfig files of trees, read once for each blob: a patched tree costs only what the patch touches.
 */

import type { Arch, Tree } from '../types.ts';
import { buildModel } from './build-model.ts';
import { type Dialect, dialectOf, GRAMMAR } from './dialect.ts';
import { KconfigError } from './error.ts';
import { ExprPool } from './expr.ts';
import { FreeAnswers, openVersions } from './free-answers.ts';
import type { MacroWorld } from './macros.ts';
import type { KconfigModel } from './model.ts';
import { type KconfigFile, KconfigParser } from './parse.ts';

/** Blobs kept; the kernel has about 1,800 Kconfig files a tree. */
const MAX_FILES = 12_000;

/** The file that is read first. */
const ROOT = 'Kconfig';

/** As many as the kernel has architectures, and some; each takes 13 MB. */
const MAX_MODELS = 24;

/** Reads Kconfig files of any number of trees into one pool. */
export class KconfigStore {
  readonly pool = new ExprPool();
  /** Of all trees, so that a command is the same symbol in each. */
  readonly free = new FreeAnswers(this.pool);
  readonly #parser = new KconfigParser(this.pool);
  readonly #byBlob = new Map<string, KconfigFile>();
  readonly #models = new Map<Arch, KconfigModel>();
  #modelsOf = '';

  /** All files of the tree that look like Kconfig. */
  async open(tree: Tree): Promise<KconfigTree> {
    const opened = new KconfigTree(this, tree);
    await opened.load((await tree.paths()).filter(isKconfigPath));
    return opened;
  }

  /** A commit's model for an architecture, kept for the next series on the same base as far as there is room. */
  async model(commit: string, arch: Arch, make: () => Promise<KconfigModel>): Promise<KconfigModel> {
    if (this.#modelsOf !== commit) this.#models.clear();
    this.#modelsOf = commit;
    const model = this.#models.get(arch) ?? (await make());
    if (this.#models.size < MAX_MODELS && this.#modelsOf === commit) this.#models.set(arch, model);
    return model;
  }

  /** The statements of a blob; `text` is asked for only if it is new. */
  parsed(blob: string, text?: string): KconfigFile | undefined {
    const known = this.#byBlob.get(blob);
    if (known || text === undefined) return known;
    const file = this.#parser.parseFile(text);
    if (this.#byBlob.size >= MAX_FILES) this.#byBlob.clear();
    this.#byBlob.set(blob, file);
    return file;
  }
}

/** The kernel's own test inputs and documentation are no part of its Kconfig. */
export function isKconfigPath(path: string): boolean {
  return (
    /(^|\/)Kconfig[^/]*$/.test(path) && !path.startsWith('scripts/kconfig/tests/') && !path.startsWith('Documentation/')
  );
}

/** One tree's Kconfig files, and the models made from them. */
export class KconfigTree {
  readonly tree: Tree;
  readonly store: KconfigStore;
  readonly files = new Map<string, KconfigFile>();
  #refuseRepeatedSource = false;
  #dialect: Dialect | undefined;

  constructor(store: KconfigStore, tree: Tree) {
    this.store = store;
    this.tree = tree;
  }

  /** Reads more files, those that the tree has. Returns how many there were. */
  async load(paths: readonly string[]): Promise<number> {
    const unread: { path: string; blob: string }[] = [];
    let found = 0;
    for (const path of paths) {
      const blob = await this.tree.blob(path);
      if (blob === undefined) continue;
      found++;
      const file = this.store.parsed(blob);
      if (file) this.files.set(path, file);
      else unread.push({ path, blob });
    }
    const texts = await this.tree.read(unread.map(({ path }) => path));
    for (const { path, blob } of unread) {
      const text = texts.get(path);
      if (text !== undefined) this.files.set(path, this.store.parsed(blob, text)!);
    }
    if (!this.#dialect && (await this.tree.blob(GRAMMAR)) !== undefined) {
      this.#dialect = dialectOf((await this.tree.read([GRAMMAR])).get(GRAMMAR));
    }
    this.#refuseRepeatedSource = (await this.tree.blob('scripts/kconfig/tests/err_repeated_inc/Kconfig')) !== undefined;
    return found;
  }

  /**
   * The model for one architecture's environment. Throws KconfigError where conf would refuse the tree.
   */
  model(world: MacroWorld): Promise<KconfigModel> {
    return this.#build(world, (path) => this.files.get(path));
  }

  /**
   * As model(), with the answers of `$(shell,…)` left open (free-answers.ts): it has the configurations of every
   * compiler, and of some that nobody has. Throws KconfigError also where an answer is part of a word.
   */
  async openModel({ env, shell }: MacroWorld): Promise<KconfigModel> {
    const { free, pool } = this.store;
    const parser = new KconfigParser(pool);
    const answer = (command: string): string | undefined => {
      const said = shell(command);
      return free.answer(command, said) ?? said;
    };
    const model = await this.#build({ env, shell: answer }, (path) => {
      // They grow while the files before them are read.
      if (path === free.path) return parser.parseFile(free.text());
      const file = this.files.get(path);
      return file && path === ROOT ? parser.parseFile(free.sourcedFrom(file.text)) : file;
    });
    openVersions(model);
    return model;
  }

  async #build(world: MacroWorld, read: (path: string) => KconfigFile | undefined): Promise<KconfigModel> {
    for (;;) {
      const wanted: string[] = [];
      try {
        return buildModel({
          pool: this.store.pool,
          world,
          refuseRepeatedSource: this.#refuseRepeatedSource,
          ...(this.#dialect && { dialect: this.#dialect }),
          file: (path) => {
            const file = read(path);
            if (!file) wanted.push(path);
            return file;
          },
        });
      } catch (error) {
        // Sourced by another name than Kconfig*: read it and begin again.
        if (error instanceof KconfigError && wanted.length > 0 && (await this.load(wanted)) > 0) continue;
        throw error;
      }
    }
  }
}
