import { describe, expect, test } from 'vitest';
import { superseded } from '../../bot/superseded.ts';
import type { Assembled } from '../../rules/types.ts';

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
