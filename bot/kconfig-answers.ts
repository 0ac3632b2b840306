/**
 * Answers about all configurations -> text for a terminal, as `depbot kconfig solve`, `implies` and `needs` print it.
 * Architectures with the same answer stand together. Lines for a shell or a .config start in the first column, so that
 * they can be copied as they are; the rest keeps to the width of the terminal.
 *
 * All texts come from a tree that may be hostile: see printable.ts.
 */

import { createColors } from 'picocolors';
import type { Answer, Witness } from '../rules/kconfig/ask.ts';
import type { Cut } from '../rules/kconfig/explanation.ts';
import type { Needs } from '../rules/kconfig/needs.ts';
import type { Step, Ways } from '../rules/kconfig/reason-steps.ts';
import type { Arch } from '../rules/types.ts';
import { listed, type RenderOptions } from './kconfig-explain.ts';
import { printable } from './printable.ts';
import { wrapProse } from './wrap.ts';

/** How far the configuration of an answer was looked at, beside depbot's own evaluator. */
export type Confirmation = 'conf' | 'evaluator';

/** What was found for one architecture. */
export interface ArchAnswer {
  readonly arch: Arch;
  readonly answer: Answer;
  readonly confirmedBy?: Confirmation;
  /** CROSS_COMPILE of the compiler that was asked what it can do; absent: this machine's own gcc. */
  readonly crossCompile?: string;
}

/** The same answer for some architectures; `crossCompile` is that of the first. */
export type GroupedAnswer = Answer & { readonly architectures: readonly Arch[] } & Pick<
    ArchAnswer,
    'confirmedBy' | 'crossCompile'
  >;

const MIN_COLUMNS = 40;

/** Statements of a reason that are printed; more nobody reads. */
const MOST_STEPS = 30;

/** Of an answer without statements. */
const FROM_WORDS =
  'It follows from the words and the types alone (a bool is never m, m takes MODULES, an int, hex or string is not on).';

/** Answers with their architectures; equal ones become one, at the place of the first. */
export function grouped(answers: readonly ArchAnswer[]): GroupedAnswer[] {
  const groups = new Map<string, GroupedAnswer & { architectures: Arch[] }>();
  for (const { arch, answer, confirmedBy, crossCompile } of answers) {
    const key = JSON.stringify([answer, confirmedBy]);
    const asked = { ...(confirmedBy && { confirmedBy }), ...(crossCompile && { crossCompile }) };
    const group = groups.get(key) ?? { architectures: [], ...answer, ...asked };
    group.architectures.push(arch);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The question as a heading, then a paragraph for each group, those with a configuration first. */
export function renderAnswers(heading: string, groups: readonly GroupedAnswer[], options: RenderOptions): string {
  const sorted = groups.toSorted((a, b) => Number('witness' in b) - Number('witness' in a));
  const page = new Page(options);
  return [page.heading(heading), ...sorted.map((group) => page.answer(group))].join('\n');
}

class Page {
  readonly #columns: number;
  readonly #colours: ReturnType<typeof createColors>;

  constructor({ columns, isColour }: RenderOptions) {
    this.#columns = Math.max(MIN_COLUMNS, columns);
    this.#colours = createColors(isColour);
  }

  heading(text: string): string {
    return `${this.#colours.bold(printable(text))}\n`;
  }

  answer(group: GroupedAnswer): string {
    const { architectures, undeclared } = group;
    const on = `on ${listed(architectures)}`;
    const absent = undeclared.length === 0 ? '' : this.#prose(`Not declared there: ${listed(undeclared)}.`);
    switch (group.verdict) {
      case 'possible':
        return `${this.#verdict(true, 'Possible', `${on}${confirmation(group)}:`)}${absent}\n${script(group)}${this.#unmet(
          group.witness,
        )}${group.needs ? this.#needs(group.needs) : ''}`;
      case 'impossible':
        return `${this.#verdict(false, 'Not possible', `${on}:`)}${absent}\n${this.#because(group)}`;
      case 'implied': {
        const because = group.isVacuous ? ', where the premise is never met:' : ':';
        return `${this.#verdict(true, 'Holds', `${on}${because}`)}${absent}\n${this.#because(group)}`;
      }
      case 'not-implied':
        return `${this.#verdict(false, 'Does not hold', `${on}${confirmation(group)}; with this, for example:`)}${
          absent
        }\n${script(group)}${this.#unmet(group.witness)}`;
      case 'unknown':
        return `${this.#verdict(false, 'Not known', `${on}: ${group.why}`)}${absent}`;
    }
  }

  #verdict(isGood: boolean, verdict: string, rest: string): string {
    const paint = isGood ? this.#colours.green : this.#colours.red;
    return this.#prose(`${verdict} ${rest}`).replace(verdict, (words) => this.#colours.bold(paint(words)));
  }

  #because({ because, undeclared }: { because: readonly Step[]; undeclared: readonly string[] }): string {
    const more = because.length - MOST_STEPS;
    const rest = more > 0 ? this.#prose(`and ${more} more, which --json gives`, 2) : '';
    if (because.length > 0)
      return `${because
        .slice(0, MOST_STEPS)
        .map((step) => this.#step(step))
        .join('')}${rest}`;
    return this.#prose(undeclared.length > 0 ? 'What is not declared is n.' : FROM_WORDS, 2);
  }

  #step(step: Step): string {
    const place = `${step.path}:${step.line}:`;
    const line = this.#prose(`${place} ${step.text}`, 2, 6).replace(place, (text) => this.#colours.dim(text));
    return `${line}${notes(step)
      .map((note) => this.#prose(note, 6))
      .join('')}`;
  }

  #unmet({ unmet }: Witness): string {
    if (unmet.length === 0) return '';
    return `\n${this.#prose(`conf warns of unmet direct dependencies: something selects ${listed(unmet)} regardless.`)}`;
  }

  #needs({ symbols, oneOf }: Needs): string {
    const words = (isAlways: boolean, isOn: boolean): string =>
      listed(
        symbols
          .filter((need) => need.isAlways === isAlways && (need.value !== 'n') === isOn)
          .map(({ symbol, value }) => (value === 'm' ? `${symbol} (m or y)` : symbol)),
      );
    const lines = [
      ['Always on with it: ', words(false, true)],
      ['Always off with it: ', words(false, false)],
      ['On in every configuration there, and needed: ', words(true, true)],
      ...oneOf.map(({ text, path, line }) => ['And one way or another: ', `${text} (${path}:${line})`]),
    ].filter(([, names]) => names !== '');
    return lines.length === 0
      ? ''
      : `\n${lines.map(([title, names]) => this.#prose(`${title}${names}.`, 0, 2)).join('')}`;
  }

  /** Filled to the width, ended by a line feed; `hang` indents what follows the first line. */
  #prose(text: string, indent: number = 0, hang: number = indent): string {
    const rows = wrapProse(printable(text), this.#columns - hang).split('\n');
    return rows.map((row, i) => `${' '.repeat(i === 0 ? indent : hang)}${row}\n`).join('');
  }
}

