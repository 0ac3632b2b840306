/**
 * Who else saw what depbot finds: mails of an archive that answer a series and name what a finding names. A robot
 * counts as one that always speaks of the patch; a person whose words have the symbol in them may mean something else,
 * so that every such mail is told by its Message-ID, for somebody to read it.
 */

import type { Finding, MessageId } from '../rules/types.ts';
import type { Archive, Row } from './archive-row.ts';
import { parseMessage } from './message.ts';
import type { Results } from './replay-results.ts';

/** The kernel test robot of Intel's 0-day service writes from here. */
const ROBOT = 'lkp@intel.com';

export interface Seen {
  readonly who: string;
  readonly isRobot: boolean;
  readonly messageId: MessageId;
  /** Milliseconds from the last mail of the series to this one. */
  readonly afterMs: number;
}

export interface Others {
  /** By series and finding, {@link findingId}: the mails that name what it names, the first one first. */
  readonly seen: ReadonlyMap<string, readonly Seen[]>;
  /** Mails of the robot about series that were checked, which name nothing that depbot found there. */
  readonly robotAlone: readonly { readonly subject: string; readonly messageId: MessageId; readonly found: boolean }[];
}

interface Target {
  readonly key: string;
  readonly subject: string;
  readonly author: string;
  readonly postedMs: number;
  readonly findings: readonly Finding[];
}

export function findingId(seriesKey: string, finding: Finding): string {
  return `${seriesKey} ${finding.key}`;
}

/** Looks through all mails that answer a series of the results. Its memory grows with the number of series, not of mails. */
export async function othersWhoSaw(archives: readonly Archive[], results: Results): Promise<Others> {
  const targets = targetsOf(results);
  const seen = new Map<string, Map<MessageId, Seen>>();
  const robotAlone = new Map<MessageId, Others['robotAlone'][number]>();
  for (const archive of archives) {
    for await (const row of archive.rows()) {
      const target = row.isReply
        ? row.answers.map((id) => targets.get(id)).find((one) => one !== undefined)
        : undefined;
      const isRobot = row.sender === ROBOT;
      if (!target || row.sender === target.author || (!isRobot && target.findings.length === 0)) continue;
      const text = await ownWords(archive, row);
      if (text === undefined) continue;
      const named = target.findings.filter((finding) => wordsOf(finding).some((word) => text.words.has(word)));
      if (isRobot && named.length === 0 && !robotAlone.has(row.id))
        robotAlone.set(row.id, { subject: target.subject, messageId: row.id, found: target.findings.length > 0 });
      for (const finding of named) {
        const id = findingId(target.key, finding);
        const mails = seen.get(id) ?? new Map<MessageId, Seen>();
        const afterMs = (row.dateMs ?? target.postedMs) - target.postedMs;
        mails.set(row.id, { who: isRobot ? 'the kernel test robot' : text.from, isRobot, messageId: row.id, afterMs });
        seen.set(id, mails);
      }
    }
  }
  return {
    seen: new Map([...seen].map(([id, mails]) => [id, [...mails.values()].sort((a, b) => a.afterMs - b.afterMs)])),
    robotAlone: [...robotAlone.values()],
  };
}

/** By the Message-IDs of their mails. */
function targetsOf({ found, quiet }: Results): Map<MessageId, Target> {
  const targets = new Map<MessageId, Target>();
  for (const { key, postedMs, ids, report } of found.values()) {
    const { subject, author } = report.series;
    const { findings } = report;
    for (const id of ids) targets.set(id, { key, subject, author: author.address.toLowerCase(), postedMs, findings });
  }
  for (const [key, { subject, author, postedMs, ids, cannotCheck }] of quiet)
    if (cannotCheck === undefined)
      for (const id of ids) targets.set(id, { key, subject, author, postedMs, findings: [] });
  return targets;
}

/** The words of a mail that are not quoted, and who wrote it. */
async function ownWords(
  archive: Archive,
  { ref }: Row,
): Promise<{ readonly from: string; readonly words: ReadonlySet<string> } | undefined> {
  const raw = await archive.read(ref);
  const parsed = raw && parseMessage(raw);
  if (!parsed?.ok) return undefined;
  const { from, body } = parsed.message;
  const own = body.split('\n').filter((line) => !line.startsWith('>'));
  return { from: from.name || from.address, words: new Set(own.join('\n').match(/\w+/g) ?? []) };
}

/** Symbols with and without CONFIG_, and the functions and headers' names that its claim is about. */
export function wordsOf({ symbols, claim }: Finding): string[] {
  const names = [...strings(claim)].filter((text) => /^[a-z]\w*_\w+$/.test(text));
  return [
    ...symbols.flatMap((symbol) => (symbol.length > 3 ? [symbol, `CONFIG_${symbol}`] : [`CONFIG_${symbol}`])),
    ...names,
  ];
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) yield* strings(part);
}
