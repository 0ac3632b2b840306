import { describe, expect, test } from 'vitest';
import { graphSvg, legendOf } from '../../bot/page-graph.ts';
import type { PictureLink, PictureNode } from '../../rules/survey-types.ts';
import { numbers } from '../support/numbers.ts';

interface Place {
  readonly x: number;
  readonly y: number;
}

const node = (symbol: string): PictureNode => ({
  symbol,
  type: 'bool',
  value: 'y',
  hasPrompt: true,
  isFocus: false,
  path: 'Kconfig',
  line: 1,
});

const link = (from: string, to: string, kind: PictureLink['kind'] = 'depends on'): PictureLink => ({
  from,
  to,
  kind,
  path: 'Kconfig',
  line: 1,
  isBlocking: false,
});

/** Boxes by symbol, and the points that each line goes through. */
function read(svg: string): {
  readonly boxes: ReadonlyMap<
    string,
    { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  >;
  readonly lines: readonly { readonly from: string; readonly to: string; readonly points: readonly Place[] }[];
} {
  const number = (text: string | undefined): number => Number(text);
  const boxes = [
    ...svg.matchAll(/<title>([^:<]*): [^<]*<\/title><rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"/g),
  ].map(([, symbol, x, y, w, h]) => [symbol!, { x: number(x), y: number(y), w: number(w), h: number(h) }] as const);
  const lines = [...svg.matchAll(/ d="(M[^"]*)"><title>(\S+) .*? (\S+) \(/g)].map(([, d, from, to]) => ({
    from: from!,
    to: to!,
    points: pointsOf(d!),
  }));
  return { boxes: new Map(boxes), lines };
}

function pointsOf(d: string): Place[] {
  const numbers = [...d.matchAll(/-?[\d.]+/g)].map(([text]) => Number(text));
  const corners = Array.from({ length: numbers.length / 2 }, (_, i) => ({
    x: numbers[2 * i]!,
    y: numbers[2 * i + 1]!,
  }));
  const found: Place[] = [];
  for (let i = 0; i + 3 < corners.length; i += 3) {
    const [a, b, c, e] = corners.slice(i, i + 4) as [Place, Place, Place, Place];
    for (let step = 0; step <= 20; step += 1) {
      const t = step / 20;
      const mix = (axis: 'x' | 'y'): number =>
        (1 - t) ** 3 * a[axis] + 3 * (1 - t) ** 2 * t * b[axis] + 3 * (1 - t) * t ** 2 * c[axis] + t ** 3 * e[axis];
      found.push({ x: mix('x'), y: mix('y') });
    }
  }
  return found;
}

/** Lines that go through a box which is not theirs, as `FROM TO BOX`. */
function crossings(svg: string): string[] {
  const { boxes, lines } = read(svg);
  return lines.flatMap(({ from, to, points }) =>
    [...boxes].flatMap(([symbol, { x, y, w, h }]) => {
      const isIn = (p: Place): boolean => p.x > x + 1 && p.x < x + w - 1 && p.y > y + 1 && p.y < y + h - 1;
      return symbol !== from && symbol !== to && points.some(isIn) ? [`${from} ${to} ${symbol}`] : [];
    }),
  );
}

describe('lines', () => {
  test('go from the side of one box to the side of the other', () => {
    const picture = { nodes: [node('A'), node('B')], links: [link('A', 'B')], left: 0 };
    const { boxes, lines } = read(graphSvg(picture, 'a picture'));
    const [a, b] = [boxes.get('A')!, boxes.get('B')!];
    expect(lines).toHaveLength(1);
    const { points } = lines[0]!;
    expect(points[0]).toEqual({ x: a.x + a.w / 2, y: a.y + a.h });
    expect(points.at(-1)).toEqual({ x: b.x + b.w / 2, y: b.y });
  });

  test('of the same two boxes are beside each other', () => {
    const picture = { nodes: [node('A'), node('B')], links: [link('A', 'B'), link('A', 'B', 'selects')], left: 0 };
    const { lines } = read(graphSvg(picture, 'a picture'));
    expect(lines).toHaveLength(2);
    expect(lines[0]!.points[0]!.x).not.toBe(lines[1]!.points[0]!.x);
  });

  test('go through no box but their own, whatever the picture', () => {
    const any = numbers(7);
    let seen = 0;
    for (let round = 0; round < 25; round += 1) {
      const count = 4 + any(36);
      const names = Array.from({ length: count }, (_, i) => `S${i}${'X'.repeat(any(25))}`);
      const links = names.flatMap((to, i) =>
        i === 0
          ? []
          : Array.from({ length: 1 + any(2) }, () => names[any(i)]!)
              .filter((from, at, all) => all.indexOf(from) === at)
              .map((from) => (any(10) === 0 ? link(to, from) : link(from, to))),
      );
      const svg = graphSvg({ nodes: names.map(node), links, left: 0 }, 'a picture');
      expect(read(svg).lines).toHaveLength(links.length);
      seen += links.length;
      expect(crossings(svg)).toEqual([]);
    }
    expect(seen).toBeGreaterThan(400);
  });
});

test('the legend tells of what is drawn, and of nothing else', () => {
  const nodes = [node('A'), node('B')];
  expect(legendOf({ nodes, links: [link('A', 'B')], left: 0 })).toBe('Solid: depends on.');
  const links = [link('A', 'B', 'no longer selects'), { ...link('A', 'B'), isBlocking: true }];
  const legend = legendOf({ nodes, links, left: 0 });
  expect(legend).toContain('red, long dashes: said without the series, and no longer with it');
  expect(legend).toContain('red, heavy: a dependency that is not met');
  expect(legend).not.toContain('dashed: selects');
});
