/**
 * From candidates to findings: each goes up the ladder, first to the tree's own conf, then, if it is about code, to a
 * build. One that fails is dropped, with the reason; one that could not be built stays where it is, and says why.
 */
import type { BuildQuestion } from '../rules/build-question.ts';
import type { Candidate, Conf, ConfRun, Rule, RuleRun } from '../rules/rule.ts';
import type { TrialRun } from '../rules/trial.ts';
import type { Seed } from '../rules/trial-plan.ts';
import type { Attempt, Dropped, Finding, Verification } from '../rules/types.ts';
import type { BuildAnswer } from './build.ts';

/** Answers questions in their order. */
export type Builder = (questions: readonly BuildQuestion[]) => Promise<readonly BuildAnswer[]>;

const NOT_ASKED: BuildAnswer = { ok: false, why: 'builds are switched off' };

/** What conf has confirmed, while builds are still to come. */
export interface Confirmed extends Pick<Finding, 'rule' | 'key' | 'anchor'> {
  /** It is about code: a build can drop it. */
  readonly isToBeBuilt: boolean;
}

export interface Building {
  readonly builder: Builder;
  /** Told before anything is built. */
  readonly onConfirmed?: (findings: readonly Confirmed[]) => void;
}

interface Climbing {
  readonly rule: Rule;
  readonly candidate: Candidate;
  readonly attempts: readonly Attempt[];
}

/** Without `building` nothing is built. `seeds` are configurations that were. Throws the reason of `signal`. */
export async function confirmAll(
  runs: readonly { readonly rule: Rule; readonly run: RuleRun }[],
  conf: Conf,
  building?: Building,
  signal?: AbortSignal,
): Promise<{ findings: Finding[]; dropped: Dropped[]; seeds: Seed[] }> {
  const climbing: Climbing[] = [];
  for (const { rule, run } of runs) {
    signal?.throwIfAborted();
    for (const candidate of await run.finish()) climbing.push({ rule, candidate, attempts: [] });
  }
  signal?.throwIfAborted();
  const asked = shared(conf);
  const configured = await Promise.all(
    climbing.map(async ({ rule, candidate }) => ({
      rule,
      candidate,
      attempts: rule.rung > 1 ? await candidate.confirm(asked) : [],
    })),
  );
  const dropped: Dropped[] = [];
  const agreed = configured.filter(({ rule, candidate: { key }, attempts }) => {
    const why = rule.rung > 1 ? disagreement('conf', attempts) : undefined;
    if (why !== undefined) dropped.push({ rule: rule.id, key, why });
    return why === undefined;
  });
  building?.onConfirmed?.(agreed.map(confirmedOf).sort(inOrder));
  const questions = building === undefined ? [] : agreed.flatMap(({ candidate }) => candidate.builds ?? []);
  const answers = questions.length > 0 ? await building!.builder(questions) : [];
  const answerTo = new Map(questions.map((question, i) => [question, answers[i]!]));

  const findings: Finding[] = [];
  for (const { rule, candidate, attempts } of agreed) {
    const { confirm: _, builds = [], severity, ...rest } = candidate;
    const verification = verified(
      attempts,
      builds.map((one) => answerTo.get(one) ?? NOT_ASKED),
    );
    const why = disagreement(
      'a build',
      verification.attempts.filter(({ rung }) => rung === 3),
      true,
    );
    if (why === undefined) findings.push({ ...rest, rule: rule.id, severity: severity ?? rule.severity, verification });
    else dropped.push({ rule: rule.id, key: candidate.key, why });
  }
  return { findings: findings.sort(inOrder), dropped, seeds: agreed.flatMap(({ candidate }) => seedOf(candidate)) };
}

function confirmedOf({ rule, candidate: { key, anchor, builds = [] } }: Climbing): Confirmed {
  return { rule: rule.id, key, anchor, isToBeBuilt: builds.length > 0 };
}

/** Several candidates ask about one configuration: conf is asked once. */
function shared(conf: Conf): Conf {
  const runs = new Map<string, Promise<ConfRun>>();
  return {
    olddefconfig(side, arch, config) {
      const key = `${side} ${arch} ${config}`;
      const run = runs.get(key) ?? conf.olddefconfig(side, arch, config);
      runs.set(key, run);
      return run;
    },
  };
}

/** The configuration of a candidate's first build, where its witness is all of that. */
function seedOf({ witness, builds = [] }: Candidate): Seed[] {
  const [first] = builds;
  if (!first || witness?.from !== 'empty' || witness.arch !== first.arch) return [];
  return [{ witness, config: first.config }];
}

/** What rules about builds make of the trials, beside what was found before. */
export function judgeAll(
  runs: readonly { readonly rule: Rule; readonly run: RuleRun }[],
  trials: readonly TrialRun[],
  told: readonly Finding[],
): Finding[] {
  const judged = runs.flatMap(({ rule, run }) =>
    (run.judge?.(trials, told) ?? []).map((one) => ({ severity: rule.severity, ...one, rule: rule.id })),
  );
  return [...told, ...judged].sort(inOrder);
}

function verified(attempts: readonly Attempt[], answers: readonly BuildAnswer[]): Verification {
  const configured = attempts.length > 0 ? 2 : 1;
  const built = answers.flatMap((answer) => (answer.ok ? answer.attempts : []));
  const failed = answers.find((answer) => !answer.ok);
  if (failed !== undefined) return { rung: configured, attempts: [...attempts, ...built], notBuilt: failed.why };
  return { rung: built.length > 0 ? 3 : configured, attempts: [...attempts, ...built] };
}

/** Why attempts do not show what is claimed; undefined where they do. */
function disagreement(who: string, attempts: readonly Attempt[], mayBeNone = false): string | undefined {
  const one = attempts.find((attempt) => !attempt.agrees);
  if (one === undefined) return attempts.length > 0 || mayBeNone ? undefined : 'nothing was tried';
  return `${who} disagrees (${one.side} the series: ${one.argv.join(' ')} exited with ${one.exitCode}): ${one.excerpt}`;
}

/** By patch, line of the mail, rule, key. */
function inOrder(a: Pick<Finding, 'anchor' | 'rule' | 'key'>, b: Pick<Finding, 'anchor' | 'rule' | 'key'>): number {
  return (
    a.anchor.patch - b.anchor.patch ||
    a.anchor.mailLines[0] - b.anchor.mailLines[0] ||
    (a.rule < b.rule ? -1 : Number(a.rule > b.rule)) ||
    (a.key < b.key ? -1 : Number(a.key > b.key))
  );
}
