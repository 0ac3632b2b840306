/**
 * What a series leaves without anything that provides or declares it: in the C files that its changed symbols build,
 * in those that it changes itself and in those whose makefile it changes, asked of the solver of both trees.
 */

import { dirname } from 'node:path/posix';
import { compilerFlags } from '../kbuild/compiler-flags.ts';
import { KbuildTree, symbolTypes } from '../kbuild/kbuild-tree.ts';
import { filesNaming, filesNear } from '../kbuild/near-objects.ts';
import type { Presence } from '../kbuild/presence.ts';
import type { KSymbol } from '../kconfig/model.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { ArchPair, KernelChange } from '../rule.ts';
import type { Arch, Side } from '../types.ts';
import { conditionText, symbolsOf } from './c-condition.ts';
import type { Definitions } from './c-definitions.ts';
import type { Gap, Subject, SubjectOf } from './file-gaps.ts';
import { newForeignGaps } from './foreign-gaps.ts';
import { type Before, GapHistory, keyOf } from './gap-history.ts';
import { InternalSearch } from './internal-search.ts';
import { Builds, gapGoals, objectOf } from './link-gap.ts';
import { changedThemselves, enablersOf, helpersOf, mentions, ownerOf, selectorsOf } from './near-symbols.ts';
import { SideCode } from './side-code.ts';
import { isSoleProvider } from './sole-provider.ts';

/** Symbols whose files are looked at, the nearest first. */
const MOST_SYMBOLS = 24;
/** C files of one architecture that are read. */
const MOST_FILES = 80;

const MANY_NAMES = 'it uses too many names that are not exported';
const NEARER = 'not looked at: there were nearer ones';

/** What of a file the owner decides about: whether it is built, or about the lines that name it. */
type Part = 'whole' | 'named';

/** One way in which a file cannot be built. */
export interface Found extends Gap {
  readonly path: string;
  readonly object: Presence;
  /** The file was there before. */
  readonly isOld: boolean;
  /** It needed the same before. */
  readonly wasNeeded: boolean;
  /** The same question had to be asked before: only Kconfig can have given another answer. */
  readonly wasAsked: boolean;
}

/** Gaps of the code of one symbol, or of a file that none decides about, which the same files would close. */
export interface Cause {
  readonly owner: KSymbol | undefined;
  readonly some: readonly [Found, ...Found[]];
}

export class LinkSearch {
  readonly #change: KernelChange;
  readonly #code: Readonly<Record<Side, SideCode>>;
  readonly #subject: Readonly<Record<Side, Subject>>;
  readonly #history: GapHistory;
  readonly #definitions = new Map<string, Definitions>();
  #beside: Promise<readonly string[]> | undefined;
  readonly #news = new Map<string, Promise<boolean>>();
  readonly #internal: InternalSearch;
  /** What was not decided, and why. */
  readonly #left = new Map<string, string>();

  constructor(change: KernelChange, Of: SubjectOf) {
    this.#change = change;
    const code = { before: new SideCode(change.before), after: new SideCode(change.after) };
    const subject = { before: new Of(change, code.before), after: new Of(change, code.after) };
    this.#code = code;
    this.#subject = subject;
    this.#history = new GapHistory(change, { code: code.before, subject: subject.before });
    this.#internal = new InternalSearch({ code, subject }, (path) => this.#history.oldPath(path));
  }

