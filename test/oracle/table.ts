/** The oracle's table: a line for each architecture, `identical/total` in each column. */
import { KINDS } from './cases.ts';
import type { Result } from './compare.ts';

export type Results = ReadonlyMap<string, readonly Result[]>;

/** How many of `results` are identical. */
export function identical(results: readonly Result[]): number {
  return results.filter((result) => result.difference === undefined).length;
}

/** The table with its line of totals; columns without a case are left out. */
export function resultTable(results: Results): string {
  const all = [...results.values()].flat();
  const kinds = KINDS.filter((kind) => all.some((result) => result.case.kind === kind));
  const row = (name: string, of: readonly Result[]): string[] => {
    const columns = kinds.map((kind) => of.filter((result) => result.case.kind === kind));
    return [name, ...[...columns, of].map(share)];
  };
  return alignedTable([
    ['', ...kinds, 'all'],
    ...[...results].map(([arch, of]) => row(arch, of)),
    row(`total (${results.size})`, all),
  ]);
}

/** Rows of cells as lines, the first column to the left and the others to the right. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return `${rows.map((cells) => `${line(cells)}\n`).join('')}`;
}

function share(of: readonly Result[]): string {
  return of.length === 0 ? '-' : `${identical(of)}/${of.length}`;
}

/** Every difference, under its architecture and case; empty without any. */
export function differences(results: Results): string {
  const lines: string[] = [];
  for (const [arch, of] of results) {
    for (const { case: asked, difference } of of) {
      if (difference !== undefined) lines.push(`\nARCH=${arch} ${asked.name}: ${difference}\n`);
    }
  }
  return lines.join('');
}
