/**
 * Which objects a tree builds for one architecture, and when: for each the condition under which it is linked into
 * vmlinux, and that under which it goes into a module. From the top Makefile down, as `make ARCH=… all` descends
 * in a clean environment (Makefile, Kbuild, scripts/Makefile.build and scripts/Makefile.lib of Linux 6.12).
 *
 * - A directory in obj-y is entered with need-builtin and need-modorder, one in obj-m with need-modorder alone, one
 *   in subdir-y or subdir-m with neither. Below that, none of the two comes back.
 * - Objects of obj-y are built, into built-in.a, where there is need-builtin, and nowhere else.
 * - Objects of obj-m go into modules where there is need-modorder; else they are compiled and left lying.
 * - lib.a is linked into vmlinux if the top Makefile's libs-y names it.
 *
 * Not known: objects that only rules name (parts of a vDSO, of the real mode code, of KVM's nVHE code), and those of
 * which a variable of the environment (CROSS_COMPILE, KCFLAGS, W) decides, since a clean one has none.
 */

import { normalize } from 'node:path/posix';
import type { ExprId, ExprPool } from '../kconfig/expr.ts';
import type { KconfigModel } from '../kconfig/model.ts';
import type { SymbolType } from '../kconfig/parse.ts';
import type { Arch, SymbolName, Tree } from '../types.ts';
import { Descent, TOP } from './descent.ts';
import { type DirectoryLists, INITIAL_LISTS, type ListedObject, listsOf, type Role } from './directory.ts';
import { Evaluator, type World } from './evaluate.ts';
import { Inputs } from './evaluation-cache.ts';
import type { KbuildStore, TreeMakefiles } from './files.ts';
import { hasHole, type Word } from './guarded-text.ts';
import { type Destination, type MakefileLine, mentionsIn, type Presence, type Way } from './presence.ts';
import { Scope } from './scope.ts';
import type { Place } from './text-parts.ts';

export interface KbuildOptions {
  /** ARCH as given to make: `x86`, `arm64`, `um`. */
  readonly arch: Arch;
  /** SUBARCH, for user mode: what it runs on. Default x86. */
  readonly subarch?: Arch;
  /** Type of a symbol in this architecture's Kconfig model; undefined where nothing declares it. */
  readonly symbolType: (name: SymbolName) => SymbolType | undefined;
}

/** The types of a model, for KbuildOptions. Transitional symbols are never written, so that make sees none. */
export function symbolTypes(pool: ExprPool, model: KconfigModel): KbuildOptions['symbolType'] {
  return (name) => {
    const id = pool.findSymbol(name);
    const symbol = id === undefined ? undefined : model.symbols[id];
    return symbol?.isTransitional ? undefined : symbol?.type;
  };
}

/** What the top Makefile says. */
interface Top {
  /** What every directory's makefile finds set. */
  readonly base: Scope;
  readonly libraries: readonly Word[];
}

/** Files that define what makefiles of directories call. */
const COMMON_INCLUDES = ['scripts/Kbuild.include', 'scripts/Makefile.compiler'];

export class KbuildTree {
  readonly #store: KbuildStore;
  readonly #makefiles: TreeMakefiles;
  readonly #options: KbuildOptions;
  readonly #fixed: ReadonlyMap<string, string>;
  /** What every directory's makefile finds set. */
  #base: Scope | undefined;
  /** Directories of the top Makefile's libs-y, whose lib.a is linked. */
  readonly #libraries = new Map<string, ExprId>();
  readonly #lists = new Map<string, DirectoryLists>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #descent: Descent;
  /** Makefiles that were read for this architecture. */
  readonly #readPaths = new Set<string>();
  readonly #quotes = new WeakMap<Place, MakefileLine>();
  #all: Promise<ReadonlyMap<string, Presence>> | undefined;
  #mentions: Map<SymbolName, MakefileLine[]> | undefined;

