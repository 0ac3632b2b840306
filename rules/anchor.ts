/**
 * From a line of the tree to the line of the patch that put it there (or took it away): where a
 * reply quotes. Lines are followed through the other patches of the series, by the numbers of their
 * hunks; a line is recognised by its text as well, since git may apply a hunk some lines off.
 */

import type { Anchor, DiffLine, FileDiff, Hunk, Patch, Side } from './types.ts';

/** Where a reply quotes; `isQuoted`: the line itself, not one beside it. */
export interface Told {
  readonly anchor: Anchor;
  readonly isQuoted: boolean;
}

/** A block that moved, or a condition around it: further away the change is about something else. */
const NEAR_LINES = 25;

interface Place {
  readonly patch: number;
  readonly hunk: Hunk;
  readonly line: DiffLine;
  /** Line of the file after the whole series for an added line, before it for a removed one. */
  readonly at: number;
}

export class PatchLines {
  readonly #added: ReadonlyMap<string, readonly Place[]>;
  readonly #removed: ReadonlyMap<string, readonly Place[]>;

  constructor({ patches }: { readonly patches: readonly Patch[] }) {
    this.#added = follow(patches, 'add');
    this.#removed = follow(patches.toReversed(), 'remove');
  }

  /** The patch line that added `text`, which stands at path:line after the series. */
  added(path: string, line: number, text: string): Anchor | undefined {
    return anchor(path, closest(this.#added.get(path), line, text));
  }

  /** Lines of a file that the series adds, as it leaves them; ascending. */
  addedLines(path: string): readonly number[] {
    return (this.#added.get(path) ?? []).map(({ at }) => at).sort((a, b) => a - b);
  }

  /** Texts of the lines of a file that the series removes, then of those that it adds. */
  changedTexts(path: string): readonly string[] {
    return [...(this.#removed.get(path) ?? []), ...(this.#added.get(path) ?? [])].map(({ line }) => line.text);
  }

  /** The line of a file that the series removes, else adds, the first whose text `isMeant`. */
  mentioned(
    path: string,
    isMeant: (text: string) => boolean,
    kinds: readonly DiffLine['kind'][] = ['remove', 'add'],
  ): Anchor | undefined {
    const of = (kind: DiffLine['kind']): readonly Place[] =>
      (kind === 'add' ? this.#added : this.#removed).get(path) ?? [];
    const places = kinds.flatMap(of);
    return anchor(
      path,
      places.find(({ line }) => isMeant(line.text)),
    );
  }

  /** Where a line of one side is told: the patch line itself, or the changed line nearest to it. */
  told(side: Side, path: string, line: number, text: string): Told | undefined {
    const exact = side === 'after' ? this.added(path, line, text) : this.removed(path, line, text);
    const anchor = exact ?? this.near(path, line, NEAR_LINES);
    return anchor && { anchor, isQuoted: exact !== undefined };
  }

  /** The patch line that removed `text`, which stood at path:line before the series. */
  removed(path: string, line: number, text: string): Anchor | undefined {
    return anchor(path, closest(this.#removed.get(path), line, text));
  }

  /**
   * The changed line of `path` nearest to `line`, whatever it says; undefined where there is none within
   * `most` lines: a comment under a line that has nothing to do with it is worse than none.
   */
  near(path: string, line: number, most: number = Number.POSITIVE_INFINITY): Anchor | undefined {
    const place = closest(this.#added.get(path), line) ?? closest(this.#removed.get(path), line);
    return place && Math.abs(place.at - line) <= most ? anchor(path, place) : undefined;
  }
}

/**
 * Lines of one kind that outlive the other patches, by path: added ones from the first patch to the
 * last, removed ones from the last to the first.
 */
function follow(patches: readonly Patch[], kind: 'add' | 'remove'): Map<string, Place[]> {
  const places = new Map<string, Place[]>();
  for (const { n, diff } of patches) {
    for (const file of diff) {
      const [from, to] = kind === 'add' ? [file.oldPath, file.newPath] : [file.newPath, file.oldPath];
      const carried = (from === undefined ? undefined : places.get(from)) ?? [];
      if (from !== undefined && file.kind !== 'copy') places.delete(from);
      if (to === undefined) continue;
      const kept = carried.flatMap((place) => moved(place, file, kind) ?? []);
      places.set(to, [...kept, ...file.hunks.flatMap((hunk) => own(n, hunk, kind))]);
    }
  }
  return places;
}

function own(patch: number, hunk: Hunk, kind: 'add' | 'remove'): Place[] {
  return hunk.lines.flatMap((line) => {
    const at = kind === 'add' ? line.newLine : line.oldLine;
    return line.kind === kind && at !== undefined ? [{ patch, hunk, line, at }] : [];
  });
}

/** The place on the other side of a file's diff; undefined where the diff takes the line away. */
function moved(place: Place, { hunks }: FileDiff, kind: 'add' | 'remove'): Place | undefined {
  let shift = 0;
  for (const hunk of hunks) {
    const isForward = kind === 'add';
    const start = isForward ? hunk.oldStart : hunk.newStart;
    const count = isForward ? hunk.oldCount : hunk.newCount;
    // A hunk without lines on this side stands behind its `start`.
    if (place.at < start || (count === 0 && place.at === start)) break;
    if (place.at < start + count) {
      const line = hunk.lines.find((one) => (isForward ? one.oldLine : one.newLine) === place.at);
      const at = isForward ? line?.newLine : line?.oldLine;
      return line?.kind === 'context' && at !== undefined ? { ...place, at } : undefined;
    }
    shift += isForward ? hunk.newCount - hunk.oldCount : hunk.oldCount - hunk.newCount;
  }
  return { ...place, at: place.at + shift };
}

/** The nearest place; of two equally near ones the one of the later patch. */
function closest(places: readonly Place[] | undefined, line: number, text?: string): Place | undefined {
  let best: Place | undefined;
  for (const place of places ?? []) {
    if (text !== undefined && place.line.text.trimEnd() !== text.trimEnd()) continue;
    const closer = best === undefined ? -1 : Math.abs(place.at - line) - Math.abs(best.at - line);
    if (best === undefined || closer < 0 || (closer === 0 && place.patch >= best.patch)) best = place;
  }
  return best;
}

function anchor(file: string, place: Place | undefined): Anchor | undefined {
  if (!place) return undefined;
  const { patch, hunk, line } = place;
  let i = hunk.lines.indexOf(line);
  // A statement continued by backslashes is quoted whole.
  while (hunk.lines[i]!.text.trimEnd().endsWith('\\') && hunk.lines[i + 1]?.kind === line.kind) i++;
  // What stands there now says more about a removed line than its absence.
  if (line.kind === 'remove' && hunk.lines[i + 1]?.kind === 'add') i++;
  return { patch, file, line: (line.newLine ?? line.oldLine)!, mailLines: [line.mailLine, hunk.lines[i]!.mailLine] };
}
