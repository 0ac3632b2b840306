/**
 * Calls that a series leaves without anything that provides them: in the files that its changed symbols build, asked
 * of the solver of both trees.
 */

import { KbuildTree, symbolTypes } from '../kbuild/kbuild-tree.ts';
import { filesNear } from '../kbuild/near-objects.ts';
import type { Presence } from '../kbuild/presence.ts';
import type { KSymbol } from '../kconfig/model.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { ArchPair, KernelChange } from '../rule.ts';
import type { Arch, Side } from '../types.ts';
import type { Definitions } from './c-definitions.ts';
import { HeaderTexts } from './c-includes.ts';
import { ExportedNames } from './exported-names.ts';
import { type ExternalUse, type ExternalUses, externalUses } from './external-uses.ts';
import { Builds, gapGoals, type Into, type Providers } from './link-gap.ts';

/** Symbols whose files are looked at, the nearest first. */
const MOST_SYMBOLS = 24;
/** C files that one series has read. */
const MOST_FILES = 80;
/** What was read of one side, whatever the architecture. */
interface Code {
  readonly exported: ExportedNames;
  readonly uses: Map<string, Promise<ExternalUses | undefined>>;
}

/** One way in which a file cannot be linked. */
export interface Found {
  readonly path: string;
  readonly use: ExternalUse;
  readonly uses: ExternalUses;
  readonly object: Presence;
  readonly providers: Providers;
  readonly into: Into;
  readonly goals: readonly Goal[];
  readonly isOld: boolean;
  readonly wasCalled: boolean;
}

/** Gaps of the code of one symbol that the same files would close. */
export interface Cause {
  readonly owner: KSymbol;
  readonly some: readonly Found[];
}

export class LinkSearch {
  readonly #change: KernelChange;
  readonly #headers = new HeaderTexts();
  readonly #files = new Map<string, Promise<string[]>>();
  readonly #code = new Map<Side, Promise<Code>>();
  readonly #definitions = new Map<string, Definitions>();

  constructor(change: KernelChange) {
    this.#change = change;
  }

