/**
 * Symbols and what links them, as an SVG picture: layered, so that what is needed stands below what needs it; on its right
 * where that makes a picture which a page has room for.
 */

import { Graph, layout } from '@dagrejs/dagre';
import type { LinkKind, Picture, PictureLink, PictureNode } from '../rules/survey-types.ts';
import { escapeHtml } from './page-escape.ts';
import { type Box, type Curve, type Point, routes } from './page-route.ts';

const CHAR_WIDTH = 7.4;
const PADDING = 12;
const HEIGHT = 40;
const MARGIN = 8;
const MOST_CHARS = 34;
/** The text of a page is 62rem wide (page.css). */
const PAGE_WIDTH = 992;
/** What is a little too wide is drawn smaller, as long as it can be read. */
const LEAST_SCALE = 0.75;

/** Text of an `svg` element; colours and strokes are those of its classes. `label` says what is seen. */
export function graphSvg({ nodes, links }: Picture, label: string): string {
  const down = laidOut(nodes, links, 'TB');
  const graph = down.graph().width! <= PAGE_WIDTH ? down : narrower(down, laidOut(nodes, links, 'LR'));
  const { width = 0, height = 0 } = graph.graph();
  const placed = new Map(nodes.map(({ symbol }) => [symbol, graph.node(symbol) as Box]));
  const led = links.map(({ from, to, kind }) => ({ from, to, points: pointsOf(graph.edge(from, to, kind)) }));
  const ways = routes(placed, led, graph === down);
  const lines = links.map((link, i) => linkSvg(link, ways[i]!));
  const blocking = new Set(links.filter(({ isBlocking }) => isBlocking).map(({ to }) => to));
  const boxes = nodes.map((node) => {
    return nodeSvg(node, placed.get(node.symbol)!, blocking.has(node.symbol));
  });
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const scale = Math.min(1, Math.max(LEAST_SCALE, PAGE_WIDTH / w));
  return [
    `<svg class="graph" role="img" aria-label="${escapeHtml(label)}" width="${Math.floor(w * scale)}" height="${Math.floor(h * scale)}" viewBox="0 0 ${w} ${h}">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>',
    ...lines,
    ...boxes,
    '</svg>',
  ].join('\n');
}

/** dagre's, with the size of the whole and a place for each node and link. */
type Laid = Graph & { graph(): { width?: number; height?: number } };

function laidOut(nodes: readonly PictureNode[], links: readonly PictureLink[], rankdir: 'TB' | 'LR'): Laid {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir, nodesep: 18, ranksep: 44, marginx: MARGIN, marginy: MARGIN });
  for (const node of nodes) {
    const chars = Math.max(shortened(node.symbol).length, detail(node).length);
    graph.setNode(node.symbol, { width: chars * CHAR_WIDTH + 2 * PADDING, height: HEIGHT });
  }
  for (const link of links) graph.setEdge(link.from, link.to, {}, link.kind);
  layout(graph);
  return graph as Laid;
}

function narrower(one: Laid, other: Laid): Laid {
  return other.graph().width! < one.graph().width! ? other : one;
}

function linkSvg({ from, to, kind, path, line, isBlocking }: PictureLink, way: readonly Curve[]): string {
  const classes = ['link', CLASSES[kind], ...(isBlocking ? ['blocking'] : [])].join(' ');
  const title = escapeHtml(`${from} ${kind} ${to} (${path}:${line})`);
  return `<path class="${classes}" marker-end="url(#arrow)" d="${pathOf(way)}"><title>${title}</title></path>`;
}

const CLASSES: Readonly<Record<LinkKind, string>> = {
  'depends on': 'depends',
  selects: 'selects',
  implies: 'implies',
  'no longer depends on': 'gone',
  'no longer selects': 'gone',
  'no longer implies': 'gone',
  'has code that needs': 'code',
};

/** How a picture is to be read: what is in it, and nothing else. */
export function legendOf({ nodes, links }: Picture): string {
  const has = (name: string): boolean => links.some(({ kind }) => CLASSES[kind] === name);
  const parts = [
    has('depends') && 'solid: depends on',
    has('selects') && 'dashed: selects',
    has('implies') && 'dotted: implies',
    has('gone') && 'red, long dashes: said without the series, and no longer with it',
    has('code') && 'red, dotted: code of the one needs the other',
    links.some(({ isBlocking }) => isBlocking) && 'red, heavy: a dependency that is not met',
    nodes.some(({ value }) => value === 'n') && 'dashed box: n',
    nodes.some(({ isFocus }) => isFocus) && 'heavy box: what the finding is about',
  ];
  const text = parts.filter((part) => part !== false).join('; ');
  return text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function pathOf(way: readonly Curve[]): string {
  const [first] = way;
  const parts = way.map(([, one, other, end]) => `C${at(one)} ${at(other)} ${at(end)}`);
  return first ? `M${at(first[0])} ${parts.join(' ')}` : '';
}

function pointsOf(edge: unknown): readonly Point[] {
  return (edge as { readonly points?: readonly Point[] }).points ?? [];
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

function nodeSvg(node: PictureNode, { x, y, width }: Box, blocks: boolean): string {
  const isOff = node.value === 'n';
  const classes = [node.isFocus ? 'focus' : '', isOff ? 'off' : '', blocks ? 'blocks' : ''].filter(Boolean).join(' ');
  const place = node.path === undefined ? 'declared nowhere' : `${node.path}:${node.line}`;
  const box = `x="${(x - width / 2).toFixed(1)}" y="${(y - HEIGHT / 2).toFixed(1)}" width="${width.toFixed(1)}" height="${HEIGHT}" rx="4"`;
  return (
    `<g class="${classes}"><title>${escapeHtml(`${node.symbol}: ${place}`)}</title><rect ${box}/>` +
    `<text class="name" x="${x.toFixed(1)}" y="${(y - 3).toFixed(1)}">${escapeHtml(shortened(node.symbol))}</text>` +
    `<text x="${x.toFixed(1)}" y="${(y + 13).toFixed(1)}">${escapeHtml(detail(node))}</text></g>`
  );
}

function detail({ type, value, hasPrompt, path }: PictureNode): string {
  if (path === undefined) return 'not declared';
  const shown = value.length > 12 ? `${value.slice(0, 11)}…` : value;
  return `${type} = ${shown}${hasPrompt ? '' : ', no prompt'}`;
}

function shortened(symbol: string): string {
  return symbol.length > MOST_CHARS ? `${symbol.slice(0, MOST_CHARS - 1)}…` : symbol;
}
