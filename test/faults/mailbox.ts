/**
 * A mailbox as lists fill it: series in all shapes, and between them discussion, robots, spam and mails that are broken.
 * Made from a seed, so that two runs get the same. What has to become of it is known beforehand.
 */
import { seriesKey } from '../../queue/jobs.ts';
import type { Series } from '../../rules/types.ts';
import { glibcRand } from '../oracle/glibc-rand.ts';

export interface Lists {
  /** Of an entry in mode draft, of one in mode private, and of none. */
  readonly draft: string;
  readonly mail: string;
  readonly other: string;
}

export interface MailboxOptions {
  readonly series: number;
  readonly mails: number;
  readonly seed: number;
  readonly lists: Lists;
  /** Diff that breaks a configuration, with what stands between `---` and its end. */
  readonly loss: string;
  /** Date of all mails. */
  readonly date: Date;
}

/** How far the revision before it is when a later one arrives. */
const MOMENTS = ['opened', 'reported', 'out'] as const;
export type Moment = (typeof MOMENTS)[number];

interface Mail {
  readonly id: string;
  readonly raw: Buffer;
}

/** A later revision that arrives once the one before it is so far. */
export interface Later {
  readonly when: Moment;
  /** Of the revision before it: its key, and the Message-ID of the patch that a reply answers. */
  readonly key: string;
  readonly answered: string;
  readonly mails: readonly Mail[];
}

export interface Mailbox {
  /** In the order of their arrival. */
  readonly mails: readonly Mail[];
  readonly later: readonly Later[];
  /** Keys of the series that have to be checked, by the shape of each. */
  readonly expected: ReadonlyMap<string, Shape>;
  /** Keys that may be there, depending on what came first: of revisions that a later one supersedes. */
  readonly superseded: ReadonlySet<string>;
  /** Message-IDs of the patches that a draft, or a mail, has to answer. */
  readonly drafted: ReadonlySet<string>;
  readonly mailed: ReadonlySet<string>;
  /** Of patches that a mail may answer or not: a later revision came when it may have been out, or not. */
  readonly mayBeMailed: ReadonlySet<string>;
  /** Of patches that are answered in other words where the revision before was answered, too. */
  readonly mayFollow: ReadonlySet<string>;
}

const SHAPES = [
  'single',
  'with cover',
  'harmless',
  'two drafted revisions',
  'two mailed revisions',
  'incomplete',
  'by two lists',
  'late patch',
  'does not apply',
  'nobody asked',
  'out of order',
] as const;
export type Shape = (typeof SHAPES)[number];

interface Part {
  readonly title: string;
  /** Below the `---`; none for a cover letter. */
  readonly diff?: string;
}

