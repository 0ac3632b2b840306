import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openLog } from '../../bot/log.ts';

function logged(write: (log: ReturnType<typeof openLog>) => void): string {
  const out = new PassThrough();
  write(openLog(out, () => new Date('2026-11-22T23:59:59.999Z')));
  return String(out.read());
}

test('an event is a line with its time in UTC, to the second', () => {
  expect(logged((log) => log.info('serving'))).toBe('2026-11-22T23:59:59Z serving\n');
});

test('a warning says that it is one', () => {
  expect(logged((log) => log.warn('Redis ended'))).toBe('2026-11-22T23:59:59Z warning: Redis ended\n');
});

test('a text of several lines is one line', () => {
  expect(logged((log) => log.info('one\n  two\n\n\tthree'))).toBe('2026-11-22T23:59:59Z one | two | three\n');
});

test('what a mail brought can neither begin a line of its own nor control a terminal', () => {
  const text = logged((log) => log.warn('[PATCH] x\r2026-11-22T00:00:00Z forged\u001b[2J\u009b1m\u202e\u0000\n'));
  expect(text.match(/\n/g)).toHaveLength(1);
  expect(text.endsWith('\n')).toBe(true);
  expect(text.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(text).toContain('forged');
});

test('quiet leaves out what is only going on; JSON is an object a line, with the same text', () => {
  const out = new PassThrough();
  const log = openLog(out, () => new Date('2026-11-22T23:59:59.999Z'), { verbosity: 'quiet', json: true });
  log.info('serving');
  log.warn('one\n two\u001b');
  expect(String(out.read())).toBe('{"time":"2026-11-22T23:59:59.999Z","level":"warn","message":"one | two\ufffd"}\n');
});
