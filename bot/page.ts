/**
 * A report as a page: one HTML file that loads nothing, for `depbot check --html` and for `depbot serve`. All of it that
 * a sender can have written is escaped; the only script is the one that copies.
 */

import { commitOfRange } from '../queue/range.ts';
import type { ArchRow } from '../rules/survey-types.ts';
import type { Finding, Patch, Report, Series } from '../rules/types.ts';
import { leftOpen } from './left-open.ts';
import { contentPolicy, fillPage } from './page-fill.ts';
import { graphSvg, legendOf } from './page-graph.ts';
import { quoteFindings } from './quote.ts';
import { type Comment, commentsFor, configLines, type ReplyInput } from './reply.ts';
import { plural } from './template.ts';

const PROOFS = { 1: 'derived from the files', 2: "confirmed by the tree's conf", 3: 'built' } as const;

/** Shows the buttons where a browser has a clipboard, and copies. */
const COPY_SCRIPT = `
for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });
}
`;

/** What a page shows. Of a series that could not be assembled only the report is there. */
export interface PageInput extends Omit<ReplyInput, 'series'> {
  readonly series?: Series;
  /** Address of the list of all reports, where there is one. */
  readonly home?: string;
}

/** What a browser may do with the page of a report. */
export function reportPolicy(): string {
  return contentPolicy({ script: COPY_SCRIPT });
}

/** The page, as the text of an HTML file. Throws what rendering the replies throws. */
export function renderPage({ series, home, ...rest }: PageInput): string {
  const { report } = rest;
  const comments = series ? commentsFor({ series, ...rest }) : new Map<Finding, Comment>();
  const context = {
    policy: reportPolicy(),
    home: home ?? null,
    script: COPY_SCRIPT,
    series: report.series,
    patches: report.series.patches.map((patch) => ({ ...patch, source: sourceOf(patch.messageId) })),
    verdict: verdictOf(report),
    cannotCheck: report.cannotCheck ?? null,
    findings: report.findings.map((finding, i) => findingView(finding, i, report, series, comments.get(finding))),
    base: baseView(report),
    checked: report.checked,
    silent: report.checked.rules.filter((rule) => !report.findings.some((finding) => finding.rule === rule)),
    dropped: report.dropped,
    leftOpen: leftOpen(report),
    times: Object.entries(report.tookMs).map(([stage, ms]) => ({ stage, seconds: (ms / 1000).toFixed(1) })),
  };
  return fillPage('report', context);
}

/** Of a report in a word, a few words and a sentence. */
export function verdictOf({ findings, cannotCheck }: Report): { kind: string; short: string; text: string } {
  if (cannotCheck)
    return { kind: 'unchecked', short: 'not checked', text: `The series could not be checked (${cannotCheck.stage}).` };
  if (findings.length === 0) return { kind: 'silent', short: 'nothing found', text: 'Nothing found: no mail is sent.' };
  const count = plural(findings.length, 'finding', 'findings');
  return { kind: 'found', short: count, text: `${count}.` };
}

function findingView(finding: Finding, index: number, report: Report, series?: Series, comment?: Comment): object {
  const { rule, symbols, severity, anchor, evidence, witness, verification } = finding;
  const patch = series?.patches.find(({ n }) => n === anchor.patch);
  const survey = report.surveys?.[finding.key];
  const archs = survey?.archs.map(rowView) ?? [];
  return {
    id: `finding-${index + 1}`,
    title: `${rule}: ${symbols[0] ?? anchor.file}`,
    severity: severity.replace('-', ' '),
    rung: verification.rung,
    proof: PROOFS[verification.rung],
    file: anchor.file,
    patch: report.series.patches.find(({ n }) => n === anchor.patch) ?? { n: anchor.patch, title: '' },
    quote: patch ? quoteView(patch, finding) : [],
    comment: blocksOf(comment?.text ?? ''),
    reproduce: comment?.reproduce ? comment.reproduce.split('\n') : [],
    sources: sourcesOf(evidence),
    picture: survey?.picture
      ? {
          svg: graphSvg(survey.picture, `${survey.symbol} and what it depends on`),
          legend: legendOf(survey.picture),
          left: survey.picture.left,
          links: survey.picture.links,
        }
      : null,
    symbol: symbols[0] ?? '',
    archs,
    // findings that are not about values have no configurations to count
    isCounted: archs.some(({ changed }) => changed > 0),
    isSameEverywhere: archs.every(({ isSame }) => isSame),
    witness: witness
      ? {
          arch: witness.arch,
          from: witness.from === 'empty' ? 'an empty .config' : witness.from,
          lines: configLines(witness),
        }
      : null,
    attempts: attemptViews(finding),
  };
}

