/**
 * From a report to the replies to send: one for each patch that has findings, none otherwise.
 *
 * The words come from templates, the quotes from the patch's mail; here both are put in order and
 * whatever a sender can have written (names, paths, texts of lines) is made harmless first: bounded,
 * without control characters, and never the start of a line that some robot would obey.
 */

import type { Arch, Finding, Message, MessageId, Patch, Reply, Report, Series, Witness } from '../rules/types.ts';
import { type Footer, footerText } from './footer.ts';
import { attribution, quoteFindings } from './quote.ts';
import { shellSafe, shellWord } from './shell-word.ts';
import { tame, tameAll } from './tame.ts';
import { openTemplates, type Rendered, type Templates } from './template.ts';
import { wrapProse } from './wrap.ts';

/** Comments in one mail; the rest is counted. More than this nobody reads. */
const MAX_COMMENTS = 12;
/** Room below the 998 octets of RFC 5322, section 2.1.1, for people who quote us. */
const MAX_LINE_OCTETS = 900;
/** A witness with more lines of settings gets no commands. */
const MAX_ARGUMENT_LINES = 20;
const MAX_SUBJECT_CHARS = 500;
/** References kept when a thread is absurdly long: the first and the newest. */
const MAX_REFERENCES = 100;

/** A report that does not fit its series, or that is not fit to be told: a bug of ours. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
  readonly rule: string;
  readonly key: string;

  constructor(finding: Finding, wrong: string) {
    super(`reply for ${finding.rule} (${finding.key}): ${wrong}`);
    this.rule = finding.rule;
    this.key = finding.key;
  }
}

export interface ReplyInput {
  readonly series: Series;
  readonly report: Report;
  /** Operator's templates, used before ours. */
  readonly templatesDir?: string;
  readonly footer: Footer;
  /** Other words for comments of {@link commentTexts}, checked for their facts by whoever made them. */
  readonly rephrased?: ReadonlyMap<Finding, string>;
  /** Findings that were told of an earlier revision, and the mail that told them. */
  readonly earlier?: ReadonlyMap<Finding, { readonly revision: number; readonly messageId: MessageId }>;
}

/**
 * One reply for each patch with findings, in the order of the series; comments in the order of the
 * mail. Empty when there are no findings.
 *
 * Throws ReplyError or QuoteError for a report that does not fit the series, TemplateError for a
 * template that is missing or wrong.
 */
export function renderReplies(input: ReplyInput): Reply[] {
  const templates = openTemplates(input.templatesDir);
  return answered(input).map(({ patch, findings }) => renderReply(input, templates, patch, findings));
}

/**
 * The comment of each finding that gets one, in the words of the templates, filled at 72 columns: what may be
 * rephrased before `renderReplies`. In the order of the replies. Throws as `renderReplies` does.
 */
export function commentTexts(input: ReplyInput): ReadonlyMap<Finding, string> {
  return new Map([...commentsFor(input)].map(([finding, { text }]) => [finding, text]));
}

/** A comment, and the commands that show what it says; empty where there are none. */
export interface Comment {
  readonly text: string;
  readonly reproduce: string;
}

/** As {@link commentTexts}, with the commands. */
export function commentsFor(input: ReplyInput): ReadonlyMap<Finding, Comment> {
  const templates = openTemplates(input.templatesDir);
  const comments = answered(input).flatMap(({ patch, findings }) =>
    [...commentsOf(templates, patch, findings).rendered].map(
      ([finding, { text, reproduce }]) => [finding, { text: wrapProse(text), reproduce }] as const,
    ),
  );
  return new Map(comments);
}

interface Answered {
  readonly patch: Patch;
  readonly findings: readonly Finding[];
}

/** The patches that get a reply. Throws ReplyError. */
function answered({ series, report }: ReplyInput): Answered[] {
  for (const finding of report.findings) {
    checkFinding(finding, series, report);
  }
  return series.patches
    .map((patch) => ({ patch, findings: report.findings.filter((finding) => finding.anchor.patch === patch.n) }))
    .filter(({ findings }) => findings.length > 0);
}

/** Subject of a reply: the original with exactly one `Re: `, on one line. */
export function replySubject(subject: string): string {
  const bare = tame(subject, MAX_SUBJECT_CHARS).replace(/^(?:re(?:\[\d+\])?\s*:\s*)+/i, '');
  return `Re: ${bare}`;
}

function checkFinding(finding: Finding, series: Series, report: Report): void {
  if (!series.patches.some((patch) => patch.n === finding.anchor.patch)) {
    throw new ReplyError(finding, `the series has no patch ${finding.anchor.patch}`);
  }
  if (report.applied === undefined) {
    throw new ReplyError(finding, 'the report names no base');
  }
  // Symbols go into commands that people paste into a shell.
  const witnessed = finding.witness?.settings.map((setting) => setting.symbol) ?? [];
  const names = [...finding.symbols, ...witnessed, finding.claim.symbol ?? 'X'];
  const bad = names.find((name) => !/^\w[\w-]*$/.test(String(name)));
  if (bad !== undefined) {
    throw new ReplyError(finding, `${JSON.stringify(bad)} is not the name of a symbol`);
  }
}

