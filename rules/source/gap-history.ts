/**
 * What files lacked without the series: what could not be built before is no news, nor where only the code moves, or
 * the name of what it lacks changes.
 */

import type { Presence } from '../kbuild/presence.ts';
import type { ExprId, SymbolId } from '../kconfig/expr.ts';
import type { KconfigModel, KSymbol } from '../kconfig/model.ts';
import type { ArchPair, KernelChange } from '../rule.ts';
import { conditionText } from './c-condition.ts';
import type { Gap, Subject } from './file-gaps.ts';
import type { Builds } from './link-gap.ts';
import type { SideCode } from './side-code.ts';

/** One file without the series. */
export interface Before {
  /** By what is lacking. */
  readonly gaps: ReadonlyMap<string, readonly Gap[]>;
  readonly needs: ReadonlySet<string>;
  /** What no configuration decides says whether it is built. */
  readonly isUnknown: boolean;
  /** The makefiles on the way to it name it. */
  readonly isListed: boolean;
  /** What could not be read: what it calls, what it uses of headers. */
  readonly unread: ReadonlySet<Gap['need']['kind']>;
  /** Called where the text could not be read as a whole. */
  readonly doubtful: ReadonlySet<string>;
}

export function keyOf({ need }: Gap): string {
  return `${need.kind} ${need.name}`;
}

export class GapHistory {
  readonly #change: KernelChange;
  readonly #code: SideCode;
  readonly #subject: Subject;
  #left: Promise<ReadonlyMap<string, ReadonlySet<string>>> | undefined;

  /** Of the side without the series. */
  constructor(change: KernelChange, { code, subject }: { readonly code: SideCode; readonly subject: Subject }) {
    this.#change = change;
    this.#code = code;
    this.#subject = subject;
  }

  /** Whether an entry is new, and the file, as `object` without the series, was built by one that is gone. */
  isRenamed({ id }: KSymbol, object: Presence | undefined, { before, after }: ArchPair): boolean {
    const isDeclared = ({ symbols }: KconfigModel, one: SymbolId): boolean =>
      (symbols[one]?.declarations.length ?? 0) > 0;
    if (isDeclared(before, id)) return false;
    const { pool } = this.#change;
    const lines = object?.ways.flatMap((way) => way.lines.map(({ text }) => text)) ?? [];
    const names = lines.flatMap((text) => [...text.matchAll(/\bCONFIG_(\w+)/g)].map((match) => match[1]!));
    return names.some((name) => {
      const was = pool.findSymbol(name);
      return was !== undefined && isDeclared(before, was) && !isDeclared(after, was);
    });
  }

  /** Path that a file had. */
  oldPath(path: string): string {
    return this.#change.changedPaths.find((one) => one.path === path)?.oldPath ?? path;
  }

  /** Undefined where the tree without the series does not have the file. */
  async before(old: string, builds: Builds): Promise<Before | undefined> {
    if ((await this.#code.side.tree.blob(old)) === undefined) return undefined;
    const object = await builds.presence(old);
    const gaps = object ? await this.#subject.gaps(builds, old, object) : [];
    const { all, unread, doubtful } = await this.#subject.needs(old);
    return {
      gaps: Map.groupBy(gaps, keyOf),
      needs: new Set(all.map(({ kind, name }) => `${kind} ${name}`)),
      isUnknown: object?.isUnknown === true,
      isListed: object !== undefined,
      unread,
      doubtful,
    };
  }

  /** Other files that said what a gap is about, and say it no longer: its code may come from there. */
  async comesFrom(path: string, { need }: Gap): Promise<readonly string[]> {
    const word = 'providers' in need ? need.use.callee : need.use.name.replace(/^.*\/|\.h$/g, '');
    const own = this.oldPath(path);
    const left = await (this.#left ??= this.#wordsLeft());
    return [...left].flatMap(([old, words]) => (old !== own && words.has(word) ? [old] : []));
  }

  /** Words of C files without the series which the same files do not have with it. */
  async #wordsLeft(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const { changedPaths, before, after } = this.#change;
    const files = changedPaths.filter(({ path, oldPath }) => (oldPath ?? path).endsWith('.c'));
    const was = await before.tree.read(files.map(({ path, oldPath }) => oldPath ?? path));
    const is = await after.tree.read(files.map(({ path }) => path));
    return new Map(
      files.flatMap(({ path, oldPath }): [string, Set<string>][] => {
        const old = was.get(oldPath ?? path);
        if (old === undefined) return [];
        const now = wordsOf(is.get(path) ?? '');
        return [[oldPath ?? path, new Set([...wordsOf(old)].filter((word) => !now.has(word)))]];
      }),
    );
  }

  /** That one of the old gaps was there which the same files would have closed; undefined where there is none. */
  sameBefore(gap: Gap, gaps: Iterable<Gap>): ExprId | undefined {
    const { conditions } = this.#change.kbuild;
    let some: ExprId | undefined;
    for (const old of gaps) {
      if (old.into !== gap.into || !hasSameCause(old, gap)) continue;
      const whole = old.goals.reduce(
        (e, { expr, holds }) => conditions.and(e, holds ? expr : conditions.not(expr)),
        conditions.TRUE,
      );
      some = some === undefined ? whole : conditions.or(some, whole);
    }
    return some;
  }
}

/** Whether the same files would have provided it, or the same condition declared it. */
function hasSameCause({ need: a }: Gap, { need: b }: Gap): boolean {
  if (a.kind !== b.kind) return false;
  if ('providers' in a)
    return 'providers' in b && a.providers.built === b.providers.built && a.providers.builtIn === b.providers.builtIn;
  return !('providers' in b) && conditionText(a.use.declared) === conditionText(b.use.declared);
}

function wordsOf(text: string): Set<string> {
  return new Set(text.match(/[A-Za-z_]\w*/g) ?? []);
}
