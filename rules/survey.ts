/**
 * More about a finding than its mail has room for: on which architectures its symbol can be had without and with the
 * series, how many of the configurations there change, and what stands around it where it was shown.
 */

import { lineFor, readConfig } from './kconfig/dotconfig.ts';
import type { KSymbol } from './kconfig/model.ts';
import { SymbolType } from './kconfig/parse.ts';
import type { PropertyKind } from './kconfig/properties.ts';
import { surroundingsOf } from './kconfig/surroundings.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import { Values } from './kconfig/values.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import type { ArchRow, LinkKind, Picture, PictureLink, Survey } from './survey-types.ts';
import type { Finding, Side, SymbolName } from './types.ts';

/** Takes architectures one after the other, as rules do. */
export class Surveyor {
  readonly #change: KernelChange;
  readonly #findings: readonly Finding[];
  readonly #rows = new Map<Finding, ArchRow[]>();
  readonly #pictures = new Map<Finding, Picture>();

  constructor(change: KernelChange, findings: readonly Finding[]) {
    this.#change = change;
    // what nothing decides about has no place in Kconfig
    this.#findings = findings.filter(({ symbols }) => symbols.length > 0);
  }

  onArch(pair: ArchPair): void {
    const changed = this.#changedConfigs(pair);
    for (const finding of this.#findings) {
      const rows = this.#rows.get(finding) ?? [];
      this.#rows.set(finding, rows);
      const row = this.#row(pair, finding, changed);
      if (row) rows.push(row);
      if (finding.witness?.arch === pair.arch) this.#pictures.set(finding, this.#picture(pair, finding));
    }
  }

