/**
 * Ways of lines between boxes that stand in layers, so that none goes through a box which it does not belong to: a
 * line leaves its box towards the next layer, bends between layers alone, and passes a layer straight, where the
 * layout left room for it.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Its middle and its size. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Line {
  readonly from: string;
  readonly to: string;
  /** Where the layout leads it, from its first box to its last. */
  readonly points: readonly Point[];
}

/** A curve whose ends and whose two handles are these. */
export type Curve = readonly [Point, Point, Point, Point];

/** Where boxes of one layer begin and end, along the way from layer to layer. */
interface Layer {
  readonly start: number;
  readonly end: number;
}

/** Ends of lines at one side of a box, in px apart at most; and what is left free at its corners. */
const APART = 8;
const CORNER = 6;

/**
 * The curves of each line, in the order of `lines`. `isDown`: layers stand below each other, else on the right of each
 * other; boxes of one layer have their middles on one line.
 */
export function routes(boxes: ReadonlyMap<string, Box>, lines: readonly Line[], isDown: boolean): Curve[][] {
  const along = ({ x, y }: Point): number => (isDown ? y : x);
  const across = ({ x, y }: Point): number => (isDown ? x : y);
  const pointAt = (a: number, c: number): Point => (isDown ? { x: c, y: a } : { x: a, y: c });
  const length = ({ width, height }: Box): number => (isDown ? height : width);
  const layers = new Map<number, Layer>();
  for (const box of boxes.values()) {
    const middle = Math.round(along(box));
    const { start, end } = layers.get(middle) ?? { start: Infinity, end: -Infinity };
    const half = length(box) / 2;
    layers.set(middle, { start: Math.min(start, along(box) - half), end: Math.max(end, along(box) + half) });
  }
  const layerOf = (box: Box): Layer => layers.get(Math.round(along(box)))!;
  const isForth = ({ from, to }: Line): boolean => along(boxes.get(from)!) <= along(boxes.get(to)!);
  const ports = portsOf(boxes, lines, { across, isForth, breadth: (box) => (isDown ? box.width : box.height) });

  return lines.map((line, i) => {
    const [from, to] = [boxes.get(line.from)!, boxes.get(line.to)!];
    const sign = isForth(line) ? 1 : -1;
    const [first, last] = [layerOf(from), layerOf(to)];
    const near = ({ start, end }: Layer): number => (sign > 0 ? start : end);
    const far = ({ start, end }: Layer): number => (sign > 0 ? end : start);
    const { leaves, enters } = ports[i]!;
    const curves: Curve[] = [];
    let here = pointAt(along(from) + (sign * length(from)) / 2, leaves);
    const straightTo = (a: number): void => {
      // of no length, it would give an arrow no direction
      if (Math.abs(a - along(here)) < 0.5) return;
      const there = pointAt(a, across(here));
      curves.push([here, here, there, there]);
      here = there;
    };
    const bendTo = (a: number, c: number): void => {
      const middle = (along(here) + a) / 2;
      const there = pointAt(a, c);
      curves.push([here, pointAt(middle, across(here)), pointAt(middle, c), there]);
      here = there;
    };
    straightTo(far(first));
    for (const point of line.points.slice(1, -1)) {
      const passed = layers.get(Math.round(along(point)));
      if (!passed || passed === first || passed === last) continue;
      bendTo(near(passed), across(point));
      straightTo(far(passed));
    }
    bendTo(near(last), enters);
    straightTo(along(to) - (sign * length(to)) / 2);
    return curves;
  });
}

interface Ports {
  readonly leaves: number;
  readonly enters: number;
}

/** Where lines touch their boxes: those of one side beside each other, in the order of where they come from. */
function portsOf(
  boxes: ReadonlyMap<string, Box>,
  lines: readonly Line[],
  axes: {
    across(point: Point): number;
    isForth(line: Line): boolean;
    breadth(box: Box): number;
  },
): Ports[] {
  const sides = new Map<string, { readonly line: number; readonly isStart: boolean; readonly towards: number }[]>();
  lines.forEach((line, i) => {
    const forth = axes.isForth(line);
    for (const isStart of [true, false]) {
      const side = `${isStart === forth ? 'after' : 'before'} ${isStart ? line.from : line.to}`;
      const next = line.points.at(isStart ? 1 : -2) ?? boxes.get(isStart ? line.to : line.from)!;
      const ends = sides.get(side) ?? [];
      sides.set(side, ends);
      ends.push({ line: i, isStart, towards: axes.across(next) });
    }
  });
  const ports = lines.map(() => ({ leaves: 0, enters: 0 }));
  for (const [side, ends] of sides) {
    const box = boxes.get(side.slice(side.indexOf(' ') + 1))!;
    const apart = Math.min(APART, (axes.breadth(box) - 2 * CORNER) / ends.length);
    ends.sort((a, b) => a.towards - b.towards);
    ends.forEach(({ line, isStart }, n) => {
      ports[line]![isStart ? 'leaves' : 'enters'] = axes.across(box) + (n - (ends.length - 1) / 2) * apart;
    });
  }
  return ports;
}
