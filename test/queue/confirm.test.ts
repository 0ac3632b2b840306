/** How far candidates come: conf, then a build where they are about code. */
import { expect, test } from 'vitest';
import type { BuildAnswer } from '../../queue/build.ts';
import { type Builder, confirmAll } from '../../queue/confirm.ts';
import type { BuildQuestion } from '../../rules/build-question.ts';
import lostSymbol from '../../rules/lost-symbol.ts';
import type { Candidate, Conf } from '../../rules/rule.ts';
import type { Attempt } from '../../rules/types.ts';

const attempt = (rung: 2 | 3, side: 'before' | 'after', agrees = true): Attempt => ({
  ...{ rung, side, agrees, argv: ['run', side], exitCode: 0, excerpt: `seen ${side}` },
});
const question = (object: string): BuildQuestion => ({
  ...{ arch: 'x86', config: '', object, name: 'f', expects: 'error' },
});

function candidate(
  key: string,
  builds: readonly string[] = [],
  confirmed = [attempt(2, 'before'), attempt(2, 'after')],
): Candidate {
  return {
    ...{ key, symbols: ['FOO'], claim: {}, evidence: [], builds: builds.map(question) },
    anchor: { patch: 1, file: 'Kconfig', line: 1, mailLines: [1, 1] },
    confirm: () => Promise.resolve(confirmed),
  };
}

const conf: Conf = { olddefconfig: () => Promise.reject(new Error('not asked')) };

async function outcome(some: readonly Candidate[], builder?: Builder) {
  const rule = { ...lostSymbol, rung: 2 as const };
  const { findings, dropped } = await confirmAll([{ rule, run: { finish: () => some } }], conf, builder && { builder });
  return {
    found: findings.map(({ key, verification: { rung, notBuilt } }) => [key, rung, ...(notBuilt ? [notBuilt] : [])]),
    dropped: dropped.map(({ key, why }) => `${key}: ${why}`),
  };
}

const answering = (answers: Readonly<Record<string, BuildAnswer>>): Builder => {
  return (questions) => Promise.resolve(questions.map(({ object }) => answers[object]!));
};
const built = (after = true): BuildAnswer => ({
  ok: true,
  attempts: [attempt(3, 'before'), attempt(3, 'after', after)],
});

test('what conf has confirmed is told before anything is built, and not what it has refused', async () => {
  const told: string[] = [];
  const builder: Builder = (questions) => {
    told.push('building');
    return answering({ 'b.o': built(false) })(questions);
  };
  const some = [candidate('b', ['b.o']), candidate('a'), candidate('c', [], [attempt(2, 'before', false)])];
  const rule = { ...lostSymbol, rung: 2 as const };
  const { dropped } = await confirmAll([{ rule, run: { finish: () => some } }], conf, {
    builder,
    onConfirmed: (findings) => told.push(...findings.map(({ key, isToBeBuilt }) => `${key} ${isToBeBuilt}`)),
  });
  expect(told).toEqual(['a false', 'b true', 'building']);
  expect(dropped.map(({ key }) => key)).toEqual(['c', 'b']);
});

test('a claim about Kconfig stays on rung 2, and nothing is built for it', async () => {
  const neverAsked: Builder = () => Promise.reject(new Error('asked'));
  expect(await outcome([candidate('a')], neverAsked)).toEqual({ found: [['a', 2]], dropped: [] });
});

test('a claim about code reaches rung 3 when all its builds agree', async () => {
  const builder = answering({ 'a.o': built(), 'b.o': built() });
  expect(await outcome([candidate('a', ['a.o', 'b.o'])], builder)).toEqual({ found: [['a', 3]], dropped: [] });
});

test('one that a build disagrees with is dropped, with what was seen', async () => {
  const builder = answering({ 'a.o': built(), 'b.o': built(false) });
  expect(await outcome([candidate('a', ['a.o', 'b.o']), candidate('b', ['a.o'])], builder)).toEqual({
    found: [['b', 3]],
    dropped: ['a: a build disagrees (after the series: run after exited with 0): seen after'],
  });
});

test('one that could not be built stays on rung 2 and says why', async () => {
  const builder = answering({ 'a.o': { ok: false, why: 'no compiler' }, 'b.o': built() });
  expect(await outcome([candidate('a', ['a.o', 'b.o'])], builder)).toEqual({
    found: [['a', 2, 'no compiler']],
    dropped: [],
  });
  expect(await outcome([candidate('a', ['a.o'])])).toEqual({
    found: [['a', 2, 'builds are switched off']],
    dropped: [],
  });
});

test('one that conf refuses is dropped before anything is built', async () => {
  const asked: string[] = [];
  const builder: Builder = (questions) => {
    asked.push(...questions.map(({ object }) => object));
    return Promise.resolve(questions.map(() => built()));
  };
  const refused = candidate('a', ['a.o'], [attempt(2, 'before'), attempt(2, 'after', false)]);
  expect(await outcome([refused, candidate('b', ['b.o']), candidate('c', [], [])], builder)).toEqual({
    found: [['b', 3]],
    dropped: ['a: conf disagrees (after the series: run after exited with 0): seen after', 'c: nothing was tried'],
  });
  expect(asked).toEqual(['b.o']);
});
