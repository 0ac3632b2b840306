/** Of the objects that make builds, what we lack and what we have too many, by directory and architecture. */
import { type Comparison, type Difference, folderOf } from './compare.ts';

/** Where the objects are that count; the rest is a row of its own. */
export const FOLDERS = ['drivers', 'fs', 'net', 'sound', 'crypto', 'lib', 'mm', 'kernel', 'block'] as const;
const OTHER = 'others';

interface Count {
  total: number;
  missing: number;
  extra: number;
  elsewhere: number;
}

/** Share of the objects below FOLDERS on which both agree: in which configuration, and where each goes. */
export function agreement(comparisons: readonly Comparison[]): number {
  const { total, missing, extra, elsewhere } = counted(comparisons, (folder) => folder !== OTHER);
  return total === 0 ? 0 : 1 - (missing + extra + elsewhere) / total;
}

/** A line for each directory, a column for each architecture: `missing/extra/elsewhere of total`. */
export function kbuildTable(comparisons: readonly Comparison[]): string {
  const archs = [...new Set(comparisons.map(({ arch }) => arch))];
  const rows = [...FOLDERS, OTHER].map((folder) => [
    folder,
    ...archs.map((arch) =>
      cell(
        comparisons.filter((one) => one.arch === arch),
        (one) => one === folder,
      ),
    ),
    cell(comparisons, (one) => one === folder),
  ]);
  const table = [
    ['missing/extra/elsewhere of all', ...archs, 'all'],
    ...rows,
    [
      `${FOLDERS.length} directories`,
      ...archs.map((arch) =>
        cell(
          comparisons.filter((one) => one.arch === arch),
          (one) => one !== OTHER,
        ),
      ),
      cell(comparisons, (one) => one !== OTHER),
    ],
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  return table
    .map(
      (cells) =>
        `${cells.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  ')}\n`,
    )
    .join('');
}

/** Each object that differs, once, with the configurations in which it does. */
export function kbuildDifferences(comparisons: readonly Comparison[]): string {
  const byLine = new Map<string, string[]>();
  for (const { arch, seed, differences } of comparisons) {
    for (const difference of differences) {
      const line = `${difference.object}: ${explained(difference)}`;
      byLine.set(line, [...(byLine.get(line) ?? []), `${arch} ${seed}`]);
    }
  }
  return [...byLine]
    .map(([line, where]) => `${line} (${where.join(', ')})\n`)
    .sort()
    .join('');
}

function explained({ make, depbot }: Difference): string {
  if (depbot.length === 0 && make.join() === 'elsewhere') return 'made by a rule, named in no list';
  if (make.length === 0) return `depbot: ${depbot.join(' and ')}; make: not at all`;
  return `make: ${make.join(' and ')}; depbot: ${depbot.join(' and ') || 'not at all'}`;
}

function cell(comparisons: readonly Comparison[], isIn: (folder: string) => boolean): string {
  const { total, missing, extra, elsewhere } = counted(comparisons, isIn);
  return `${missing}/${extra}/${elsewhere} of ${total}`;
}

function counted(comparisons: readonly Comparison[], isIn: (folder: string) => boolean): Count {
  const count: Count = { total: 0, missing: 0, extra: 0, elsewhere: 0 };
  const rowOf = (folder: string): string => ((FOLDERS as readonly string[]).includes(folder) ? folder : OTHER);
  for (const { total, differences } of comparisons) {
    for (const [folder, objects] of total) if (isIn(rowOf(folder))) count.total += objects;
    for (const { object, make, depbot } of differences) {
      if (!isIn(rowOf(folderOf(object)))) continue;
      if (depbot.length === 0) count.missing++;
      else if (make.length === 0) count.extra++;
      else count.elsewhere++;
    }
  }
  return count;
}
