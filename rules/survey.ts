/**
 * More about a finding than its mail has room for: on which architectures its symbol can be had without and with the
 * series, how many of the configurations there change, and what stands around it where it was shown.
 */

import { lineFor, readConfig } from './kconfig/dotconfig.ts';
import type { KSymbol } from './kconfig/model.ts';
import { SymbolType } from './kconfig/parse.ts';
import { surroundingsOf } from './kconfig/surroundings.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import { Values } from './kconfig/values.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import type { ArchRow, Picture, Survey } from './survey-types.ts';
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

  #picture(pair: ArchPair, { symbols, witness }: Finding): Picture {
    const values = new Values(this.#change.pool, pair.after);
    const from = this.#change.configs.find(({ arch, name }) => arch === pair.arch && name === witness!.from);
    const lines = witness!.settings.map(({ symbol, value }) => {
      const known = this.#symbol(pair, symbol);
      return known ? lineFor(known, value) : '';
    });
    readConfig(values, `${from?.textAfter ?? ''}\n${lines.join('')}`, '.config');
    values.restart();
    const focus = symbols.flatMap((name) => this.#symbol(pair, name) ?? []).slice(0, FEW_SYMBOLS);
    return surroundingsOf(values, focus, this.#change.readers);
  }

  #symbol(pair: ArchPair, name: SymbolName): KSymbol | undefined {
    const id = this.#change.pool.findSymbol(name);
    return id === undefined ? undefined : pair.after.symbols[id];
  }
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
