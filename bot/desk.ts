/**
 * The desk: commands by mail, from the mail that has one to the answer in the outbox. A command is written down before
 * the mailbox moves on, carried out, and answered once; doing it twice has the effect of doing it once.
 *
 *   commands/todo/<id>.json  ->  commands/waiting/<id>.json (for a report)  ->  commands/done/<id>.json
 *   commands/seen/<of what was signed>: the Message-ID it came with
 *   commands/stop-key, stop-used/<of the address>: of the tokens for who says stop without a signature
 *
 * Senders are looked up a few at a time, those with an entry in the configuration before all others, and strangers
 * only so often: their name servers and their number are their own choice. What is obeyed is obeyed one by one.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gate, inParallel } from '../queue/in-parallel.ts';
import type { Message, MessageId, Outcome, Report, Series } from '../rules/types.ts';
import type { Detail } from './answer.ts';
import { isAutomatic } from './automatic.ts';
import { type Command, commandsIn } from './commands.ts';
import type { Authentic, NotAuthentic } from './dkim.ts';
import { namesBefore, openFolderDurably, writeDurably } from './durable.ts';
import type { Log } from './log.ts';
import { parseMessage } from './message.ts';
import { type Deeds, type Done, NO_MORE_MAILS, obey } from './obey.ts';
import { printable } from './printable.ts';
import { type Slip, Slips, type Tray } from './slips.ts';
import { StopTokens } from './stop-token.ts';
import { domainOf, SenderRate, Strangers } from './strangers.ts';

/** Milliseconds before the first, and before any later, new attempt; and from the first one until none is made. */
const FIRST_MS = 1000;
const MOST_MS = 5 * 60 * 1000;
const GIVE_UP_MS = 24 * 60 * 60 * 1000;
/** Senders that are looked up at a time. */
const AT_ONCE = 4;
/** No lookup is begun after this much of a round, and of a mail with many copies; the rest waits for the next round. */
const ROUND_MS = 10_000;
const MAIL_MS = 5000;
/** Whoever forges a mail must not use up the one that its victim needs, nor have us mail many. */
const TOKEN_MAIL_MS = 7 * 24 * 60 * 60 * 1000;

/** What the desk needs besides the deeds. */
export interface Hands extends Deeds {
  now(): Date;
  /** From that mail's bytes, its sender; not authentic otherwise. */
  authenticate(raw: Uint8Array): Promise<Outcome<Authentic, NotAuthentic>>;
  /** The bytes of each copy of a recorded mail, a list's and a direct one; none when it is no longer kept. */
  raws(messageId: MessageId): readonly Uint8Array[];
  /** The report of a series, once it is there. */
  report(key: string): { series: Series; report: Report } | undefined;
  /** Queues a private answer; one of the same `seed` is queued once, ever. */
  answer(command: Message, seed: string, paragraphs: readonly string[]): void;
  /** Whether that address gets no more mails. */
  isStopped(address: string): boolean;
  /** Whether one of these mails is ours, and went to that address. */
  hasWrittenTo(address: string, references: readonly MessageId[]): boolean;
  /** Words for a report that was asked for. */
  reportText(series: Series, report: Report, detail: Detail): readonly string[];
}

export class Desk {
  readonly #dir: string;
  readonly #bot: string;
  readonly #hands: Hands;
  readonly #log: Log;
  readonly #slips: Slips;
  readonly #nowMs: () => number;
  /** Commands that could not be carried out when they were last tried, by Message-ID. */
  readonly #tried = new Map<MessageId, Readonly<Record<'sinceMs' | 'untilMs' | 'waitMs', number>>>();

  /** When the last mail was taken in, ms. */
  #takenMs = 0;
  readonly #strangers = new Strangers();
  readonly #rate = new SenderRate();
  /** Mails in `todo` that the rate has admitted: what has to be done again counts once. */
  readonly #admitted = new Set<MessageId>();
  readonly #stopTokens: StopTokens;

  /** `dir` is made where missing; `bot` is our own address; `nowMs` is a clock that never goes back. */
  constructor(dir: string, bot: string, hands: Hands, log: Log, nowMs: () => number = () => performance.now()) {
    this.#dir = dir;
    this.#nowMs = nowMs;
    this.#bot = bot;
    this.#hands = hands;
    this.#log = log;
    openFolderDurably(join(dir, 'seen'));
    this.#slips = new Slips(dir, log);
    this.#stopTokens = new StopTokens(join(dir, 'stop-key'), join(dir, 'stop-used'));
  }

