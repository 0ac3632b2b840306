/** What rules say of a diagnostic that a trial brings up: where it is told, how it was shown, what a reply names. */

import type { PatchLines } from './anchor.ts';
import { shortConfig } from './both-sides.ts';
import {
  type Diagnostic,
  isAlike,
  newDiagnostics,
  printDiagnostic,
  type Renames,
  withoutNumbers,
} from './diagnostic.ts';
import type { ChangedPath, Judged } from './rule.ts';
import { wholeWord } from './told.ts';
import type { Breakdown, Outcome, Trial, TrialRun, TrialStep } from './trial.ts';
import type { Anchor, Attempt, Evidence, Side } from './types.ts';

/** A comment stands under a changed line that is near, or says nothing of the place. */
const NEAR_LINES = 25;
/** Diagnostics that a reply quotes. */
const MOST_QUOTED = 3;
const MOST_EXCERPT = 600;

/** Something that make was asked for, and what came of it on two steps. */
export interface Change {
  readonly trial: Trial;
  /** The object, or what comes before all objects: `prepare`. */
  readonly target: string;
  readonly before: Outcome;
  readonly after: Outcome;
}

/** Each object of a trial, and what comes before the objects, at the base and at a later step. */
export function changesAt({ trial, steps, fault }: TrialRun, step: TrialStep): Change[] {
  const [base] = steps;
  if (fault !== undefined || !base) return [];
  if (step.breakdown) {
    const { stage, diagnostics } = step.breakdown;
    const none: Outcome = { state: 'built', diagnostics: [] };
    return [{ trial, target: TARGETS[stage], before: none, after: { state: 'failed', diagnostics } }];
  }
  return [...step.objects].flatMap(([target, after]) => {
    const before = base.objects.get(target);
    return before ? [{ trial, target, before, after }] : [];
  });
}

const TARGETS: Readonly<Record<Breakdown['stage'], string>> = {
  configure: 'olddefconfig',
  prepare: 'prepare',
  makefiles: 'prepare',
};

/** The step with all of the series; undefined where it did not come to that. */
export function wholeSeries({ steps }: TrialRun, patches: number): TrialStep | undefined {
  return steps.find((step) => step.patches === patches);
}

/** Errors of a change that its first state does not have; undefined where there is none. */
export function newErrors(
  { before, after }: Change,
  renames?: Renames,
): readonly [Diagnostic, ...Diagnostic[]] | undefined {
  const [first, ...rest] = newDiagnostics(before.diagnostics, after.diagnostics, renames).filter(
    ({ severity }) => severity === 'error',
  );
  return first && [first, ...rest];
}

/**
 * Those errors that are not older than the series. What it only gives another name, file or symbol, was not built
 * without it under the new one, and may have failed under the old: there an error has to stand on a line of the series.
 */
export function errorsOfSeries(
  { trial, target, before }: Change,
  errors: readonly Diagnostic[],
  lines: PatchLines,
  changed: readonly ChangedPath[],
): readonly Diagnostic[] {
  const source = target.replace(/\.o$/, '');
  const status = changed.find(({ path }) => path.replace(/\.[cS]$/, '') === source)?.status;
  if (before.state !== 'absent' || status === 'added') return errors;
  const owner = trial.owners[target];
  const entry = new RegExp(`^\\s*(?:menu)?config\\s+${owner}\\s*$`);
  const isNewOwner = changed.some(({ path }) => lines.mentioned(path, (text) => entry.test(text), ['add']));
  if (status !== 'renamed' && status !== 'copied' && !isNewOwner) return errors;
  return errors.filter((one) =>
    placesOf(one).some(({ file, line }) => line !== undefined && lines.addedLines(file).includes(line)),
  );
}

/** Where the code says the macro that a diagnostic stands in, and where it stands. */
function placesOf(one: Diagnostic): readonly Pick<Diagnostic, 'file' | 'line' | 'source'>[] {
  return one.macro ? [one.macro, one] : [one];
}

/** What else the same happened to, each once. */
export function otherTargets([first, ...others]: readonly { readonly change: Change }[]): string[] {
  const targets = new Set(others.map(({ change: { target } }) => target));
  targets.delete(first?.change.target ?? '');
  return [...targets];
}

