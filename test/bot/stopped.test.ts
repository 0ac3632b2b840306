import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Stopped } from '../../bot/stopped.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stopped-'));
  path = join(dir, 'stopped');
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('nobody has stopped at first, and no file is made of that', () => {
  expect(new Stopped(path).addresses).toEqual(new Set());
  expect(existsSync(path)).toBe(false);
});

test('who stopped stays stopped after a restart, without regard to case', () => {
  const stopped = new Stopped(path);
  stopped.add('Max@Example.ORG');
  stopped.add('jane@example.org');
  stopped.add('max@example.org');
  const both = new Set(['max@example.org', 'jane@example.org']);
  expect(stopped.addresses).toEqual(both);
  expect(new Stopped(path).addresses).toEqual(both);
});

test('it is on disk at once, one address a line, below how to undo it', () => {
  new Stopped(path).add('max@example.org');
  const [head, ...lines] = readFileSync(path, 'utf8').split('\n');
  expect(head).toMatch(/^# .*undo/);
  expect(lines).toEqual(['max@example.org', '']);
});

test('an operator may take a line away, add one, and leave blank lines and remarks', () => {
  new Stopped(path).add('gone@example.org');
  writeFileSync(path, '# a remark\r\n\r\n  Added@example.org \r\n#off@example.org\n');
  expect(new Stopped(path).addresses).toEqual(new Set(['added@example.org']));
});

test('a file that cannot be read is an error, and not the same as nobody', () => {
  mkdirSync(path);
  expect(() => new Stopped(path)).toThrow(/EISDIR/);
});
