import { onBothSides } from './both-sides.ts';
import { changesCode } from './changed-code.ts';
import { BuiltFor } from './kbuild/built-for.ts';
import { namesWith, offLineOf } from './kbuild/off-line.ts';
import type { Presence } from './kbuild/presence.ts';
import { propertyLine } from './kconfig/cause.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { NO, type SymbolId } from './kconfig/expr.ts';
import type { Setting } from './kconfig/justify.ts';
import { type DroppedCondition, type NewlyOn, newlyOn } from './kconfig/newly-on.ts';
import { Platforms } from './kconfig/platforms.ts';
import type { Goal, Solver } from './kconfig/solve.ts';
import { type BothSides, withoutPlatform } from './kconfig/without-platform.ts';
import { applySettings, fragment } from './kconfig/witness.ts';
import { type ArchPair, type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { helpingBoth, onAll, type Place, witnessOf } from './told.ts';
import type { Anchor, Arch, Attempt, Evidence, Patch, Side, Witness } from './types.ts';

export default defineRule({
  id: 'over-exposed',
  severity: 'missing-dependency',
  rung: 2,
  doc: `
## What it finds
A symbol that can be on where its own conditions did not allow it before, because the series drops
or weakens one of them ("depends on", an enclosing "if", the "if" of a prompt or default), and there
nothing is built of what it stands for, or every platform that its dependency named is off.
## Why it matters
Everybody is asked about a driver that only one SoC has, or sets an option that does nothing.
## Example
config PINCTRL_FOO loses "depends on ARCH_FOO || COMPILE_TEST" and is offered on every machine.
## Instead
Keep the condition, or put the new platform beside the old one.
## What it misses
Platforms that no dependency of the tree names as an alternative to COMPILE_TEST, and drivers below arch/. A
COMPILE_TEST that is added is meant to offer a driver without its platform: who has that on is told
only where nothing is built, and what does not compile there missing-dependency and build-error tell. Of
platforms it says nothing where the patch does not hide it: its log names the platform that goes or
says that a dependency does, it is a revert, or the series changes code beside or below the Kconfig
file, as one that makes a driver generic does. Of what is built it says nothing where that cannot be
told: very many lines name the symbol, or one of something else than objects (flags of the whole
kernel, boot code, linker scripts, Rust, device trees), or objects hang on the compiler; nor after the
first eight such symbols of a series whose objects are not listed beside their entry. Code that is
built and does nothing.`,

  begin(change) {
    const state = new State(change);
    const found = new Map<string, Exposure>();
    return {
      async onArch(pair) {
        if (pair.changes.size === 0 || pair.isCircular) return;
        for (const one of await look(change, pair, state)) {
          const known = found.get(one.key);
          found.set(one.key, known ? { ...onAll(known, one), repairs: helpingBoth(known, one) } : one);
          await pair.expectConf();
        }
      },
      finish() {
        const byLine = Map.groupBy(
          found.values(),
          ({ state, anchor: { patch, file, line } }) => `${state} ${patch} ${file}:${line}`,
        );
        return [...byLine.values()].map((exposures) => candidate(change, exposures));
      },
    };
  },
});

/** An object that is not built, with the line of a makefile that says when it is, and what is off there. */
interface Unbuilt extends Place {
  readonly object: string;
  readonly off: readonly string[];
}

/** A line of the symbol's entry. */
interface Repair {
  readonly text: string;
  /** In place of the one that the series puts there. */
  readonly isInstead: boolean;
}

/** A symbol that can be on where it makes no sense. */
interface Exposure {
  /** Equal for the same exposure on another architecture. */
  readonly key: string;
  /** What its comment says beside its symbol. */
  readonly state: string;
  readonly symbol: string;
  readonly kind: 'not-built' | 'no-platform';
  readonly anchor: Anchor;
  readonly dropped: readonly (Place & { readonly isQuoted: boolean })[];
  /** What the dropped conditions named, and is off: platforms, or what the objects hang on. */
  readonly off: readonly string[];
  readonly objects: readonly Unbuilt[];
  readonly isAsked: boolean;
  readonly repairs: readonly Repair[];
  readonly witness: Witness;
  /** Text of the .config. */
  readonly config: string;
  readonly archs: readonly Arch[];
}

/** Symbols looked at on one architecture. */
const MOST_SYMBOLS = 200;

/** Kept over all architectures. */
class State {
  readonly builtFor: BuiltFor;
  readonly #change: KernelChange;
  #platforms: BothSides<Platforms> | undefined;

  constructor(change: KernelChange) {
    this.#change = change;
    this.builtFor = new BuiltFor(change);
  }

  get platforms(): BothSides<Platforms> {
    const { pool, before, after } = this.#change;
    this.#platforms ??= {
      before: new Platforms(pool, before.kconfig.files),
      after: new Platforms(pool, after.kconfig.files),
    };
    return this.#platforms;
  }
}

