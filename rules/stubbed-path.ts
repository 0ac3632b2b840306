import { onBothSides } from './both-sides.ts';
import { grouped } from './config-groups.ts';
import type { Presence } from './kbuild/presence.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { readConfig } from './kconfig/dotconfig.ts';
import { YES } from './kconfig/expr.ts';
import { gapRepairs } from './kconfig/gap-repairs.ts';
import type { KSymbol } from './kconfig/model.ts';
import type { Repair } from './kconfig/repairs.ts';
import type { Goal } from './kconfig/solve.ts';
import { Values } from './kconfig/values.ts';
import { whatItTakes } from './kconfig/what-it-takes.ts';
import { fragment } from './kconfig/witness.ts';
import {
  type ArchPair,
  type Candidate,
  type Conf,
  defineRule,
  type ExistingConfig,
  type KernelChange,
  type Undecided,
} from './rule.ts';
import { symbolsOf } from './source/c-condition.ts';
import type { Constant } from './source/c-constant.ts';
import type { FunctionDef } from './source/control-flow.ts';
import type { StubEffect } from './source/stub-effect.ts';
import { type Call, type Chain, StubSearch } from './source/stub-search.ts';
import { type Situation, StubSituations } from './source/stub-situation.ts';
import { helpingBoth, lineAt, onAll, type Place, witnessOf } from './told.ts';
import type { Anchor, Arch, Attempt, Evidence, Witness } from './types.ts';

