import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Dismissed } from '../../bot/dismissed.ts';
import { Maintainers } from '../../bot/maintainers.ts';
import { lineageOf } from '../../bot/superseded.ts';
import type { Finding, Series } from '../../rules/types.ts';
import { entryOf, policyOf } from '../support/policy.ts';
import { configUpgrade, recursion, sampleSeries, undefinedSelect } from '../support/sample-report.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dismissed-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
/** As after a start of the process. */
const open = (): Dismissed => new Dismissed(join(dir, 'dismissed.json'), () => new Date('2026-11-22T10:00:00Z'));
const why = (finding: Finding, series: Series = sampleSeries, policy = policyOf([entryOf()])): string | undefined =>
  open().whyNot(finding, series.patches[finding.anchor.patch - 1]!, series, policy);
const later: Series = { ...sampleSeries, revision: 3, subject: sampleSeries.subject.replace('v2', 'v3') };

test('nothing is dismissed at first', () => {
  expect([undefinedSelect, configUpgrade, recursion].map((one) => why(one))).toEqual([undefined, undefined, undefined]);
});

test('a false alarm is not told again of the series or a later revision, wherever its lines are by then', () => {
  open().invalid([undefinedSelect], lineageOf(sampleSeries), 'Max@example.org');
  const moved = { ...undefinedSelect, anchor: { ...undefinedSelect.anchor, line: 999, mailLines: [9, 9] as const } };
  for (const series of [sampleSeries, later])
    expect([why(moved, series), why(recursion, series)]).toEqual(['a maintainer called it a false alarm', undefined]);
});

test('the same finding in a series of somebody else, or of another title, is told', () => {
  open().invalid([undefinedSelect], lineageOf(sampleSeries), 'max@example.org');
  expect(why(undefinedSelect, { ...sampleSeries, author: { name: '', address: 'other@example.org' } })).toBeUndefined();
  expect(why(undefinedSelect, { ...sampleSeries, subject: '[PATCH 0/4] something else' })).toBeUndefined();
});

test('false alarms are counted by rule, each once', () => {
  for (const _ of [1, 2]) open().invalid([undefinedSelect, recursion], lineageOf(sampleSeries), 'max@example.org');
  open().invalid([undefinedSelect], lineageOf({ ...sampleSeries, subject: '[PATCH] other' }), 'max@example.org');
  expect(open().counts()).toEqual([
    [undefinedSelect.rule, 2],
    [recursion.rule, 1],
  ]);
});

test('a rule that an entry ignores is silent for the patches of that entry, and for no others', () => {
  open().ignore(recursion.rule, 'Max@Example.org', []);
  expect(why(recursion)).toBe(`max@example.org ignores ${recursion.rule}`);
  expect(why(undefinedSelect)).toBeUndefined();
  expect(why(recursion, sampleSeries, policyOf([entryOf({ address: 'moe@example.org' })]))).toBeUndefined();
});

test('a rule that a maintainer of files ignores is silent for the sections that name them', () => {
  const patch = sampleSeries.patches[recursion.anchor.patch - 1]!;
  const file = patch.diff[0]!.newPath!;
  open().ignore(recursion.rule, 'mia@example.net', ['THESE FILES']);
  const policy = (path: string) =>
    policyOf([entryOf()], { maintainers: Maintainers.parse(`THESE FILES\nF:\t${path}\n`, () => false) });
  expect(why(recursion, sampleSeries, policy(file))).toBe(`THESE FILES ignores ${recursion.rule}`);
  expect(why(recursion, sampleSeries, policy('fs/'))).toBeUndefined();
});

test('ignoring a rule for a second section leaves the first, and both are heard of again once that is taken back', () => {
  const { newPath } = sampleSeries.patches[recursion.anchor.patch - 1]!.diff[0]!;
  const maintainers = Maintainers.parse(`FIRST\nF:\t${newPath}\n`, () => false);
  const because = () => why(recursion, sampleSeries, policyOf([entryOf()], { maintainers }));
  for (const section of ['FIRST', 'SECOND', 'SECOND']) open().ignore(recursion.rule, 'Mia@example.net', [section]);
  open().heed(undefinedSelect.rule, 'mia@example.net');
  open().heed(recursion.rule, 'max@example.org');
  expect(because()).toBe(`FIRST ignores ${recursion.rule}`);
  open().heed(recursion.rule, 'MIA@example.net');
  expect(because()).toBeUndefined();
});
