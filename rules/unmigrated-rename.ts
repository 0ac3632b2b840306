import { onBothSides } from './both-sides.ts';
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
  type TreeSide,
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
Strings and numbers. Renames that show neither in a line of Kbuild (the same but for the name) nor in a
"config" line changed above a prompt that stays. Symbols defined in several places, and one that becomes
two. Configurations that the series itself changes there.`,

  begin(change) {
    const found = new Map<string, Loss>();
    let total = 0;
    return {
      onArch(pair) {
        if (pair.isCircular) return;
        const configs = change.configs.filter((config) => config.arch === pair.arch);
        total += configs.length;
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
  /** The line of Kbuild that names the one as it named the other; without one, the entry is the same. */
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

/** Symbols of the architecture that the series defines in place of others; none where it could be one or another. */
function renames(change: KernelChange, { changes }: ArchPair): Rename[] {
  const gone = new Map<string, KSymbol>();
  const come = new Map<string, KSymbol>();
  for (const { name, before, after } of changes.values()) {
    if (before && !after && isSwitch(before)) gone.set(name, before);
    if (after && !before && isSwitch(after)) come.set(name, after);
  }
  if (gone.size === 0 || come.size === 0) return [];
  const pairs = new Map<string, Rename>();
  for (const { old, name, line } of sameObjects(change)) {
    const [from, to] = [gone.get(old), come.get(name)];
    if (from && to) pairs.set(`${old} ${name}`, { old: from, new: to, by: line });
  }
  for (const from of gone.values()) {
    for (const to of come.values()) {
      if (isSameEntry(change, from, to) && !pairs.has(`${from.name} ${to.name}`))
        pairs.set(`${from.name} ${to.name}`, { old: from, new: to, by: undefined });
    }
  }
  const all = [...pairs.values()];
  const isOne = (one: Rename): boolean =>
    !all.some((other) => other !== one && (other.old === one.old || other.new === one.new)) &&
    // Another new symbol that selects it is what people set from now on.
    !one.new.selectedBy.some(({ from }) => come.has(from.name));
  return all.filter(isOne);
}

function isSwitch({ type, prompts, declarations }: KSymbol): boolean {
  return (type === SymbolType.bool || type === SymbolType.tristate) && prompts.length > 0 && declarations.length === 1;
}

/** `+config NEW` stands where `-config OLD` was taken out, and the prompt below them stays as it is. */
function isSameEntry(
  { before, after, lines }: KernelChange,
  old: KSymbol,
  { declarations, prompts }: KSymbol,
): boolean {
  const [was, is, prompt] = [old.declarations[0]!, declarations[0]!, prompts[0]!];
  if (old.prompts[0]!.text !== prompt.text) return false;
  const removed = lines.removed(was.path, was.line, textAt(before, was));
  const added = lines.added(is.path, is.line, textAt(after, is));
  if (!removed || removed.patch !== added?.patch || removed.mailLines[0] !== added.mailLines[0] - 1) return false;
  return !lines.added(is.path, prompt.line, textAt(after, { path: is.path, line: prompt.line }));
}

function textAt({ kconfig }: TreeSide, { path, line }: Place): string {
  return kconfig.files.get(path)?.text.split('\n')[line - 1] ?? '';
}

/** Objects and folders that a hunk of a Kbuild file takes from one symbol and gives to another. */
function* sameObjects({ series }: KernelChange): Generator<{ old: string; name: string; line: Line }> {
  for (const { newPath: path, oldPath, hunks } of series.patches.flatMap((patch) => patch.diff)) {
    if (path === undefined || oldPath === undefined || sourceKind(path) !== 'kbuild') continue;
    for (const { lines } of hunks) {
      const removed = new Map<string, string>();
      for (const { kind, text } of lines) {
        const given = kind === 'remove' ? givenBy(text) : undefined;
        if (given) removed.set(given.what, given.symbol);
      }
      for (const { kind, text, newLine } of lines) {
        const given = kind === 'add' ? givenBy(text) : undefined;
        const old = given && removed.get(given.what);
        if (old !== undefined) yield { old, name: given!.symbol, line: { path, line: newLine!, text } };
      }
    }
  }
}

/** Of `obj-$(CONFIG_FOO) += foo.o` the symbol, and the rest, which names something of its own. */
function givenBy(text: string): { symbol: string; what: string } | undefined {
  const match = /^(\S*-)\$\(CONFIG_(\w+)\)\s*[+:]?=\s*([^\s#][^#]*)/.exec(text);
  return match ? { symbol: match[2]!, what: `${match[1]} ${match[3]!.trim().replace(/\s+/g, ' ')}` } : undefined;
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
    // A series that touches the configuration there has said what it wants.
    if (lineOf(config.textAfter, rename.old.name) !== lineOf(config.text, rename.old.name)) continue;
    if (!lineOf(config.textAfter, rename.new.name).startsWith('(no ')) continue;
    const from = valueIn(then, config.text, before, rename.old);
    const to = valueIn(now, config.textAfter, after, rename.new);
    if (rank(to) >= rank(from)) continue;
    const key = `${rename.old.name} ${rename.new.name}`;
    const [definition, was] = [rename.new.declarations[0]!, rename.old.declarations[0]!];
    const loss: Loss = found.get(key) ?? {
      old: rename.old.name,
      new: rename.new.name,
      by: rename.by,
      prompt: rename.new.prompts[0]?.text,
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
  const text = textAt(change.after, loss.definition);
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
  const removed = lines.removed(was.path, was.line, textAt(before, was));
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
function confirm(conf: Conf, { config, from, to }: Hit, loss: Loss): Promise<Attempt[]> {
  const texts = { before: config.text, after: config.textAfter };
  return onBothSides(conf, config.arch, texts, (side, { exitCode, config: written, stderr }) => {
    const [symbol, claimed] = side === 'before' ? [loss.old, from] : [loss.new, to];
    const line = lineOf(written ?? '', symbol);
    const agrees = exitCode === 0 && (valueOn(line) ?? 'n') === claimed;
    return { excerpt: written === undefined ? stderr : line, agrees };
  });
}
