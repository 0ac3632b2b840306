import { onBothSides } from './both-sides.ts';
import type { BuildQuestion } from './build-question.ts';
import type { MakefileLine, Presence } from './kbuild/presence.ts';
import { blamedLines } from './kconfig/blamed-line.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { gapRepairs } from './kconfig/gap-repairs.ts';
import type { KSymbol } from './kconfig/model.ts';
import type { Repair } from './kconfig/repairs.ts';
import type { Goal } from './kconfig/solve.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import { fragment } from './kconfig/witness.ts';
import { type ArchPair, type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { conditionBounds } from './source/c-condition.ts';
import type { Into, Providers } from './source/link-gap.ts';
import { type Found, LinkSearch } from './source/link-search.ts';
import { helpingBoth, lineAt, onAll, type Place, placeAt, witnessOf } from './told.ts';
import type { Anchor, Arch, Attempt, Evidence, Severity, Side, Witness } from './types.ts';

export default defineRule({
  id: 'missing-dependency',
  severity: 'regression',
  rung: 2,
  isTrial: true,
  doc: `
## What it finds
An object that can be built where nothing provides an exported function that it calls, nor a stub of
it, in some configuration of some architecture, and could not before the series: because a "select"
or a "depends on" is gone, or because the object is new and its entry never had it.
## Why it matters
The link fails with an undefined reference, or the file does not compile.
## Example
config FOO without "select REGMAP_I2C", whose driver calls devm_regmap_init_i2c().
## Instead
Depend on what provides the function, or select it where it is a library without a prompt.
## What it misses
Series that touch no Kconfig file. Functions that are not exported, that code of an architecture or
assembly provides as well, and those reached through function pointers. Members of structures and
headers under #ifdef. Of a change that concerns very many files, the nearest 80 are read.`,

  begin(change) {
    const telling = new Telling(change);
    const found = new Map<string, Gap>();
    return {
      async onArch(pair) {
        if (pair.changes.size === 0 || pair.isCircular) return;
        for (const one of await telling.look(pair)) {
          const known = found.get(one.key);
          found.set(one.key, known ? { ...onAll(known, one), repairs: helpingBoth(known, one) } : one);
        }
      },
      finish() {
        return [...Map.groupBy(found.values(), causeOf).values()].map((gaps) => candidate(change, gaps));
      },
    };
  },
});

/** A call, and who would have provided what it calls. */
interface Call extends Place {
  readonly name: string;
  readonly callee: string;
  readonly caller: string | null;
  readonly exported: Place;
}

/** An entry whose code lacks what others build. */
interface Gap {
  readonly key: string;
  readonly owner: string;
  /** Symbols that build what is missing. */
  readonly needed: readonly string[];
  readonly into: Into;
  /** What becomes of it: a link that fails, or a name that is not declared. */
  readonly how: 'link' | 'compile' | 'either';
  readonly calls: readonly Call[];
  readonly built: Place;
  readonly provided: Place;
  readonly isOld: boolean;
  /** The file called it before, too. */
  readonly wasCalled: boolean;
  readonly anchor: Anchor;
  readonly blamed: Place & { readonly side: Side; readonly isQuoted: boolean };
  readonly repairs: readonly Repair[];
  readonly witness: Witness;
  readonly config: string;
  /** What a build is to show. */
  readonly builds: readonly BuildQuestion[];
  readonly object: string;
  /** Values that the finding rests on. */
  readonly values: readonly { readonly symbol: string; readonly value: string }[];
  readonly archs: readonly Arch[];
}

/** One comment for what one line of the series causes in one entry. */
function causeOf({ anchor: { patch, file, line }, owner }: Gap): string {
  return `${patch} ${file}:${line} ${owner}`;
}

/** Calls that a finding names. */
const MOST_CALLS = 4;

class Telling {
  readonly #change: KernelChange;
  readonly #search: LinkSearch;

  constructor(change: KernelChange) {
    this.#change = change;
    this.#search = new LinkSearch(change);
  }

  async look(pair: ArchPair): Promise<Gap[]> {
    const found: Gap[] = [];
    for (const { owner, some } of await this.#search.find(pair)) {
      const gap = await this.#told(pair, owner, some);
      if (gap) found.push(gap);
    }
    return found;
  }

  async #told(pair: ArchPair, owner: KSymbol, some: readonly Found[]): Promise<Gap | undefined> {
    const { pool } = this.#change;
    const solver = pair.solver('after');
    const [shown] = some.toSorted((a, b) => a.path.localeCompare(b.path) || a.use.line - b.use.line) as [Found];
    const answer = solver.solve(shown.goals);
    if (answer.verdict !== 'possible') return undefined;
    const { settings } = answer;
    const { values } = solver;
    const involved = symbolsIn(pair, pool, shown.goals);
    const claimed = involved.map((symbol) => ({ symbol: symbol.name, value: values.text(symbol) }));
    const declared = shown.uses.declared.get(shown.use.name);
    const bounds = declared === undefined ? undefined : conditionBounds(pool, declared);
    const how = !bounds
      ? 'either'
      : values.expr(bounds.least) === 2
        ? 'link'
        : values.expr(bounds.most) < 2
          ? 'compile'
          : 'either';
    const config = fragment(settings);
    const needed = neededBy(pair, pool, shown.providers);
    const blamed = this.#blame(pair, owner, needed, config);
    if (!blamed) return undefined;
    const exported = shown.providers.exports[0]!;
    const calls: Call[] = [];
    for (const one of some) {
      if (calls.length >= MOST_CALLS) break;
      if (calls.some(({ name, path }) => name === one.use.name && path === one.path)) continue;
      const { name, callee, caller, line } = one.use;
      const text = await this.#lineOf(one.path, line);
      calls.push({
        name,
        callee,
        caller: caller ?? null,
        path: one.path,
        line,
        text,
        exported: one.providers.exports[0]!,
      });
    }
    const sets = [...new Map(some.map(({ goals }) => [JSON.stringify(goals), goals])).values()].slice(0, 6);
    const repairs = gapRepairs(solver, sets, owner, needed);
    return {
      key: `${owner.name} ${needed.map(({ name }) => name).join(' ')}`,
      owner: owner.name,
      needed: needed.map(({ name }) => name),
      into: shown.into,
      how,
      calls,
      built: lastLine(shown.object, shown.into),
      provided: lastLine(shown.providers.presences.find(({ object }) => exported.path.startsWith(object.slice(0, -1)))),
      isOld: shown.isOld,
      wasCalled: shown.wasCalled,
      ...blamed,
      repairs,
      witness: witnessOf(pair.arch, settings),
      config,
      object: shown.object.object,
      builds: buildsOf(pair.arch, config, how, shown),
      values: claimed,
      archs: [pair.arch],
    };
  }

  /** The line of the series behind it; undefined where none can be named. */
  #blame(
    pair: ArchPair,
    owner: KSymbol,
    needed: readonly KSymbol[],
    config: string,
  ): Pick<Gap, 'anchor' | 'blamed'> | undefined {
    const { pool, lines, readers } = this.#change;
    const upgrade = new Upgrade(pool, pair.before, pair.after, pair.changes, readers);
    const own = pair.changes.get(owner.name);
    if (own && !own.before) {
      const { path, line } = owner.declarations[0]!;
      const anchor = lines.added(path, line, lineAt(this.#change, 'after', path, line));
      if (anchor) return { anchor, blamed: { ...placeAt(this.#change, path, line), side: 'after', isQuoted: true } };
    }
    for (const { property, side, text } of blamedLines(upgrade, pair.changes, [owner, ...needed], config)) {
      const { path, line } = property;
      const told = lines.told(side, path, line, text);
      if (told) return { anchor: told.anchor, blamed: { path, line, text, side, isQuoted: told.isQuoted } };
    }
    return undefined;
  }

  async #lineOf(path: string, line: number): Promise<string> {
    const text = (await this.#change.after.tree.read([path])).get(path) ?? '';
    return (text.split('\n', line)[line - 1] ?? '').trim();
  }
}

/** One call stands for all: they lack the same objects. */
function buildsOf(
  arch: Arch,
  config: string,
  how: Gap['how'],
  { object, use, providers, into }: Found,
): BuildQuestion[] {
  const asked = { arch, config, object: object.object, name: use.name };
  const presences = providers.presences.map((one) => one.object);
  return how === 'compile'
    ? [{ ...asked, expects: 'error' }]
    : [{ ...asked, expects: how === 'link' ? 'undefined-reference' : 'either', into, providers: presences }];
}

function symbolsIn(pair: ArchPair, pool: KernelChange['pool'], goals: readonly Goal[]): KSymbol[] {
  const found = new Set<KSymbol>();
  for (const { expr } of goals)
    pool.symbolsOf(expr, (id) => {
      const symbol = pair.after.symbols[id];
      if (symbol && symbol.declarations.length > 0) found.add(symbol);
    });
  return [...found];
}

/** Symbols on which the providers hang, that of the object's own line first. */
function neededBy(pair: ArchPair, pool: KernelChange['pool'], { presences }: Providers): KSymbol[] {
  const found = new Set<KSymbol>();
  for (const { ways } of presences)
    for (const { lines } of ways)
      for (const { text } of lines.toReversed())
        for (const [, name] of text.matchAll(/\bCONFIG_(\w+)/g)) {
          const id = pool.findSymbol(name!);
          const symbol = id === undefined ? undefined : pair.after.symbols[id];
          if (symbol && symbol.declarations.length > 0) found.add(symbol);
        }
  return [...found];
}

function lastLine(presence: Presence | undefined, into?: Into): Place {
  const way = presence?.ways.find(({ destination }) => destination === into) ?? presence?.ways[0];
  const line: MakefileLine | undefined =
    way?.lines.findLast(({ text }) => text.includes('CONFIG_')) ?? way?.lines.at(-1);
  return line ? { path: line.path, line: line.line, text: line.text.trim() } : { path: '', line: 0, text: '' };
}

/** Other entries of the same cause that are named, and shown to conf. */
const FEW_OTHERS = 4;

function candidate(change: KernelChange, gaps: readonly Gap[]): Candidate {
  const [shown, ...others] = gaps.toSorted(
    (a, b) =>
      Number(b.repairs.length > 0) - Number(a.repairs.length > 0) ||
      b.archs.length - a.archs.length ||
      b.calls.length - a.calls.length ||
      (a.key < b.key ? -1 : 1),
  ) as [Gap, ...Gap[]];
  const named = others.slice(0, FEW_OTHERS);
  const { owner, needed, into, how, object, calls, built, provided, blamed, repairs, witness, isOld, values } = shown;
  const severity: Severity = gaps.some((gap) => gap.isOld) ? 'regression' : 'missing-dependency';
  const { commit } = change.after;
  return {
    key: `missing-dependency ${shown.key}`,
    severity,
    symbols: [...new Set([owner, needed[0]!, ...named.flatMap((gap) => gap.needed.slice(0, 1))])],
    anchor: shown.anchor,
    claim: {
      owner,
      needed: needed.slice(0, 1),
      into,
      how,
      object,
      calls,
      built,
      provided,
      isOld,
      blamed,
      repairs,
      values,
      archs: [...shown.archs].sort(),
      others: named.map((gap) => ({ needed: gap.needed[0]!, name: gap.calls[0]!.name })),
      notTried: others.length - named.length,
    },
    evidence: [...calls, ...calls.map(({ exported }) => exported), built, provided].map(
      ({ path, line, text }): Evidence => ({ kind: 'source', side: 'after', commit, path, line, text }),
    ),
    witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((gap) => confirm(conf, gap)))).flat(),
    builds: [shown, ...named].flatMap((gap) => gap.builds),
  };
}

/** The values come out with the series; without it they do not, or the code was not there. */
function confirm(conf: Conf, { config, values, wasCalled, witness: { arch } }: Gap): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, run) => {
    const got = values.map(({ symbol }) => ({ symbol, value: valueOn(lineOf(run.config ?? '', symbol)) ?? 'n' }));
    const isSame = run.exitCode === 0 && got.every(({ value }, i) => value === values[i]!.value);
    return {
      excerpt: run.exitCode === 0 ? got.map(({ symbol, value }) => `${symbol}=${value}`).join(' ') : run.stderr,
      agrees: run.exitCode === 0 && (side === 'after' ? isSame : !wasCalled || !isSame),
    };
  });
}
