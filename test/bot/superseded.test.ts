import { describe, expect, test } from 'vitest';
import { parseSubject } from '../../bot/subject.ts';
import { superseded } from '../../bot/superseded.ts';
import type { Assembled } from '../../rules/types.ts';
import { cpuMs } from '../fixtures/mail/make.ts';

interface Like {
  readonly subject: string;
  readonly revision?: number;
  readonly author?: string;
  readonly changeId?: string;
  readonly complete?: boolean;
}

/** As much of a series as the question needs. */
function series({ subject, revision = 1, author = 'a@x.example', changeId, complete = true }: Like): Assembled {
  return {
    complete,
    subject,
    revision,
    author: { name: 'A', address: author },
    ...(changeId && { changeId }),
  } as Assembled;
}

/** For each series the index of the one that supersedes it. */
function indexes(likes: readonly Like[]): (number | undefined)[] {
  const all = likes.map(series);
  const by = superseded(all);
  return all.map((one) => (by.has(one) ? all.indexOf(by.get(one)!) : undefined));
}

describe('a series', () => {
  test.each<[string, Like[], (number | undefined)[]]>([
    [
      'is superseded by its next revision',
      [{ subject: '[PATCH 0/2] Foo' }, { subject: '[PATCH v2 0/2] foo', revision: 2 }],
      [1, undefined],
    ],
    [
      'is superseded by the newest of several',
      [{ subject: '[PATCH] f' }, { subject: '[PATCH v3] f', revision: 3 }, { subject: '[PATCH v2] f', revision: 2 }],
      [1, undefined, 1],
    ],
    ['is superseded by itself sent again', [{ subject: '[PATCH] f' }, { subject: '[PATCH RESEND] f' }], [1, undefined]],
    [
      'is not superseded by a late RESEND of an earlier revision',
      [{ subject: '[PATCH v2] f', revision: 2 }, { subject: '[PATCH RESEND] f' }],
      [undefined, 0],
    ],
    [
      'is recognised by its change-id under another title',
      [
        { subject: '[PATCH] f', changeId: 'c1' },
        { subject: '[PATCH v2] g', revision: 2, changeId: 'c1' },
      ],
      [1, undefined],
    ],
    [
      'is not superseded by one with another change-id',
      [
        { subject: '[PATCH] f', changeId: 'c1' },
        { subject: '[PATCH v2] f', revision: 2, changeId: 'c2' },
      ],
      [undefined, undefined],
    ],
    [
      'is not superseded by another title',
      [{ subject: '[PATCH] f' }, { subject: '[PATCH v2] g', revision: 2 }],
      [undefined, undefined],
    ],
    [
      'is not superseded by another author',
      [{ subject: '[PATCH] f' }, { subject: '[PATCH v2] f', revision: 2, author: 'b@x.example' }],
      [undefined, undefined],
    ],
    [
      'is not superseded by an incomplete one',
      [{ subject: '[PATCH 0/2] f' }, { subject: '[PATCH v2 0/2] f', revision: 2, complete: false }],
      [undefined, undefined],
    ],
  ])('%s', (_, likes, expected) => {
    expect(indexes(likes)).toEqual(expected);
  });
});

/** What {@link superseded} means, pair by pair. */
function pairwise(all: readonly Assembled[]): (number | undefined)[] {
  const idOf = (one: Assembled): string | undefined => (one.complete ? one.changeId : undefined);
  const titleOf = (one: Assembled): string => parseSubject(one.subject).title.toLowerCase();
  const isSame = (a: Assembled, b: Assembled): boolean => {
    if (a.author.address.toLowerCase() !== b.author.address.toLowerCase()) return false;
    const isIdentified = idOf(a) !== undefined && idOf(b) !== undefined;
    return isIdentified ? idOf(a) === idOf(b) : titleOf(a) === titleOf(b);
  };
  return all.map((old, i) => {
    const later = all
      .map((other, j) => ({ other, j }))
      .filter(({ other, j }) => i !== j && isSame(old, other) && (other.complete || !old.complete))
      .filter(({ other, j }) => other.revision > old.revision || (other.revision === old.revision && j > i));
    return later.sort((a, b) => b.other.revision - a.other.revision || b.j - a.j)[0]?.j;
  });
}

/** Numbers that look random, the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('every pair of series is judged as its definition says, in 2000 random inputs', () => {
  const any = numbers(7);
  let found = 0;
  for (let turn = 0; turn < 2000; turn++) {
    const likes = Array.from({ length: 1 + any(8) }, (): Like => {
      const changeId = ['', '', 'c1', 'c2'][any(4)]!;
      return {
        subject: `[PATCH v2] ${['f', 'F', 'g'][any(3)]}`,
        revision: 1 + any(3),
        author: ['a@x.example', 'A@X.example', 'b@x.example'][any(3)]!,
        ...(changeId !== '' && { changeId }),
        complete: any(4) > 0,
      };
    });
    const indexesNow = indexes(likes);
    expect(indexesNow, JSON.stringify(likes)).toEqual(pairwise(likes.map(series)));
    found += indexesNow.filter((index) => index !== undefined).length;
  }
  expect(found).toBeGreaterThan(1000);
});

test('6000 series of one author take less than 2 s of processor time', () => {
  const all = Array.from({ length: 6000 }, (_, n) => series({ subject: `[PATCH] foo: ${n % 4000}` }));
  expect(cpuMs(() => expect(superseded(all).size).toBe(2000))).toBeLessThan(2000);
});
