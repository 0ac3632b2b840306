/** What a check did not come to the end of, in words: of it silence proves nothing. On standard error and on the page. */

import type { Confirmed } from '../queue/confirm.ts';
import type { Built } from '../rules/trial.ts';
import type { Report } from '../rules/types.ts';
import { few } from './template.ts';

/** Of reasons that docs/report.md lists as codes. */
const WORDS: Readonly<Record<string, string>> = {
  unread: 'there is code in it that could not be read',
  'too-many-ways': 'there are too many ways through it',
  result: 'by convention its result says nothing of failure',
  void: 'it has no result, and its callers do not show that it fails',
  callers: 'all of its callers go on without it',
  before: 'it may have failed without the series as well',
  users: 'it may be that nobody comes to it',
};

/** A line each: `undecided stubbed-path (foo_probe): all of its callers go on without it`. */
export function leftOpen({ undecided, findings, checked }: Report): string[] {
  return [
    ...undecidedLines(undecided),
    ...unbuilt({ findings, checked }),
    ...(checked.built?.trials ?? []).flatMap(({ arch, notBuilt = [] }) => notBuiltLines(arch, notBuilt)),
    ...(checked.built?.notCompiled ?? []).map(
      ({ path, lines, why }) => `not compiled: ${path}:${lines.map(spanText).join(',')}: ${why}`,
    ),
    ...(checked.built ? leftOut(checked.built) : []),
    ...(checked.shellComplaints ?? []).map(
      ({ place, command, said }) =>
        `$(shell) at ${place}: ${oneLine(said)} (such commands have the tree read-only, nothing else of the machine, and no network): ${oneLine(command)}`,
    ),
    ...(checked.cutShort ?? []).map(({ rule, archs }) => `cut short: ${rule}, on ${few(archs, 30)}`),
  ];
}

/** What a person need not wait for: what is found already, before builds that can take minutes, and may drop it. */
export function confirmedSoFar(findings: readonly Confirmed[]): string[] {
  if (findings.length === 0) return [];
  const total = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return [
    `${total} so far, confirmed by conf; what follows is building:`,
    ...findings.map(
      ({ rule, key, anchor: { patch, file, line }, isToBeBuilt }) =>
        `  ${named(rule, key)}: patch ${patch}, ${file}:${line}${isToBeBuilt ? '; not yet built' : ''}`,
    ),
  ];
}

/** What was too much to build. */
function leftOut({ left, skipped, sampled }: Built): string[] {
  return [
    ...(left.length > 0 ? [`not built, since the series changes too many files: ${few(left, 10)}`] : []),
    ...(skipped.length > 0 ? [`not built after each patch, since there are too many: ${few(skipped, 10)}`] : []),
    ...sampled
      .filter(({ includers, built }) => built.length < includers)
      .map(
        ({ header, includers, atLeast, built }) =>
          `${header}: built for ${built.length} of ${atLeast ? 'at least ' : ''}${includers} files that include it`,
      ),
  ];
}

/** What was to be built and could not be, of which another check may know more: the machine failed, or lacked something. */
export function unbuilt({ findings, checked }: Pick<Report, 'findings' | 'checked'>): string[] {
  return [
    ...findings.flatMap(({ rule, key, verification: { notBuilt } }) =>
      notBuilt ? [`not built: ${named(rule, key)}: ${notBuilt}`] : [],
    ),
    ...(checked.built?.trials ?? []).flatMap(({ arch, fault }) => (fault ? [`not built on ${arch}: ${fault}`] : [])),
  ];
}

/** One for all objects that have the same reason. */
function notBuiltLines(arch: string, all: readonly { readonly object: string; readonly why: string }[]): string[] {
  return [...Map.groupBy(all, ({ why }) => why)].map(([why, some]) => {
    const objects = some.map(({ object }) => object);
    return `not built on ${arch}: ${few(objects, 3)}: ${why}`;
  });
}

/** One for each, or one for all of a rule that have the same reason where these are many. */
function undecidedLines(undecided: Report['undecided']): string[] {
  const alike = Map.groupBy(undecided, ({ rule, why }) => JSON.stringify([rule, why]));
  return [...alike.values()].flatMap((all) => {
    const { rule, why } = all[0]!;
    const reason = WORDS[why] ?? why;
    if (all.length <= MANY) return all.map(({ key }) => `undecided ${named(rule, key)}: ${reason}`);
    const keys = all.map(({ key }) => bare(rule, key));
    return [`undecided ${rule} (${few(keys, 3)}): ${reason}`];
  });
}

/** Lines that a reader still takes in one by one. */
const MANY = 5;

/** `lost-symbol (FOO)`, whether or not the key begins with the rule, as those of findings do. */
export function named(rule: string, key: string): string {
  return `${rule} (${bare(rule, key)})`;
}

function bare(rule: string, key: string): string {
  return key.startsWith(`${rule} `) ? key.slice(rule.length + 1) : key;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200);
}

function spanText([first, last]: readonly [number, number]): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
