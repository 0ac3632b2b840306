/**
 * An Explanation -> text for a terminal, as `depbot kconfig explain` prints it: what menuconfig's
 * help shows, with values, and the reason for the value first.
 *
 * All texts come from a tree that may be hostile: control characters and those that reorder a line
 * never reach the terminal.
 */

import { createColors } from 'picocolors';
import type {
  ChoiceView,
  Condition,
  Culprit,
  Cut,
  DeclarationView,
  EdgeGroup,
  EdgeView,
  Explained,
  Explanation,
  Part,
  Position,
  PropertyView,
} from '../rules/kconfig/explanation.ts';
import { wrapProse } from './wrap.ts';

export interface RenderOptions {
  /** Width of the terminal; below 40 counts as 40. */
  readonly columns: number;
  readonly isColour: boolean;
}

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly style: 'head' | 'data' | 'prose';
}

const MIN_COLUMNS = 40;
/** Keeps a symbol and its value on one line; wrapProse breaks at blanks and tabs alone. */
const NO_BREAK = '\u00a0';

/** The explanation as lines, LF at the end of each. Sections that have nothing to say are left out. */
export function renderExplanation(e: Explanation, options: RenderOptions): string {
  const lines = [
    head(`${e.symbol} [=${quoted(e, e.value)}], ${e.type}${e.isWritten ? '' : ', not written to .config'}`),
    prose(2, whyText(e)),
    ...section('', e.help === undefined ? [] : [prose(2, e.help)]),
    ...section('Declared', e.declarations.items.flatMap(declarationLines), e.declarations.more),
    ...section(
      `Depends on [=${e.directDependency}]`,
      e.declarations.items.flatMap((d) => dependencyLines(e, d)),
    ),
    ...section(`Visible [=${e.visible}]`, visibilityLines(e)),
    ...section(e.value === 'm' ? 'To have it at y' : 'To enable it', toEnableLines(e)),
    ...section('Choice', e.choice ? choiceLines(e.choice) : []),
    ...section('Selected by', e.selectedBy.flatMap(groupLines)),
    ...section('Implied by', e.impliedBy.flatMap(groupLines)),
    ...section('Selects', ownEdgeLines(e, e.selects), e.selects.more),
    ...section('Implies', ownEdgeLines(e, e.implies), e.implies.more),
    ...section('Defaults', e.defaults.items.map(propertyLine), e.defaults.more),
    ...section('Ranges', e.ranges.items.map(propertyLine), e.ranges.more),
  ];
  return lines.map((line) => `${render(line, options)}\n`).join('');
}

/** One line for a name that nothing declares: `no symbol FOOO; did you mean FOO or FOO2?` */
export function renderUndeclared(failure: Extract<Explained, { readonly ok: false }>): string {
  const names = failure.similar.map(clean);
  const last = names.at(-1);
  const list = names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${last}` : last;
  return `no symbol ${clean(failure.symbol)}${list === undefined ? '' : `; did you mean ${list}?`}`;
}

// ---------------------------------------------------------------- why

/** Why the symbol has its value, one paragraph: `y: selected by FOO [=y] (drivers/foo/Kconfig:12)`. */
export function whyText(e: Explanation): string {
  const { kind, overruled, range, isUnmet } = e.why;
  const value = quoted(e, e.value);
  const clauses = [overruledText(e), sourceText(e), impliedInVainText(e)];
  if (range) clauses.push(`outside of \`${range.text}\` ${at(range)}, so its bound counts`);
  const said = clauses.filter((clause) => clause !== '').join('; ');
  const although = overruled ? ` although the user set ${quoted(e, e.user ?? '')}` : '';
  const text = kind === 'user' && !overruled ? `${value} because the user set it` : `${value}${although}: ${said}`;
  return isUnmet ? `${text}. ${unmetText(e)}` : text;
}

function overruledText(e: Explanation): string {
  switch (e.why.overruled) {
    case 'no-prompt':
      return 'it has no prompt, so a user cannot set it';
    case 'hidden':
      return hiddenText(e);
    case 'limited':
      return `visible up to ${e.visible}, because ${culpritsText(e.unmet)}`;
    case 'modules':
      return 'modules are off, and m counts as y';
    default:
      return '';
  }
}

