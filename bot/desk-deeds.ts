/** What commands by mail have done, with the parts of the service that do it. */

import type { Asked } from '../queue/jobs.ts';
import { RULES } from '../rules/index.ts';
import type { Assembled, MessageId, Outcome, Series } from '../rules/types.ts';
import type { Courier } from './courier.ts';
import type { Hands } from './desk.ts';
import type { Dismissed } from './dismissed.ts';
import type { Log } from './log.ts';
import type { Section, WhichSections } from './maintainers.ts';
import { type Concern, type Deeds, MAX_REFERENCES } from './obey.ts';
import type { OptIns } from './opt-in.ts';
import type { Outbox } from './outbox.ts';
import { NOTHING_YET, type Progress, type Told } from './outgoing.ts';
import { isOptedIn, type Maintainer, pathsOf, textOf } from './policy.ts';
import type { Stopped } from './stopped.ts';
import type { TreeMaintainers } from './tree-maintainers.ts';

export interface DeedParts {
  readonly outbox: Outbox;
  readonly courier: Pick<Courier, 'approve' | 'discard'>;
  readonly stopped: Stopped;
  readonly optIns: OptIns;
  readonly dismissed: Dismissed;
  readonly maintainers: Pick<TreeMaintainers, 'current'>;
  /** Entries of the configuration. */
  readonly configured: readonly Maintainer[];
  /** The series that one of these mails belongs to. */
  readonly answered: (references: readonly MessageId[]) => Assembled | undefined;
  readonly check: (
    series: Series,
    asked: Asked | undefined,
    isMaintainer: boolean,
  ) => Outcome<{ key: string }, { why: string }>;
  /** There is a folder in which drafts can lie. */
  readonly hasDrafts: boolean;
  readonly log: Log;
}

/** Section of MAINTAINERS that everything belongs to; its list is for sections that have none. */
const REST = 'THE REST';

export function deedsOf(parts: DeedParts): Deeds & Pick<Hands, 'hasWrittenTo' | 'isStopped'> {
  const { outbox, courier, stopped, optIns, dismissed, configured, answered, log } = parts;
  /** A reply of ours, by its Message-ID or that of a preview of it. */
  const replyOf = (messageId: MessageId): ReturnType<Outbox['find']> => {
    const found = outbox.find(messageId);
    const reply = found?.meta.kind === 'preview' ? outbox.find(found.meta.answers) : found;
    return reply?.meta.kind === 'reply' ? reply : undefined;
  };
  return {
    isOptedIn: (address) => isOptedIn(address, [...configured, ...optIns.entries]),
    async concern(address, references, part): Promise<Concern> {
      const answeredIds = references.map((id) => replyOf(id)?.meta.answers ?? id);
      const series = answered(answeredIds);
      if (!series) return { isAuthor: false, sections: [] };
      const all = series.complete ? series.patches : series.have;
      const patches = part === 'series' ? all : all.filter(({ message }) => answeredIds.includes(message.messageId));
      const maintainers = await parts.maintainers.current();
      const which = naming(address);
      const sections = patches.flatMap((patch) => maintainers.sectionsOfPatch(pathsOf(patch), textOf(patch), which));
      return { series, isAuthor: isSame(series.author.address, address), sections: [...new Set(sections)] };
    },
    async sectionsNaming(address, name) {
      const { sections } = await parts.maintainers.current();
      return sections.filter((one) => naming(address)(one) && (name === undefined || one.name === name));
    },
    check: parts.check,
    draftOwners(messageId) {
      const found = replyOf(messageId);
      return found && (found.meta.via === 'draft' || found.state === 'held') ? found.meta.maintainers : undefined;
    },
    send: (messageId) => courier.approve(replyOf(messageId)?.meta.messageId ?? messageId),
    discard: (messageId) => courier.discard(replyOf(messageId)?.meta.messageId ?? messageId),
    repliedFor(messageId) {
      const found = replyOf(messageId);
      return found?.meta.findings?.length ? found.meta.maintainers : undefined;
    },
    toldRules: (messageId) => rulesOf(replyOf(messageId)?.meta.findings ?? []),
    invalid(messageId, rules, by) {
      const { findings = [], lineage = [] } = replyOf(messageId)?.meta ?? {};
      const isMeant = ({ rule }: Told): boolean => rules.includes(rule);
      dismissed.invalid(findings.filter(isMeant), lineage, by);
      const counts = dismissed.counts().map(([rule, count]) => `${rule} ${count}`);
      log.warn(
        `<${messageId}>: false alarm, says ${by}: ${rules.join(', ')}; false alarms so far: ${counts.join(', ')}`,
      );
      return rulesOf(findings.filter((one) => !dismissed.isInvalid(one, lineage)));
    },
    hasWrittenTo: (address, references) =>
      references.slice(-MAX_REFERENCES).some((id) => {
        const found = outbox.find(id);
        return found !== undefined && mayHaveGot(address, found, outbox.progress(found.meta.id));
      }),
    isStopped: (address) => stopped.addresses.has(address.toLowerCase()),
    rules: RULES.map(({ id }) => id),
    ignore: (rule, address, sections) => dismissed.ignore(rule, address, sections),
    heed: (rule, address) => dismissed.heed(rule, address),
    async start(address, sections) {
      if (!parts.hasDrafts) return { ok: false, why: 'this robot has no Drafts folder; ask its operator for an entry' };
      const rest = (await parts.maintainers.current()).named(REST);
      const own = sections.flatMap(({ lists }) => lists);
      const lists = [...new Set(own.length > 0 ? own : rest.flatMap((one) => one.lists))];
      if (lists.length === 0) return { ok: false, why: 'MAINTAINERS names no list for it' };
      return { ok: true, token: optIns.ask(address, sections, lists) };
    },
    confirm(address, token) {
      const done = optIns.confirm(address, token);
      if (!done.ok) return done;
      const { sections, lists } = done.entry;
      stopped.remove(address, sections, isOptedIn(address, configured));
      const isEntryOff = stopped.entries.has(address.toLowerCase()) && isOptedIn(address, configured);
      return { ok: true, sections, lists, stopped: sections.filter((name) => stopped.sections.has(name)), isEntryOff };
    },
    stop(address, sections) {
      optIns.remove(address);
      stopped.add(address, sections);
    },
  };
}

/** Whether a mail went to that address, as the server said, or perhaps did. */
function mayHaveGot(
  address: string,
  { meta, state }: NonNullable<ReturnType<Outbox['find']>>,
  progress: Progress = NOTHING_YET,
): boolean {
  if (progress.got.some((one) => isSame(one, address))) return true;
  const isOut = state === 'accepted' || state === 'sent' || progress.unknowns > 0 || progress.step !== 'waiting';
  const isRefused = progress.refused.some((one) => isSame(one.address, address));
  return isOut && !isRefused && meta.recipients.some((one) => isSame(one, address));
}

/** Sections that name an address as maintainer or reviewer. */
function naming(address: string): WhichSections {
  const who = address.toLowerCase();
  return ({ maintainers, reviewers }: Section) => maintainers.includes(who) || reviewers.includes(who);
}

function rulesOf(findings: readonly Told[]): string[] {
  return [...new Set(findings.map(({ rule }) => rule))];
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
