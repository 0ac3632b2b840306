/** One configuration given to the tree's own conf, without the series and with it: how a candidate reaches rung 2. */

import type { Conf, ConfRun } from './rule.ts';
import type { Arch, Attempt, Side } from './types.ts';

/** What a run of conf shows: an excerpt, and whether it came out as claimed. */
export interface Verdict {
  readonly excerpt: string;
  readonly agrees: boolean;
}

const MOST_EXCERPT = 2000;

/** Both attempts, the one without the series first. `config` is the text of the .config, of each side where they differ. */
export async function onBothSides(
  conf: Conf,
  arch: Arch,
  config: string | Readonly<Record<Side, string>>,
  judge: (side: Side, run: ConfRun) => Verdict,
): Promise<Attempt[]> {
  return Promise.all(
    (['before', 'after'] as const).map(async (side): Promise<Attempt> => {
      const run = await conf.olddefconfig(side, arch, typeof config === 'string' ? config : config[side]);
      const { argv, exitCode } = run;
      const { excerpt, agrees } = judge(side, run);
      return { rung: 2, side, argv, exitCode, excerpt: excerpt.slice(0, MOST_EXCERPT), agrees };
    }),
  );
}
