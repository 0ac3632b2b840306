/**
 * A workshop that builds nothing: `<dir>/<k>.txt` is what make printed after the first k patches, 0 being the base. A
 * file that begins with `fault:` is of a machine that failed. So that replies have the words of one compiler.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectsFailed, objectsMade } from '../../queue/kbuild-log.ts';
import { outcomesOf, type Prefix } from '../../queue/trials.ts';
import type { Workshop } from '../../queue/workshop.ts';
import type { Outcome, Trial, TrialRun, TrialStep } from '../../rules/trial.ts';

export function recordedBuilds(dir: string): Workshop {
  return {
    cannotBuild: async (arch) => (arch === 'x86' ? undefined : `no compiler for ${arch} is installed`),
    answer: async (questions) => questions.map(() => ({ ok: false, why: 'not recorded' })),
    tryOut: async (trials, prefixes) => trials.map((trial) => replay(dir, trial, prefixes)),
    close: () => Promise.resolve(),
  };
}

function replay(dir: string, trial: Trial, prefixes: readonly Prefix[]): TrialRun {
  const steps: TrialStep[] = [];
  const made = new Set<string>();
  let objects: ReadonlyMap<string, Outcome> = new Map();
  for (const { patches } of [{ patches: 0 }, ...prefixes]) {
    const text = readFileSync(join(dir, `${patches}.txt`), 'utf8');
    const [, fault] = /^fault: (.*)$/m.exec(text) ?? [];
    if (fault !== undefined) return { trial, steps, fault };
    for (const object of [...objectsMade(text), ...objectsFailed(text)]) made.add(object);
    const asked = [...trial.changed, ...trial.including];
    const there = asked.filter((object) => made.has(object));
    const absent = asked.filter((object) => !made.has(object));
    objects = new Map<string, Outcome>([
      ...outcomesOf({ stdout: text, stderr: text }, there, objects),
      ...absent.map((object): [string, Outcome] => [object, { state: 'absent', diagnostics: [] }]),
    ]);
    steps.push({ patches, objects });
  }
  return { trial, steps };
}
