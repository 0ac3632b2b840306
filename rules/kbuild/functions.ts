/**
 * The functions of GNU make that need nothing but their arguments, on text that differs from configuration to
 * configuration ("Functions for Transforming Text", "Functions for File Names"). Those of words work on each word
 * by itself; those of whole texts on each form that the text can have, and give an unknown for too many.
 */

import type { ExprId } from '../kconfig/expr.ts';
import type { Conditions } from './conditions.ts';
import { type GuardedText, hasHole, type Segment, type Word } from './guarded-text.ts';
import { replaced, stemOf } from './patterns.ts';

export interface TextTools {
  readonly conditions: Conditions;
  readonly text: GuardedText;
}

export type TextFunction = (tools: TextTools, args: readonly (readonly Segment[])[]) => Segment[];

/** Of each word another, or none. */
function eachWord(change: (word: string) => string): TextFunction {
  return ({ text }, [list = []]) =>
    text.joined(
      text
        .words(list)
        .map((word) => ({ ...word, text: change(word.text) }))
        .filter((word) => word.text !== ''),
    );
}

/** Of each word another, for each form of the arguments before it. */
function eachWordWith(before: number, change: (word: string, ...args: string[]) => string): TextFunction {
  return (tools, args) => {
    const list = tools.text.words(args[before] ?? []);
    return overForms(tools, args.slice(0, before), (...forms) =>
      tools.text.joined(list.map((word) => ({ ...word, text: change(word.text, ...forms) }))),
    );
  };
}

/** The result for each combination of forms that the texts can have. */
function overForms(
  { conditions, text }: TextTools,
  args: readonly (readonly Segment[])[],
  make: (...forms: string[]) => readonly Segment[],
): Segment[] {
  let combined: { when: ExprId; forms: string[] }[] = [{ when: conditions.TRUE, forms: [] }];
  for (const arg of args) {
    const forms = text.alternatives(arg);
    if (!forms || forms.length * combined.length > MAX_FORMS)
      return text.unknown(args.map((one) => text.shown(one)).join(','));
    combined = combined.flatMap((one) =>
      forms.flatMap((form) => {
        const when = conditions.and(one.when, form.when);
        return when === conditions.FALSE ? [] : [{ when, forms: [...one.forms, form.text] }];
      }),
    );
  }
  return combined.flatMap(({ when, forms }) => text.restricted(make(...forms), when));
}

const MAX_FORMS = 200;

function filtered(isKept: boolean): TextFunction {
  return ({ conditions, text }, [patterns = [], list = []]) => {
    const wanted = text.words(patterns);
    const words = text.words(list).flatMap((word): Word[] => {
      let matches = conditions.FALSE;
      for (const pattern of wanted) {
        const one = matching(conditions, text, pattern.text, word.text);
        matches = conditions.or(matches, conditions.and(pattern.when, one));
        if (matches === conditions.TRUE) break;
      }
      const when = conditions.and(word.when, isKept ? matches : conditions.not(matches));
      return when === conditions.FALSE ? [] : [{ ...word, when }];
    });
    return text.joined(words);
  };
}

function matching(conditions: Conditions, text: GuardedText, pattern: string, word: string): ExprId {
  if (!hasHole(word) && !hasHole(pattern))
    return stemOf(pattern, word) === undefined ? conditions.FALSE : conditions.TRUE;
  if (!hasHole(pattern) && stemOf(pattern, word) !== undefined) return conditions.TRUE;
  return text.sameText(pattern, word);
}

/** Sorted, each word once. */
const sorted: TextFunction = ({ conditions, text }, [list = []]) => {
  const byText = new Map<string, Word>();
  for (const word of text.words(list)) {
    const seen = byText.get(word.text);
    byText.set(word.text, seen ? { ...seen, when: conditions.or(seen.when, word.when) } : word);
  }
  return text.joined([...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1)));
};

const substituted: TextFunction = (tools, [from = [], to = [], list = []]) =>
  tools.text.alternatives(list)
    ? overForms(tools, [from, to, list], (a, b, whole) =>
        tools.text.plain(a === '' ? whole : whole.replaceAll(a, () => b)),
      )
    : // too many forms: within each segment, which is where substitutions of long lists are
      overForms(tools, [from, to], (a, b) =>
        a === '' ? list : list.map((segment) => ({ ...segment, text: segment.text.replaceAll(a, () => b) })),
      );

const found: TextFunction = (tools, [needle = [], list = []]) =>
  overForms(tools, [needle, list], (what, whole) => (whole.includes(what) ? tools.text.plain(what) : []));

/** Of the words of each form some. */
function chosen(choose: (words: readonly string[], ...numbers: number[]) => string): TextFunction {
  return (tools, args) =>
    overForms(tools, args, (...forms) => {
      const words = forms
        .at(-1)!
        .split(/[ \t\n]+/)
        .filter((word) => word !== '');
      return tools.text.plain(choose(words, ...forms.slice(0, -1).map(Number)));
    });
}

const joinedPairs: TextFunction = (tools, args) =>
  overForms(tools, args, (a = '', b = '') => {
    const [left, right] = [a, b].map((list) => list.split(/[ \t\n]+/).filter((word) => word !== '')) as [
      string[],
      string[],
    ];
    const length = Math.max(left.length, right.length);
    return tools.text.plain(Array.from({ length }, (_, i) => (left[i] ?? '') + (right[i] ?? '')).join(' '));
  });

/** Where the suffix of a file name begins. */
function suffixAt(name: string): number {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') ? dot : name.length;
}

export const TEXT_FUNCTIONS: ReadonlyMap<string, TextFunction> = new Map<string, TextFunction>([
  ['subst', substituted],
  ['patsubst', eachWordWith(2, (word, from, to) => replaced(from!.trim(), to!.trim(), word))],
  ['strip', ({ text }, [list = []]) => text.joined(text.words(list))],
  ['findstring', found],
  ['filter', filtered(true)],
  ['filter-out', filtered(false)],
  ['sort', sorted],
  ['word', chosen((words, n) => words[n! - 1] ?? '')],
  ['wordlist', chosen((words, from, to) => words.slice(from! - 1, to).join(' '))],
  ['words', chosen((words) => String(words.length))],
  ['firstword', chosen((words) => words[0] ?? '')],
  ['lastword', chosen((words) => words.at(-1) ?? '')],
  ['join', joinedPairs],
  ['dir', eachWord((word) => word.slice(0, word.lastIndexOf('/') + 1) || './')],
  ['notdir', eachWord((word) => word.slice(word.lastIndexOf('/') + 1))],
  ['suffix', eachWord((word) => word.slice(suffixAt(word)))],
  ['basename', eachWord((word) => word.slice(0, suffixAt(word)))],
  ['addsuffix', eachWordWith(1, (word, suffix) => word + suffix)],
  ['addprefix', eachWordWith(1, (word, prefix) => prefix + word)],
]);
