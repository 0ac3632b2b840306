/**
 * Symbols and what links them, as an SVG picture: layered, so that what is needed stands below what needs it; on its right
 * where that makes a picture which a page has room for.
 */

import { Graph, layout } from '@dagrejs/dagre';
import type { Picture, PictureLink, PictureNode } from '../rules/survey-types.ts';
import { escapeHtml } from './page-escape.ts';

const CHAR_WIDTH = 7.4;
const PADDING = 12;
const HEIGHT = 40;
const MARGIN = 8;
const MOST_CHARS = 34;
/** The text of a page is 62rem wide (page.css). */
const PAGE_WIDTH = 992;
/** What is a little too wide is drawn smaller, as long as it can be read. */
const LEAST_SCALE = 0.75;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Text of an `svg` element; colours and strokes are those of its classes. `label` says what is seen. */
export function graphSvg({ nodes, links }: Picture, label: string): string {
  const down = laidOut(nodes, links, 'TB');
  const graph = down.graph().width! <= PAGE_WIDTH ? down : narrower(down, laidOut(nodes, links, 'LR'));
  const { width = 0, height = 0 } = graph.graph();
  const lines = links.map((link) => {
    const { points } = graph.edge(link.from, link.to, link.kind) as { points: readonly Point[] };
    return linkSvg(link, points);
  });
  const blocking = new Set(links.filter(({ isBlocking }) => isBlocking).map(({ to }) => to));
  const boxes = nodes.map((node) => {
    const { x, y, width: w } = graph.node(node.symbol) as Point & { readonly width: number };
    return nodeSvg(node, { x, y }, w, blocking.has(node.symbol));
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

function linkSvg({ from, to, kind, path, line, isBlocking }: PictureLink, points: readonly Point[]): string {
  const classes = ['link', kind.replace(/ .*/, ''), ...(isBlocking ? ['blocking'] : [])].join(' ');
  const title = escapeHtml(`${from} ${kind} ${to} (${path}:${line})`);
  return `<path class="${classes}" marker-end="url(#arrow)" d="${curve(points)}"><title>${title}</title></path>`;
}

/** A smooth line: straight to the middle of each stretch, bent at the points between. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = points.at(-1);
  if (!first || !last) return '';
  const bends = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1]!;
    const end = i === rest.length - 2 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${at(point)} ${at(end)}`;
  });
  return `M${at(first)} ${bends.length > 0 ? bends.join(' ') : `L${at(last)}`}`;
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

function nodeSvg(node: PictureNode, { x, y }: Point, width: number, blocks: boolean): string {
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
