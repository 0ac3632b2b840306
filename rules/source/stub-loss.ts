/**
 * What a function loses to a stub on one architecture, with all that a reply says of it: the way to the stub, the
 * return that it forces, what is needed now and what that takes, and which existing configurations lack it.
 */

import type { BuildQuestion } from '../build-question.ts';
import type { Presence } from '../kbuild/presence.ts';
import { readConfig } from '../kconfig/dotconfig.ts';
import { YES } from '../kconfig/expr.ts';
import { gapRepairs } from '../kconfig/gap-repairs.ts';
import type { KSymbol } from '../kconfig/model.ts';
import { SymbolType } from '../kconfig/parse.ts';
import type { Repair } from '../kconfig/repairs.ts';
import { type Goal, meets } from '../kconfig/solve.ts';
import { Values } from '../kconfig/values.ts';
import { whatItTakes } from '../kconfig/what-it-takes.ts';
import { fragment } from '../kconfig/witness.ts';
import type { ArchPair, ExistingConfig, KernelChange, Undecided } from '../rule.ts';
import { helpingBoth, lineAt, onAll, type Place, witnessOf } from '../told.ts';
import type { Anchor, Arch, Witness } from '../types.ts';
import { symbolsOf } from './c-condition.ts';
import { inWords } from './c-constant.ts';
import { entriesOf } from './c-entries.ts';
import type { FunctionDef } from './control-flow.ts';
import type { StubEffect } from './stub-effect.ts';
import type { Call, Chain, StubSearch } from './stub-search.ts';
import { type Situation, StubSituations } from './stub-situation.ts';

interface Step extends Place {
  readonly callee: string;
  /** The patch that adds it; null where the call was there before. */
  readonly patch: number | null;
}

type Lost = StubEffect & { readonly verdict: 'lost' };

/** A function that loses an end, on some architectures. */
export interface Loss {
  readonly key: string;
  readonly function: string;
  readonly at: Place;
  readonly chain: readonly Step[];
  readonly stub: Place & { readonly gives: string };
  readonly ends: Place;
  readonly lost: Place & { readonly isStillReached: boolean };
  readonly owner: string | null;
  readonly anchor: Anchor;
  readonly needed: readonly string[];
  readonly takes: readonly Place[];
  /** Architectures that can never have what is needed, and the lines that say so; none where nothing declares it. */
  readonly never: readonly { readonly archs: readonly Arch[]; readonly lines: readonly Place[] }[];
  readonly losers: readonly ExistingConfig[];
  readonly repairs: readonly Repair[];
  readonly witness: Witness;
  readonly config: string;
  /** What a build is to show. */
  readonly builds: readonly BuildQuestion[];
  readonly before: Settings;
  readonly after: Settings;
  readonly archs: readonly Arch[];
}

/** Values that the finding rests on. */
type Settings = readonly { readonly symbol: string; readonly value: string }[];

/** Losses of the same function by the same need, on other architectures each. */
export function joined(a: Loss, b: Loss): Loss {
  return {
    ...onAll(a, b),
    repairs: helpingBoth(a, b),
    never: sameLines([...a.never, ...b.never]),
    losers: [...a.losers, ...b.losers],
  };
}

/** Architectures for which the same lines say it are told once; the largest group first. */
function sameLines(never: Loss['never']): Loss['never'] {
  return [...Map.groupBy(never, ({ lines }) => JSON.stringify(lines)).values()]
    .map((some) => ({ archs: some.flatMap(({ archs }) => archs).sort(), lines: some[0]!.lines }))
    .sort((a, b) => b.archs.length - a.archs.length);
}

export class StubLosses {
  readonly #change: KernelChange;
  readonly #search: StubSearch;
  readonly #undecided = new Map<string, string>();

  constructor(change: KernelChange, search: StubSearch) {
    this.#change = change;
    this.#search = search;
  }

  /** Notes what is not decided. */
  leave(key: string, why: string): void {
    this.#undecided.set(key, why);
  }

