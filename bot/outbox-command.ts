/**
 * `depbot outbox`: mails of `depbot serve` that somebody may have to do something about. Reads; what is to be discarded
 * is written down for the service, which alone moves mails.
 */

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
  const outbox = openOutbox(configPath, world);
  if (outbox === undefined) return 0;
  const rows = STATES.flatMap((state) => outbox.list(state).flatMap((mail) => linesOf(outbox, state, mail)));
  const lines = rows.map(({ text }) => `${printable(text)}\n`);
  world.stdout.write(lines.length === 0 ? 'nothing to look at\n' : lines.join(''));
  return rows.some(({ needsSomebody }) => needsSomebody) ? 1 : 0;
}

/**
 * Has a mail discarded by its Message-ID, or what came back of it settled. Exit status: 0, or 1 where there is no such
 * mail or nothing to do. Throws ConfigError.
 */
export function discardMail(configPath: string, id: string, world: World): number {
  const messageId = id.trim().replace(/^<(.*)>$/, '$1');
  const outbox = openOutbox(configPath, world);
  const found = outbox?.find(messageId);
  const refuse = (why: string): number => {
    world.stderr.write(`depbot: ${printable(`<${messageId}>: ${why}`)}\n`);
    return 1;
  };
  if (!outbox || !found) return refuse('there is no such mail; "depbot outbox" shows each with its Message-ID in <>');
  const { meta, state } = found;
  const isOver = state === 'sent' || state === 'accepted' || state === 'discarded';
  if (isOver && outbox.bounces(meta.id).length === 0) return refuse(`it is ${state} already`);
  outbox.noteUnwanted(meta.id);
  const what = isOver ? 'what came back of it is told no more' : 'it is discarded';
  const text = `${state}: ${meta.subject} <${messageId}>: ${what}, by depbot serve, in a moment or when it starts`;
  world.stdout.write(`${printable(text)}\n`);
  return 0;
}

/** Undefined, and said so, where there is none yet. */
function openOutbox(configPath: string, world: World): Outbox | undefined {
  const config = readConfigFile(configPath);
  const dir = join(stateDir(config, world.env), 'service', 'outbox');
  if (existsSync(join(dir, 'meta'))) return new Outbox(dir, openLog(world.stderr, world.date), 'look');
  world.stdout.write(`no mail yet in ${dir}\n`);
  return undefined;
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
