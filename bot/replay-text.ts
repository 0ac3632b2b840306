/** What a replay prints: each mail that would have been written, who else saw what it says, and a table by rule. */

import type { Finding } from '../rules/types.ts';
import type { Held } from './archive-row.ts';
import { othersOf } from './outgoing.ts';
import type { Result, Results } from './replay-results.ts';
import { findingId, type Others, type Seen } from './replay-seen.ts';
import type { Told } from './replay-told.ts';

/** A series with findings, and what became of them. */
export interface Spoken {
  readonly result: Result;
  readonly told: readonly Told[];
  /** Lines on what was kept back, and why. */
  readonly kept: readonly string[];
}

const HOUR_MS = 3_600_000;
/** Reasons that are listed one by one. */
const MOST_LISTED = 20;

/** A series with its mails, `2026-10-03 14:05` in UTC. */
export function spokenText({ result, told, kept }: Spoken, { seen }: Others): string {
  const { report, postedMs, key } = result;
  const { applied, series, findings, tookMs } = report;
  const secondsOfWork = Object.values(tookMs).reduce((sum, ms) => sum + ms, 0) / 1000;
  const base = applied && `${applied.base.name ?? applied.base.sha.slice(0, 12)} (${applied.base.how})`;
  return [
    `${when(postedMs)}  ${series.subject}`,
    `    by ${series.author.name || series.author.address}, <${series.id}>, on ${base ?? 'no base'}; ${secondsOfWork.toFixed(0)} s of work`,
    ...findings.flatMap((finding) => [
      `  ${finding.rule} (${finding.symbols.join(' ')}), severity ${finding.severity}, rung ${finding.verification.rung}: patch ${finding.anchor.patch}, ${finding.anchor.file}:${finding.anchor.line}`,
      ...seenLines(seen.get(findingId(key, finding)) ?? []),
    ]),
    ...kept.map((line) => `  ${line}`),
    ...told.flatMap(({ mail, eml }) => [
      '',
      `  ${mail.via === 'draft' ? 'draft' : 'mail'} to ${othersOf(mail).join(', ')}; by ${mail.allowedBy}${waits(mail)}`,
      '',
      ...Buffer.from(eml)
        .toString()
        .trimEnd()
        .split(/\r?\n/)
        .map((line) => (line === '' ? '' : `    ${line}`)),
    ]),
    '',
    '',
  ].join('\n');
}

function waits({ notBefore, quietHours = [] }: Told['mail']): string {
  const all = [
    ...(notBefore === undefined ? [] : [`not before ${when(Date.parse(notBefore))}`]),
    ...quietHours.map((hours) => `not from ${hours} UTC`),
  ];
  return all.length === 0 ? '' : `; ${all.join('; ')}`;
}

function seenLines(seen: readonly Seen[]): string[] {
  if (seen.length === 0) return ['    nobody else in the archive names it'];
  const [first, ...more] = seen;
  const rest = more.length === 0 ? '' : `, and ${more.length} more`;
  return [`    named by ${first!.who} ${after(first!.afterMs)} later: <${first!.messageId}>${rest}`];
}

export interface Counted {
  readonly archives: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly mails: number;
  readonly undated: number;
  /** In the archives, of the range or not. */
  readonly held: Held;
  readonly incomplete: number;
  /** Series that were not checked, since the run ended before; and those at which depbot or the machine failed. */
  readonly left: boolean;
  readonly failed: number;
}

/** The summary. */
export function summaryText(
  { found, quiet, unchecked }: Results,
  spoken: readonly Spoken[],
  { seen, robotAlone }: Others,
  counted: Counted,
): string {
  const silent = quiet.size - unchecked.length;
  const { archives, sinceMs, untilMs, mails, undated, held, incomplete, failed, left } = counted;
  const mailCount = spoken.reduce((sum, { told }) => sum + told.length, 0);
  const stages = tally(unchecked.map(({ stage }) => stage));
  const isForOthers = unchecked.some(({ stage }) => stage === 'apply');
  const lines = [
    `${archives.join(', ')}, ${when(sinceMs)} to ${when(untilMs)}: ${count(mails, 'mail')}${undated === 0 ? '' : `, and ${undated} without a date`}`,
    ...(mails === 0 ? [heldText(held)] : []),
    `${count(found.size + silent, 'series', 'series')} checked: silent on ${silent}, findings on ${found.size}, in ${count(mailCount, 'mail')}`,
    `${count(unchecked.length, 'series', 'series')} could not be checked${stages === '' ? '' : ` (${stages})`}, ${incomplete} were incomplete`,
    ...(isForOthers
      ? ['  apply: made for something else than the tree has; fetch the trees that the list works on']
      : []),
    ...(failed === 0 ? [] : [`${count(failed, 'series', 'series')} failed, and are tried again by the next run`]),
    ...(left ? ['the run was ended before all were checked; the next one goes on there'] : []),
    '',
    ...table(spoken, seen),
  ];
  const missed = robotAlone.slice(0, MOST_LISTED).map(({ subject, messageId, found: spoke }) => {
    const what = spoke ? 'depbot speaks of something else' : 'depbot is silent';
    return `  ${subject}: <${messageId}> (${what})`;
  });
  if (missed.length > 0)
    lines.push('', `Reports of the kernel test robot that name nothing of depbot's: ${robotAlone.length}`, ...missed);
  return `${lines.join('\n')}\n`;
}

