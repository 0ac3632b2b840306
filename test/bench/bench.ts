/**
 * npm run bench [-- --rounds 5 --only olddefconfig,second,server,selects,defconfigs,check,questions,queue,day,verified,
 * mailbox]: how fast depbot is, each figure beside a peer measured in the same minutes. Nothing fails for being slow; the
 * aims are printed.
 *
 * Every program runs as a whole process, by turns with its peers, macro answers recorded on both sides:
 * conf without sandbox and shells, its popen(3) answered from memory (queue/replay-popen.c); Kconfiglib likewise
 * (kconfiglib_peer.py). Medians; `~` marks figures whose middle half lies more than a quarter apart.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { kernelVersion } from '../../queue/toolchain.ts';
import {
  benchCheck,
  benchDefconfigs,
  benchOlddefconfig,
  benchQuestions,
  benchSecond,
  benchSelects,
  benchServer,
} from './benches.ts';
import { benchMailbox } from './mailbox-bench.ts';
import type { Row } from './rows.ts';
import { table } from './rows.ts';
import { benchDay, benchQueue, benchVerified } from './service-benches.ts';

const BENCHES = {
  olddefconfig: benchOlddefconfig,
  second: benchSecond,
  server: benchServer,
  selects: benchSelects,
  defconfigs: benchDefconfigs,
  check: benchCheck,
  questions: benchQuestions,
  queue: benchQueue,
  day: benchDay,
  verified: benchVerified,
  mailbox: benchMailbox,
};
type Name = keyof typeof BENCHES;

interface Options {
  readonly rounds: number;
  readonly only: Name[];
}

async function main({ rounds, only }: Options): Promise<void> {
  const { tree } = await provision(['packages', 'service-packages', 'demo-packages', 'test-packages', 'tree']);
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const scratch = mkdtempSync(join(tmpdir(), 'depbot-bench-'));
  const load = (): string =>
    loadavg()
      .map((figure) => figure.toFixed(1))
      .join(' ');
  const before = load();
  try {
    const rows: Row[] = [];
    const notes: string[] = [];
    for (const name of only) {
      process.stderr.write(`bench: ${name}, ${rounds} rounds\n`);
      const { rows: some, notes: said } = await BENCHES[name]({ tree, scratch, cacheDir: cacheDir(), rounds });
      rows.push(...some);
      notes.push(...said);
    }
    const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8')) ?? 'of unknown version';
    process.stdout.write(
      `\nLinux ${version}, Node ${process.versions.node}, ${cpus().length} processors, medians of ${rounds}\n\n`,
    );
    process.stdout.write(`${table(rows)}\n${notes.map((note) => `- ${note}\n`).join('')}`);
    process.stdout.write(`- load average (1, 5, 15 minutes) before: ${before}; after: ${load()}`);
    process.stdout.write(
      Math.max(...loadavg()) > cpus().length ? '; others were at work: only the ratios count\n' : '\n',
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function rounds(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('a number from 1 to 99');
  return Number(text);
}

function names(text: string): Name[] {
  const asked = text.split(',');
  if (!asked.every((name): name is Name => Object.hasOwn(BENCHES, name)))
    throw new InvalidArgumentError(`some of ${Object.keys(BENCHES).join(',')}`);
  return asked;
}

const command = new Command('bench')
  .description('how fast depbot is, beside conf and Kconfiglib')
  .option('--rounds <n>', 'runs of each program', rounds, 5)
  .option('--only <list>', `of ${Object.keys(BENCHES).join(',')}`, names, Object.keys(BENCHES) as Name[])
  .exitOverride()
  .action(main);

try {
  await command.parseAsync(process.argv);
} catch (error) {
  const { name, message, stack } = error as Error;
  if (name === 'CommanderError') process.exitCode = (error as { exitCode: number }).exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`bench: ${['ProvisionError', 'BenchError'].includes(name) ? message : stack}\n`);
    process.exitCode = 2;
  }
}