async function look(change: KernelChange, pair: ArchPair, state: State): Promise<Exposure[]> {
  const found: Exposure[] = [];
  let left = MOST_SYMBOLS;
  for (const one of pair.changes.values()) {
    if (left === 0) break;
    const widened = newlyOn(pair.solver('after'), one);
    if (!widened) continue;
    left--;
    const exposure = (await notBuilt(change, pair, state, widened)) ?? onEveryMachine(change, pair, state, widened);
    if (exposure) found.push(exposure);
  }
  return found;
}

// ---------------------------------------------------------------- nothing is built

async function notBuilt(
  change: KernelChange,
  pair: ArchPair,
  { builtFor }: State,
  widened: NewlyOn,
): Promise<Exposure | undefined> {
  const { before, after, goals } = widened;
  const solver = pair.solver('after');
  const near = await builtFor.near(pair, 'after', after);
  if (!near || solver.isPossible([...goals, ...builtFor.noneOf(near)]) !== true) return undefined;
  const objects = await builtFor.all(pair, 'after', after);
  if (!objects || objects.length === 0) return undefined;
  // What it does to other symbols may be all that it is for.
  if (near.length === 0 && [...change.readers.of(after.id)].some((id) => id !== after.id)) return undefined;
  const now = [...goals, ...builtFor.noneOf(objects)];
  if (solver.isPossible(now) !== true) return undefined;
  const objectsBefore = await builtFor.all(pair, 'before', before);
  if (!objectsBefore) return undefined;
  const then: Goal[] = [
    { expr: change.pool.symbol(before.id), level: 1, holds: true },
    ...builtFor.noneOf(objectsBefore),
  ];
  if (pair.solver('before').isPossible(then) !== false) return undefined;
  return told(change, pair, widened, { kind: 'not-built', goals: now, objects, platforms: [] });
}

/** The line that keeps an object from being built, where `values` are those of the configuration. */
function unbuilt(presence: Presence, solver: Solver): Unbuilt {
  const line = offLineOf(presence, solver)!;
  return {
    object: presence.object,
    path: line.path,
    line: line.line,
    text: line.text.trim(),
    off: namesWith(line, NO, solver),
  };
}

// ---------------------------------------------------------------- no platform

function onEveryMachine(
  change: KernelChange,
  pair: ArchPair,
  { platforms }: State,
  widened: NewlyOn,
): Exposure | undefined {
  const { before, after } = widened;
  // Parts of an architecture are no drivers.
  if ([...before.declarations, ...after.declarations].some(({ path }) => path.startsWith('arch/'))) return undefined;
  const solvers = { before: pair.solver('before'), after: pair.solver('after') };
  const found = withoutPlatform(widened, platforms, solvers);
  if (!found) return undefined;
  const { goals, lost } = found;
  const exposure = told(change, pair, widened, { kind: 'no-platform', goals, objects: [], platforms: lost });
  if (!exposure) return undefined;
  const { patches } = change.series;
  // another patch may be the one that makes it generic
  if (patches.some(({ n }) => changesCode(change.series, { ...exposure.anchor, patch: n }))) return undefined;
  const patch = patches.find(({ n }) => n === exposure.anchor.patch)!;
  return isSaid(patch, exposure.off) ? undefined : exposure;
}

/** The patch's own words name a platform that goes, or say that a dependency does: nothing is hidden from who reads it. */
function isSaid({ title, log }: Patch, platforms: readonly string[]): boolean {
  if (/^Revert\b/i.test(title)) return true;
  // a sentence ends with its paragraph, or its item of a list
  const sentences = [title, ...log.split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+[.)])\s)/)];
  return sentences.some(
    (words) =>
      platforms.some((name) => new RegExp(`\\b(?:CONFIG_)?${name}\\b`).test(words)) ||
      /\b(?:drop|remov|relax|loosen|lift|unneed|unnecessar|superfluous|no longer)[^.]*\b(?:dependenc|depends on|restrict)/i.test(
        words,
      ),
  );
}

// ---------------------------------------------------------------- what is told

interface Case {
  readonly kind: Exposure['kind'];
  readonly goals: readonly Goal[];
  readonly objects: readonly Presence[];
  readonly platforms: readonly SymbolId[];
}

function told(
  change: KernelChange,
  pair: ArchPair,
  widened: NewlyOn,
  { kind, goals, objects, platforms }: Case,
): Exposure | undefined {
  const solver = pair.solver('after');
  const answer = solver.solve(goals);
  if (answer.verdict !== 'possible' || isOnBefore(pair, widened, answer.settings)) return undefined;
  const { after } = widened;
  applySettings(solver.values, answer.settings);
  const dropped = widened.dropped
    .filter(({ expr }) => solver.values.expr(expr) === 0)
    .map((one) => ({ condition: one, ...placed(change, one) }))
    .sort((a, b) => Number(b.isQuoted) - Number(a.isQuoted));
  const anchor = dropped.find((one) => one.anchor)?.anchor;
  if (!anchor) return undefined;
  const parts = objects.map((object) => unbuilt(object, solver));
  const names = platforms.map((id) => change.pool.names[id]!);
  const state = `${kind} ${names.toSorted().join(' ')}`;
  return {
    key: `${after.name} ${state}`,
    state,
    symbol: after.name,
    kind,
    anchor,
    dropped: dropped.map(({ path, line, text, isQuoted }) => ({ path, line, text, isQuoted })),
    off: kind === 'no-platform' ? names : [...new Set(parts.flatMap(({ off }) => off))],
    objects: parts,
    isAsked: answer.settings.some(({ symbol }) => symbol.name === after.name),
    repairs: dropped.flatMap(({ condition, text }) => repair(solver, widened, goals, condition, text) ?? []),
    witness: witnessOf(pair.arch, answer.settings),
    config: fragment(answer.settings),
    archs: [pair.arch],
  };
}

