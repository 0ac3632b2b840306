/** Lines of the benchmark's table. */
import { median, spread } from './measure.ts';

/** What was measured of us and of a peer, in the same unit, smaller being better. */
export interface Row {
  readonly what: string;
  readonly unit: 'ms' | 's' | 'MiB';
  readonly ours: readonly number[];
  readonly peer?: { readonly name: string; readonly values: readonly number[] };
  /** In words, and whether the medians reach it. */
  readonly aim?: { readonly text: string; readonly reached: (ours: number, peer: number) => boolean };
}

/** Values that differ by more than this share around their median say little. */
const NOISY = 0.25;

/** The table: medians, our time as a multiple of the peer's, the aim and whether it is reached. */
export function table(rows: readonly Row[]): string {
  const cells = [
    ['', 'depbot', 'peer', '', 'depbot/peer', 'aim', 'reached'],
    ...rows.map(({ what, unit, ours, peer, aim }) => {
      const [mine, theirs] = [median(ours), median(peer?.values ?? [])];
      return [
        what,
        amount(ours, unit),
        peer === undefined ? '-' : amount(peer.values, unit),
        peer?.name ?? '',
        peer === undefined ? '-' : (mine / theirs).toFixed(2),
        aim?.text ?? '',
        aim === undefined ? '' : aim.reached(mine, theirs) ? 'yes' : 'no',
      ];
    }),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const isText = [true, false, false, true, false, true, true];
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (isText[i] ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** The median with its unit; `~` where the values lie far apart. */
function amount(values: readonly number[], unit: Row['unit']): string {
  const middle = median(values);
  const digits = middle < 10 ? 2 : middle < 100 ? 1 : 0;
  return `${values.length > 1 && spread(values) > NOISY ? '~' : ''}${middle.toFixed(digits)} ${unit}`;
}