  undecided(): Undecided[] {
    return [...this.#undecided].map(([key, why]) => ({ key, why }));
  }

  /** Losses on one architecture, one for each function and what it needs. */
  async look(pair: ArchPair, chains: readonly Chain[]): Promise<Loss[]> {
    const situations = new StubSituations(this.#change, this.#search, pair);
    const found = new Map<string, Loss>();
    for (const chain of chains) {
      if (found.has(keyOf(chain))) continue;
      const loss = await this.#lossOf(pair, situations, chain, 0);
      if (loss && !found.has(loss.key)) found.set(loss.key, loss);
    }
    return [...found.values()];
  }

  async #lossOf(pair: ArchPair, situations: StubSituations, chain: Chain, climbed: number): Promise<Loss | undefined> {
    const { lost, why } = await effectsOf(situations, chain);
    const [first] = lost;
    if (first) {
      if (climbed === 0 && !(await this.#reachesUsers(situations, chain))) return undefined;
      return await this.#told(
        pair,
        chain,
        lost.map(({ situation }) => situation),
        first.effect,
      );
    }
    if (why === undefined) return undefined;
    for (const longer of isForCallers(why) && climbed < MOST_CLIMBED ? await this.#search.callersOf(chain) : []) {
      const loss = await this.#lossOf(pair, situations, longer, climbed + 1);
      if (loss) return loss;
    }
    this.leave(keyOf(chain), why);
    return undefined;
  }

  /**
   * Whether somebody sees the failure. A static function that is only called has the callers of its file alone: where
   * all of them go on without it, or never call it there, nothing is lost.
   */
  async #reachesUsers(situations: StubSituations, chain: Chain): Promise<boolean> {
    const { path, function: one } = chain.of.after;
    const read = one.static ? await this.#change.after.c.file(path) : undefined;
    if (!read?.ok || entriesOf(read.file).some(({ name }) => name === one.name)) return true;
    const callers = await this.#search.callersOf(chain);
    if (callers.length === 0) return true;
    for (const longer of callers) if (await this.#losesToo(situations, longer, 1)) return true;
    this.leave(keyOf(chain), 'callers');
    return false;
  }

  /** Whether a caller loses something, or one of its own does where its result says nothing. */
  async #losesToo(situations: StubSituations, chain: Chain, climbed: number): Promise<boolean> {
    const { lost, why } = await effectsOf(situations, chain);
    if (lost.length > 0) return true;
    if (why === undefined || !isForCallers(why) || climbed >= MOST_CLIMBED) return false;
    for (const longer of await this.#search.callersOf(chain))
      if (await this.#losesToo(situations, longer, climbed + 1)) return true;
    return false;
  }

  /** Undefined where no configuration works without the series, or a fact cannot be told. */
  async #told(pair: ArchPair, chain: Chain, situations: readonly Situation[], effect: Lost): Promise<Loss | undefined> {
    const { pool } = this.#change;
    const solver = pair.solver('after');
    const { goals: any, goalsBefore, built, object, into } = situations[0]!;
    if (solver.solve(any).verdict !== 'possible') return undefined;
    const { values } = solver;
    const named = symbolsOf(chain.stub.when);
    const symbols = named.flatMap((name) => symbolNamed(pair, pool, name) ?? []);
    const undeclared = named.filter((name) => !symbols.some((symbol) => symbol.name === name));
    // a number is not off
    if (symbols.some(({ type }) => type !== SymbolType.bool && type !== SymbolType.tristate)) return undefined;
    // what is told is that they are off, not that they are out of reach
    const isOn = new Set(symbols.filter((symbol) => values.tristate(symbol) === YES));
    const lacking = symbols.filter((symbol) => !isOn.has(symbol));
    const off: Goal[] = lacking.map(({ id }) => ({ expr: pool.symbol(id), level: 1, holds: false }));
    const needed = [...lacking.map(({ name }) => name), ...undeclared];
    const goals = [...any, ...off];
    const answer = solver.solve(goals);
    if (answer.verdict !== 'possible' || needed.length === 0) return undefined;
    const config = fragment(answer.settings);
    const after = settingsIn(pair.after, pool, goals, solver.values);
    const valuesBefore = new Values(pool, pair.before);
    readConfig(valuesBefore, config, '.config');
    valuesBefore.restart();
    if (!meets(valuesBefore, goalsBefore)) return undefined;
    const before = settingsIn(pair.before, pool, goalsBefore, valuesBefore);
    const owner = ownerOf(pair, pool, object, into);
    const [only] = lacking;
    const takes =
      only && needed.length === 1
        ? whatItTakes(solver, built, only, (path, line) => lineAt(this.#change, 'after', path, line))
        : undefined;
    const isNever = undeclared.length > 0 || takes?.isNever === true;
    const { of } = chain;
    const last = effect.trail.at(-1)!;
    const [exit] = effect.lostExits;
    if (exit?.after.length === undefined || exit.after.length === 0) return undefined;
    const anchor = await this.#anchor(chain, owner);
    if (!anchor) return undefined;
    const [at, ends, lost, stub] = await Promise.all([
      this.#place('after', of.after.path, of.after.function.line),
      this.#place('after', last.path, last.line),
      this.#place('after', of.after.path, exit.after.at(-1)!),
      this.#place('after', chain.stub.path, chain.stub.line),
    ]);
    return {
      key: keyOf(chain),
      function: of.after.function.name,
      at,
      chain: await Promise.all(chain.calls.map((call, i) => this.#step(call, chain.calls[i + 1]?.caller))),
      stub: { ...stub, gives: inWords(chain.stub.constant!) },
      ends,
      lost: { ...lost, isStillReached: exit.isStillReached },
      owner: owner?.name ?? null,
      anchor,
      needed,
      takes: takes?.lines ?? [],
      never: isNever ? [{ archs: [pair.arch], lines: takes?.reasons ?? [] }] : [],
      losers: this.#losers(pair, situations, off),
      repairs: owner
        ? gapRepairs(
            solver,
            situations.map((one) => one.goals),
            owner,
            lacking,
          )
        : [],
      witness: witnessOf(pair.arch, answer.settings),
      config,
      builds: buildsOf(pair.arch, config, chain),
      before,
      after,
      archs: [pair.arch],
    };
  }

  /** Existing configurations that come to the stub, and had the function without the series. */
  #losers(pair: ArchPair, situations: readonly Situation[], off: readonly Goal[]): ExistingConfig[] {
    const { pool, configs } = this.#change;
    const [before, after] = [new Values(pool, pair.before), new Values(pool, pair.after)];
    return configs.filter(({ arch, text, textAfter }) => {
      if (arch !== pair.arch) return false;
      readConfig(after, textAfter, '.config');
      after.restart();
      const lost = meets(after, off) ? situations.filter(({ goals }) => meets(after, goals)) : [];
      if (lost.length === 0) return false;
      readConfig(before, text, '.config');
      before.restart();
      return lost.some(({ goalsBefore }) => meets(before, goalsBefore));
    });
  }

  /**
   * Where a reviewer would say it: under a line of the owner's Kconfig entry, where the patch that closes the chain
   * changes one; else under the call that this patch adds, or beside the call that is now reached.
   */
  async #anchor(chain: Chain, owner: KSymbol | undefined): Promise<Anchor | undefined> {
    const { lines, after } = this.#change;
    const calls: Anchor[] = [];
    for (const { caller, site } of chain.calls) {
      const anchor = lines.added(caller.path, site.line, await this.#lineOf('after', caller.path, site.line));
      if (anchor) calls.push(anchor);
    }
    // of two in one patch, the one in the function that was there before
    const [call] = calls.sort((a, b) => b.patch - a.patch);
    const [{ caller, site }] = chain.calls as [Call];
    if (!call) return lines.near(caller.path, site.line, NEAR_LINES);
    for (const { path, line } of owner?.declarations ?? []) {
      const texts = after.kconfig.files.get(path)?.text.split('\n') ?? [];
      for (let at = line; at === line || isInEntry(texts[at - 1]); at++) {
        const anchor = lines.added(path, at, texts[at - 1]!);
        if (anchor?.patch === call.patch) return anchor;
      }
    }
    return call;
  }

  /** `next`: the function around the call that follows, which tells what a pointer points to. */
  async #step({ caller, site }: Call, next: FunctionDef | undefined): Promise<Step> {
    const place = await this.#place('after', caller.path, site.line);
    const raw = await this.#lineOf('after', caller.path, site.line);
    const anchor = this.#change.lines.added(caller.path, site.line, raw);
    return { ...place, callee: (site.isPointer && next?.function.name) || site.callee, patch: anchor?.patch ?? null };
  }

  async #place(side: 'before' | 'after', path: string, line: number): Promise<Place> {
    return { path, line, text: (await this.#lineOf(side, path, line)).trim() };
  }

  async #lineOf(side: 'before' | 'after', path: string, line: number): Promise<string> {
    const text = (await this.#change[side].tree.read([path])).get(path) ?? '';
    return text.split('\n', line)[line - 1] ?? '';
  }
}

/** What the stub does to the chain's function, in all situations; `why`: of one that is not decided. */
async function effectsOf(
  situations: StubSituations,
  chain: Chain,
): Promise<{ readonly lost: readonly { situation: Situation; effect: Lost }[]; readonly why: string | undefined }> {
  const lost: { situation: Situation; effect: Lost }[] = [];
  let why: string | undefined;
  for (const asked of await situations.of(chain)) {
    const { effect, situation } = await situations.effect(chain, asked);
    if (effect.verdict === 'lost') lost.push({ situation, effect });
    else if (effect.verdict === 'undecided') why ??= effect.why;
  }
  return { lost, why };
}

const isForCallers = (why: string): boolean => why === 'result' || why === 'void';

/** The object that calls the stub; none where a header does, since then no line of the object itself shows it. */
function buildsOf(arch: Arch, config: string, { calls, stub: { path, line } }: Chain): BuildQuestion[] {
  const { caller, site } = calls.at(-1)!;
  if (!caller.path.endsWith('.c') || site.isPointer) return [];
  const object = caller.path.replace(/c$/, 'o');
  return [{ arch, config, object, name: site.callee, expects: 'stub-in-force', stub: { path, line } }];
}

/** A condition that changed stands no further from the call. */
const NEAR_LINES = 10;

/** Properties and help of a Kconfig entry are indented; a blank line may stand between. */
const isInEntry = (text: string | undefined): boolean => text !== undefined && /^(?:\s|$|#)/.test(text);

/** Callers that are asked in place of a function whose result says nothing by itself. */
const MOST_CLIMBED = 3;

function keyOf({ of: { after }, stub }: Chain): string {
  return `${symbolsOf(stub.when).join(' ')} ${after.path} ${after.function.name}`;
}

function symbolNamed(pair: ArchPair, pool: KernelChange['pool'], name: string): KSymbol | undefined {
  const id = pool.findSymbol(name);
  const symbol = id === undefined ? undefined : pair.after.symbols[id];
  return symbol && symbol.declarations.length > 0 ? symbol : undefined;
}

function settingsIn(
  model: ArchPair['after'],
  pool: KernelChange['pool'],
  goals: readonly Goal[],
  values: Values,
): Settings {
  const found = new Map<string, string>();
  for (const { expr } of goals)
    pool.symbolsOf(expr, (id) => {
      const symbol = model.symbols[id];
      if (symbol && symbol.declarations.length > 0) found.set(symbol.name, values.text(symbol));
    });
  return [...found].map(([symbol, value]) => ({ symbol, value }));
}

/** The symbol of the object's own line. */
function ownerOf(
  pair: ArchPair,
  pool: KernelChange['pool'],
  { ways }: Presence,
  into: Situation['into'],
): KSymbol | undefined {
  const way = ways.find(({ destination }) => destination === into);
  for (const { text } of way?.lines.toReversed() ?? [])
    for (const [, name] of text.matchAll(/\bCONFIG_(\w+)/g)) {
      const symbol = symbolNamed(pair, pool, name!);
      if (symbol) return symbol;
    }
  return undefined;
}