function sourceText(e: Explanation): string {
  const { kind, default: property, edges, overruled } = e.why;
  switch (kind) {
    case 'user':
      return '';
    case 'default':
      return property ? `first default whose condition holds: \`${property.text}\` ${at(property)}` : '';
    case 'select':
      return `selected by ${edgesText(edges)}`;
    case 'imply':
      return `implied by ${edgesText(edges)}`;
    case 'choice':
      return e.choice ? choiceText(e, e.choice) : '';
    case 'nothing':
      return overruled ? '' : nothingText(e);
  }
}

function nothingText(e: Explanation): string {
  const hasPrompt = e.declarations.items.some((d) => d.prompts.length > 0);
  const first = e.visible !== 'n' ? 'not set by the user; ' : hasPrompt ? `${hiddenText(e)}; ` : '';
  const isLevelled = e.type === 'bool' || e.type === 'tristate';
  return `${first}no default applies${isLevelled ? ' and nothing selects it' : ''}`;
}

function hiddenText(e: Explanation): string {
  return `not visible, because ${culpritsText(e.unmet)}`;
}

function impliedInVainText(e: Explanation): string {
  const top = e.impliedBy[0];
  if (!top || top.value === 'n' || e.directDependency !== 'n' || e.value !== 'n' || e.choice) return '';
  return `implied by ${edgesText(top)}, but its direct dependency is n`;
}

function choiceText(e: Explanation, choice: ChoiceView): string {
  if (choice.chosen === undefined) return `no member of the choice "${choice.prompt}" ${at(choice)} is visible`;
  const taken = choice.chosen === e.symbol ? 'takes it' : `takes ${choice.chosen} [=y]`;
  const property = choice.default;
  const because = {
    user: 'which the user set',
    default: property ? `by its first default that holds: \`${property.text}\` ${at(property)}` : 'by a default',
    first: 'its first visible member',
    left: 'as one member has to be y and the user ruled out the default',
    none: '',
  }[choice.because];
  const hidden = e.visible === 'n' && !e.why.overruled ? `; ${hiddenText(e)}` : '';
  return `the choice "${choice.prompt}" ${at(choice)} ${taken}, ${because}${hidden}`;
}

function unmetText(e: Explanation): string {
  const dependency = e.unmet.filter((part) => part.from !== 'prompt' && part.from !== 'visible if');
  const although = dependency.length > 0 ? `, because ${culpritsText(dependency)}` : '';
  const selected = e.why.kind === 'select' ? '' : `; selected by ${edgesText(e.selectedBy[0])}`;
  return `Unmet direct dependency: it is ${e.directDependency}${although}${selected}`;
}

function edgesText(edges: Cut<EdgeView> | undefined): string {
  const all = edges?.items ?? [];
  const texts = all.slice(0, 2).map((edge) => `${edge.symbol} [=${edge.symbolValue}] ${at(edge)}`);
  return listed(texts, all.length - texts.length + (edges?.more ?? 0));
}

/** The symbols that keep the parts from holding, each once; a part without any speaks for itself. */
function culpritsText(parts: readonly Part[]): string {
  const texts = new Set<string>();
  let more = 0;
  for (const part of parts) {
    if (part.culprits.items.length === 0) texts.add(`${part.text} ${at(part)}`);
    for (const c of part.culprits.items) texts.add(culpritText(c));
    more += part.culprits.more;
  }
  const shown = [...texts].slice(0, 3);
  return shown.length === 0 ? 'its prompt does not apply' : listed(shown, texts.size - shown.length + more);
}

function culpritText(c: Culprit): string {
  return c.state === 'undeclared' ? `${c.symbol} [undeclared]` : `${c.symbol} [=${c.value}] ${declaredAt(c)}`;
}

