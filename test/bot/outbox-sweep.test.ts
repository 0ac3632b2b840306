import { mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outbox } from '../../bot/outbox.ts';
import { sweepOutbox } from '../../bot/outbox-sweep.ts';
import { NOTHING_YET, type Outgoing } from '../../bot/outgoing.ts';
import { outgoing } from '../support/outgoing.ts';

let dir: string;
let outbox: Outbox;
const open = (): Outbox => new Outbox(dir, { info: () => undefined, warn: () => undefined });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'outbox-'));
  outbox = open();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const LATER = new Date(Date.now() + 60_000);
const EML = Buffer.from('Subject: x\r\n\r\nbody\r\n');
/** Takes a mail in, and sends it. */
function sent(name: string): Outgoing {
  const meta = outgoing(name);
  outbox.add(meta, EML);
  outbox.setProgress(meta.id, NOTHING_YET);
  outbox.move(meta.id, 'to-send', 'accepted');
  outbox.move(meta.id, 'accepted', 'sent');
  return meta;
}
const holding = (id: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[]).filter((path) => path.includes(id)).sort();

test('of what was done, its name is left, and it is not taken in again', () => {
  const [a, b] = [sent('a'), outgoing('b')];
  outbox.add(b, EML);
  outbox.move(b.id, 'to-send', 'discarded');
  sweepOutbox(dir, LATER);
  for (const { id } of [a, b]) {
    expect(holding(id)).toEqual([`gone/${id}.eml`]);
    expect(statSync(join(dir, `gone/${id}.eml`)).size).toBe(0);
  }
  for (const each of [outbox, open()]) {
    expect(each.add(a, EML)).toBe('known');
    expect(each.add(b, EML)).toBe('known');
    // Nor is another reply to the same patch.
    expect(each.add(outgoing('c', { answers: a.answers }), EML)).toBe('known');
    expect([each.find(a.messageId), each.list('sent'), each.hasReplyTo([a.answers])]).toEqual([undefined, [], true]);
  }
});

test('what waits, what is younger, and what came back stays', () => {
  const [young, back, waits] = [sent('young'), sent('back'), outgoing('waits')];
  outbox.add(waits, EML);
  outbox.noteBounces(back.messageId, [{ address: 'jane@example.org', why: 'no such user' }]);
  sweepOutbox(dir, new Date(Date.now() - 60_000));
  expect(outbox.find(young.messageId)?.state).toBe('sent');
  sweepOutbox(dir, LATER);
  expect(outbox.find(young.messageId)).toBeUndefined();
  expect(outbox.find(back.messageId)?.state).toBe('sent');
  expect(outbox.find(waits.messageId)?.state).toBe('to-send');
  outbox.settleBounces(back.id);
  sweepOutbox(dir, LATER);
  expect(holding(back.id)).toEqual([`gone/${back.id}.eml`]);
});

test('a sweep that a crash has ended is finished by the next', () => {
  const meta = sent('a');
  renameSync(join(dir, `sent/${meta.id}.eml`), join(dir, `gone/${meta.id}.eml`));
  outbox = open();
  expect(outbox.add(meta, EML)).toBe('known');
  sweepOutbox(dir, new Date(0));
  expect(holding(meta.id)).toEqual([`gone/${meta.id}.eml`]);
});
