/**
 * check-twice.ts TREE CACHE STATE MBOX: checks a series twice in one process, as the service does. Prints JSON:
 * milliseconds of both, and of the second its stages, findings and configurations.
 */
import { readSeries } from '../../bot/intake.ts';
import { check } from '../../queue/check.ts';
import { openRepository } from '../../queue/repository.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';

const [treeDir = '', cacheDir = '', stateDir = '', path = ''] = process.argv.slice(2);
const { series, problems } = await readSeries({ path });
const [first] = series;
if (!first?.complete) throw new Error(`${path} holds no complete series: ${JSON.stringify(problems)}`);
const repo = await openRepository({ treeDir, stateDir });
const store = new KconfigStore();
const took: number[] = [];
let second: Record<string, unknown> = {};
for (let round = 0; round < 2; round += 1) {
  const began = performance.now();
  const { findings, checked, cannotCheck, tookMs } = await check(first, repo, {
    cacheDir,
    store,
    now: () => performance.now(),
  });
  took.push(performance.now() - began);
  if (cannotCheck) throw new Error(`cannot check: ${cannotCheck.why}`);
  second = { stages: tookMs, findings: findings.length, configs: checked.configs, archs: checked.archs.length };
}
await repo.close();
process.stdout.write(JSON.stringify({ coldMs: took[0], warmMs: took[1], ...second }));