/** The configuration has it on without the series as well: by something else that the series changes. */
function isOnBefore(pair: ArchPair, { before }: NewlyOn, settings: readonly Setting[]): boolean {
  const { values, model } = pair.solver('before');
  const known = settings.flatMap(({ symbol, value }) => {
    const old = model.symbols[symbol.id];
    return old && old.declarations.length > 0 ? [{ symbol: old, value }] : [];
  });
  applySettings(values, known);
  return values.tristate(before) > 0;
}

function placed(
  { lines }: KernelChange,
  { property }: DroppedCondition,
): Place & { readonly anchor: Anchor | undefined; readonly isQuoted: boolean } {
  const { path, line } = property;
  const text = propertyLine(property);
  const told = lines.told('before', path, line, text);
  return { path, line, text: text.trim(), anchor: told?.anchor, isQuoted: told?.isQuoted ?? false };
}

/** The dropped condition put back, if that is enough and leaves the symbol possible. */
function repair(
  solver: Solver,
  { after }: NewlyOn,
  goals: readonly Goal[],
  { property: { kind }, expr, isOwn }: DroppedCondition,
  text: string,
): Repair | undefined {
  // A prompt or default is all that there is to repair where nothing else lets the symbol be on.
  const isSole = kind === 'prompt' ? after.defaults.length === 0 : after.prompts.length === 0;
  if (kind !== 'depends on' && !(isOwn && isSole && after.impliedBy.length === 0)) return undefined;
  const holds: Goal = { expr, level: 1, holds: true };
  const isOn: Goal = { expr: solver.pool.symbol(after.id), level: 1, holds: true };
  if (solver.isPossible([...goals, holds]) !== false || solver.isPossible([isOn, holds]) !== true) return undefined;
  return { text: isOwn ? text : `depends on ${solver.pool.print(expr)}`, isInstead: kind !== 'depends on' };
}

/** Other symbols of the same cause that are named, and shown to conf. */
const FEW_OTHERS = 6;
/** Objects that are told of, and evidence. */
const FEW_OBJECTS = 6;

function candidate(change: KernelChange, exposures: readonly Exposure[]): Candidate {
  const [shown, ...others] = exposures.toSorted(
    (a, b) =>
      Number(b.isAsked) - Number(a.isAsked) ||
      b.archs.length - a.archs.length ||
      a.witness.settings.length - b.witness.settings.length ||
      (a.key < b.key ? -1 : 1),
  ) as [Exposure, ...Exposure[]];
  const named = others.slice(0, FEW_OTHERS);
  const objects = shown.objects.slice(0, FEW_OBJECTS);
  const evidence = (side: Side, { path, line, text }: Place): Evidence => ({
    kind: 'source',
    side,
    commit: change[side].commit,
    path,
    line,
    text,
  });
  return {
    key: `over-exposed ${shown.symbol}`,
    symbols: [shown.symbol, ...named.map(({ symbol }) => symbol)],
    anchor: shown.anchor,
    claim: {
      symbol: shown.symbol,
      kind: shown.kind,
      dropped: shown.dropped,
      off: shown.off,
      objects,
      moreObjects: shown.objects.length - objects.length,
      isAsked: shown.isAsked,
      archs: [...new Set(exposures.flatMap(({ archs }) => archs))].sort(),
      // a line in one entry repairs none of the others
      repairs: others.length > 0 ? [] : shown.repairs,
      others: named.map(({ symbol }) => symbol),
      notTried: others.length - named.length,
    },
    evidence: [
      ...shown.dropped.map((place) => evidence('before', place)),
      ...objects.map((place) => evidence('after', place)),
    ],
    witness: shown.witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((one) => confirm(conf, one)))).flat(),
  };
}

/** conf leaves it off without the series, and on with it, with what it hangs on off. */
function confirm(conf: Conf, { symbol, off, config, witness: { arch } }: Exposure): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, run) => {
    const lines = [symbol, ...off].map((name) => lineOf(run.config ?? '', name));
    const [isOn, ...areOn] = lines.map((line) => /^[ym]$/.test(valueOn(line) ?? 'n'));
    return {
      excerpt: run.config === undefined ? run.stderr : lines.join('\n'),
      agrees: run.exitCode === 0 && isOn === (side === 'after') && (side === 'before' || !areOn.includes(true)),
    };
  });
}
