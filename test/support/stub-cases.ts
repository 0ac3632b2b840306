/**
 * Cases of test/fixtures/stub-effect/*.c. Each begins with a comment, `CASE verdict: title` and what holds:
 * `STUB name constant` after the series, `STUB-BEFORE` before it, `OFF SYMBOL` that the configuration has not,
 * `ENTRY .member function` of an ops table, and what is expected besides: `TRAIL`, `LOST`, `KEPT`. The function
 * in question is `f`; all others of the side are helpers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Condition } from '../../rules/source/c-condition.ts';
import type { Constant } from '../../rules/source/c-constant.ts';
import { constantOf } from '../../rules/source/c-constant.ts';
import { parseExpression } from '../../rules/source/c-if-line.ts';
import type { FunctionDef } from '../../rules/source/control-flow.ts';
import type { Side, StubQuestion } from '../../rules/source/stub-effect.ts';
import { readC } from './c-source.ts';

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'stub-effect');

export interface StubCase {
  readonly file: string;
  readonly title: string;
  readonly verdict: string;
  readonly question: StubQuestion;
  /** Lines of the two texts; line n of the question is index n - 1. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly trail?: string;
  readonly lost?: readonly string[];
  readonly kept?: readonly string[];
}

export function stubCases(): readonly StubCase[] {
  return readdirSync(FOLDER)
    .sort()
    .flatMap((file) =>
      readFileSync(join(FOLDER, file), 'utf8')
        .split(/^(?=\/\* CASE )/m)
        .slice(1)
        .map((text) => caseOf(file, text)),
    );
}

function caseOf(file: string, text: string): StubCase {
  const [head = '', rest = ''] = text.split('/* BEFORE */\n');
  const [before = '', after = ''] = rest.split('/* AFTER */\n');
  const [, verdict = '', title = ''] = /CASE (\w+): (.*)/.exec(head) ?? [];
  const all = (key: string): string[] =>
    [...head.matchAll(new RegExp(`^ \\* ${key} (.*)$`, 'gm'))].map(([, value]) => value!);
  const entries = new Map(all('ENTRY').map((line) => line.split(' ') as [string, string]));
  const off = new Set(all('OFF'));
  const trail = all('TRAIL')[0];
  const old = before.trim() === '' ? undefined : sideOf(before, all('STUB-BEFORE'), new Map());
  return {
    file,
    title,
    verdict,
    question: {
      ...(old && { before: old }),
      after: sideOf(after, all('STUB'), entries),
      ...(off.size > 0 && { decide: (c: Condition) => decided(c, off) }),
    },
    before: before.split('\n'),
    after: after.split('\n'),
    ...(trail !== undefined && { trail }),
    ...(all('LOST').length > 0 && { lost: all('LOST') }),
    ...(all('KEPT').length > 0 && { kept: all('KEPT') }),
  };
}

function sideOf(text: string, stubs: readonly string[], entries: ReadonlyMap<string, string>): Side {
  const file = readC(text);
  const defs = new Map(
    file.functions.map((one): [string, FunctionDef] => [one.name, { path: 'drivers/a.c', file, function: one }]),
  );
  const of = defs.get('f');
  if (!of) throw new Error(`there is no function f in\n${text}`);
  defs.delete('f');
  for (const [member, name] of entries) defs.set(member, defs.get(name)!);
  return { of, helpers: defs, stubs: new Map(stubs.map(stubOf)) };
}

function stubOf(line: string): [string, Constant] {
  const [, name = '', value = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
  if (value === 'void') return [name, { k: 'void' }];
  const e = parseExpression(value);
  const constant = e && constantOf(e);
  if (!constant) throw new Error(`${value} is no constant`);
  return [name, constant];
}

/** A configuration in which these symbols are off, and the others are not known. */
function decided(c: Condition, off: ReadonlySet<string>): boolean | undefined {
  if (typeof c === 'boolean') return c;
  if ('not' in c) {
    const inner = decided(c.not, off);
    return inner === undefined ? undefined : !inner;
  }
  if ('all' in c) return c.all.some((part) => decided(part, off) === false) ? false : undefined;
  return 'symbol' in c && 'is' in c && off.has(c.symbol) ? false : undefined;
}