  /** By the key of the finding. */
  surveys(): Readonly<Record<string, Survey>> {
    return Object.fromEntries(
      this.#findings.map((finding) => {
        const picture = this.#pictures.get(finding);
        const archs = this.#rows.get(finding) ?? [];
        return [finding.key, { symbol: mainSymbol(finding), archs, ...(picture && { picture }) }];
      }),
    );
  }

  #row(pair: ArchPair, finding: Finding, changed: ReadonlyMap<SymbolName, number>): ArchRow | undefined {
    // conf refuses such a tree: there are no configurations.
    if (pair.isCircular) return undefined;
    const name = mainSymbol(finding);
    const [before, after] = (['before', 'after'] as const).map((side) => best(pair, side, name));
    if (before === 'none' && after === 'none') return undefined;
    const configs = this.#change.configs.filter(({ arch }) => arch === pair.arch).length;
    const ofThem = Math.max(0, ...finding.symbols.map((symbol) => changed.get(symbol) ?? 0));
    return { arch: pair.arch, before: before!, after: after!, configs, changed: ofThem };
  }

  /** By symbol: configurations of an architecture in which its value changes. */
  #changedConfigs(pair: ArchPair): ReadonlyMap<SymbolName, number> {
    const counts = new Map<SymbolName, number>();
    if (pair.changes.size === 0 || pair.isCircular) return counts;
    const upgrade = new Upgrade(this.#change.pool, pair.before, pair.after, pair.changes, this.#change.readers);
    for (const config of this.#change.configs.filter(({ arch }) => arch === pair.arch))
      for (const name of upgrade.run(config.text, config.textAfter).keys())
        counts.set(name, (counts.get(name) ?? 0) + 1);
    return counts;
  }

  #picture(pair: ArchPair, finding: Finding): Picture {
    const { symbols, witness } = finding;
    const values = new Values(this.#change.pool, pair.after);
    const from = this.#change.configs.find(({ arch, name }) => arch === pair.arch && name === witness!.from);
    const lines = witness!.settings.map(({ symbol, value }) => {
      const known = this.#symbol(pair, symbol);
      return known ? lineFor(known, value) : '';
    });
    readConfig(values, `${from?.textAfter ?? ''}\n${lines.join('')}`, '.config');
    values.restart();
    const focus = symbols.flatMap((name) => this.#symbol(pair, name) ?? []).slice(0, FEW_SYMBOLS);
    const picture = surroundingsOf(values, focus, this.#change.readers);
    const links = [...picture.links, ...this.#goneLinks(pair, picture), ...codeLinks(finding)];
    return { ...picture, links: links.filter(isWithin(picture)) };
  }

  /** What entries said of the symbols that the picture is about, and do not say with the series. */
  #goneLinks({ before, changes }: ArchPair, { nodes, links }: Picture): PictureLink[] {
    const { pool } = this.#change;
    const stillThere = new Set(links.map(({ from, to, kind }) => `${from} ${kind} ${to}`));
    const isFocus = new Set(nodes.filter((one) => one.isFocus).map(({ symbol }) => symbol));
    const found = new Map<string, PictureLink>();
    for (const { kind, of, edge, expr, path, line } of [...changes.values()].flatMap(({ removed }) => removed)) {
      const was = LINKS.get(kind);
      if (was === undefined) continue;
      const ends = edge ? [edge] : pool.symbolsIn(expr).flatMap((id) => ({ from: of, to: before.symbols[id] ?? of }));
      for (const { from, to } of ends) {
        const isTold = isFocus.has(from.name) || isFocus.has(to.name);
        if (!isTold || from.name === to.name || stillThere.has(`${from.name} ${was} ${to.name}`)) continue;
        const link = { from: from.name, to: to.name, kind: `no longer ${was}` as const, path, line, isBlocking: false };
        found.set(`${from.name} ${was} ${to.name}`, link);
      }
    }
    return [...found.values()];
  }

  #symbol(pair: ArchPair, name: SymbolName): KSymbol | undefined {
    const id = this.#change.pool.findSymbol(name);
    return id === undefined ? undefined : pair.after.symbols[id];
  }
}

/** Links by the properties that they are read from. */
const LINKS = new Map<PropertyKind, Extract<LinkKind, 'depends on' | 'selects' | 'implies'>>([
  ['depends on', 'depends on'],
  ['selected by', 'selects'],
  ['implied by', 'implies'],
]);

/** Whether both ends of a link are in a picture. */
function isWithin({ nodes }: Picture): (link: PictureLink) => boolean {
  const names = new Set(nodes.map(({ symbol }) => symbol));
  return ({ from, to }) => names.has(from) && names.has(to);
}

/** Of a finding about code: the entry whose code needs others, and the line of it that does, as the claim has them. */
function codeLinks({ claim }: Finding): PictureLink[] {
  const { owner, needed, chain, uses } = claim as CodeClaim;
  const at = chain?.at(-1) ?? uses?.[0];
  if (typeof owner !== 'string' || needed === undefined || at === undefined) return [];
  const { path, line } = at;
  return needed.map((to) => ({ from: owner, to, kind: 'has code that needs', path, line, isBlocking: false }));
}

/** Keys of claims about code (docs/report.md); other claims have none of them together. */
interface CodeClaim {
  readonly owner?: string | null;
  readonly needed?: readonly SymbolName[];
  /** Calls from the function to what is lacking. */
  readonly chain?: readonly { readonly path: string; readonly line: number }[];
  readonly uses?: readonly { readonly path: string; readonly line: number }[];
}

/** Symbols in the middle of a picture. */
const FEW_SYMBOLS = 4;

function mainSymbol({ symbols }: Finding): SymbolName {
  return symbols[0]!;
}

/** The most that a symbol can be in any configuration; what is no bool or tristate can be there, or not. */
function best(pair: ArchPair, side: Side, name: SymbolName): ArchRow['before'] {
  const solver = pair.solver(side);
  const { pool, model } = solver;
  const id = pool.findSymbol(name);
  const symbol = id === undefined ? undefined : model.symbols[id];
  if (!symbol || symbol.declarations.length === 0) return 'none';
  if (symbol.type !== SymbolType.bool && symbol.type !== SymbolType.tristate) return 'y';
  const can = (level: 1 | 2): boolean =>
    solver.isPossible([{ expr: pool.symbol(symbol.id), level, holds: true }]) !== false;
  return can(2) ? 'y' : can(1) ? 'm' : 'n';
}
