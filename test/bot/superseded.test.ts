import { describe, expect, test } from 'vitest';
import { parseSubject } from '../../bot/subject.ts';
import { superseded } from '../../bot/superseded.ts';
import type { Assembled } from '../../rules/types.ts';
import { cpuMs } from '../fixtures/mail/make.ts';
import { numbers } from '../support/numbers.ts';

interface Like {
  readonly subject: string;
  readonly revision?: number;
  readonly author?: string;
  readonly changeId?: string;
  readonly complete?: boolean;
  readonly id?: string;
  /** Ids of the mails that it answers. */
  readonly answers?: readonly string[];
}

/** As much of a series as the question needs. */
function series(like: Like): Assembled {
  const { subject, revision = 1, author = 'a@x.example', changeId, complete = true, id = '', answers = [] } = like;
  const patches = [{ message: { messageId: id, references: answers } }];
  return {
    patches,
    have: patches,
    complete,
    subject,
    revision,
    author: { name: 'A', address: author },
    carriedOver: [],
    ...(changeId && { changeId }),
  } as unknown as Assembled;
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
    [
      'is not superseded by the same for another version of the kernel',
      [
        { subject: '[PATCH 6.6.y] f' },
        { subject: '[PATCH 6.1.y v2] f', revision: 2 },
        { subject: '[PATCH v3] f', revision: 3 },
      ],
      [undefined, undefined, undefined],
    ],
    [
      'is superseded by the next one for the same version of the kernel',
      [{ subject: '[PATCH 6.6.y] f' }, { subject: '[PATCH 6.6.Y v2] f', revision: 2 }],
      [1, undefined],
    ],
    [
      'is superseded by its next revision for another tree',
      [{ subject: '[PATCH net] f' }, { subject: '[PATCH net-next v2] f', revision: 2 }],
      [1, undefined],
    ],
    [
      'is not superseded by another one of its title and revision',
      [{ subject: '[PATCH] f' }, { subject: '[PATCH] f' }],
      [undefined, undefined],
    ],
    [
      'is superseded by one of its title and revision in its thread',
      [
        { subject: '[PATCH 0/2] f', id: 'a' },
        { subject: '[PATCH 0/2] f', answers: ['x', 'a'] },
      ],
      [1, undefined],
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
  const titleOf = ({ subject }: Assembled): string => {
    const { title, tags } = parseSubject(subject);
    return [title, ...tags.filter((tag) => /\d\.\d/.test(tag))].join().toLowerCase();
  };
  const mailsOf = (one: Assembled) => (one.complete ? one.patches : one.have).map(({ message }) => message);
  const isAgain = (old: Assembled, other: Assembled): boolean =>
    parseSubject(other.subject).isResend ||
    mailsOf(other).some(({ references }) => mailsOf(old).some(({ messageId }) => references.includes(messageId)));
  const isSame = (a: Assembled, b: Assembled): boolean => {
    if (a.author.address.toLowerCase() !== b.author.address.toLowerCase()) return false;
    const isIdentified = idOf(a) !== undefined && idOf(b) !== undefined;
    return isIdentified ? idOf(a) === idOf(b) : titleOf(a) === titleOf(b);
  };
  return all.map((old, i) => {
    const later = all
      .map((other, j) => ({ other, j }))
      .filter(({ other, j }) => i !== j && isSame(old, other) && (other.complete || !old.complete))
      .filter(
        ({ other, j }) =>
          other.revision > old.revision || (other.revision === old.revision && j > i && isAgain(old, other)),
      );
    return later.sort((a, b) => b.other.revision - a.other.revision || b.j - a.j)[0]?.j;
  });
}

test('every pair of series is judged as its definition says, in 2000 random inputs', () => {
  const any = numbers(7);
  let found = 0;
  for (let turn = 0; turn < 2000; turn++) {
    const likes = Array.from({ length: 1 + any(8) }, (): Like => {
      const changeId = ['', '', 'c1', 'c2'][any(4)]!;
      return {
        subject: `[PATCH ${['', '', '6.6.y ', '6.1.y ', 'RESEND ', 'RESEND '][any(6)]}v2] ${['f', 'F', 'g'][any(3)]}`,
        id: `${any(4)}`,
        answers: any(2) > 0 ? [`${any(4)}`] : [],
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
  expect(found).toBeGreaterThan(500);
});

test('6000 series of one author take less than 2 s of processor time', () => {
  const all = Array.from({ length: 6000 }, (_, n) => series({ subject: `[PATCH RESEND] foo: ${n % 4000}` }));
  expect(cpuMs(() => expect(superseded(all).size).toBe(2000))).toBeLessThan(2000);
});

test('600 series of one author that each answer 1000 mails that never came, and one that came, take less than 2 s of processor time', () => {
  const all = Array.from({ length: 600 }, (_, n) => {
    const answers = Array.from({ length: 1000 }, (_, at) => `${n}-${at}@x.example`);
    return series({ subject: '[PATCH 0/2] foo', id: `${n}`, answers: n > 0 ? [`${n - 1}`, ...answers] : answers });
  });
  let by = new Map<Assembled, Assembled>();
  expect(cpuMs(() => (by = superseded(all)))).toBeLessThan(2000);
  expect(all.slice(0, -1).map((one) => all.indexOf(by.get(one)!))).toEqual(all.slice(1).map((_, at) => at + 1));
});
