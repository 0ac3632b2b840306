import { byFame, grouped } from './config-groups.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { readConfig } from './kconfig/dotconfig.ts';
import type { KconfigModel, KSymbol } from './kconfig/model.ts';
import { SymbolType } from './kconfig/parse.ts';
import { rank } from './kconfig/upgrade.ts';
import { Values } from './kconfig/values.ts';
import {
  type ArchPair,
  type Candidate,
  type Conf,
  defineRule,
  type ExistingConfig,
  type KernelChange,
} from './rule.ts';
import { sourceKind } from './source/config-references.ts';
import type { Anchor, Attempt, Evidence } from './types.ts';

export default defineRule({
  id: 'unmigrated-rename',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A bool or tristate that the series renames, where configurations that exist and set the old name get
less from the new one after \`olddefconfig\`.
## Why it matters
\`olddefconfig\` drops a name that it does not know without a word. The feature is gone from the next
kernel of everybody who had it, although no line of code went away.
## Example
config OLD_NAME becomes config NEW_NAME, and multi_v7_defconfig still says CONFIG_OLD_NAME=y.
## Instead
Rename it in the defconfigs in the same series, and keep the old name for other people's configurations:
as a \`transitional\` symbol that the new one has for its default; where the tree does not have that yet,
as one with a prompt.
## What it misses
Strings and numbers. Renames that show neither in a line of Kbuild or C (the same but for the name) nor
in a prompt (the same text). Configurations that the series itself tells what to do with the new name.`,

  begin(change) {
    const found = new Map<string, Loss>();
    let total = 0;
    return {
      onArch(pair) {
        const configs = change.configs.filter((config) => config.arch === pair.arch);
        total += configs.length;
        if (pair.isCircular) return;
        for (const rename of renames(change, pair)) collect(found, change, pair, rename, configs);
      },
      async finish() {
        const candidates = await Promise.all([...found.values()].map((loss) => candidate(change, loss, total)));
        return candidates.filter((one) => one !== undefined);
      },
    };
  },
});

interface Rename {
  readonly old: KSymbol;
  readonly new: KSymbol;
  /** The line that names the one as it named the other; without one, the prompt is the same. */
  readonly by: Line | undefined;
}

interface Place {
  readonly path: string;
  readonly line: number;
}

interface Line extends Place {
  readonly text: string;
}

interface Loss {
  readonly old: string;
  readonly new: string;
  readonly by: Line | undefined;
  readonly prompt: string | undefined;
  /** Where the new symbol is defined, after the series. */
  readonly definition: Place;
  /** Where the old one was, before it. */
  readonly was: Place;
  readonly hits: Hit[];
}

interface Hit {
  readonly config: ExistingConfig;
  readonly from: string;
  readonly to: string;
}

/** Symbols of the architecture that the series defines in place of others. */
function renames(change: KernelChange, { changes }: ArchPair): Rename[] {
  const gone = new Map<string, KSymbol>();
  const come = new Map<string, KSymbol>();
  for (const { name, before, after } of changes.values()) {
    if (before && !after && isSwitch(before)) gone.set(name, before);
    if (after && !before && isSwitch(after)) come.set(name, after);
  }
  if (gone.size === 0 || come.size === 0) return [];
  const pairs = new Map<string, Rename>();
  const add = (old: string, name: string, by: Line | undefined): void => {
    const key = `${old} ${name}`;
    if (!pairs.has(key)) pairs.set(key, { old: gone.get(old)!, new: come.get(name)!, by });
  };
  for (const { old, name, line } of sameLines(change, new Set(gone.keys()), new Set(come.keys()))) add(old, name, line);
  const byPrompt = Map.groupBy(come.values(), promptOf);
  for (const symbol of gone.values()) {
    const same = promptOf(symbol) === undefined ? [] : (byPrompt.get(promptOf(symbol)) ?? []);
    if (same.length === 1) add(symbol.name, same[0]!.name, undefined);
  }
  return [...pairs.values()];
}

function isSwitch({ type, prompts }: KSymbol): boolean {
  return (type === SymbolType.bool || type === SymbolType.tristate) && prompts.length > 0;
}

function promptOf({ prompts }: KSymbol): string | undefined {
  return prompts[0]?.text;
}

/** Lines of Kbuild and C files that a patch takes out with one name and puts in with the other. */
function* sameLines(
  { series }: KernelChange,
  gone: ReadonlySet<string>,
  come: ReadonlySet<string>,
): Generator<{ old: string; name: string; line: Line }> {
  for (const { newPath: path, oldPath, hunks } of series.patches.flatMap((patch) => patch.diff)) {
    if (path === undefined || oldPath === undefined || sourceKind(path) === undefined) continue;
    const lines = hunks.flatMap((hunk) => hunk.lines);
    const removed = new Map<string, string>();
    for (const { kind, text } of lines) {
      if (kind === 'remove') for (const [name, rest] of namesOn(text)) if (gone.has(name)) removed.set(rest, name);
    }
    for (const { kind, text, newLine } of lines) {
      if (kind !== 'add') continue;
      for (const [name, rest] of namesOn(text)) {
        const old = removed.get(rest);
        if (come.has(name) && old !== undefined) yield { old, name, line: { path, line: newLine!, text } };
      }
    }
  }
}

