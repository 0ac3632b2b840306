import { describe, expect, it } from 'vitest';
import { effectOfStub } from '../../../rules/source/stub-effect.ts';
import type { Step } from '../../../rules/source/trail.ts';
import { stubCases } from '../../support/stub-cases.ts';

const outcomeOf = ({ outcome }: Step): string => (outcome === undefined ? '' : ` is ${outcome}`);

const CASES = stubCases();

describe('what a stub does to its callers', () => {
  it.each(CASES.map((one) => [`${one.file}: ${one.verdict}: ${one.title}`, one] as const))('%s', (_, one) => {
    const effect = effectOfStub(one.question);
    expect(effect.verdict).toBe(one.verdict);
    if (effect.verdict !== 'lost') return;
    // every loss can be told: from the function, by way of the stub, to a return of the function
    expect(effect.trail[0]?.function).toBe('f');
    expect(effect.trail.at(-1)).toMatchObject({ function: 'f', kind: 'return' });
    expect(effect.trail.some(({ kind, text }) => kind === 'call' && one.question.after.stubs.has(text))).toBe(true);
    expect(effect.lostExits.length).toBeGreaterThan(0);
    const told = effect.trail.map((step) => `${step.function} ${step.kind} ${step.text}${outcomeOf(step)}`).join(' | ');
    if (one.trail !== undefined) expect(told).toBe(one.trail);
    const exits = (lines: readonly number[]): string[] =>
      lines.map((line) => `${line}: ${one.before[line - 1]!.trim()}`);
    if (one.lost) expect(exits(effect.lostExits.map(({ before }) => before))).toEqual(one.lost);
    if (one.kept) expect(exits(effect.keptExits)).toEqual(one.kept);
  });
});
