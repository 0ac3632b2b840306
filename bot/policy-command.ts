/** `depbot policy explain`: who would hear of the patches of an input, how, and by which line of the configuration. */

import { join } from 'node:path';
import { openRepository } from '../queue/repository.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import type { Assembled, Patch } from '../rules/types.ts';
import { treeDirOf } from './check-command.ts';
import { readConfigFile, stateDir } from './config.ts';
import { whyStopped } from './emergency-stop.ts';
import { readSeries } from './intake.ts';
import { openLog } from './log.ts';
import type { World } from './main.ts';
import { OptIns } from './opt-in.ts';
import { audienceOf, coverOf, deliveryOf, isOff, type Policy } from './policy.ts';
import { printable, printableMessage } from './printable.ts';
import { Stopped } from './stopped.ts';
import { TreeMaintainers } from './tree-maintainers.ts';
import { unknownSections } from './unknown-sections.ts';

export interface PolicyArguments {
  readonly config: string;
  readonly tree?: string;
}

/** Exit status: 0 somebody would hear of a patch that has a finding, 1 nobody would, 2 there is no patch to read. */
export async function explainPolicy(input: string | undefined, args: PolicyArguments, world: World): Promise<number> {
  setToolEnv(world.env);
  const config = readConfigFile(args.config);
  const treeDir = treeDirOf(args, config, world);
  const log = openLog(world.stderr, world.date);
  const state = join(stateDir(config, world.env), 'service');
  const repo = await openRepository({
    treeDir,
    stateDir: stateDir(config, world.env),
    ...(world.env['PATH'] && { searchPath: world.env['PATH'] }),
  });
  try {
    const { series, problems } = await readSeries(
      input === undefined || input === '-' ? { stdin: world.stdin } : { path: input },
    );
    const say = (text: string): void => void world.stderr.write(`depbot: ${printableMessage(text)}\n`);
    for (const { where, why } of problems) say(`${where}: ${why}`);
    const stopped = new Stopped(join(state, 'stopped'));
    const policy: Policy = {
      entries: [...config.maintainer, ...new OptIns(join(state, 'asked-by-mail.json'), world.date).entries],
      maintainers: await new TreeMaintainers(repo, log, world.now).current(),
      stoppedAddresses: stopped.addresses,
      stoppedEntries: stopped.entries,
      stoppedSections: stopped.sections,
    };
    for (const { from, why } of unknownSections(policy.entries, policy.maintainers)) say(`${from}: ${why}`);
    const told = series.flatMap(patchesOf).map((patch) => explained(patch, policy, config.bot.address, world.date()));
    const halted = whyStopped(state, args.config);
    const lines = [...told.flatMap(({ lines }) => lines), ...(halted === undefined ? [] : [halted])];
    world.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''));
    if (told.length === 0) return 2;
    return told.some(({ isHeard }) => isHeard) ? 0 : 1;
  } finally {
    await repo.close();
  }
}

function patchesOf(series: Assembled): readonly Patch[] {
  return series.complete ? series.patches : series.have;
}

interface Explained {
  readonly lines: readonly string[];
  readonly isHeard: boolean;
}

/** What would become of a reply to a patch. */
function explained(patch: Patch, policy: Policy, bot: string, now: Date): Explained {
  const entries = policy.entries.map((entry) => {
    const cover = coverOf(patch, entry, policy);
    const isStopped = isOff(entry, policy);
    const what = cover.covers
      ? `${entry.mode}, by ${cover.by} on ${cover.list}${isStopped ? '; but said stop' : ''}`
      : `not covered: ${cover.why}`;
    return `  ${entry.from}: ${entry.address}: ${what}`;
  });
  const audience = audienceOf(patch, policy);
  const delivery = audience && deliveryOf(patch.message, audience, { bot, stopped: policy.stoppedAddresses }, now);
  const head = [patch.message.subject, ...(entries.length === 0 ? ['  nobody has asked for anything'] : entries)];
  if (!audience || !delivery) {
    const why = audience ? 'nobody is left in To' : 'no entry covers the patch, or who asked said stop';
    return { lines: [...head, `  -> nobody hears of it: ${why}`], isHeard: false };
  }
  const named = (list: readonly { readonly address: string }[]): string =>
    list.map(({ address }) => address).join(', ');
  const quieter = delivery.notToAll === undefined ? '' : ` (not ${audience.mode}: ${delivery.notToAll})`;
  const cc = delivery.cc.length === 0 ? '' : `; Cc: ${named(delivery.cc)}`;
  const { previews } = audience;
  const shown =
    delivery.mode === 'draft' && previews.length > 0 ? [`     shown by mail to ${previews.join(', ')} alone`] : [];
  const lines = [
    `  -> ${delivery.mode}${quieter}; To: ${named(delivery.to)}${cc}`,
    ...shown,
    ...limitsOf(audience.entries),
  ];
  return { lines: [...head, ...lines], isHeard: true };
}

/** What the entries together leave out. */
function limitsOf(entries: Policy['entries']): string[] {
  const each = entries.flatMap(({ from, rules, severities, least_rung, quiet_hours, embargo_hours, max_per_day }) => [
    ...(rules ? [`only ${rules.join(', ')} (${from})`] : []),
    ...(severities ? [`only of severity ${severities.join(', ')} (${from})`] : []),
    ...(least_rung > 1 ? [`only what reached rung ${least_rung} (${from})`] : []),
    ...(quiet_hours === undefined ? [] : [`nothing sent from ${quiet_hours} UTC (${from})`]),
    ...(embargo_hours > 0 ? [`nothing sent for ${embargo_hours} hours (${from})`] : []),
    `at most ${max_per_day} a day (${from})`,
  ]);
  return each.map((line) => `     ${line}`);
}
