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

test('a section stays stopped until all who stopped it took that back, also after a restart', () => {
  const stopped = new Stopped(path);
  stopped.add('Jane@example.org', ['INPUT', 'WE <3 DRIVERS']);
  stopped.add('max@example.org', ['INPUT']);
  stopped.remove('rob@example.org', ['INPUT', 'WE <3 DRIVERS'], false);
  expect(readFileSync(path, 'utf8')).toContain('section INPUT <jane@example.org>\nsection INPUT <max@example.org>\n');
  stopped.remove('max@example.org', ['INPUT'], false);
  expect(new Stopped(path).sections).toEqual(new Set(['INPUT', 'WE <3 DRIVERS']));
  const later = new Stopped(path);
  later.remove('jane@example.org', ['INPUT', 'WE <3 DRIVERS'], false);
  expect([later.sections, new Stopped(path).sections]).toEqual([new Set(), new Set()]);
});

test('a section that the operator stopped is not started by a mail', () => {
  writeFileSync(path, 'section INPUT\n');
  const stopped = new Stopped(path);
  stopped.add('jane@example.org', ['INPUT']);
  stopped.remove('jane@example.org', ['INPUT'], false);
  expect(new Stopped(path).sections).toEqual(new Set(['INPUT']));
});

test('what the operator writes while depbot runs is neither lost nor undone by who stops later', () => {
  const stopped = new Stopped(path);
  for (const who of ['gone@example.org', 'stays@example.org']) stopped.add(who);
  const text = readFileSync(path, 'utf8').replace(
    'gone@example.org\n',
    '# a remark\nadded@example.org\nsection INPUT\n',
  );
  writeFileSync(path, text);
  stopped.add('max@example.org');
  const expected = new Set(['added@example.org', 'max@example.org', 'stays@example.org']);
  for (const one of [stopped, new Stopped(path)])
    expect([one.addresses, one.sections]).toEqual([expected, new Set(['INPUT'])]);
  expect(readFileSync(path, 'utf8')).toContain('\n# a remark\n');
});

test('a file that an editor has taken away for a moment makes nobody start', () => {
  const stopped = new Stopped(path);
  stopped.add('jane@example.org');
  for (const take of [() => rmSync(path), () => writeFileSync(path, '')]) {
    take();
    stopped.add('max@example.org');
    expect(new Stopped(path).addresses).toEqual(new Set(['jane@example.org', 'max@example.org']));
  }
});

test('who has an entry and asks by mail after a stop is written to again, but the entry stays off until the operator undoes it', () => {
  const stopped = new Stopped(path);
  stopped.add('Jane@example.org');
  stopped.remove('jane@example.org', [], true);
  for (const one of [stopped, new Stopped(path)])
    expect([one.addresses, one.entries]).toEqual([new Set(), new Set(['jane@example.org'])]);
  stopped.add('jane@example.org');
  expect(readFileSync(path, 'utf8')).not.toContain('entry');
});

test('a file that cannot be read is an error, and not the same as nobody', () => {
  mkdirSync(path);
  expect(() => new Stopped(path)).toThrow(/EISDIR/);
});