/** Who mistook the time, or the archive, sees which it is. */
function heldText({ mails, firstMs, lastMs }: Held): string {
  if (firstMs === undefined || lastMs === undefined) return '  no mail is of these days';
  const [first, last] = [when(firstMs).slice(0, 10), when(lastMs).slice(0, 10)];
  return `  no mail is of these days; there ${mails === 1 ? 'is' : 'are'} ${count(mails, 'mail')}, of ${first}${first === last ? '' : ` to ${last}`}`;
}

function table(spoken: readonly Spoken[], seen: Others['seen']): string[] {
  const byRule = new Map<string, { finding: Finding; id: string; isTold: boolean }[]>();
  for (const { result, told } of spoken) {
    const keys = new Set(told.flatMap(({ mail }) => (mail.findings ?? []).map(({ key }) => key)));
    for (const finding of result.report.findings) {
      const one = { finding, id: findingId(result.key, finding), isTold: keys.has(finding.key) };
      const known = byRule.get(finding.rule);
      if (known) known.push(one);
      else byRule.set(finding.rule, [one]);
    }
  }
  const rows = [...byRule].sort().map(([rule, all]) => {
    const others = all.map(({ id }) => seen.get(id) ?? []);
    const robot = others.filter((mails) => mails.some(({ isRobot }) => isRobot)).length;
    const people = others.filter((mails) => mails.length > 0 && !mails.some(({ isRobot }) => isRobot)).length;
    const lags = others.flatMap((mails) => (mails[0] ? [mails[0].afterMs] : [])).sort((a, b) => a - b);
    const lag = lags.length === 0 ? '-' : after(lags[Math.floor(lags.length / 2)]!);
    const told = all.filter(({ isTold }) => isTold).length;
    return [rule, all.length, told, robot, people, all.length - robot - people, lag].map(String);
  });
  if (rows.length === 0) return ['nothing would have been said'];
  const head = ['rule', 'findings', 'told', 'robot too', 'people too', 'nobody else', 'others after (median)'];
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]!.length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd(),
  );
}

function tally(names: readonly string[]): string {
  const counts = Map.groupBy(names, (name) => name);
  return [...counts]
    .sort((a, b) => b[1].length - a[1].length)
    .map(([name, all]) => `${name} ${all.length}`)
    .join(', ');
}

/** `2026-10-03 14:05`, UTC. */
function when(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

function after(ms: number): string {
  return ms < 48 * HOUR_MS ? `${Math.max(0, Math.round(ms / HOUR_MS))} h` : `${Math.round(ms / (24 * HOUR_MS))} days`;
}

/** `1 mail`, `3 mails`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** The same as data, for programs. */
export function asJson(
  spoken: readonly Spoken[],
  { seen, robotAlone }: Others,
  results: Results,
  counted: Counted,
): object {
  const unchecked = [...results.quiet.values()].flatMap(({ subject, ids, cannotCheck }) =>
    cannotCheck ? [{ subject, messageId: ids[0], ...cannotCheck }] : [],
  );
  const { archives, sinceMs, untilMs, held, ...counts } = counted;
  return {
    schema: 1,
    archives,
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    ...counts,
    archived: {
      mails: held.mails,
      ...(held.firstMs !== undefined && { first: new Date(held.firstMs).toISOString() }),
      ...(held.lastMs !== undefined && { last: new Date(held.lastMs).toISOString() }),
    },
    silent: results.quiet.size - unchecked.length,
    unchecked,
    found: spoken.map(({ result: { key, postedMs, report }, told, kept }) => ({
      series: report.series,
      base: report.applied?.base,
      postedAt: new Date(postedMs).toISOString(),
      findings: report.findings.map((finding) => ({ ...finding, seen: seen.get(findingId(key, finding)) ?? [] })),
      kept,
      mails: told.map(({ mail, eml }) => ({
        via: mail.via,
        to: othersOf(mail),
        allowedBy: mail.allowedBy,
        ...(mail.notBefore !== undefined && { notBefore: mail.notBefore }),
        text: Buffer.from(eml).toString(),
      })),
    })),
    robotAlone,
  };
}