/** Where the series says what a diagnostic is about: on its line, near it, or on a line with a name that it quotes. */
export function blamedLine(lines: PatchLines, changed: readonly ChangedPath[], one: Diagnostic): Anchor | undefined {
  const { file, text } = one;
  for (const { file: path, line, source } of placesOf(one)) {
    // the numbers of a patch may be those of another base, but a text that says something and stands once is the line
    const isSame = (words: string): boolean => words.trim().replace(/\s+/g, ' ') === source;
    const isTelling =
      source !== undefined && /\w\W*\(/.test(source) && lines.changedTexts(path).filter(isSame).length === 1;
    const same = isTelling ? lines.mentioned(path, isSame, ['add']) : undefined;
    const near = line === undefined ? undefined : lines.near(path, line, NEAR_LINES);
    if (same ?? near) return same ?? near;
  }
  const names = namesIn(text);
  const all = changed.flatMap(({ path, oldPath }) => (oldPath === undefined ? [path] : [oldPath, path]));
  const paths = [
    file,
    ...all.filter((path) => path.endsWith('.h')),
    ...all.filter((path) => path.endsWith('.c')),
    ...all,
  ];
  for (const name of names) {
    const word = wholeWord(name);
    for (const path of paths) {
      const found = lines.mentioned(path, (one) => word.test(one));
      if (found) return found;
    }
  }
  return undefined;
}

/** Files and functions that a series gives other names. */
export function renamesOf(lines: PatchLines, changed: readonly ChangedPath[]): Renames {
  const oldPaths = new Map(changed.map(({ path, oldPath }) => [path, oldPath ?? path]));
  const isNamed = (path: string, name: string | undefined, kind: 'add' | 'remove'): boolean =>
    name !== undefined && lines.mentioned(path, (text) => wholeWord(name).test(text), [kind]) !== undefined;
  return {
    oldPath: (path) => oldPaths.get(path) ?? path,
    isRenamed: (was, is) => isNamed(was.file, was.function, 'remove') && isNamed(is.file, is.function, 'add'),
  };
}

/** Whether a diagnostic is of code that the series takes out of another file, of which the base says the same there. */
export function isMoved(lines: PatchLines, base: TrialStep | undefined, one: Diagnostic): boolean {
  const names = one.function === undefined ? namesIn(one.text) : [one.function];
  const isTaken = ({ file }: Diagnostic): boolean =>
    names.some((name) => lines.mentioned(file, (text) => wholeWord(name).test(text), ['remove']) !== undefined);
  const all = [...(base?.objects.values() ?? [])].flatMap(({ diagnostics }) => diagnostics);
  return all.some((was) => isAlike(was, one) && isTaken(was));
}

/** Those that a text quotes. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/['‘`"](?:struct |union |enum )?([A-Za-z_]\w*)['’"]/g)].map((match) => match[1]!);
}

/** The first changed line of a header, else of any file: for an error that has to be told somewhere. */
export function anyLine(lines: PatchLines, changed: readonly ChangedPath[]): Anchor | undefined {
  const paths = changed.map(({ path }) => path).filter((path) => !/^Documentation\//.test(path));
  for (const path of [...paths.filter((one) => one.endsWith('.h')), ...paths]) {
    const found = lines.mentioned(path, () => true);
    if (found) return found;
  }
  return undefined;
}

/** What both builds showed. */
function attemptsOf({ trial, target, before, after }: Change, shown: readonly Diagnostic[]): Attempt[] {
  const control = trial.opened?.control;
  const attempt = (side: Side, { state }: Outcome, excerpt: string): Attempt => ({
    ...{ rung: 3, side, argv: commandFor(trial, target), exitCode: exitCodeOf(state) },
    ...shortConfig(side === 'before' ? (control ?? trial.config) : trial.config),
    ...{ excerpt: excerpt.slice(0, MOST_EXCERPT), agrees: true },
  });
  const isWarning = after.state === 'built';
  return [
    attempt(
      'before',
      before,
      `${stateWords(target, before)}${isWarning && before.state === 'built' ? ' without the warning' : ''}${
        control === undefined || before.state === 'absent' ? '' : ', in the nearest configuration that had its entry'
      }`,
    ),
    attempt('after', after, shown[0] ? printDiagnostic(shown[0]) : stateWords(target, after)),
  ];
}

const exitCodeOf = (state: Outcome['state']): number => (state === 'failed' ? 2 : 0);

/** Such as `lib/reef.o builds`. */
export function stateWords(target: string, { state }: Pick<Outcome, 'state'>): string {
  if (target.endsWith('.o'))
    return state === 'absent' ? `make does not build ${target}` : `${target} ${state === 'built' ? 'builds' : 'fails'}`;
  return `"make ${target}" ${state === 'failed' ? 'fails' : 'works'}`;
}

/** As a person would type it. */
export function commandFor({ witness: { arch }, changed }: Trial, target: string): string[] {
  return ['make', `ARCH=${arch}`, ...(changed.includes(target) ? ['W=1'] : []), target];
}

/** The claim, the evidence and the proof that rules about diagnostics have in common. */
export function judgedFrom(
  key: string,
  change: Change,
  shown: readonly Diagnostic[],
  anchor: Anchor,
  claim: Readonly<Record<string, unknown>>,
): Omit<Judged, 'severity'> {
  const { trial, target, after } = change;
  const quoted = shown.slice(0, MOST_QUOTED).map((one) => ({
    text: printDiagnostic(one),
    function: one.function ?? null,
    macro: one.macro ? { name: one.macro.name, file: one.macro.file, line: one.macro.line } : null,
  }));
  const owner = trial.owners[target];
  const output: Evidence = {
    ...{ kind: 'output', argv: commandFor(trial, target), exitCode: exitCodeOf(after.state) },
    excerpt: quoted.map(({ text }) => text).join('\n') || stateWords(target, after),
    linesCut: shown.length - quoted.length,
  };
  return {
    ...{ key, anchor, witness: trial.witness, evidence: [output] },
    symbols: owner === undefined ? [] : [owner],
    claim: {
      ...{ target, diagnostics: quoted, more: shown.length - quoted.length, isExtra: trial.changed.includes(target) },
      ...claim,
    },
    verification: { rung: 3, attempts: attemptsOf(change, shown) },
  };
}

/** The same in every revision: no lines. */
export function keyOf(rule: string, { file, function: name, text }: Diagnostic): string {
  return `${rule} ${file} ${name ?? ''} ${withoutNumbers(text)}`.slice(0, 300);
}