  /** Writes down the mails that hold a command; call it before the mailbox's position moves. */
  take(messages: readonly Message[]): void {
    for (const message of messages) {
      if (commandsIn(message.body).length === 0 || !this.#isFromSomebody(message)) continue;
      if (this.#slips.has(message.messageId) && !this.#hasNewCopy(message)) continue;
      this.#slips.write('todo', {
        messageId: message.messageId,
        from: message.from.address.toLowerCase(),
        takenAt: this.#nextMoment(),
      });
    }
  }

  /**
   * Forgets the commands that were done before a moment, or have waited since then: not younger than the oldest signature that counts, since what is
   * forgotten is kept from being obeyed again by its age alone.
   */
  sweep(before: Date): void {
    this.#slips.sweep(before);
    const seen = join(this.#dir, 'seen');
    for (const name of namesBefore(seen, before)) rmSync(join(seen, name));
  }

  /** Now, or a little later: no two mails are taken in at one moment. */
  #nextMoment(): string {
    this.#takenMs = Math.max(this.#hands.now().getTime(), this.#takenMs + 1);
    return new Date(this.#takenMs).toISOString();
  }

  /** No copy of it was obeyed, and another one has come. */
  #hasNewCopy({ messageId }: Message): boolean {
    const refused = this.#slips.get('done', messageId)?.refused;
    return refused !== undefined && this.#hands.raws(messageId).length > refused;
  }