interface Comments {
  /** Findings that get a comment, with it. */
  readonly rendered: ReadonlyMap<Finding, Rendered>;
  /** How far all of them were proved, where that is the same: said once, at the mail's end. */
  readonly common: string;
}

function commentsOf(templates: Templates, patch: Patch, findings: readonly Finding[]): Comments {
  const shown = inMailOrder(findings).slice(0, MAX_COMMENTS);
  const proofs = new Map(shown.map((finding) => [finding, verifiedText(finding, templates)]));
  const common = new Set(proofs.values()).size === 1 ? [...proofs.values()][0] : undefined;
  const rendered = shown.map((finding): [Finding, Rendered] => {
    const verified = common === undefined ? (proofs.get(finding) ?? '') : '';
    return [finding, templates.render(finding.rule, ruleContext(finding, patch, verified))];
  });
  return { rendered: new Map(rendered), common: common ?? '' };
}

function renderReply(input: ReplyInput, templates: Templates, patch: Patch, findings: readonly Finding[]): Reply {
  const { report, rephrased } = input;
  const { rendered, common } = commentsOf(templates, patch, findings);
  const shown = [...rendered.keys()];
  const own = new Map([...rendered].map(([finding, { text }]) => [finding, wrapProse(text)]));
  const words = new Map(
    shown.map((finding) => [finding, wrapProse(rephrased?.get(finding) ?? own.get(finding) ?? '')]),
  );
  const isReworded = shown.some((finding) => words.get(finding) !== own.get(finding));
  const model = isReworded ? (input.footer.model ?? 'a language model') : undefined;
  const parts = quoteFindings(patch, shown).map((part) => ({
    quote: part.quote,
    comments: part.findings.map((finding) => `${stillThere(finding, input, templates)}${words.get(finding) ?? ''}`),
  }));
  const commands = [...rendered.values()].map((one) => one.reproduce).filter((one) => one !== '');
  const frame = templates.render('reply', {
    attribution: attribution(patch.message),
    parts,
    more: findings.length - shown.length,
    cut: cutShortFor(findings, report),
    verified: common,
    reproduce: [...new Set(commands)].join('\n\n'),
    base: baseContext(report),
    archs: report.checked.archs,
    configs: report.checked.configs,
    footer: footerText(input.footer, input.templatesDir, model),
  });
  return {
    patch: patch.n,
    answers: patch.message.messageId,
    references: referencesOf(patch.message),
    subject: replySubject(patch.message.subject),
    body: `${wrapProse(frame.text).split('\n').map(harmless).join('\n')}\n`,
  };
}

/** Where a rule that found something here did not come to its end. */
function cutShortFor(findings: readonly Finding[], { checked }: Report): Arch[] {
  const own = (checked.cutShort ?? []).filter(({ rule }) => findings.some((finding) => finding.rule === rule));
  return [...new Set(own.flatMap(({ archs }) => archs))].sort();
}

/** A paragraph before the comment on what was told before; empty for what is new. */
function stillThere(finding: Finding, { earlier, series }: ReplyInput, templates: Templates): string {
  const told = earlier?.get(finding);
  if (told === undefined) return '';
  const context = { revision: series.revision, earlier: told.revision, messageId: told.messageId };
  return `${wrapProse(templates.render('still-there', tameAll(context) as Record<string, unknown>).text)}\n\n`;
}