  private constructor(store: KbuildStore, makefiles: TreeMakefiles, options: KbuildOptions) {
    this.#store = store;
    this.#makefiles = makefiles;
    this.#descent = new Descent(store.conditions);
    this.#options = options;
    this.#fixed = new Map([
      ['ARCH', options.arch],
      ['SUBARCH', options.subarch ?? (options.arch === 'um' ? 'x86' : options.arch)],
      ['srctree', '.'],
      ['objtree', '.'],
      ['VPATH', ''],
      ['sub_make_done', '1'],
      ['need-sub-make', ''],
      ['MAKECMDGOALS', ''],
      ['KBUILD_EXTMOD', ''],
    ]);
  }

  /** Reads nothing but the list of paths and the top of the tree. Throws KbuildError. */
  static async open(store: KbuildStore, tree: Tree, options: KbuildOptions): Promise<KbuildTree> {
    const opened = new KbuildTree(store, await store.makefilesOf(tree), options);
    await opened.#openTop();
    return opened;
  }

  /**
   * When an object is built: `path` is that of the object or of its source (.c, .S, .rs). Undefined where no
   * makefile that is read for this architecture names it. Reads the makefiles on its way from the top; where
   * none of them names it, those below and beside, which may be all: not so with `isNear`. `also`: directories whose
   * makefiles may list it too. Throws KbuildError for a makefile that make would refuse.
   */
  async conditionOf(
    path: string,
    { isNear = false, also = [] }: { readonly isNear?: boolean; readonly also?: readonly string[] } = {},
  ): Promise<Presence | undefined> {
    const object = normalize(path).replace(/\.(c|S|rs)$/, '.o');
    if (this.#all) return (await this.#all).get(object);
    const read = await this.#readTo(object);
    const others: string[] = [];
    for (const dir of also) others.push(...(await this.#readTo(`${dir}/`)));
    const near = this.#presence(object, [...new Set([...read, ...others])]);
    if (near || isNear) return near;
    for (const dir of read.reverse()) {
      const below = await this.#readBelow(dir);
      const found = this.#presence(object, below);
      if (found) return found;
    }
    return undefined;
  }

  /** Objects that a directory's makefile lists, or with `isDeep` those of directories that it leads to as well. */
  async objectsIn(dir: string, isDeep = false): Promise<Presence[]> {
    const way = await this.#readTo(`${dir}/`);
    if (way.at(-1) !== dir) return [];
    const dirs = isDeep ? await this.#readBelow(dir) : [dir];
    const objects = new Set(dirs.flatMap((one) => this.#lists.get(one)!.objects.map(({ path }) => path)));
    return [...objects].flatMap((object) => this.#presence(object, [...new Set([...way, ...dirs])]) ?? []);
  }

  /** Every object of the tree for this architecture, by its path. */
  allObjects(): Promise<ReadonlyMap<string, Presence>> {
    return (this.#all ??= this.#readAll());
  }

  /** Objects whose conditions mention a symbol, those in directories that hang on it included. */
  async objectsOf(symbol: SymbolName): Promise<Presence[]> {
    const all = await this.allObjects();
    const { pool } = this.#store.conditions;
    const id = pool.findSymbol(symbol);
    if (id === undefined) return [];
    const mentions = new Map<ExprId, boolean>();
    const has = (e: ExprId): boolean => {
      let found = mentions.get(e);
      if (found === undefined) {
        found = false;
        pool.symbolsOf(e, (one) => {
          found ||= one === id;
        });
        mentions.set(e, found);
      }
      return found;
    };
    return [...all.values()].filter(({ builtIn, module, elsewhere }) => has(builtIn) || has(module) || has(elsewhere));
  }

  /** Lines of the makefiles that are read for this architecture which name a symbol, comments left out. */
  async linesOf(symbol: SymbolName): Promise<readonly MakefileLine[]> {
    await this.allObjects();
    this.#mentions ??= mentionsIn([...this.#readPaths].sort().flatMap((path) => this.#makefiles.get(path) ?? []));
    return this.#mentions.get(symbol) ?? [];
  }

  // ------------------------------------------------------------ reading

  async #openTop(): Promise<void> {
    await this.#makefiles.load(['Makefile', ...COMMON_INCLUDES]);
    const { base, libraries } = await this.#evaluated('', (world): Top => {
      const top = this.#run(world, new Scope(), ['Makefile']);
      const exported = top.scope.exported();
      this.#run(world, exported, COMMON_INCLUDES);
      return { base: exported, libraries: top.list('libs-y') };
    });
    this.#base = base;
    for (const { text, when } of libraries) {
      const dir = normalize(text.replace(/lib\.a$/, '')).replace(/\/$/, '');
      if (hasHole(text) || dir === TOP) continue;
      const { conditions } = this.#store;
      this.#libraries.set(dir, conditions.or(this.#libraries.get(dir) ?? conditions.FALSE, when));
    }
    await this.#read(TOP);
  }

  #run(world: World, scope: Scope, paths: readonly string[]): Evaluator {
    const evaluator = new Evaluator(this.#store.conditions, world, scope, this.#fixed);
    for (const path of paths) {
      const makefile = world.makefile(path);
      if (makefile) evaluator.run(makefile);
    }
    return evaluator;
  }

  /** The result for a Kbuild file ('' for the top Makefile as make reads it): one made before from the same, or a new one. */
  async #evaluated<T>(name: string, evaluate: (world: World) => T): Promise<T> {
    const { evaluations } = this.#store;
    const key = `${this.#fixed.get('ARCH')} ${this.#fixed.get('SUBARCH')} ${this.#base?.id ?? ''} ${name}`;
    const noted = (paths: readonly string[]): void => {
      for (const path of paths) this.#readPaths.add(path);
    };
    for (const { inputs, value } of evaluations.get(key)) {
      await this.#makefiles.load(inputs.paths);
      if (!inputs.isSameIn(this.#world())) continue;
      noted(inputs.paths);
      return value as T;
    }
    for (;;) {
      const wanted: string[] = [];
      const inputs = new Inputs();
      const value = evaluate(inputs.noting(this.#world(wanted)));
      if (wanted.length === 0) {
        evaluations.set(key, inputs, value);
        noted(inputs.paths);
        return value;
      }
      await this.#makefiles.load(wanted);
    }
  }

  /** Files that are not read yet go to `wanted`. */
  #world(wanted: string[] = []): World {
    return {
      makefile: (path) => {
        const makefile = this.#makefiles.get(path);
        if (!makefile && this.#makefiles.has(path)) wanted.push(path);
        return makefile;
      },
      symbolType: this.#options.symbolType,
      wildcard: (pattern) => this.#makefiles.wildcard(pattern),
    };
  }

  /** Evaluates a directory's makefile once, and notes which directories it leads to. */
  #read(dir: string): Promise<void> {
    let reading = this.#reading.get(dir);
    if (!reading) this.#reading.set(dir, (reading = this.#readNow(dir)));
    return reading;
  }

  async #readNow(dir: string): Promise<void> {
    const path = this.#makefiles.kbuildFile(dir);
    if (path !== undefined) await this.#makefiles.load([path]);
    const lists =
      path === undefined
        ? { objects: [], directories: [] }
        : await this.#evaluated(path, (world): DirectoryLists => {
            const scope = new Scope(this.#base);
            const evaluator = new Evaluator(this.#store.conditions, world, scope, this.#fixed);
            for (const name of INITIAL_LISTS) evaluator.define(name, '');
            evaluator.define('obj', dir);
            evaluator.define('src', dir);
            const makefile = world.makefile(path);
            if (makefile) evaluator.run(makefile);
            return listsOf(evaluator, dir);
          });
    this.#lists.set(dir, lists);
    this.#descent.add(dir, lists.directories);
  }

  /** Reads the makefiles on the way from the top to a file; the directories that are entered. */
  async #readTo(path: string): Promise<string[]> {
    const way = [TOP];
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) way.push(path.slice(0, at));
    const read: string[] = [];
    for (const dir of way) {
      if (!this.#descent.has(dir)) continue;
      await this.#read(dir);
      read.push(dir);
    }
    return read;
  }

  /** Reads a directory and all that it leads to. */
  async #readBelow(dir: string): Promise<string[]> {
    const below: string[] = [];
    const seen = new Set<string>();
    const queue = [dir];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      below.push(next);
      await this.#read(next);
      queue.push(
        ...this.#lists
          .get(next)!
          .directories.map(({ path }) => path)
          .filter((path) => this.#descent.has(path)),
      );
    }
    return below;
  }

  async #readAll(): Promise<ReadonlyMap<string, Presence>> {
    await this.#makefiles.loadAll();
    const dirs = await this.#readBelow(TOP);
    const byObject = new Map<string, [string, ListedObject][]>();
    for (const dir of dirs) {
      for (const object of this.#lists.get(dir)!.objects) {
        const listed = byObject.get(object.path);
        if (listed) listed.push([dir, object]);
        else byObject.set(object.path, [[dir, object]]);
      }
    }
    const all = new Map<string, Presence>();
    for (const [object, listed] of byObject) {
      const presence = this.#present(object, listed);
      if (presence) all.set(object, presence);
    }
    return all;
  }

  // ------------------------------------------------------------ conditions

  #presence(object: string, dirs: readonly string[]): Presence | undefined {
    const listed = dirs.flatMap((dir) =>
      this.#lists
        .get(dir)!
        .objects.flatMap((one): [string, ListedObject][] => (one.path === object ? [[dir, one]] : [])),
    );
    return this.#present(object, listed);
  }

  #present(object: string, listed: readonly (readonly [string, ListedObject])[]): Presence | undefined {
    const { conditions } = this.#store;
    const ways: Way[] = [];
    // by directory and list, so that what they have in common is said once
    const lists = new Map<string, { dir: string; role: Role; when: ExprId }>();
    for (const [dir, { role, when, lines, composite }] of listed) {
      const quoted = [...this.#descent.entry(dir).lines, ...lines].map((place) => this.#quoted(place));
      for (const to of this.#destinations(dir, role, when))
        ways.push({ ...to, lines: quoted, ...(composite !== undefined && { composite }) });
      const key = `${role} ${dir}`;
      lists.set(key, { dir, role, when: conditions.or(lists.get(key)?.when ?? conditions.FALSE, when) });
    }
    if (ways.length === 0) return undefined;
    const whole: Record<Destination, ExprId> = {
      vmlinux: conditions.FALSE,
      module: conditions.FALSE,
      elsewhere: conditions.FALSE,
    };
    for (const { dir, role, when: either } of lists.values())
      for (const { destination, when } of this.#destinations(dir, role, either))
        whole[destination] = conditions.or(whole[destination], when);
    const { vmlinux: builtIn, module, elsewhere } = whole;
    const isUnknown = [builtIn, module, elsewhere].some((e) => conditions.hasUnknown(e));
    return { object, builtIn, module, elsewhere, isUnknown, ways };
  }

  /** Where an object goes that a directory lists, and when. */
  #destinations(dir: string, role: Role, when: ExprId): Pick<Way, 'destination' | 'when' | 'isLibrary'>[] {
    const { conditions } = this.#store;
    const { visited, builtIn, modorder } = this.#descent.entry(dir);
    const both = (a: ExprId, b: ExprId): ExprId => conditions.and(a, b);
    const otherwise = (e: ExprId): ExprId => both(visited, conditions.not(e));
    const linked = this.#libraries.get(dir) ?? conditions.FALSE;
    const all: Record<Role, () => Pick<Way, 'destination' | 'when' | 'isLibrary'>[]> = {
      'obj-y': () => [{ destination: 'vmlinux', when: both(builtIn, when) }],
      'obj-m': () => [
        { destination: 'module', when: this.#modular(both(modorder, when)) },
        { destination: 'elsewhere', when: this.#modular(both(otherwise(modorder), when)) },
      ],
      lib: () => [
        { destination: 'vmlinux', when: both(both(visited, linked), when), isLibrary: true },
        { destination: 'elsewhere', when: both(otherwise(linked), when) },
      ],
      extra: () => [{ destination: 'elsewhere', when: both(visited, when) }],
    };
    return all[role]().filter((to) => to.when !== conditions.FALSE);
  }

  /** Without CONFIG_MODULES the top Makefile empties KBUILD_MODULES; a symbol that is m says that it is on. */
  #modular(when: ExprId): ExprId {
    const { conditions } = this.#store;
    if (conditions.needsModules(when)) return when;
    return conditions.and(when, conditions.bool(conditions.pool.symbolId('MODULES')));
  }

  #quoted(place: Place): MakefileLine {
    let quoted = this.#quotes.get(place);
    if (!quoted) {
      const { path, line } = place;
      quoted = { path, line, text: this.#makefiles.get(path)?.lines[line - 1] ?? '' };
      this.#quotes.set(place, quoted);
    }
    return quoted;
  }
}
