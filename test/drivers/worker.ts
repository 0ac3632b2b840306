/** A process that checks drivers that come back, one after the other, for drivers.ts. Set-up is its argument, in JSON. */
import { check } from '../../queue/check.ts';
import type { Report, Sha } from '../../rules/types.ts';
import { seriesIn } from '../corpus/patch-mail.ts';
import type { Machine } from '../support/measuring.ts';
import { openChecks } from '../support/measuring.ts';
import { type Driver, returning } from './take-out.ts';

export interface Setup extends Machine {
  /** Of the tree. */
  readonly commit: Sha;
}

/** Without a report where the driver cannot be taken out. */
export interface Checked {
  readonly symbol: string;
  readonly report?: Report;
}

const setup = JSON.parse(process.argv[2] ?? '') as Setup;
const { repo, options } = await openChecks(setup);

process.on('message', async (driver: Driver) => {
  process.send?.(await checked(driver));
});
process.on('disconnect', () => process.exit());

async function checked(driver: Driver): Promise<Checked> {
  const { symbol } = driver;
  const mail = await returning(repo, setup.commit, driver);
  if (mail === undefined) return { symbol };
  const series = await seriesIn(mail, symbol);
  return { symbol, report: await check(series, repo, { ...options, now: () => performance.now() }) };
}
