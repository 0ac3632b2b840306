/**
 * Files whose symbols a change can alter. Text that only moves, and help texts, alter none; a file's own
 * entries alter that file; other blocks, sources or variables alter what is in or behind them too.
 */

import { type KconfigFile, Kind, type Statement } from './parse.ts';

type Files = ReadonlyMap<string, KconfigFile>;

/** Paths among `changed` (before and after a rename both) that matter, and those that they reach. */
export function touchedPaths(changed: readonly string[], before: Files, after: Files): Set<string> {
  const touched = new Set<string>();
  const reached: string[] = [];
  for (const path of changed) {
    const [b, a] = [before.get(path), after.get(path)];
    if ((!b && !a) || same(statements(b), statements(a))) continue;
    touched.add(path);
    if (!same(statements(b).filter(isFrame), statements(a).filter(isFrame))) reached.push(path);
  }
  const followed = new Set<string>();
  for (let path = reached.pop(); path !== undefined; path = reached.pop()) {
    if (followed.has(path)) continue;
    followed.add(path);
    touched.add(path);
    for (const file of [before.get(path), after.get(path)]) {
      for (const s of file?.statements ?? []) {
        if (s.kind === Kind.source) reached.push(s.text);
        // Variables hold everywhere, and what a macro expands to is not known here.
        const isMacroSource = s.kind === Kind.raw && /^\s*source\b/.test(file!.text.slice(s.start, s.end));
        if (s.kind === Kind.assign || isMacroSource) return new Set([...before.keys(), ...after.keys()]);
      }
    }
  }
  return touched;
}

/** A statement without its place; `isFrame`: it bears on what comes after its own entry. */
interface Bare {
  readonly key: string;
  readonly isFrame: boolean;
}

const isFrame = (bare: Bare): boolean => bare.isFrame;

function statements(file: KconfigFile | undefined): Bare[] {
  const found: Bare[] = [];
  let isInEntry = false;
  for (const s of file?.statements ?? []) {
    if (s.kind === Kind.help) continue;
    if (s.kind === Kind.config || s.kind === Kind.menuconfig || s.kind === Kind.comment) isInEntry = true;
    else if (BLOCKS.has(s.kind)) isInEntry = false;
    found.push({
      key: keyOf(s, file!),
      isFrame:
        !isInEntry ||
        (s.kind === Kind.raw &&
          !/^\s*(default|depends|prompt|select|imply|range|def_bool|def_tristate)\b/.test(
            file!.text.slice(s.start, s.end),
          )),
    });
  }
  return found;
}

const BLOCKS = new Set<Statement['kind']>([
  Kind.choice,
  Kind.endchoice,
  Kind.if,
  Kind.endif,
  Kind.menu,
  Kind.endmenu,
  Kind.source,
  Kind.assign,
]);

/** Equal for statements that mean the same wherever they stand. The words of a prompt do not count, that there is one does. */
function keyOf(s: Statement, file: KconfigFile): string {
  const hasText = s.kind === Kind.type || s.kind === Kind.prompt || s.kind === Kind.comment || s.kind === Kind.menu;
  const text = s.kind === Kind.raw ? file.text.slice(s.start, s.end) : hasText ? '' : s.text;
  const other = s.kind === Kind.raw ? 0 : s.other;
  return `${s.kind} ${s.symbol} ${other} ${s.expr} ${s.cond} ${s.type} ${text}`;
}

function same(these: readonly Bare[], those: readonly Bare[]): boolean {
  return these.length === those.length && these.every(({ key }, i) => key === those[i]!.key);
}