export default defineRule({
  id: 'stubbed-path',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A function that was there before the series and that now, itself or through functions of the series,
calls something of which a header has only a stub in some configuration: and there the stub's constant
keeps it from an end that it came to before.
## Why it matters
Everything compiles and links. What worked in that configuration fails at run time, and nothing in
Kconfig says that it needs one more option.
## Example
vfio_pci_core_mmap() calls a new helper that calls pcim_p2pdma_provider(), which without PCI_P2PDMA
returns NULL: mapping a BAR, which needed VFIO_PCI_CORE alone, needs PCI_P2PDMA.
## Instead
Keep the old way where the option is off, move what is needed out from under the option, or say in
Kconfig what the code depends on.
## What it misses
New drivers that never worked without an option. Stubs in .c files of their own and weak functions.
Functions whose result is not told by convention (bool, void), unless their callers in the same file
show it. What only a changed Kconfig line or makefile brings about. Code in headers.`,

  begin(change) {
    const search = new StubSearch(change);
    const chains = search.chains();
    // whoever asks first gets the error
    chains.catch(() => undefined);
    const telling = new Telling(change, search);
    const found = new Map<string, Loss>();
    return {
      wantsArchs: async () => (await chains).length > 0,
      async onArch(pair) {
        const some = await chains;
        if (some.length === 0 || pair.isCircular) return;
        for (const one of await telling.look(pair, some)) {
          const known = found.get(one.key);
          found.set(one.key, known ? joined(known, one) : one);
        }
      },
      finish: () =>
        [...Map.groupBy(found.values(), ({ needed }) => needed.join(' ')).values()].map((losses) =>
          candidate(change, losses),
        ),
      undecided: () => telling.undecided(),
    };
  },
});

interface Step extends Place {
  readonly callee: string;
  /** The patch that adds it; null where the call was there before. */
  readonly patch: number | null;
}

type Lost = StubEffect & { readonly verdict: 'lost' };

/** A function that loses an end, on some architectures. */
interface Loss {
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
  readonly before: Settings;
  readonly after: Settings;
  readonly archs: readonly Arch[];
}

/** Values that the finding rests on. */
type Settings = readonly { readonly symbol: string; readonly value: string }[];

function joined(a: Loss, b: Loss): Loss {
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

class Telling {
  readonly #change: KernelChange;
  readonly #search: StubSearch;
  readonly #undecided = new Map<string, string>();

  constructor(change: KernelChange, search: StubSearch) {
    this.#change = change;
    this.#search = search;
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
    const lost: { readonly situation: Situation; readonly effect: Lost }[] = [];
    const undecided: string[] = [];
    for (const situation of await situations.of(chain)) {
      const effect = await situations.effect(chain, situation);
      if (effect.verdict === 'lost') lost.push({ situation, effect });
      else if (effect.verdict === 'undecided') undecided.push(effect.why);
    }
    const [first] = lost;
    if (first)
      return await this.#told(
        pair,
        chain,
        lost.map(({ situation }) => situation),
        first.effect,
      );
    const [why] = undecided;
    if (why === undefined) return undefined;
    const isForCallers = why === 'result' || why === 'void';
    for (const longer of isForCallers && climbed < MOST_CLIMBED ? await this.#search.callersOf(chain) : []) {
      const loss = await this.#lossOf(pair, situations, longer, climbed + 1);
      if (loss) return loss;
    }
    this.#undecided.set(keyOf(chain), why);
    return undefined;
  }

  /** Undefined where no configuration works without the series, or a fact cannot be told. */
  async #told(pair: ArchPair, chain: Chain, situations: readonly Situation[], effect: Lost): Promise<Loss | undefined> {
    const { pool } = this.#change;
    const solver = pair.solver('after');
    const { goals: any, builtBefore, built, object, into } = situations[0]!;
    if (solver.solve(any).verdict !== 'possible') return undefined;
    const { values } = solver;
    const named = symbolsOf(chain.stub.when);
    const symbols = named.flatMap((name) => symbolNamed(pair, pool, name) ?? []);
    const undeclared = named.filter((name) => !symbols.some((symbol) => symbol.name === name));
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
    if (!meets(valuesBefore, builtBefore)) return undefined;
    const before = settingsIn(pair.before, pool, builtBefore, valuesBefore);
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
      return lost.some(({ builtBefore }) => meets(before, builtBefore));
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

/** A condition that changed stands no further from the call. */
const NEAR_LINES = 10;

/** Properties and help of a Kconfig entry are indented; a blank line may stand between. */
const isInEntry = (text: string | undefined): boolean => text !== undefined && /^(?:\s|$|#)/.test(text);

/** Callers that are asked in place of a function whose result says nothing by itself. */
const MOST_CLIMBED = 3;

function keyOf({ of: { after }, stub }: Chain): string {
  return `${symbolsOf(stub.when).join(' ')} ${after.path} ${after.function.name}`;
}

function meets(values: Values, goals: readonly Goal[]): boolean {
  return goals.every(({ expr, level, holds }) => values.expr(expr) >= level === holds);
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

function inWords(constant: Constant): string {
  switch (constant.k) {
    case 'null':
      return 'NULL';
    case 'errno':
      return `-${constant.errno}`;
    case 'err-ptr':
      return `ERR_PTR(-${constant.errno})`;
    case 'name':
      return constant.name;
    case 'bool':
    case 'int':
      return String(constant.value);
    case 'zero':
      return 'zeroes';
    case 'void':
      return 'nothing';
  }
}

/** Other functions of the same cause that are named, and whose configurations are shown to conf. */
const FEW_OTHERS = 4;

function candidate(change: KernelChange, losses: readonly Loss[]): Candidate {
  const [shown, ...others] = losses.toSorted(
    (a, b) => a.chain.length - b.chain.length || b.archs.length - a.archs.length || (a.key < b.key ? -1 : 1),
  ) as [Loss, ...Loss[]];
  const named = others.slice(0, FEW_OTHERS);
  const { owner, needed, chain, stub, ends, lost, takes, witness } = shown;
  const told = shown.never.flatMap(({ lines }) => lines.map(({ path, line }) => `${path}:${line}`));
  const losers = [...new Set(losses.flatMap((loss) => loss.losers))];
  const { commit } = change.after;
  return {
    key: `stubbed-path ${needed.join(' ')} ${shown.at.path} ${shown.function}`,
    symbols: [...new Set([...(owner === null ? [] : [owner]), ...needed])],
    anchor: shown.anchor,
    claim: {
      function: shown.function,
      at: shown.at,
      chain,
      stub,
      ends,
      lost,
      owner,
      needed,
      takes: takes.filter(({ path, line }) => !told.includes(`${path}:${line}`)),
      never: shown.never,
      neverTotal: shown.never.reduce((total, { archs }) => total + archs.length, 0),
      archs: [...shown.archs].sort(),
      configs: { count: losers.length, total: change.configs.length, groups: grouped(losers) },
      repairs: shown.repairs,
      others: named.map(({ function: name, at: { path, line } }) => ({ function: name, path, line })),
      notTried: others.length - named.length,
    },
    evidence: [shown.at, ...chain, stub, ends, ...takes].map(
      ({ path, line, text }): Evidence => ({ kind: 'source', side: 'after', commit, path, line, text }),
    ),
    witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((loss) => confirm(conf, loss)))).flat(),
  };
}

/** The function is there on both sides, and what it needs is off with the series. */
function confirm(conf: Conf, { config, before, after, witness: { arch } }: Loss): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, run) => {
    const expected = side === 'before' ? before : after;
    const got = expected.map(({ symbol }) => ({ symbol, value: valueOn(lineOf(run.config ?? '', symbol)) ?? 'n' }));
    return {
      excerpt: run.exitCode === 0 ? got.map(({ symbol, value }) => `${symbol}=${value}`).join(' ') : run.stderr,
      agrees: run.exitCode === 0 && got.every(({ value }, i) => value === expected[i]!.value),
    };
  });
}
