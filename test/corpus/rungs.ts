/** How far findings were proved, by rule, and why some were not: what conf or a build dropped, what was not built. */
import { columns } from '../support/columns.ts';
import type { Result } from './examine.ts';

/** The text; empty where nothing was proposed. `dropped`: by conf or a build that disagrees, each with its reason. */
export function rungs(results: readonly Result[]): string {
  const findings = results.flatMap((one) => one.findings);
  const dropped = results.flatMap((one) => one.dropped.map((drop) => ({ ...drop, id: `${one.id} (${one.variant})` })));
  const rules = [...new Set([...findings, ...dropped].map(({ rule }) => rule))].sort();
  if (rules.length === 0) return '';
  const count = (of: readonly { readonly rule: string }[], rule: string | undefined): string =>
    String(of.filter((one) => rule === undefined || one.rule === rule).length);
  const row = (name: string, rule: string | undefined): string[] => [
    name,
    ...([1, 2, 3] as const).map((rung) =>
      count(
        findings.filter((one) => one.rung === rung),
        rule,
      ),
    ),
    count(dropped, rule),
  ];
  const unbuilt = Map.groupBy(
    findings.flatMap(({ notBuilt }) => (notBuilt === undefined ? [] : [notBuilt])),
    (why) => why,
  );
  return [
    columns([
      ['findings by rule', 'by reasoning', 'conf agrees', 'a build agrees', 'dropped'],
      ...rules.map((rule) => row(rule, rule)),
      row('  all', undefined),
    ]),
    ...dropped.map(
      ({ id, rule, key, why }) => `dropped: ${id}: ${key.startsWith(rule) ? '' : `${rule} `}${key}: ${oneLine(why)}\n`,
    ),
    ...[...unbuilt]
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([why, all]) => `not built: ${String(all.length).padStart(4)}  ${oneLine(why)}\n`),
  ].join('');
}

const MOST_CHARS = 300;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, MOST_CHARS);
}
