import { describe, expect, test } from 'vitest';
import { Kin } from '../../bot/kin.ts';
import { assemble } from '../../bot/series.ts';
import { superseded } from '../../bot/superseded.ts';
import type { Message, MessageId } from '../../rules/types.ts';
import { diffOf, message, patchBody } from '../fixtures/mail/make.ts';
import { numbers } from '../support/numbers.ts';

const kinOf = (mails: readonly Message[]): Kin => {
  const kin = new Kin();
  for (const mail of mails) kin.add(mail);
  return kin;
};

/** The mails in parts that are no kin of each other. */
function parts(mails: readonly Message[]): Message[][] {
  const kin = kinOf(mails);
  const left = new Map(mails.map((mail) => [mail.messageId, mail]));
  const found: Message[][] = [];
  for (const id of left.keys()) {
    const part = [...kin.of(id)].map((one) => left.get(one)!);
    for (const { messageId } of part) left.delete(messageId);
    found.push(part);
  }
  return found;
}

/** What comes of mails: series, what is left over, and what supersedes what. */
function outcome(inputs: readonly (readonly Message[])[]): unknown {
  const all = inputs.map(assemble);
  const by = all.flatMap(({ series }) => [...superseded(series)].map(([old, later]) => `${old.id} ${later.id}`));
  const series = all.flatMap((one) => one.series.map((each) => JSON.stringify(each)));
  return {
    series: series.sort(),
    leftOver: all.flatMap((one) => one.leftOver.map(({ messageId }) => messageId)).sort(),
    by: by.sort(),
  };
}

/** Some series of one sender as careless people and scripts send them, days apart or within the hour. */
function sample(any: (below: number) => number): Message[] {
  const mails: Message[] = [];
  const known: MessageId[] = ['never-came@x.example'];
  for (let turn = 1 + any(6); turn > 0; turn--) {
    const total = 1 + any(3);
    const revision = 1 + any(3);
    const words = [
      ['', 'RESEND '][Number(any(6) === 0)],
      'PATCH',
      ['', ' 6.6.y', ' net', ' 6.1.y'][any(4)],
      revision > 1 && any(4) > 0 ? ` v${revision}` : '',
    ].join('');
    const start = any(2) > 0 ? any(100) : any(20) * 1440;
    const title = ['foo', 'Foo', 'bar', 'baz'][any(4)]!;
    const above = known[any(known.length * 2)];
    const changeId = any(4) === 0 ? `\nchange-id: c${any(2)}\n` : '';
    let root = above;
    for (let n = any(2); n <= total; n++) {
      if (any(8) === 0) continue;
      const id = any(9) === 0 ? '' : `m${mails.length}@x.example`;
      const counter = any(7) === 0 || (total === 1 && n === 1) ? '' : ` ${n}/${total}`;
      const references = root === undefined || any(6) === 0 ? undefined : [...(above ? [above] : []), root];
      const body =
        n === 0 ? `What this is about.\n${changeId}` : patchBody(`x${changeId}`, diffOf(`drivers/foo${n}/Kconfig`));
      const mail = message({
        id,
        subject: `${any(12) === 0 ? 'Re: ' : ''}[${words}${counter}] ${title}${n > 0 && total > 1 ? `: step ${n}` : ''}`,
        at: any(12) === 0 ? null : start + n * [0, 1, 20, 31][any(4)]!,
        body: `${body}${mails.length}\n`,
        ...(references && { references }),
      });
      mails.push(mail);
      known.push(mail.messageId);
      if (root === above || any(3) === 0) root = mail.messageId;
    }
  }
  return mails;
}

function shuffled<T>(all: readonly T[], any: (below: number) => number): T[] {
  return all
    .map((one) => ({ one, at: any(1e6) }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

describe('mails put together with their kin alone', () => {
  test('give what all of them give together, in any order, in 1500 random inputs', () => {
    const any = numbers(11);
    let divided = 0;
    let supersedes = 0;
    for (let turn = 0; turn < 1500; turn++) {
      const mails = sample(any);
      const whole = outcome([mails]) as { by: string[] };
      const apart = parts(shuffled(mails, any));
      expect(outcome(apart), mails.map(({ subject }) => subject).join('\n')).toEqual(whole);
      divided += Number(apart.length > 1);
      supersedes += Number(whole.by.length > 0);
    }
    expect(Math.min(divided, supersedes)).toBeGreaterThan(300);
  });
});

test('patches without a thread, a title or an hour in common are no kin', () => {
  const mails = ['a', 'b', 'c'].map((name, at) => message({ id: name, subject: `[PATCH 1/2] ${name}`, at: at * 90 }));
  expect(parts(mails)).toHaveLength(3);
});

test('the nearest kin come first; what was deleted is none', () => {
  const mails = ['a', 'b', 'c'].map((id, at, all) =>
    message({ id, subject: `[PATCH] ${id}`, ...(at > 0 && { references: [all[at - 1]!] }) }),
  );
  const kin = kinOf(mails);
  expect([...kin.of('a')]).toEqual(['a', 'b', 'c']);
  expect([...kin.of('c')]).toEqual(['c', 'b', 'a']);
  kin.delete('b');
  expect([...kin.of('c')]).toEqual(['c']);
  expect([kin.has('b'), kin.size]).toEqual([false, 2]);
});
