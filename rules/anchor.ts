/**
 * From a line of the tree to the line of the patch that put it there (or took it away): where a
 * reply quotes. A line is recognised by its text, since git may apply a hunk some lines off.
 */

import type { Anchor, DiffLine, Hunk, Series } from './types.ts';

interface Place {
  readonly patch: number;
  readonly hunk: Hunk;
  readonly line: DiffLine;
}

export class PatchLines {
  readonly #added = new Map<string, Place[]>();
  readonly #removed = new Map<string, Place[]>();

  constructor(series: Series) {
    for (const patch of series.patches) {
      for (const file of patch.diff) {
        for (const hunk of file.hunks) {
          for (const line of hunk.lines) {
            const place = { patch: patch.n, hunk, line };
            if (line.kind === 'add' && file.newPath !== undefined) push(this.#added, file.newPath, place);
            if (line.kind === 'remove' && file.oldPath !== undefined) push(this.#removed, file.oldPath, place);
          }
        }
      }
    }
  }

  /** The patch line that added `text`, which stands at path:line after the series. The last patch that did counts. */
  added(path: string, line: number, text: string): Anchor | undefined {
    return anchor(path, closest(this.#added.get(path), (p) => p.line.newLine!, line, text));
  }

  /** The patch line that removed `text`, which stood at path:line before the series. */
  removed(path: string, line: number, text: string): Anchor | undefined {
    return anchor(path, closest(this.#removed.get(path), (p) => p.line.oldLine!, line, text));
  }

  /** The changed line of `path` nearest to `line`, whatever it says; undefined where the series leaves the file alone. */
  near(path: string, line: number): Anchor | undefined {
    const added = closest(this.#added.get(path), (p) => p.line.newLine!, line);
    return anchor(path, added ?? closest(this.#removed.get(path), (p) => p.line.oldLine!, line));
  }
}

function push(map: Map<string, Place[]>, path: string, place: Place): void {
  const list = map.get(path);
  if (list) list.push(place);
  else map.set(path, [place]);
}

function closest(places: readonly Place[] | undefined, lineOf: (place: Place) => number, line: number, text?: string): Place | undefined {
  let best: Place | undefined;
  for (const place of places ?? []) {
    if (text !== undefined && place.line.text.trimEnd() !== text.trimEnd()) continue;
    const distance = Math.abs(lineOf(place) - line);
    if (!best || distance < Math.abs(lineOf(best) - line) || (distance === Math.abs(lineOf(best) - line) && place.patch >= best.patch)) best = place;
  }
  return best;
}

function anchor(file: string, place: Place | undefined): Anchor | undefined {
  if (!place) return undefined;
  const { patch, hunk, line } = place;
  // A statement continued by backslashes is quoted whole.
  let last = line;
  for (let i = hunk.lines.indexOf(line); last.text.endsWith('\\'); i++) {
    const next = hunk.lines[i + 1];
    if (next?.kind !== line.kind) break;
    last = next;
  }
  return { patch, file, line: (line.newLine ?? line.oldLine)!, mailLines: [line.mailLine, last.mailLine] };
}
