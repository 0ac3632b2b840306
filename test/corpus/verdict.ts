/**
 * Whether a report says what an entry of the corpus is about.
 *
 * Of the lines that come back when the repair is undone we know:
 *
 * - owners: the symbols whose Kconfig entries the lines stand in (the selector, the symbol that lacks a dependency);
 * - partners: the symbols by which the lines before and after differ (the target of the select, the dependency); an
 *   operand that both have under the same keyword is none, unless they differ in nothing else;
 * - files: those that the patch changes.
 *
 * A finding is a hit when its `symbols` have an owner or a partner, and it is anchored in one of the files or has a
 * line of one of them among its evidence. A patch that brings a whole driver (`readd`) can be wrong in other ways:
 * there a finding that names no partner must name owners alone, or a partner must be a word of its claim or evidence,
 * or be set in the configuration that shows it.
 *
 * Any rule's finding counts; one of a rule that `CLAIMS` names for the entry's class counts as `own`, too.
 */
import type { Finding, Report } from '../../rules/types.ts';
import type { Entry, Variant } from './entries.ts';

export interface Concern {
  readonly owners: ReadonlySet<string>;
  readonly partners: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  readonly variant: Variant;
}

export type Verdict =
  | { readonly kind: 'hit'; readonly rule: string; readonly own: boolean }
  | { readonly kind: 'miss'; readonly why: string }
  | { readonly kind: 'not-applicable'; readonly why: string };

/** The rules that are there, or will be, to find a class of the corpus. A class that is not here has none of its own. */
export const CLAIMS: Readonly<Record<string, readonly string[]>> = {
  'unmet-direct-dependency': ['unmet-select'],
  'recursive-dependency': ['recursive-dependency'],
  'undefined-symbol': ['undefined-symbol'],
  'unreachable-option': ['lost-symbol'],
  'over-exposed-option': ['over-exposed'],
  'link-error': ['missing-dependency'],
  'compile-error': ['build-error', 'missing-dependency'],
  'runtime-or-stub': ['stubbed-path', 'missing-algorithm', 'runtime-pm-only', 'failing-probe'],
};

/** Whether none of the rules that would find a class is there. */
export function isNotYet(cls: string, rules: readonly string[]): boolean {
  const claims = CLAIMS[cls];
  return claims !== undefined && !claims.some((rule) => rules.includes(rule));
}

/** What an entry is about, given the files that its patch changes. */
export function concernOf(entry: Pick<Entry, 'edits'>, variant: Variant, files: readonly string[]): Concern {
  const owners = new Set(entry.edits.map(({ symbol }) => symbol));
  const partners = new Set<string>();
  for (const owner of owners) {
    const lines = entry.edits.filter(({ symbol }) => symbol === owner);
    const operands = (op: string): Set<string> =>
      new Set(lines.filter((edit) => edit.op === op).flatMap(({ line }) => operandsOf(line)));
    const [added, removed] = [operands('added'), operands('removed')];
    const changed = new Set([...added, ...removed].filter((operand) => !(added.has(operand) && removed.has(operand))));
    for (const operand of changed.size > 0 ? changed : added) partners.add(operand.slice(operand.indexOf(' ') + 1));
  }
  return { owners, partners, files: new Set(files), variant };
}

const KEYWORD = /^(depends on|visible if|select|imply|range|default|def_bool|def_tristate|\w+)\b/;
/** No symbols: the words of the language, and the values of a tristate. */
const WORDS = new Set(['if', 'y', 'm', 'n']);

/** `select A if B` -> `select A`, `if B`: each symbol with what it is there for. Texts in quotes hold none. */
function operandsOf(line: string): string[] {
  const keyword = KEYWORD.exec(line)?.[0] ?? '';
  const [head = '', ...conditions] = line
    .slice(keyword.length)
    .replace(/"[^"]*"|'[^']*'/g, '')
    .split(/\bif\b/);
  const symbols = (text: string): string[] =>
    (text.match(/\b\w+\b/g) ?? []).filter((word) => !WORDS.has(word) && !/^(\d+|0x[0-9a-f]+)$/i.test(word));
  return [
    ...symbols(head).map((symbol) => `${keyword.replace(' ', '-')} ${symbol}`),
    ...conditions.flatMap(symbols).map((symbol) => `if ${symbol}`),
  ];
}

/** Judges a report of a regression's patch. A series that could not be checked is a miss: the fault is there. */
export function judge(concern: Concern, cls: string, report: Report): Verdict {
  if (report.cannotCheck)
    return { kind: 'miss', why: `not checked (${report.cannotCheck.stage}): ${firstLine(report.cannotCheck.why)}` };
  const hits = report.findings.filter((finding) => isAbout(finding, concern)).map(({ rule }) => rule);
  const own = hits.find((rule) => CLAIMS[cls]?.includes(rule));
  const rule = own ?? hits[0];
  if (rule !== undefined) return { kind: 'hit', rule, own: own !== undefined || CLAIMS[cls] === undefined };
  const names = [...concern.owners, ...concern.partners];
  const dropped = report.dropped.find(({ key }) => names.some((name) => isWordOf(key, name)));
  if (dropped) return { kind: 'miss', why: `dropped ${dropped.rule}: ${firstLine(dropped.why)}` };
  if (report.findings.length === 0) return { kind: 'miss', why: 'nothing proposed' };
  const others = report.findings.map((finding) => `${finding.rule} (${finding.symbols.join(' ')})`);
  return { kind: 'miss', why: `other symbols: ${others.join(', ')}` };
}

function isAbout(finding: Finding, { owners, partners, files, variant }: Concern): boolean {
  const { symbols, anchor, evidence, claim, witness } = finding;
  const isHere = files.has(anchor.file) || evidence.some((fact) => fact.kind === 'source' && files.has(fact.path));
  if (!isHere) return false;
  if (symbols.some((symbol) => partners.has(symbol))) return true;
  if (!symbols.some((symbol) => owners.has(symbol))) return false;
  if (variant === 'undo' || symbols.every((symbol) => owners.has(symbol))) return true;
  const words = JSON.stringify([claim, evidence, witness?.settings.map(({ symbol }) => symbol)]);
  return [...partners].some((partner) => isWordOf(words, partner));
}

/** Whether a text has a name, or a symbol with `CONFIG_` before it, as a whole word. */
export function isWordOf(text: string, name: string): boolean {
  const literal = name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(`(?<!\\w)(CONFIG_)?${literal}(?!\\w)`).test(text);
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.slice(0, 300);
}
