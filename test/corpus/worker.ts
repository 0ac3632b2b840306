/**
 * A process that examines entries, one after the other, for corpus.ts: it gets a `Task` in a message and answers
 * with a `Result`. Set-up comes as its only argument, in JSON. What fails there ends it, the reason on standard error.
 */
import type { Sha } from '../../rules/types.ts';
import type { Machine } from '../support/measuring.ts';
import { openChecks } from '../support/measuring.ts';
import type { Variant } from './entries.ts';
import { readCorpus } from './entries.ts';
import { examine } from './examine.ts';

export interface Setup extends Machine {
  readonly corpusDir: string;
  /** Of the tree. */
  readonly commit: Sha;
}

export interface Task {
  readonly id: string;
  readonly variant: Variant;
}

const setup = JSON.parse(process.argv[2] ?? '') as Setup;
const corpus = readCorpus(setup.corpusDir);
const entries = new Map([...corpus.regressions, ...corpus.harmless].map((entry) => [entry.id, entry]));
const { repo, options } = await openChecks(setup);
const { commit, version, scratch } = setup;

process.on('message', async ({ id, variant }: Task) => {
  process.send?.(await examine(entries.get(id)!, variant, { corpus, repo, commit, version, scratch }, options));
});
process.on('disconnect', () => process.exit());
