/**
 * A process that checks series, one after the other, for lists.ts: it gets a `Task` in a message and answers with what
 * examineSeries() gives. Set-up comes as its only argument, in JSON. What fails there ends it.
 */
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import { openRepository } from '../../queue/repository.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { MessageId } from '../../rules/types.ts';
import { examineSeries } from './examine.ts';

export interface Setup {
  readonly tree: string;
  /** Folder for depbot's repository. */
  readonly scratch: string;
  readonly cacheDir: string;
  readonly configs: readonly string[];
}

export interface Task {
  readonly id: MessageId;
  readonly maildir: string;
}

const { tree, scratch, cacheDir, configs } = JSON.parse(process.argv[2] ?? '') as Setup;
const repo = await openRepository({ treeDir: tree, stateDir: scratch });
const options = { cacheDir, distributions: readDistributionConfigs(configs), store: new KconfigStore() };

process.on('message', async ({ id, maildir }: Task) => {
  process.send?.(await examineSeries(maildir, id, repo, options));
});
process.on('disconnect', () => process.exit());
