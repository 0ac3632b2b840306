/**
 * A tree with branch `master` and, on top of it, branch `work` of two commits, the mails of those two,
 * and depbot's repository for it: what tests of applying start from.
 */
import { readdirSync, rmSync } from 'node:fs';
import type { ApplyFailure, ApplyOptions } from '../../queue/apply.ts';
import { applySeries } from '../../queue/apply.ts';
import { openRepository } from '../../queue/repository.ts';
import type { AppliedSeries, Series } from '../../rules/types.ts';
import { tempDir, tinyRepo } from './tiny-repo.ts';
import { splitMails } from './tiny-series.ts';

const numbered = (word: string): string => Array.from({ length: 30 }, (_, index) => `${word} ${index}\n`).join('');

export async function openAppliedTree() {
  const user = tinyRepo({
    Kconfig: numbered('config'),
    'drivers/a.c': numbered('a'),
    'crlf.c': 'one\r\ntwo\r\nthree\r\n',
    'latin1.c': Buffer.from([0x2f, 0xe4, 0x0a]),
  });
  const base = user.git('rev-parse', 'HEAD');
  user.git('checkout', '-q', '-b', 'work');
  user.commit('drivers: first\n\nSome words.\n\nSigned-off-by: Ann Author <ann@example.org>', {
    Kconfig: numbered('config').replace('config 3\n', 'config 3\n\tbool\n'),
  });
  const work = user.commit('drivers: sécond', {
    'drivers/a.c': numbered('a').replace('a 7\n', 'b 7\n'),
    'drivers/new.c': 'new\n',
  });
  const mails = splitMails(user.gitBytes('format-patch', '--stdout', 'master..work'));
  user.git('checkout', '-q', 'master');
  const stateDir = tempDir();
  const repo = await openRepository({ treeDir: user.dir, stateDir });
  /** All there is of depbot's repository but the indexes of bases. */
  const onDisk = (): string =>
    readdirSync(repo.gitDir, { recursive: true })
      .map(String)
      .filter((path) => !/^indexes(?:\/|$)/.test(path))
      .sort()
      .join('\n');
  return {
    user,
    repo,
    stateDir,
    base,
    /** Tip of `work`. */
    work,
    /** Of the two commits of `work`. */
    mails,
    /** Git in depbot's repository. */
    own: (...argv: string[]): string => user.git(`--git-dir=${repo.gitDir}`, ...argv),
    async apply(series: Series, options: ApplyOptions = {}): Promise<AppliedSeries> {
      const applied = await applySeries(repo, series, options);
      if (!applied.ok) throw new Error(applied.why);
      return applied.applied;
    },
    /** The refusal; throws if the series applies, or if anything of it stays on disk. */
    async refuse(series: Series, options: ApplyOptions = {}): Promise<ApplyFailure> {
      const before = onDisk();
      const applied = await applySeries(repo, series, options);
      if (applied.ok) throw new Error('it applied');
      if (onDisk() !== before) throw new Error('something of it stayed on disk');
      if (/[\n\r]/.test(applied.why)) throw new Error('the reason has more than one line');
      return applied;
    },
    async close(): Promise<void> {
      await repo.close();
      user.remove();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export type AppliedTree = Awaited<ReturnType<typeof openAppliedTree>>;
