/** What a check has built, in one place that it takes when there is something to build and gives back at its end. */
import type { BuildQuestion } from '../rules/build-question.ts';
import type { Trial, TrialRun } from '../rules/trial.ts';
import type { Arch } from '../rules/types.ts';
import { answerQuestions, type BuildAnswer } from './build.ts';
import { BuildTimes, type OnBuildProgress } from './build-pace.ts';
import { BuildPlace, type BuildSides } from './build-place.ts';
import { compilerFor } from './compilers.ts';
import { GitError } from './git.ts';
import type { Repository } from './repository.ts';
import { type Prefix, runTrials } from './trials.ts';

/** Who builds. */
export interface Workshop {
  /** Why an architecture cannot be built; undefined where it can. */
  cannotBuild(arch: Arch): Promise<string | undefined>;
  /** In the order of the questions. */
  answer(questions: readonly BuildQuestion[]): Promise<readonly BuildAnswer[]>;
  /** In the order of the trials. */
  tryOut(trials: readonly Trial[], prefixes: readonly Prefix[]): Promise<readonly TrialRun[]>;
  /** Keeps what was built of the base. */
  close(): Promise<void>;
}

export interface WorkshopOptions {
  readonly cacheDir: string;
  readonly trustTree?: boolean;
  /** Throws when the machine fails, for whoever tries again. */
  readonly throwsFaults?: boolean;
  /** Nobody tries again: what a full disk kept from being built is told. */
  readonly isLastAttempt?: boolean;
  readonly onProgress?: OnBuildProgress;
  /** Ends what is built; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** The tree's own make in the sandbox. A tree that cannot be written is a fault of the machine, and no finding's. */
export function openWorkshop(repo: Repository, sides: BuildSides, options: WorkshopOptions): Workshop {
  let taken: BuildPlace | undefined;
  /** Something failed half-way: what is there is not to be kept. */
  let isSpoilt = false;
  const within = async <T>(work: (place: BuildPlace) => Promise<T>, otherwise: (why: string) => T): Promise<T> => {
    try {
      taken ??= await BuildPlace.take(repo, sides, options.cacheDir);
      return await work(taken);
    } catch (error) {
      isSpoilt = true;
      if (!(error instanceof GitError) || options.throwsFaults === true) throw error;
      return otherwise(`the tree cannot be checked out: ${error.message}`);
    }
  };
  const times = new BuildTimes(options.cacheDir);
  const buildOptions = {
    times,
    ...(options.trustTree !== undefined && { trustTree: options.trustTree }),
    ...(options.throwsFaults !== undefined && { throwsFaults: options.throwsFaults }),
    ...(options.isLastAttempt !== undefined && { isLastAttempt: options.isLastAttempt }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  };
  return {
    async cannotBuild(arch) {
      const compiler = await compilerFor(arch);
      if (!compiler.ok) return compiler.why;
      return compiler.isGcc ? undefined : `no gcc for ${arch} is installed`;
    },
    answer: (questions) =>
      within<readonly BuildAnswer[]>(
        (place) => answerQuestions(place, questions, buildOptions),
        (why) => questions.map(() => ({ ok: false, why })),
      ),
    tryOut: (trials, prefixes) =>
      within<readonly TrialRun[]>(
        (place) => runTrials(place, trials, prefixes, buildOptions),
        (why) => trials.map((trial) => ({ trial, steps: [], fault: why })),
      ),
    async close() {
      const place = taken;
      taken = undefined;
      times.keep();
      try {
        if (!isSpoilt) await place?.giveBack();
      } finally {
        await place?.remove();
      }
    },
  };
}