  /**
   * Carries out what is there, of one sender in the order in which it came. What cannot be done now is logged and tried in later rounds, less and less often, for a
   * day; meanwhile it stops nothing else.
   */
  async round(): Promise<void> {
    const slips = this.#slips.list('todo');
    const isMembers = ({ from }: Slip): boolean => this.#hands.isOptedIn(from);
    await this.#each('todo', slips.filter(isMembers), (slip, turn) => this.#work(slip, turn));
    const strangers = slips.filter((slip) => !isMembers(slip));
    await this.#each('todo', strangers, async (slip, turn) => {
      const again = this.#tooMuch(slip);
      if (again) this.#stopUnsigned(slip, this.#raws(slip.messageId));
      return again ?? this.#work(slip, turn);
    });
    await this.#each('waiting', this.#slips.list('waiting'), async (slip) => this.#report(slip));
  }

  /** `step` may return that it has to be done again, or throw. */
  async #each(tray: Tray, slips: readonly Slip[], step: Step): Promise<void> {
    const oneByOne = gate(1);
    /** By address, the end of the last mail that was begun. */
    const before = new Map<string, Promise<unknown>>();
    const beganMs = this.#nowMs();
    await inParallel(slips, AT_ONCE, async (slip) => {
      const tried = this.#tried.get(slip.messageId);
      if ((tried && this.#nowMs() < tried.untilMs) || this.#nowMs() - beganMs >= ROUND_MS) return;
      const earlier = before.get(slip.from);
      const turn: Turn = async (work) => {
        await earlier;
        return oneByOne(work);
      };
      const done = step(slip, turn).catch((error: Error): Again => ({ why: error.message }));
      before.set(slip.from, Promise.all([earlier, done]));
      const again = await done;
      if (again === undefined) {
        this.#tried.delete(slip.messageId);
        return;
      }
      const { why } = again;
      const { sinceMs, waitMs } = tried ?? { sinceMs: this.#nowMs(), waitMs: FIRST_MS };
      const where = `command in <${slip.messageId}>`;
      if (this.#nowMs() - sinceMs >= GIVE_UP_MS) {
        this.#log.warn(`${where}: ${why}; given up, not answered`);
        this.#move(tray, 'done', slip);
        this.#tried.delete(slip.messageId);
        return;
      }
      if (again.untilMs !== undefined) {
        this.#tried.set(slip.messageId, { sinceMs, untilMs: again.untilMs, waitMs });
        return;
      }
      this.#log.warn(`${where}: ${why}; next attempt in ${Math.ceil(waitMs / 1000)} s`);
      const untilMs = this.#nowMs() + waitMs;
      this.#tried.set(slip.messageId, { sinceMs, untilMs, waitMs: Math.min(2 * waitMs, MOST_MS) });
    });
  }

  /** A stranger's mail beyond the limits waits, with a line a domain and without a lookup. */
  #tooMuch({ from }: Slip): Again | undefined {
    const wait = this.#strangers.wait(from, this.#nowMs());
    if (wait?.isNews) {
      const domain = printable(domainOf(from)).slice(0, 100);
      this.#log.warn(`commands from strangers at ${domain}: too many; more of them wait`);
    }
    return wait && { why: 'too many commands from its domain', untilMs: wait.untilMs };
  }

  /** Not obeyed; a copy beyond these is looked at. */
  #refuse(slip: Slip, copies: number): void {
    this.#slips.write('todo', { ...slip, refused: Math.max(1, copies) });
    this.#move('todo', 'done', slip);
  }

  /** Answers with a report, once it is there. */
  #report(slip: Slip): undefined {
    const found = slip.key === undefined ? undefined : this.#hands.report(slip.key);
    if (!found) return;
    const raw = this.#raws(slip.messageId).find((one) => slip.copy === undefined || sha256(one) === slip.copy);
    const message = raw && messageOf(raw);
    const asked = commandsIn(message?.body ?? '').find((one) => one.word === 'check' || one.word === 'explain');
    // Who said stop meanwhile wants no report any more.
    const isUnwanted = message && !slip.despiteStop && this.#hands.isStopped(message.from.address);
    if (message && asked && 'args' in asked && !isUnwanted) {
      const detail = asked.word === 'explain' ? 'proofs' : asked.args.includes('verbose') ? 'all' : 'findings';
      const text = this.#hands.reportText(found.series, found.report, detail);
      this.#hands.answer(message, `report ${slip.messageId}`, [`> ${asked.line}`, ...text]);
    }
    this.#move('waiting', 'done', slip);
  }

  async #work(slip: Slip, turn: Turn): Promise<Again | undefined> {
    const raws = this.#raws(slip.messageId);
    if (raws.length === 0) {
      this.#move('todo', 'done', slip);
      return undefined;
    }
    const judged = await this.#judge(raws);
    if ((judged.ok || judged.isLookedUp) && !this.#hands.isOptedIn(slip.from))
      this.#strangers.count(slip.from, judged.ok ? 'authentic' : 'forged');
    if (!judged.ok) {
      // Who says stop need not wait until a name server answers.
      this.#stopUnsigned(slip, raws);
      if (judged.retry) return judged;
      this.#log.warn(`command in <${slip.messageId}> from ${slip.from}: not obeyed, not answered: ${judged.why}`);
      this.#refuse(slip, raws.length);
      return undefined;
    }
    // What it throws must not stop those that wait behind it.
    return turn(() => this.#carryOut(slip, judged, raws.length).catch(({ message }: Error) => ({ why: message })));
  }

  /**
   * Everybody may say stop, signed or not: who was written to, and seems to say it, is mailed a token, once a week; and who
   * brings that back is stopped, and answered. A token serves once: who has opted in again is mailed another one.
   */
  #stopUnsigned(slip: Slip, raws: readonly Uint8Array[]): void {
    for (const message of raws.flatMap((raw) => messageOf(raw) ?? []))
      if (this.#isFromSomebody(message)) this.#stopUnsignedBy(message, slip);
  }

  #stopUnsignedBy(message: Message, slip: Slip): void {
    const stops = commandsIn(message.body).flatMap((one) => (one.word === 'stop' ? [one.args] : []));
    const address = message.from.address.toLowerCase();
    const token = this.#stopTokens.of(address, slip.messageId);
    const where = `command in <${slip.messageId}>`;
    // Nothing of the mail but who it seems to be from goes into one that perhaps nobody asked for.
    const about = { ...message, subject: 'your word to stop' };
    if (stops.some((args) => args.includes(token))) {
      this.#stopTokens.use(address, slip.messageId);
      this.#hands.stop(address, []);
      this.#log.warn(`${where}: ${address} brought back its token and is stopped`);
      this.#hands.answer(about, `done ${slip.messageId}`, [NO_MORE_MAILS]);
    } else if (
      stops.length > 0 &&
      !this.#hands.isStopped(address) &&
      this.#hands.hasWrittenTo(address, message.references)
    ) {
      this.#log.warn(`${where}: ${address} is mailed a token to say stop with, if it was not this week`);
      // Of when it came, not of now: trying again must not send a second one.
      const week = Math.floor(Date.parse(slip.takenAt ?? this.#hands.now().toISOString()) / TOKEN_MAIL_MS);
      this.#hands.answer(about, `unsigned stop ${address} ${token} ${week}`, [
        'Somebody, hopefully you, asked me to write to you no more, in a mail without a valid signature of your domain.',
        'If it was you, answer with this line at the start of a line:',
        `    #depbot stop ${token}`,
        'If not, do nothing.',
      ]);
    }
  }

  /** The first copy of a mail that is authentic; one from a sender with an entry comes before others. */
  async #judge(raws: readonly Uint8Array[]): Promise<Outcome<Judged, NotAuthentic>> {
    const beganMs = this.#nowMs();
    let stranger: Judged | undefined;
    let refused: NotAuthentic = { why: 'it is not a mail of a person' };
    for (const raw of raws) {
      if (refused.retry && this.#nowMs() - beganMs >= MAIL_MS) break;
      const message = messageOf(raw);
      if (!message || !this.#isFromSomebody(message)) continue;
      const sender = await this.#hands.authenticate(raw);
      if (sender.ok && this.#hands.isOptedIn(sender.address)) return { ok: true, message, sender };
      if (sender.ok) stranger ??= { message, sender };
      else if (!refused.retry) refused = { ...sender, ...(refused.isLookedUp && { isLookedUp: true }) };
    }
    if (stranger && !refused.retry) return { ok: true, ...stranger };
    return { ok: false, ...refused };
  }

  async #carryOut(slip: Slip, { message, sender }: Judged, copies: number): Promise<undefined> {
    const where = `command in <${message.messageId}> from ${message.from.address}`;
    if (!this.#isFirst(sender.fingerprint, slip)) {
      this.#log.warn(`${where}: not obeyed, not answered: it repeats a mail that was obeyed before`);
      this.#move('todo', 'done', slip);
      return undefined;
    }
    const commands = commandsIn(message.body);
    const isStop = commands.some(({ word }) => word === 'stop');
    if (!this.#isAdmitted(sender.address, slip) && !isStop) {
      this.#log.warn(`${where}: not obeyed, not answered: too many of this sender within an hour`);
      this.#move('todo', 'done', slip);
      return undefined;
    }
    const results: { readonly line: string; readonly done: Done }[] = [];
    for (const command of commands) {
      const done = await obey(command, { message, sender: sender.address }, this.#hands, this.#bot);
      this.#log.info(`${where}: ${nameOfCommand(command)}: ${done.log}`);
      results.push({ line: command.line, done });
    }
    if (results.every(({ done }) => done.isForbidden)) {
      // Once for ever: a stranger is told, not pestered.
      if (this.#strangers.tell(this.#nowMs())) this.#hands.answer(message, `stranger ${sender.address}`, said(results));
      this.#refuse(slip, copies);
      return undefined;
    }
    const words = said(results);
    if (words.length > 0) this.#hands.answer(message, `done ${slip.messageId}`, words);
    const key = results.find(({ done }) => done.key !== undefined)?.done.key;
    const despiteStop = this.#hands.isStopped(sender.address) ? { despiteStop: true as const } : {};
    if (key !== undefined) this.#slips.write('todo', { ...slip, key, copy: sha256(message.raw), ...despiteStop });
    this.#move('todo', key === undefined ? 'done' : 'waiting', slip);
    return undefined;
  }

  #isAdmitted(address: string, { messageId }: Slip): boolean {
    if (!this.#admitted.has(messageId) && this.#rate.admit(address, this.#nowMs())) this.#admitted.add(messageId);
    return this.#admitted.has(messageId);
  }

  #move(from: Tray, to: Tray, slip: Slip): void {
    this.#slips.move(from, to, slip);
    this.#admitted.delete(slip.messageId);
  }

  /** What is signed was not seen before, but perhaps in this very mail: a Message-ID need not be signed. */
  #isFirst(fingerprint: string, { messageId }: Slip): boolean {
    const path = join(this.#dir, 'seen', createHash('sha256').update(fingerprint).digest('hex').slice(0, 32));
    if (existsSync(path)) return readFileSync(path, 'utf8') === messageId;
    writeDurably(path, messageId);
    return true;
  }

  /** Not from us, not from a program. */
  #isFromSomebody({ raw, from }: Message): boolean {
    return from.address.toLowerCase() !== this.#bot.toLowerCase() && !isAutomatic(raw);
  }

  /** The copies of the mail of a command; none, with a line in the log, when it is no longer kept. */
  #raws(messageId: MessageId): readonly Uint8Array[] {
    const raws = this.#hands.raws(messageId);
    if (raws.length === 0) this.#log.warn(`command in <${messageId}>: not answered: the mail is no longer kept`);
    return raws;
  }
}

interface Judged {
  readonly message: Message;
  readonly sender: Authentic;
}

/** Does it after what came before of the same sender, and beside nothing else. */
type Turn = ReturnType<typeof gate>;
/** Why a command has to be done again, and from when on; later and later where that is not known. */
interface Again {
  readonly why: string;
  readonly untilMs?: number;
}
type Step = (slip: Slip, turn: Turn) => Promise<Again | undefined>;

/** What is said of each command, under its line. */
function said(results: readonly { readonly line: string; readonly done: Done }[]): string[] {
  return results.flatMap(({ line, done }) => (done.say.length === 0 ? [] : [`> ${line}`, ...done.say]));
}

function messageOf(raw: Uint8Array): Message | undefined {
  const parsed = parseMessage(raw);
  return parsed.ok ? parsed.message : undefined;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function nameOfCommand(command: Command): string {
  return command.word === 'unknown' ? command.text : command.word;
}