function confirmation({ confirmedBy }: GroupedAnswer): string {
  return confirmedBy === 'conf' ? ' (conf agrees)' : '';
}

/** What gives this configuration, for a shell: the settings are the whole .config. */
function script({
  witness: { config },
  architectures,
  crossCompile,
}: GroupedAnswer & { readonly witness: Witness }): string {
  const others = architectures.length > 1 ? '    # likewise for the others' : '';
  const write =
    config === '' ? ': > .config    # nothing needs to be set\n' : `cat > .config <<'END'\n${printable(config)}END\n`;
  const cross = crossCompile === undefined ? '' : ` CROSS_COMPILE=${crossCompile}`;
  return `${write}make ARCH=${architectures[0]}${cross} olddefconfig${others}\n`;
}

function notes({ kind, symbol, ways, by, prompt, expanded, undeclared }: Step): string[] {
  const said: string[] = [];
  if (expanded !== undefined) said.push(`which is: ${expanded}`);
  if (kind === 'definition' && ways) said.push(definitionNote(ways));
  if (kind === 'default' && ways)
    said.push(ways.hasPrompt ? `which counts where no prompt of ${symbol} is visible` : `and ${symbol} has no prompt`);
  if (by !== undefined) said.push(`in the block of ${by}`);
  if (kind === 'choice') said.push(`${prompt === undefined ? '' : `"${prompt}", `}of which one at a time is on`);
  if (undeclared.length > 0)
    said.push(`${listed(undeclared)} ${undeclared.length > 1 ? 'are' : 'is'} not declared there`);
  return said;
}

function definitionNote({ type, hasPrompt, defaults, ranges, selectedBy, impliedBy }: Ways): string {
  const code = ({ items, more }: Cut<string>): string =>
    listed(
      items.map((text) => `\`${text}\``),
      more,
    );
  const ways = [
    ...(hasPrompt ? ['its prompt'] : []),
    ...(defaults.items.length > 0 ? [code(defaults)] : []),
    ...(selectedBy.items.length > 0 ? [`a select by ${listed(selectedBy.items, selectedBy.more)}`] : []),
    ...(impliedBy.items.length > 0 ? [`an imply by ${listed(impliedBy.items, impliedBy.more)}`] : []),
  ];
  const isLevelled = type === 'bool' || type === 'tristate';
  if (ways.length === 0) return `which has no prompt and no default${isLevelled ? ', and nothing selects it' : ''}`;
  const within = ranges.items.length > 0 ? `, within ${code(ranges)}` : '';
  if (!isLevelled) return `whose value is from ${ways.join('; ')}${within}`;
  return ways.length === 1 ? `which only ${ways[0]} can turn on` : `which these can turn on: ${ways.join('; ')}`;
}