function inMailOrder(findings: readonly Finding[]): Finding[] {
  const order = (a: Finding, b: Finding): number =>
    a.anchor.mailLines[1] - b.anchor.mailLines[1] ||
    a.anchor.mailLines[0] - b.anchor.mailLines[0] ||
    compare(a.rule, b.rule) ||
    compare(a.key, b.key);
  return [...findings].sort(order);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function verifiedText({ verification: { rung, attempts }, witness }: Finding, templates: Templates): string {
  const agreed = (side: string): boolean =>
    attempts.some((one) => one.agrees && one.rung === rung && one.side === side);
  const shown = (side: string): string => attempts.find((one) => one.rung === 3 && one.side === side)?.excerpt ?? '';
  const built = { arch: witness?.arch ?? '', without: shown('before'), with: shown('after') };
  const context = { rung, before: agreed('before'), after: agreed('after'), ...built };
  return templates.render('verified', tameAll(context) as Record<string, unknown>).text;
}

/** The fields documented in `templateFields` for a rule's template. */
function ruleContext(finding: Finding, patch: Patch, verified: string): Record<string, unknown> {
  const { rung } = finding.verification;
  return tameAll({
    symbols: finding.symbols,
    patch: { n: patch.n, total: patch.total },
    anchor: { file: finding.anchor.file, line: finding.anchor.line },
    claim: finding.claim,
    rung,
    verified: wrapProse(verified),
    witness: finding.witness === undefined ? null : witnessContext(finding.witness),
  }) as Record<string, unknown>;
}

function witnessContext({ arch, crossCompile, from, settings }: Witness): Record<string, unknown> {
  const lines = argumentLines(settings);
  const fits = lines.length <= MAX_ARGUMENT_LINES;
  const named = shellSafe(arch) ?? 'unknown';
  const cross = crossCompile === undefined ? undefined : shellSafe(crossCompile);
  return {
    arch: named,
    make: `ARCH=${named}${cross === undefined ? '' : ` CROSS_COMPILE=${cross}`}`,
    from,
    target: (fits ? makeTarget(from, arch) : undefined) ?? null,
    settings,
    shown: settings.map(({ symbol, value }) => `${symbol}=${value}`).join(' '),
    lines: configLines({ settings }),
    arguments: fits ? lines.join(' \\\n    ') : '',
  };
}

type Setting = Witness['settings'][number];

/** A witness as lines of a .config. */
export function configLines({ settings }: Pick<Witness, 'settings'>): string[] {
  return settings.map(configLine);
}

/** A line of .config. */
function configLine({ symbol, value, isString }: Setting): string {
  const text = tame(value);
  if (text === 'n' && !isString) return `# CONFIG_${symbol} is not set`;
  return `CONFIG_${symbol}=${isString ? `"${text.replace(/["\\]/g, '\\$&')}"` : text}`;
}

/** Settings as arguments of scripts/config, a few on each line. */
function argumentLines(settings: Witness['settings']): string[] {
  const lines: string[] = [];
  for (const setting of settings) {
    const argument = configArgument(setting);
    const last = lines.at(-1);
    if (last !== undefined && last.length + argument.length < 56) {
      lines[lines.length - 1] = `${last} ${argument}`;
    } else {
      lines.push(argument);
    }
  }
  return lines;
}

/** The make target that writes a configuration: `allnoconfig`, or a defconfig below `arch/<arch>/configs/`. */
function makeTarget(from: string, arch: Arch): string | undefined {
  const directory = `arch/${arch}/configs/`;
  const target = from.startsWith(directory) ? from.slice(directory.length) : from;
  return target.endsWith('config') ? shellSafe(target) : undefined;
}

/** One setting as scripts/config takes it, quoted for a POSIX shell. */
function configArgument({ symbol, value, isString }: Setting): string {
  const text = tame(value);
  const tristate = new Map([
    ['y', '-e'],
    ['m', '-m'],
    ['n', '-d'],
  ]).get(text);
  if (tristate !== undefined && !isString) {
    return `${tristate} ${symbol}`;
  }
  return `${isString ? '--set-str' : '--set-val'} ${symbol} ${shellWord(text)}`;
}

function baseContext(report: Report): Record<string, unknown> {
  const base = report.applied?.base;
  const sha12 = base?.sha.slice(0, 12) ?? '';
  const told = tame(base?.detail ?? '');
  // A sentence of its own here; an object name stays as it is.
  const detail = /^[a-z]+(-[a-z]+)? /.test(told) ? told.charAt(0).toUpperCase() + told.slice(1) : told;
  return {
    label: base?.name === undefined ? sha12 : `${tame(base.name)} (${sha12})`,
    detail: detail === '' || /[.!?]$/.test(detail) ? detail : `${detail}.`,
  };
}

/** The thread up to and including the patch, oldest first, each once. RFC 5322, section 3.6.4. */
function referencesOf(message: Message): string[] {
  const all = [...new Set([...message.references, message.messageId])].filter((id) => id !== message.messageId);
  const kept = all.length < MAX_REFERENCES ? all : [...all.slice(0, 1), ...all.slice(2 - MAX_REFERENCES)];
  return [...kept, message.messageId];
}

/**
 * A line of the finished body. A robot attests nothing: what looks like a trailer, in output that we
 * repeat, gets a bar in front (in prose `wrapProse` keeps such words off the start of a line). A line
 * too long for a mail is cut; quoted ones never are.
 */
function harmless(line: string): string {
  if (line.startsWith('>')) {
    return line;
  }
  const barred = line.replace(/^([ \t]*)(?=[\w-]+-by[ \t]*:)/i, '$1| ');
  return fitted(barred);
}

/** The line, or as much of it as a mail can carry in one. */
export function fitted(line: string): string {
  const bytes = Buffer.from(line);
  return bytes.length <= MAX_LINE_OCTETS
    ? line
    : `${bytes
        .subarray(0, MAX_LINE_OCTETS - 3)
        .toString()
        .replace(/\ufffd+$/, '')}...`;
}
