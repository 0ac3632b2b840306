/**
 * A process that checks series, one after the other, for lists.ts: it gets a `Task` in a message and answers with what
 * examineSeries() gives. Set-up comes as its only argument, in JSON. What fails there ends it.
 */
import type { MessageId } from '../../rules/types.ts';
import type { Machine } from '../support/measuring.ts';
import { openChecks } from '../support/measuring.ts';
import { examineSeries } from './examine.ts';

export interface Task {
  readonly id: MessageId;
  readonly maildir: string;
}

const { repo, options } = await openChecks(JSON.parse(process.argv[2] ?? '') as Machine);

process.on('message', async ({ id, maildir }: Task) => {
  process.send?.(await examineSeries(maildir, id, repo, options));
});
process.on('disconnect', () => process.exit());
