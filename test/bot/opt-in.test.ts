import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Section } from '../../bot/maintainers.ts';
import { OptIns } from '../../bot/opt-in.ts';
import { entryOf } from '../support/policy.ts';

const MIA = 'mia@example.net';
const LISTS = ['input@lists.example.org'];
const section = (name: string): Section => ({ name, line: 1, maintainers: [MIA], reviewers: [], lists: LISTS });
const INPUT = [section('INPUT DRIVERS')];

let dir: string;
let path: string;
let now: Date;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'opt-in-'));
  path = join(dir, 'asked.json');
  now = new Date('2026-11-22T10:00:00Z');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
/** As after a start of the process. */
const open = (): OptIns => new OptIns(path, () => now);

test('a request is no entry before its token comes back, and a draft entry after', () => {
  const token = open().ask('Mia@example.net', INPUT, LISTS);
  expect(open().entries).toEqual([]);
  expect(open().confirm(MIA, token)).toMatchObject({ ok: true });
  const from = 'asked for by mail, 2026-11-22';
  expect(open().entries).toEqual([
    entryOf({ byMail: true, address: MIA, lists: LISTS, sections: ['INPUT DRIVERS'], paths: [], preview: true, from }),
  ]);
});

test('the token is the same while it is good, in spite of crashes, and of a length that nobody guesses', () => {
  const token = open().ask(MIA, INPUT, LISTS);
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  expect(open().ask(MIA, INPUT, LISTS)).toBe(token);
  expect(open().ask(MIA, [section('INPUT CORE')], LISTS)).not.toBe(token);
  expect(open().ask('moe@example.net', INPUT, LISTS)).not.toBe(token);
});

test('a token confirms once or twice, the same; of another address, of other letters or after a week it does not', () => {
  const token = open().ask(MIA, INPUT, LISTS);
  expect(open().confirm('eve@x.example', token).ok).toBe(false);
  expect(open().confirm(MIA, token.slice(1)).ok).toBe(false);
  expect(open().confirm(MIA, '').ok).toBe(false);
  now = new Date(now.getTime() + 7 * 86_400_000 + 1);
  expect(open().confirm(MIA, token)).toMatchObject({ ok: false, why: expect.stringContaining('good for 7 days') });
  const other = open().ask(MIA, INPUT, LISTS);
  expect(other).not.toBe(token);
  for (const _ of [1, 2]) expect(open().confirm(MIA, other).ok).toBe(true);
  expect(open().entries).toHaveLength(1);
});

test('who stops has neither entries nor tokens any more; the others keep theirs', () => {
  const [mia, moe] = [open().ask(MIA, INPUT, LISTS), open().ask('moe@example.net', INPUT, LISTS)];
  open().confirm(MIA, mia);
  open().confirm('moe@example.net', moe);
  const pending = open().ask(MIA, [section('INPUT CORE')], LISTS);
  open().remove('MIA@example.net');
  expect(open().entries.map(({ address }) => address)).toEqual(['moe@example.net']);
  expect(open().confirm(MIA, pending).ok).toBe(false);
});

test('a damaged file is named and set aside; nobody is opted in by it', () => {
  writeFileSync(path, '{"confirmed":[{"address":"eve@x.example"}]}');
  expect(open).toThrow(/asked\.json: .*set aside/s);
  expect(open().entries).toEqual([]);
});