export function makeMailbox({ series, mails: count, seed, lists, loss, date }: MailboxOptions): Mailbox {
  const rand = glibcRand(seed);
  const mails: Mail[] = [];
  const late: Mail[] = [];
  const later: Later[] = [];
  const expected = new Map<string, Shape>();
  const superseded = new Set<string>();
  const drafted = new Set<string>();
  const mailed = new Set<string>();
  const mayBeMailed = new Set<string>();
  const mayFollow = new Set<string>();
  const when = date.toUTCString().replace('GMT', '+0000');

  const mail = (id: string, head: readonly string[], body: string): Mail => ({
    id,
    raw: Buffer.from(
      [`Message-ID: <${id}>`, `Date: ${when}`, ...head, '', body].join('\n').replaceAll(/\r?\n/g, '\r\n'),
    ),
  });
  const listHead = (list: string): string[] => [`To: ${list}`, `List-Id: <${list.replace('@', '.')}>`];

  /** The mails of a series from one author each, cover letter first, and its key. */
  const made = (at: number, revision: number, list: string, parts: readonly Part[]) => {
    const total = parts.filter(({ diff }) => diff !== undefined).length;
    const ids = parts.map((_, n) => `s${at}-v${revision}-${n}@author${at}.example`);
    const hasCover = parts[0]!.diff === undefined;
    const own = parts.map(({ title, diff }, index) => {
      const n = hasCover ? index : index + 1;
      const counter = parts.length === 1 ? '' : ` ${n}/${total}`;
      const head = [
        `From: Author ${at} <author${at}@author${at}.example>`,
        `Subject: [PATCH${revision > 1 ? ` v${revision}` : ''}${counter}] ${title}`,
        ...listHead(list),
        ...(index > 0 ? [`In-Reply-To: <${ids[0]}>`, `References: <${ids[0]}>`] : []),
      ];
      return mail(
        ids[index]!,
        head,
        diff === undefined ? 'What this series does.\n' : `Why.\n\n---\n${diff}-- \n2.47.0\n`,
      );
    });
    const messages = ids.map((messageId) => ({ message: { messageId } }));
    const cover = hasCover ? { cover: { messageId: ids[0] } } : {};
    const key = seriesKey({ ...cover, patches: messages.slice(hasCover ? 1 : 0) } as unknown as Series);
    return { own, ids, key };
  };
  const fine = (at: number, n: number): Part => ({
    title: `docs: note ${n}`,
    diff: `\ndiff --git a/Documentation/note-${at}-${n}.txt b/Documentation/note-${at}-${n}.txt\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/Documentation/note-${at}-${n}.txt\n@@ -0,0 +1 @@\n+note\n`,
  });

  for (let at = 0; at < series; at++) {
    const shape = SHAPES[at % SHAPES.length]!;
    const breaking: Part = { title: `Input: reef-keypad - gate clock ${at}`, diff: loss };
    const cover: Part = { title: `Input: series ${at}` };
    const add = (one: { own: Mail[]; key: string }, list = one.own): void => {
      expected.set(one.key, shape);
      mails.push(...list);
    };
    switch (shape) {
      case 'single': {
        const one = made(at, 1, lists.draft, [breaking]);
        drafted.add(one.ids[0]!);
        add(one);
        break;
      }
      case 'with cover': {
        const one = made(at, 1, lists.mail, [cover, fine(at, 1), breaking]);
        mailed.add(one.ids[2]!);
        add(one);
        break;
      }
      case 'harmless':
        add(made(at, 1, lists.draft, [fine(at, 1), fine(at, 2), fine(at, 3)]));
        break;
      case 'two drafted revisions':
      case 'two mailed revisions': {
        const isDrafted = shape === 'two drafted revisions';
        const list = isDrafted ? lists.draft : lists.mail;
        const [first, second] = [made(at, 1, list, [breaking]), made(at, 2, list, [breaking])];
        const [old, young] = [first.ids[0]!, second.ids[0]!];
        // At each moment of the first one's life in turn, then at once or at the end of all.
        const when = MOMENTS[Math.floor(at / SHAPES.length) % (MOMENTS.length + 1)];
        (isDrafted ? drafted : mailed).add(young);
        if (!isDrafted && when === 'out') mailed.add(old);
        if (!isDrafted && when !== 'out') {
          mayBeMailed.add(old);
          mayFollow.add(young);
        }
        superseded.add(first.key);
        expected.set(second.key, shape);
        mails.push(...first.own);
        if (when) later.push({ when, key: first.key, answered: old, mails: second.own });
        else (rand() % 2 === 0 ? mails : late).push(...second.own);
        break;
      }
      case 'incomplete':
        mails.push(...made(at, 1, lists.draft, [breaking, fine(at, 1), fine(at, 2)]).own.toSpliced(1, 1));
        break;
      case 'by two lists': {
        const one = made(at, 1, lists.draft, [breaking]);
        drafted.add(one.ids[0]!);
        const copy = one.own.map(({ id, raw }) => ({
          id,
          raw: Buffer.from(raw.toString().replace(/^List-Id: .*$/m, `List-Id: <${lists.other.replace('@', '.')}>`)),
        }));
        add(one, rand() % 2 === 0 ? [...one.own, ...copy] : [...copy, ...one.own]);
        break;
      }
      case 'late patch': {
        const one = made(at, 1, lists.mail, [cover, breaking, fine(at, 1)]);
        mailed.add(one.ids[1]!);
        add(one, one.own.slice(0, 2));
        late.push(one.own[2]!);
        break;
      }
      case 'does not apply':
        add(made(at, 1, lists.draft, [{ ...breaking, diff: loss.replaceAll('KEYBOARD_REEF', 'KEYBOARD_OTHER') }]));
        break;
      case 'nobody asked':
        add(made(at, 1, lists.other, [breaking]));
        break;
      case 'out of order': {
        const one = made(at, 1, lists.mail, [fine(at, 1), fine(at, 2), breaking, fine(at, 3)]);
        mailed.add(one.ids[2]!);
        add(one, one.own.toReversed());
        break;
      }
    }
  }

  const noise = Math.max(0, count - mails.length - late.length - later.length);
  for (let n = 0; n < noise; n++) {
    const id = `n${n}@people.example`;
    const about = mails[rand() % Math.max(1, mails.length)];
    const thread = about ? [`In-Reply-To: <${about.id}>`, `References: <${about.id}>`] : [];
    const from = `From: Person ${n % 50} <person${n % 50}@people.example>`;
    const head = [from, 'Subject: Re: [PATCH] Input: gate clock', ...listHead(lists.draft), ...thread];
    const kinds: readonly (() => Mail)[] = [
      () => mail(id, head, `On Monday somebody wrote:\n${loss.replaceAll(/^/gm, '> ')}\n\nLooks good.\n`),
      () => mail(id, [...head, 'Auto-Submitted: auto-replied'], 'I am away.\n#depbot stop\n'),
      () => mail(id, head, '#depbot send\n'),
      () => mail(id, [from, 'Subject: Win', 'Content-Type: text/html', ...listHead(lists.draft)], '<p>Win!</p>\n'),
      () =>
        mail(
          id,
          [from, 'Subject: [PATCH] broken', 'Content-Type: multipart/mixed; boundary="x"', ...listHead(lists.draft)],
          '--x\nContent-Type: text/html\n\n<p>cut',
        ),
      () => mail(id, head, `${'words and words '.repeat(rand() % 400)}\n`),
      () => ({
        id,
        raw: Buffer.from(
          `Message-ID: <${id}>\r\n${from}\r\nSubject: bytes\r\n\r\n${'\u0000\u00ff'.repeat(50)}\r\n`,
          'latin1',
        ),
      }),
    ];
    const made = kinds[rand() % kinds.length]!();
    mails.splice(rand() % (mails.length + 1), 0, made);
  }
  return { mails: [...mails, ...late], later, expected, superseded, drafted, mailed, mayBeMailed, mayFollow };
}