/** `A`, `A and B`, `A, B and 3 more`. */
export function listed(texts: readonly string[], more: number = 0): string {
  if (more > 0) return `${texts.join(', ')} and ${more} more`;
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

// ---------------------------------------------------------------- sections

function section(title: string, body: readonly Line[], more: number = 0): Line[] {
  if (body.length === 0) return [];
  return [head(''), ...(title === '' ? [] : [head(title)]), ...body, ...moreLines(2, more)];
}

function declarationLines(d: DeclarationView): Line[] {
  const prompts = d.prompts.flatMap((p) => [
    data(4, `"${p.text}"`),
    ...(p.location.length > 0 ? [data(4, `in ${p.location.join(' > ')}`)] : []),
  ]);
  return [data(2, position(d)), ...prompts];
}

function dependencyLines(e: Explanation, d: DeclarationView): Line[] {
  const isOnly = e.declarations.items.length === 1;
  if (isOnly) return [...d.parts.items.flatMap((part) => partLines(2, part)), ...moreLines(2, d.parts.more)];
  const counted = d.isCounted ? '' : ', not counted beside those that have a dependency';
  const text = d.parts.items.length > 0 ? position(d) : `${position(d)}, without dependency${counted}`;
  return [
    level(2, d.dependency, text),
    ...d.parts.items.flatMap((part) => partLines(5, part)),
    ...moreLines(5, d.parts.more),
  ];
}

function visibilityLines(e: Explanation): Line[] {
  const prompts = e.declarations.items.flatMap((d) => d.prompts);
  if (prompts.length === 0) return [data(2, 'it has no prompt')];
  const isPlain = prompts.length === 1 && prompts.every((p) => p.parts.items.length === 0);
  if (isPlain) return [data(2, 'where its dependency holds')];
  return prompts.flatMap((p) => [
    level(2, p.visible, `"${p.text}" ${at(p)}`),
    ...p.parts.items.flatMap((part) => partLines(5, part)),
    ...moreLines(5, p.parts.more),
  ]);
}

function partLines(indent: number, part: Part): Line[] {
  const origin = {
    'depends on': '',
    if: 'if around it, ',
    menu: 'menu around it, ',
    choice: 'choice around it, ',
    prompt: 'condition of the prompt, ',
    'visible if': 'menu, visible if, ',
  }[part.from];
  const culprits = part.culprits.items.flatMap((c) => culpritLines(indent + 5, c));
  return [
    level(indent, part.value, `${part.text} (${origin}${position(part)})`),
    ...culprits,
    ...moreLines(indent + 5, part.culprits.more),
  ];
}

function culpritLines(indent: number, c: Culprit): Line[] {
  const text = `${c.symbol} ${stateText(c)}${c.state === 'undeclared' ? '' : ` ${declaredAt(c)}`}`;
  return [data(indent, text), ...c.unmet.flatMap((part) => partLines(indent + 2, part))];
}

function stateText(c: Culprit): string {
  if (c.state === 'undeclared') return 'is declared by no Kconfig file of this architecture';
  const wanted =
    c.wanted === 'on' ? '' : c.wanted === 'off' ? 'would have to be off; it ' : 'would need another value; it ';
  return `${wanted}${{ 'no-prompt': 'has no prompt', hidden: 'is not visible', settable: 'can be set' }[c.state]}`;
}

function toEnableLines(e: Explanation): Line[] {
  const unmet = e.unmet.map((part) => data(2, `- ${part.text}`));
  if (e.toEnable === undefined) return [];
  switch (e.toEnable) {
    case 'set':
      return [data(2, `CONFIG_${e.symbol}=${e.visible}: it is visible`)];
    case 'choose':
      return [data(2, `CONFIG_${e.symbol}=y: it is visible, and the choice then takes it`)];
    case 'meet':
      return [data(2, 'its prompt needs:'), ...unmet];
    case 'select':
      return [
        data(
          2,
          `it has no prompt: one of the symbols that select or imply it has to be ${e.value === 'm' ? 'y' : 'on'}`,
        ),
        ...(unmet.length > 0 ? [data(2, 'its direct dependency, which a select does not wait for, needs:')] : []),
        ...unmet,
      ];
    case 'default':
      return [data(2, 'it has no prompt: one of its defaults has to apply'), ...unmet];
    case 'none':
      return [data(2, 'it has no prompt and no default, and nothing selects it')];
  }
}

function choiceLines(choice: ChoiceView): Line[] {
  const members = choice.members.items.map((m) => {
    return level(4, m.value, m.visible === 'n' ? `${m.symbol}, not visible` : m.symbol);
  });
  return [data(2, `"${choice.prompt}" ${at(choice)}`), ...members, ...moreLines(4, choice.members.more)];
}

function groupLines(group: EdgeGroup): Line[] {
  return [
    ...group.items.map((edge) => edgeLine(edge, edge.symbolValue)),
    ...moreLines(5, group.more, ` with ${group.value}`),
  ];
}

function ownEdgeLines(e: Explanation, edges: Cut<EdgeView>): Line[] {
  return edges.items.map((edge) => edgeLine(edge, e.value));
}

/** `from` is the value of the symbol that selects or implies. */
function edgeLine(edge: EdgeView, from: string): Line {
  const isBlocked = edge.dependency === 'n' && from !== 'n' && edge.condition?.value !== 'n';
  const blocked = isBlocked ? ', whose block has an unmet dependency' : '';
  const text = `${edge.symbol} [=${edge.symbolValue}]${conditionText(edge.condition)}`;
  return level(2, edge.value, `${text} ${at(edge)}${blocked}`);
}

function conditionText(condition: Condition | undefined): string {
  return condition ? ` if ${condition.text}` : '';
}

function propertyLine(property: PropertyView): Line {
  return level(2, property.isActive ? '*' : ' ', `${property.shown} ${at(property)}`);
}

// ---------------------------------------------------------------- lines

const head = (text: string): Line => ({ indent: 0, text, style: 'head' });
const data = (indent: number, text: string): Line => ({ indent, text, style: 'data' });
const prose = (indent: number, text: string): Line => ({ indent, text, style: 'prose' });
const level = (indent: number, value: string, text: string): Line => {
  return data(indent, `${value === ' ' ? NO_BREAK : value}${NO_BREAK}${NO_BREAK}${text}`);
};

function moreLines(indent: number, more: number, what: string = ''): Line[] {
  return more > 0 ? [data(indent, `and ${more} more${what}`)] : [];
}

const position = (p: Position): string => `${p.path}:${p.line}`;
const at = (p: Position): string => `(${position(p)})`;

function declaredAt(c: Culprit): string {
  const first = c.declared.items[0];
  if (!first) return '';
  const more = c.declared.items.length - 1 + c.declared.more;
  return more > 0 ? `(${position(first)} and ${more} more)` : at(first);
}

function quoted(e: Explanation, value: string): string {
  return e.type === 'string' ? `"${value}"` : value;
}

/** Control characters (Unicode category Cc) and format characters (Cf: bidirectional overrides) become U+FFFD. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function render(line: Line, { columns, isColour }: RenderOptions): string {
  if (line.text === '') return '';
  const text = clean(line.text).replace(/ \[(=[^\]]*|undeclared)\]/g, (value) => value.replaceAll(' ', NO_BREAK));
  const hang = text.charAt(1) === NO_BREAK ? 3 : line.style === 'data' ? 2 : 0;
  const width = Math.max(MIN_COLUMNS, columns) - line.indent - hang;
  const filled = wrapProse(text, width).split('\n');
  return filled
    .map((row, i) => ' '.repeat(line.indent + (i === 0 ? 0 : hang)) + row.replaceAll(NO_BREAK, ' '))
    .map((row) => (isColour ? paint(row, line.style) : row))
    .join('\n');
}

function paint(row: string, style: Line['style']): string {
  const c = createColors(true);
  const tint = (value: string, text: string): string => {
    return value === 'y' ? c.green(text) : value === 'm' ? c.yellow(text) : value === 'n' ? c.red(text) : c.cyan(text);
  };
  const valued = row.replace(/\[=([^\]]*)\]|\[undeclared\]/g, (text, value?: string) => tint(value ?? 'n', text));
  if (style === 'head') return c.bold(valued);
  if (style === 'prose') return valued;
  return valued
    .replace(/^( *)([ymn*])(?= {2})/, (_, blank: string, value: string) => blank + tint(value, value))
    .replace(/[^\s()]*Kconfig[^\s():]*:[0-9]+/g, (text) => c.dim(text));
}