  /** Newly possible gaps of one architecture, by owner and by what would have provided. */
  async find(pair: ArchPair): Promise<Cause[]> {
    const { pool } = this.#change;
    const reached = pair.reach().symbols.flatMap((id) => pair.after.symbols[id] ?? []);
    const near = [...new Set([...selectorsOf(pair), ...reached])].slice(0, MOST_SYMBOLS);
    const after = await this.#builds('after', pair);
    const before = await this.#builds('before', pair);
    const seen = new Set<string>();
    const causes: Cause[] = [];
    for (const owner of near) {
      const all: Found[] = [];
      for (const path of await this.#filesOf(owner)) {
        if (seen.has(path)) continue;
        const object = await after.presence(path);
        if (!object || !mentions(pool, object, owner)) continue;
        if (seen.size >= MOST_FILES) break;
        seen.add(path);
        all.push(...(await this.#gapsOf(pair, path, object, { before, after })));
      }
      const byProvider = Map.groupBy(all, ({ providers }) => providers.presences.map(({ object }) => object).join(' '));
      for (const some of byProvider.values()) causes.push({ owner, some });
    }
    await this.#define(causes.flatMap(({ some }) => some.map(({ use }) => use.name)));
    return causes.flatMap(({ owner, some }) => {
      const certain = some.filter((one) => this.#isCertain(one, pair.arch));
      return certain.length > 0 ? [{ owner, some: certain }] : [];
    });
  }

  async #gapsOf(
    pair: ArchPair,
    path: string,
    object: Presence,
    { before, after }: Readonly<Record<Side, Builds>>,
  ): Promise<Found[]> {
    const { conditions } = this.#change.kbuild;
    const uses = await this.#usesOf('after', path);
    if (!uses) return [];
    const found: Found[] = [];
    const asked = new Map<string, boolean>();
    for (const use of uses.uses) {
      const providers = await after.providers(use.name);
      if (!providers) continue;
      for (const into of ['vmlinux', 'module'] as const) {
        const goals = gapGoals(conditions, object, use.when, providers, into);
        if (!goals) continue;
        const key = JSON.stringify(goals);
        let isNew = asked.get(`${use.name} ${key}`);
        if (isNew === undefined) {
          const canBe = pair.solver('after').isPossible(goals) === true;
          isNew = canBe && (await this.#couldNot(pair, path, use.name, before));
          asked.set(`${use.name} ${key}`, isNew);
        }
        if (!isNew) continue;
        const was = await this.#usesOf('before', path);
        const wasCalled = was?.uses.some(({ name }) => name === use.name) ?? false;
        found.push({ path, use, uses, object, providers, into, goals, isOld: was !== undefined, wasCalled });
        break;
      }
    }
    return found;
  }

  /** Whether the tree before has no configuration in which the file lacks the name. */
  async #couldNot(pair: ArchPair, path: string, name: string, before: Builds): Promise<boolean> {
    const { changedPaths, kbuild } = this.#change;
    const old = changedPaths.find((one) => one.path === path)?.oldPath ?? path;
    if ((await this.#change.before.tree.blob(old)) === undefined) return true;
    const object = await before.presence(old);
    const uses = await this.#usesOf('before', old);
    const mine = uses?.uses.filter((use) => use.name === name) ?? [];
    if (!object) return true;
    if (!uses) return false;
    if (mine.length === 0) return true;
    const providers = await before.providers(name);
    if (!providers) return false;
    return mine.every((use) =>
      (['vmlinux', 'module'] as const).every((into) => {
        const goals = gapGoals(kbuild.conditions, object, use.when, providers, into);
        return !goals || pair.solver('before').isPossible(goals) === false;
      }),
    );
  }

  /** One search of the tree for all names that are new. */
  async #define(names: readonly string[]): Promise<void> {
    const unknown = [...new Set(names)].filter((name) => !this.#definitions.has(name));
    if (unknown.length === 0) return;
    for (const [name, one] of await this.#change.after.c.definitions(unknown)) this.#definitions.set(name, one);
  }

  /** Whether nothing else in the tree says that the name is provided. */
  #isCertain({ use: { name }, uses }: Found, arch: Arch): boolean {
    const known = this.#definitions.get(name);
    if (!known || known.isCut || known.failures.length > 0) return false;
    const exporting = new Set(known.exports.map(({ path }) => path));
    const headers = new Set(uses.headers.get(name)?.map(({ path }) => path));
    const bodies = known.definitions.filter(
      (one) =>
        one.kind !== 'declared' &&
        (one.arch === undefined || one.arch === arch || arch === 'um') &&
        !(one.path.endsWith('.c') && (one.static || one.kind === 'macro')),
    );
    const isElsewhere = bodies.some(
      ({ path, weak }) => weak || (path.endsWith('.c') ? !exporting.has(path) : !headers.has(path)),
    );
    return !isElsewhere && bodies.some(({ path }) => exporting.has(path));
  }

  #filesOf(owner: KSymbol): Promise<string[]> {
    const known = this.#files.get(owner.name);
    if (known) return known;
    const paths = owner.declarations.map(({ path }) => path);
    const found = filesNear(this.#change.after.tree, owner.name, paths);
    this.#files.set(owner.name, found);
    return found;
  }

  async #usesOf(side: Side, path: string): Promise<ExternalUses | undefined> {
    const { exported, uses } = await this.#codeOf(side);
    const known = uses.get(path) ?? externalUses(this.#change[side].c, path, exported, this.#headers);
    uses.set(path, known);
    return known;
  }

  #codeOf(side: Side): Promise<Code> {
    const known =
      this.#code.get(side) ??
      ExportedNames.of(this.#change[side].tree).then((exported) => ({ exported, uses: new Map() }));
    this.#code.set(side, known);
    return known;
  }

  async #builds(side: Side, pair: ArchPair): Promise<Builds> {
    const { pool, kbuild } = this.#change;
    const model = pair[side];
    const tree = await KbuildTree.open(kbuild, this.#change[side].tree, {
      arch: pair.arch,
      symbolType: symbolTypes(pool, model),
    });
    return new Builds(tree, (await this.#codeOf(side)).exported, kbuild.conditions, pair.arch);
  }
}

/** Who selects differently than before: code of theirs relies on what is selected. */
function selectorsOf({ after, changes }: ArchPair): KSymbol[] {
  const edges = [...changes.values()].flatMap(({ removed, added }) => [...removed, ...added]);
  return edges.flatMap(({ edge }) => (edge && after.symbols[edge.from.id]) ?? []);
}

function mentions(pool: KernelChange['pool'], { builtIn, module }: Presence, { id }: KSymbol): boolean {
  let found = false;
  for (const e of [builtIn, module])
    pool.symbolsOf(e, (one) => {
      found ||= one === id;
    });
  return found;
}
