/** `depbot outbox`: mails of `depbot serve` that somebody may have to do something about. Reads only. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readConfigFile, stateDir } from './config.ts';
import { openLog } from './log.ts';
import type { World } from './main.ts';
import { Outbox, type State } from './outbox.ts';
import { type Outgoing, othersOf } from './outgoing.ts';
import { printable } from './printable.ts';

/** In this order; what is sent or discarded is told only where it did not come to somebody. */
const STATES: readonly State[] = ['held', 'sending', 'to-send', 'to-draft', 'drafting', 'drafted', 'accepted', 'sent'];

/** Prints a line for each mail. Exit status: 0, or 1 where one is held or came back. Throws ConfigError. */
export function showOutbox(configPath: string, world: World): number {
  const config = readConfigFile(configPath);
  const dir = join(stateDir(config, world.env), 'service', 'outbox');
  if (!existsSync(join(dir, 'meta'))) {
    world.stdout.write(`no mail yet in ${dir}\n`);
    return 0;
  }
  const outbox = new Outbox(dir, openLog(world.stderr, world.date), 'look');
  const rows = STATES.flatMap((state) => outbox.list(state).flatMap((mail) => linesOf(outbox, state, mail)));
  const lines = rows.map(({ text }) => `${printable(text)}\n`);
  world.stdout.write(lines.length === 0 ? 'nothing to look at\n' : lines.join(''));
  return rows.some(({ needsSomebody }) => needsSomebody) ? 1 : 0;
}

interface Line {
  readonly text: string;
  readonly needsSomebody: boolean;
}

function linesOf(outbox: Outbox, state: State, mail: Outgoing): Line[] {
  const what = `${mail.addedAt.slice(0, 16)}Z ${mail.subject} <${mail.messageId}>, to ${othersOf(mail).join(', ')}`;
  const bounces = outbox
    .bounces(mail.id)
    .map(({ address, why }) => ({ text: `came back: ${what}: from ${address}: ${why}`, needsSomebody: true }));
  if (state === 'sent' || state === 'accepted') return bounces;
  const why = state === 'held' ? outbox.whyHeld(mail.id) : waitsFor(outbox, mail);
  const text = `${state}: ${what}${why === undefined ? '' : `: ${why}`}`;
  return [{ text, needsSomebody: state === 'held' }, ...bounces];
}

function waitsFor(outbox: Outbox, mail: Outgoing): string | undefined {
  const progress = outbox.progress(mail.id);
  const waits = [
    ...(mail.notBefore === undefined ? [] : [`not before ${mail.notBefore}`]),
    ...(mail.roomFrom === undefined ? [] : [`its day is full until ${mail.roomFrom}`]),
    ...(mail.quietHours ?? []).map((hours) => `not from ${hours} UTC`),
    ...(progress?.step === 'in-doubt' ? ['it is not known whether it was sent'] : []),
    ...(progress?.refused ?? []).map(({ address, why }) => `not to ${address}: ${why}`),
  ];
  return waits.length === 0 ? undefined : waits.join('; ');
}