/** Places once each. */
function sourcesOf(evidence: Finding['evidence']): Finding['evidence'] {
  const places = evidence.flatMap((one) => (one.kind === 'source' ? [one] : []));
  return [...new Map(places.map((one) => [`${one.side} ${one.path}:${one.line}`, one])).values()];
}

function quoteView(patch: Patch, finding: Finding): { kind: string; text: string }[] {
  const lines = quoteFindings(patch, [finding]).flatMap(({ quote }) => quote.split('\n'));
  return lines.map((line) => {
    const text = line.replace(/^> ?/, '');
    const isMeta = /^(\+\+\+|---|@@|\[\.\.\.\]$)/.test(text);
    return { kind: isMeta ? 'meta' : text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'context', text };
  });
}

/** Paragraphs of a comment, and what is indented in it. */
function blocksOf(comment: string): ({ readonly text: string } | { readonly lines: readonly string[] })[] {
  const blocks = comment.split(/\n{2,}/).filter((block) => block.trim() !== '');
  return blocks.map((block) =>
    /^(?: {4}|\t)/.test(block) ? { lines: block.replace(/^ {4}/gm, '').split('\n') } : { text: block },
  );
}

function rowView({ arch, before, after, configs, changed }: ArchRow) {
  const isLost = changed > 0 || BEST.indexOf(after) < BEST.indexOf(before);
  const isSame = changed === 0 && before === after;
  return { arch, before: BEST_WORDS[before], after: BEST_WORDS[after], configs, changed, isLost, isSame };
}

const BEST = ['none', 'n', 'm', 'y'] as const;
const BEST_WORDS = { none: 'not declared', n: 'n only', m: 'm', y: 'y' } as const;

/** What was run, in order; the one that proves most is shown open. */
function attemptViews({ verification: { rung, attempts }, witness }: Finding): object[] {
  const proof = attempts.find((one) => one.agrees && one.rung === rung && one.side === 'after');
  const shown = witness?.from === 'empty' ? settingsOf(configLines(witness).join('\n')) : undefined;
  return attempts.map((one) => {
    const { argv, exitCode, excerpt, agrees, side, config } = one;
    // a build that depbot drove is told by its object, conf by its name
    const what = one.rung === 3 ? `make ${argv.at(-1)}` : (argv.find((word) => /\/conf$/.test(word)) ?? argv[0]);
    const isOther = shown !== undefined && config !== undefined && settingsOf(config) !== shown;
    return {
      title: `Rung ${one.rung}: ${what}, ${side === 'before' ? 'without' : 'with'} the series${isOther ? ', in another configuration' : ''}`,
      command: argv.join(' '),
      exitCode,
      config: isOther ? config.trim() : '',
      isShown: shown !== undefined && config !== undefined && !isOther,
      excerpt: excerpt || '(no output)',
      agrees,
      isProof: one === proof,
    };
  });
}

/** The settings of a .config, to be compared with others. */
function settingsOf(config: string): string {
  const lines = config.split('\n').filter((line) => /^(?:CONFIG_|# CONFIG_.* is not set)/.test(line));
  return lines.sort().join('\n');
}

/** Of a patch: its mail, or the commit where a range was checked. */
function sourceOf(messageId: string): string {
  const commit = commitOfRange(messageId);
  return commit === undefined ? `<${messageId}>` : `commit ${commit.slice(0, 12)}`;
}

function baseView({ applied }: Report): { label: string; detail: string } {
  if (!applied) return { label: 'none', detail: '' };
  const { sha, name, detail } = applied.base;
  return {
    label: name === undefined ? sha.slice(0, 12) : `${name} (${sha.slice(0, 12)})`,
    detail,
  };
}