/** Every symbol that a line names, with the line as it reads without that name; white space does not count. */
function namesOn(text: string): [string, string][] {
  return [...text.matchAll(/\bCONFIG_(\w+)/g)].map((match) => [
    match[1]!,
    text
      .replaceAll(new RegExp(`\\b${match[0]}\\b`, 'g'), '\0')
      .replace(/\s+/g, ' ')
      .trim(),
  ]);
}

function collect(
  found: Map<string, Loss>,
  { pool }: KernelChange,
  { before, after }: ArchPair,
  rename: Rename,
  configs: readonly ExistingConfig[],
): void {
  const [then, now] = [new Values(pool, before), new Values(pool, after)];
  for (const config of configs) {
    // Most configurations do not name it, and to read one takes time.
    if (!/^CONFIG_/.test(lineOf(config.text, rename.old.name))) continue;
    if (!lineOf(config.textAfter, rename.new.name).startsWith('(no ')) continue;
    const from = valueIn(then, config.text, before, rename.old);
    const to = valueIn(now, config.textAfter, after, rename.new);
    if (rank(to) >= rank(from)) continue;
    const key = `${rename.old.name} ${rename.new.name}`;
    const [definition, was] = [rename.new.declarations[0]!, rename.old.declarations[0]!];
    const loss = found.get(key) ?? {
      old: rename.old.name,
      new: rename.new.name,
      by: rename.by,
      prompt: promptOf(rename.new),
      definition,
      was,
      hits: [],
    };
    found.set(key, loss);
    loss.hits.push({ config, from, to });
  }
}

function valueIn(values: Values, text: string, { symbols }: KconfigModel, { id }: KSymbol): string {
  readConfig(values, text, '.config');
  values.restart();
  return values.text(symbols[id]!);
}

/** The line as it stands after the whole series; undefined where a later patch took it away. */
async function standing({ after }: KernelChange, { path, line, text }: Line): Promise<Line | undefined> {
  const lines = (await after.tree.read([path])).get(path)?.split('\n') ?? [];
  const at = lines.flatMap((one, i) => (one === text ? [i + 1] : []));
  const [nearest] = at.sort((a, b) => Math.abs(a - line) - Math.abs(b - line));
  return nearest === undefined ? undefined : { path, line: nearest, text };
}

async function candidate(change: KernelChange, loss: Loss, total: number): Promise<Candidate | undefined> {
  const { hits } = loss;
  const by = loss.by && (await standing(change, loss.by));
  if (loss.by && !by) return undefined;
  const { path, line } = loss.definition;
  const text = change.after.kconfig.files.get(path)?.text.split('\n')[line - 1] ?? '';
  const anchor = anchorOf(change, loss, text);
  if (!anchor) return undefined;
  const shown = hits.toSorted((a, b) => byFame(a.config, b.config))[0]!;
  const values = (pick: (hit: Hit) => string): string => [...new Set(hits.map(pick))].sort().reverse().join(' or ');
  const source = (at: Line): Evidence => ({ kind: 'source', side: 'after', commit: change.after.commit, ...at });
  return {
    key: `unmigrated-rename ${loss.old} ${loss.new}`,
    symbols: [loss.new, loss.old],
    anchor,
    claim: {
      old: loss.old,
      new: loss.new,
      from: values((hit) => hit.from),
      to: values((hit) => hit.to),
      configs: { count: hits.length, total, groups: grouped(hits.map(({ config }) => config)) },
      by: by ? { ...by, text: by.text.trim() } : null,
      prompt: by ? null : loss.prompt,
    },
    evidence: [source({ path, line, text }), ...(by ? [source(by)] : []), ...valuesOf(shown, loss)],
    witness: { arch: shown.config.arch, from: shown.config.name, settings: [] },
    confirm: (conf) => confirm(conf, shown, loss),
  };
}

/** The line that defines the new symbol, together with the one that defined the old where that stands just above. */
function anchorOf({ before, lines }: KernelChange, { definition, was }: Loss, text: string): Anchor | undefined {
  const added = lines.added(definition.path, definition.line, text);
  const oldText = before.kconfig.files.get(was.path)?.text.split('\n')[was.line - 1] ?? '';
  const removed = lines.removed(was.path, was.line, oldText);
  if (!added || removed?.patch !== added.patch || removed.mailLines[0] !== added.mailLines[0] - 1) return added;
  return { ...added, mailLines: [removed.mailLines[0], added.mailLines[1]] };
}

function valuesOf({ config: { arch, name }, from, to }: Hit, loss: Loss): Evidence[] {
  return [
    { kind: 'value', side: 'before', arch, config: name, symbol: loss.old, value: from },
    { kind: 'value', side: 'after', arch, config: name, symbol: loss.new, value: to },
  ];
}

/** conf gives the old symbol its value without the series, and the new one less with it. */
async function confirm(conf: Conf, { config, from, to }: Hit, loss: Loss): Promise<Attempt[]> {
  const tries = [
    { side: 'before', text: config.text, symbol: loss.old, claimed: from },
    { side: 'after', text: config.textAfter, symbol: loss.new, claimed: to },
  ] as const;
  return Promise.all(
    tries.map(async ({ side, text, symbol, claimed }): Promise<Attempt> => {
      const { argv, exitCode, config: written, stderr } = await conf.olddefconfig(side, config.arch, text);
      const line = lineOf(written ?? '', symbol);
      const agrees = exitCode === 0 && (valueOn(line) ?? 'n') === claimed;
      return { rung: 2, side, argv, exitCode, excerpt: written === undefined ? stderr.slice(0, 2000) : line, agrees };
    }),
  );
}
