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
      const text = typeof config === 'string' ? config : config[side];
      const run = await conf.olddefconfig(side, arch, text);
      const { argv, exitCode } = run;
      const { excerpt, agrees } = judge(side, run);
      return { rung: 2, side, argv, exitCode, ...shortConfig(text), excerpt: excerpt.slice(0, MOST_EXCERPT), agrees };
    }),
  );
}

const MOST_CONFIG = 2000;

/** A configuration as attempts have it: of an existing one the name tells more. */
export function shortConfig(config: string): Pick<Attempt, 'config'> {
  return config.length > MOST_CONFIG ? {} : { config };
}
