/**
 * A process that examines entries, one after the other, for corpus.ts: it gets a `Task` in a message and answers
 * with a `Result`. Set-up comes as its only argument, in JSON. What fails there ends it, the reason on standard error.
 */
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import { openRepository } from '../../queue/repository.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { Sha } from '../../rules/types.ts';
import type { Variant } from './entries.ts';
import { readCorpus } from './entries.ts';
import { examine } from './examine.ts';

export interface Setup {
  readonly corpusDir: string;
  readonly tree: string;
  readonly commit: Sha;
  readonly version: string;
  /** Folder for depbot's repository and passing files. */
  readonly scratch: string;
  readonly cacheDir: string;
  readonly configs: readonly string[];
}

export interface Task {
  readonly id: string;
  readonly variant: Variant;
}

const { corpusDir, tree, scratch, configs, cacheDir, ...where } = JSON.parse(process.argv[2] ?? '') as Setup;
const corpus = readCorpus(corpusDir);
const entries = new Map([...corpus.regressions, ...corpus.harmless].map((entry) => [entry.id, entry]));
const repo = await openRepository({ treeDir: tree, stateDir: scratch });
const options = { cacheDir, distributions: readDistributionConfigs(configs), store: new KconfigStore() };

process.on('message', async ({ id, variant }: Task) => {
  process.send?.(await examine(entries.get(id)!, variant, { corpus, repo, scratch, ...where }, options));
});
process.on('disconnect', () => process.exit());