  /** What was not decided: symbols and files that were not looked at, and what could not be told. */
  get left(): readonly { readonly key: string; readonly why: string }[] {
    return [...this.#left].sort().map(([key, why]) => ({ key, why }));
  }

  /** Whether there is something to look for where no Kconfig file changes: a makefile, or new needs of C files. */
  async hasNews(): Promise<boolean> {
    if (this.#subject.after.isOfKconfig) return false;
    for (const path of this.#changed()) {
      if (!path.endsWith('.c') || (await this.#hasNews(path))) return true;
    }
    return false;
  }

  /** Whether a file needs what it did not before, or under another condition. */
  #hasNews(path: string): Promise<boolean> {
    const known = this.#news.get(path) ?? this.#hasNewsNow(path);
    this.#news.set(path, known);
    return known;
  }

  async #hasNewsNow(path: string): Promise<boolean> {
    const was = await this.#needsOf('before', this.#history.oldPath(path));
    if (!was) return true;
    const is = await this.#needsOf('after', path);
    return is === undefined || [...is].some((need) => !was.has(need));
  }

  /** What a file needs, and when; undefined where there is no such file, or it cannot be read. */
  async #needsOf(side: Side, path: string): Promise<ReadonlySet<string> | undefined> {
    if ((await this.#change[side].tree.blob(path)) === undefined) return undefined;
    const { all } = await this.#subject[side].needs(path);
    return new Set(all.map(({ kind, name, conditions }) => `${kind} ${name} ${conditions}`));
  }

  /** Newly possible gaps of one architecture, by owner and by what would have provided. */
  async find(pair: ArchPair): Promise<Cause[]> {
    const builds = { before: await this.#builds('before', pair), after: await this.#builds('after', pair) };
    const files = new Map<
      string,
      { readonly object: Presence; readonly owner: KSymbol | undefined; readonly of: Part }
    >();
    const look = (path: string, object: Presence, owner: KSymbol | undefined, of: Part = 'whole'): void => {
      if (files.has(path)) return;
      if (files.size < MOST_FILES) files.set(path, { object, owner, of });
      else this.#left.set(path, NEARER);
    };
    const isSettled = pair.before === pair.after && !this.#change.changedPaths.some(({ path }) => isMakefile(path));
    const { after: subject } = this.#subject;
    for (const path of await this.#changedFiles(builds)) {
      if (!(await subject.isConcerned(path))) continue;
      const object = await builds.after.presence(path);
      if (!object || (isSettled && !(await this.#hasNews(path)))) continue;
      look(path, object, ownerOf(this.#change.pool, pair, object));
    }
    for (const owner of this.#near(pair)) {
      for (const path of await filesNear(this.#change.after.tree, owner.name, placesOf(owner), pair.arch)) {
        if (files.has(path) || !(await subject.isConcerned(path))) continue;
        const object = await builds.after.presence(path);
        if (object && mentions(this.#change.pool, object, owner)) look(path, object, owner);
      }
    }
    for (const owner of changedThemselves(pair).slice(0, MOST_SYMBOLS)) {
      for (const path of await filesNaming(this.#change.after.tree, owner.name, placesOf(owner))) {
        if (files.has(path) || !(await subject.isConcerned(path))) continue;
        const object = await builds.after.presence(path);
        if (object) look(path, object, owner, 'named');
      }
    }
    const changed = this.#changed().filter((path) => path.endsWith('.c'));
    for (const path of await this.#internal.define([...files.keys(), ...changed])) this.#left.set(path, MANY_NAMES);
    const found: (Found & { readonly owner: KSymbol | undefined })[] = [];
    for (const [path, { object, owner, of }] of files)
      for (const one of await this.#gapsOf(pair, path, object, owner, of, builds)) found.push({ ...one, owner });
    await this.#define(found.flatMap(({ need }) => (need.kind === 'link' ? [need.name] : [])));
    const certain: typeof found = [];
    for (const one of found)
      if (
        this.#isCertain(one, pair.arch) &&
        !(await this.#isByFlags(one)) &&
        (await this.#isOnlyHere(one, pair, builds))
      )
        certain.push(one);
    return [...Map.groupBy(certain, causeOf).values()].flatMap(([first, ...rest]) =>
      first ? [{ owner: first.owner, some: [first, ...rest] }] : [],
    );
  }

  /** What the change reaches, who selects it first, what else they select last. */
  #near(pair: ArchPair): readonly KSymbol[] {
    if (pair.changes.size === 0) return [];
    const selectors = selectorsOf(pair);
    // each file costs a search for stubs in all that it includes
    const symbols = this.#subject.after.isOfKconfig
      ? []
      : pair.reach().symbols.flatMap((id) => pair.after.symbols[id] ?? []);
    const isDeclared = ({ declarations }: KSymbol): boolean => declarations.length > 0;
    const own = [...new Set([...selectors, ...changedThemselves(pair)])];
    const enablers = enablersOf(this.#change.pool, pair, own);
    const near = [...new Set([...own, ...enablers, ...symbols])].filter(isDeclared);
    for (const { name } of near.slice(MOST_SYMBOLS)) this.#left.set(name, NEARER);
    return [...new Set([...near, ...helpersOf(selectors).filter(isDeclared)])].slice(0, MOST_SYMBOLS);
  }

  /** C files that the series changes, and those that its makefiles build differently. */
  async #changedFiles(builds: Readonly<Record<Side, Builds>>): Promise<readonly string[]> {
    const found = new Set(this.#changed().filter((path) => path.endsWith('.c')));
    for (const path of await (this.#beside ??= this.#besideMakefiles())) {
      const [was, is] = [await builds.before.presence(path), await builds.after.presence(path)];
      if (was?.builtIn !== is?.builtIn || was?.module !== is?.module) found.add(path);
    }
    return [...found].sort();
  }

  /** C files and makefiles that the series changes or adds. */
  #changed(): readonly string[] {
    return this.#change.changedPaths.flatMap(({ path, status }) =>
      status === 'deleted' || !isCode(path) ? [] : [path],
    );
  }

  /** C files in the folders of changed makefiles. */
  async #besideMakefiles(): Promise<readonly string[]> {
    const folders = new Set(this.#changed().filter(isMakefile).map(dirname));
    if (folders.size === 0) return [];
    const paths = await this.#change.after.tree.paths();
    return paths.filter((path) => path.endsWith('.c') && folders.has(dirname(path)));
  }

  async #gapsOf(
    pair: ArchPair,
    path: string,
    object: Presence,
    owner: KSymbol | undefined,
    of: Part,
    builds: Readonly<Record<Side, Builds>>,
  ): Promise<Found[]> {
    const found: Found[] = [];
    const isSameModel = pair.before === pair.after;
    const told = new Set<string>();
    // a file may be built for others, too, and lack the same with these in both trees
    const own = ({ goals, into }: Pick<Gap, 'goals' | 'into'>): readonly Goal[] =>
      owner
        ? [
            ...goals,
            {
              expr: this.#change.pool.symbol(owner.id),
              level: into === 'module' || of === 'named' ? 1 : 2,
              holds: true,
            },
          ]
        : goals;
    if (of === 'whole' && !isSameModel) {
      const at = { pair, path, object, before: builds.before };
      const foreign = await newForeignGaps(this.#change, this.#subject.after, this.#history, at, own);
      if (foreign.length > 0)
        return foreign.map((gap) => ({ ...gap, path, object, wasNeeded: gap.isOld, wasAsked: gap.isOld }));
    }
    if (await this.#code.after.reach.isForOthers(path, pair.arch)) return found;
    const oldPath = this.#history.oldPath(path);
    const before = await this.#history.before(oldPath, builds.before);
    if (this.#subject.after.isOfOthers && !before) return found;
    const wasBuilt = await builds.before.presence(oldPath);
    // they had it under another name
    const isRenamed = owner !== undefined && this.#history.isRenamed(owner, wasBuilt, pair);
    const wasOwn = isRenamed ? ({ goals }: Gap): readonly Goal[] => goals : own;
    for (const gap of await this.#subject.after.gaps(builds.after, path, object)) {
      const key = keyOf(gap);
      if (told.has(key) || (of === 'named' && owner && !isUnder(owner, gap))) continue;
      const old = before?.gaps.get(key) ?? [];
      const question = JSON.stringify(gap.goals);
      const wasAsked = old.some(({ goals }) => JSON.stringify(goals) === question);
      if (isSameModel && wasAsked) continue;
      if (pair.solver('after').isPossible(own(gap)) !== true) continue;
      if (old.some((one) => pair.solver('before').isPossible(wasOwn(one)) !== false)) continue;
      const whole = await this.#subject.after.exact(gap, { path, object, arch: pair.arch });
      const at = { builds: builds.after, solver: pair.solver('after') };
      const exact = whole && !before ? await this.#subject.after.ofNew(whole, at) : whole;
      if (!exact || (exact !== gap && pair.solver('after').isPossible(own(exact)) !== true)) continue;
      told.add(key);
      if (before && isUnreadIn(before, gap)) {
        this.#left.set(`${path} ${gap.need.name}`, 'the file could not be read as it was before');
        continue;
      }
      const wasNeeded = before?.needs.has(key) ?? false;
      if (!wasNeeded && before && !(await this.#subject.before.isGiven(oldPath, gap))) continue;
      // what was there and could not be told is no news
      const { kind, name } = gap.need;
      const isNews =
        kind === 'declaration' || (kind === 'link' && (await isToldBefore(builds.before, name, before?.isListed)));
      if (wasNeeded && old.length === 0 && (before?.isUnknown || !isNews)) continue;
      const goals = wasNeeded
        ? own(exact)
        : await this.#newGoals(pair, path, builds.before, exact, before, { own, wasOwn });
      if (!goals) continue;
      found.push({ ...exact, goals, path, object, isOld: before !== undefined, wasNeeded, wasAsked });
    }
    return found;
  }

  /** The question without the configurations in which the same code lacked the same; undefined where none is left. */
  async #newGoals(
    pair: ArchPair,
    path: string,
    builds: Builds,
    gap: Gap,
    before: Before | undefined,
    { own, wasOwn }: Readonly<Record<'own' | 'wasOwn', (gap: Gap) => readonly Goal[]>>,
  ): Promise<readonly Goal[] | undefined> {
    const old = [...(before?.gaps.values() ?? [])].flat();
    for (const from of await this.#history.comesFrom(path, gap)) {
      const there = await this.#history.before(from, builds);
      if (there && isUnreadIn(there, gap)) {
        this.#left.set(`${path} ${gap.need.name}`, `${from}, where it may come from, could not be read`);
        return undefined;
      }
      old.push(...[...(there?.gaps.values() ?? [])].flat());
    }
    const couldBe = old.filter((one) => pair.solver('before').isPossible(wasOwn(one)) !== false);
    const same = this.#history.sameBefore(gap, couldBe);
    if (same === undefined) return own(gap);
    // `same` is of the entry's old name, if it has another
    if (wasOwn !== own) return undefined;
    const all: readonly Goal[] = [...own(gap), { expr: same, level: 2, holds: false }];
    return pair.solver('after').isPossible(all) === true ? all : undefined;
  }

  /** One search of the tree for all names that are new. */
  async #define(names: readonly string[]): Promise<void> {
    const unknown = [...new Set(names)].filter((name) => !this.#definitions.has(name));
    if (unknown.length === 0) return;
    for (const [name, one] of await this.#change.after.c.definitions(unknown)) this.#definitions.set(name, one);
  }

  /** Whether nothing else in the tree says that the name is provided. */
  #isCertain({ need }: Found, arch: Arch): boolean {
    if (need.kind !== 'link') return true;
    const known = this.#definitions.get(need.name);
    return known !== undefined && isSoleProvider(need, known, arch);
  }

  /** Whether the compiler is given other names, or other headers, by a makefile. */
  async #isByFlags({ path, need }: Found): Promise<boolean> {
    const { defines, includes } = await compilerFlags(this.#change.after.tree, path);
    const names = need.kind === 'declaration' ? [need.use.name] : [need.name, need.use.callee];
    const conditions = need.kind === 'declaration' ? [need.use.when, need.use.declared] : [need.use.when];
    const symbols = conditions.flatMap(symbolsOf).map((symbol) => `CONFIG_${symbol}`);
    return (includes && need.kind === 'declaration') || [...names, ...symbols].some((name) => defines.has(name));
  }

  /** Whether makefiles of other directories, which list the same objects, leave it as it is. */
  async #isOnlyHere(
    { object, goals, into, need }: Found,
    pair: ArchPair,
    builds: Record<Side, Builds>,
  ): Promise<boolean> {
    if (!('providers' in need)) return true;
    const elsewhere = await this.#code.after.elsewhere();
    const objects = need.providers.exports.map((one) => objectOf(one.path));
    if (!objects.some((one) => elsewhere.has(one))) return true;
    const all = builds.after.with(elsewhere);
    const providers = await (need.kind === 'link'
      ? all.providers(need.name)
      : all.algorithm(need.use, await this.#code.after.algorithms()));
    if (!providers) return false;
    const { conditions } = this.#change.kbuild;
    const whole = gapGoals(conditions, object, need.use.when, providers, into);
    return whole !== undefined && pair.solver('after').isPossible([...goals, ...whole]) === true;
  }

  async #builds(side: Side, pair: ArchPair): Promise<Builds> {
    const { pool, kbuild } = this.#change;
    const model = pair[side];
    const tree = await KbuildTree.open(kbuild, this.#change[side].tree, {
      arch: pair.arch,
      symbolType: symbolTypes(pool, model),
    });
    const { internal } = this.#code[side];
    const names = { exported: await this.#code[side].exported(), internal };
    return new Builds(tree, names, kbuild.conditions, pair.arch);
  }
}

/** Whether it was known without the series who provides the name, to whom. */
async function isToldBefore(builds: Builds, name: string, isListed = false): Promise<boolean> {
  return (await builds.isAlways(name)) || (isListed && (await builds.providers(name)) !== undefined);
}

/** Whether the file may have needed the same where it could not be read. */
function isUnreadIn({ unread, doubtful }: Before, { need }: Gap): boolean {
  return unread.has(need.kind) || (need.kind !== 'declaration' && doubtful.has(need.use.callee));
}

function causeOf({ owner, path, need }: Found & { readonly owner: KSymbol | undefined }): string {
  const lacking =
    'providers' in need
      ? need.providers.presences.map(({ object }) => object).join(' ')
      : conditionText(need.use.declared);
  return `${owner?.name ?? path} ${lacking}`;
}

function placesOf({ declarations }: KSymbol): readonly string[] {
  return declarations.map(({ path }) => path);
}

/** Whether the use stands where the symbol decides. */
function isUnder({ name }: KSymbol, { need: { use } }: Gap): boolean {
  return symbolsOf(use.when).includes(name);
}

function isMakefile(path: string): boolean {
  return /(?:^|\/)(?:Makefile|Kbuild)$/.test(path);
}

function isCode(path: string): boolean {
  return (path.endsWith('.c') || isMakefile(path)) && !/^(?:Documentation|tools|scripts|samples|usr)\//.test(path);
}
