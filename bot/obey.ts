/**
 * One command of a mail that is known to be its sender's: who may give it, what is done, what is said back. DESIGN: the
 * maintainers of the files concerned and whoever has an entry may do what others see; the author of a series may have
 * it checked; everybody may stop us.
 */

import type { Assembled, Message, MessageId, Outcome, Series } from '../rules/types.ts';
import { type AskedCheck, parseAsked } from './asked-check.ts';
import { type Command, helpText } from './commands.ts';
import type { Section } from './maintainers.ts';
import { nearKeys } from './near-key.ts';

type Refused = { readonly why: string };

/** What a sender has to do with the series that the mail answers. */
export interface Concern {
  readonly series?: Assembled;
  /** The sender's own. */
  readonly isAuthor: boolean;
  /** Sections of MAINTAINERS that its files, or those of the patch that is meant, belong to and that name the sender. */
  readonly sections: readonly Section[];
}

/** What commands can have done; each is idempotent. */
export interface Deeds {
  isOptedIn(address: string): boolean;
  /**
   * Looks at the series that the last of these mails that has one belongs to; a mail of ours, to that of its patch. The
   * sections are those of all its files, or of the patches alone that these mails answer.
   */
  concern(address: string, references: readonly MessageId[], part: 'series' | 'patch'): Promise<Concern>;
  /** Sections of MAINTAINERS that name the address: all, or those with that name. */
  sectionsNaming(address: string, name?: string): Promise<readonly Section[]>;
  /** Has the series checked, for a maintainer before all others; its key. */
  check(series: Series, asked: AskedCheck['asked'], isMaintainer: boolean): Outcome<{ key: string }, Refused>;
  /** Who may send or discard the draft, if there is such a draft. */
  draftOwners(messageId: MessageId): readonly string[] | undefined;
  send(messageId: MessageId): Promise<Outcome<object, Refused>>;
  discard(messageId: MessageId): Promise<Outcome<object, Refused>>;
  /** For whom a reply of ours was made; undefined for what is none. */
  repliedFor(messageId: MessageId): readonly string[] | undefined;
  /** Rules of the findings that a reply of ours tells. */
  toldRules(messageId: MessageId): readonly string[];
  /** Takes what a reply of ours tells by these rules for false alarms, of its series; the rules of what is left of it. */
  invalid(messageId: MessageId, rules: readonly string[], by: string): readonly string[];
  readonly rules: readonly string[];
  ignore(rule: string, address: string, sections: readonly string[]): void;
  /** Ends all ignoring of the rule that the address asked for. */
  heed(rule: string, address: string): void;
  /** The token that has to come back, or why nobody can hear of these sections. */
  start(address: string, sections: readonly Section[]): Promise<Outcome<{ token: string }, Refused>>;
  /** `stopped`: those of the sections that somebody else stopped; `isEntryOff`: that of the operator is, and stays so. */
  confirm(
    address: string,
    token: string,
  ): Outcome<Readonly<Record<'sections' | 'lists' | 'stopped', readonly string[]>> & { isEntryOff: boolean }, Refused>;
  /** No more mails to this address, none for its entry, and none for these sections. */
  stop(address: string, sections: readonly string[]): void;
}

export interface Done {
  readonly log: string;
  readonly say: readonly string[];
  /** Series whose report is the answer. */
  readonly key?: string;
  /** The sender has no part in what was to be done. */
  readonly isForbidden?: true;
}

interface Order {
  /** Of `send`, `discard` and `invalid`, the mail of ours that it is about. */
  readonly target: MessageId | undefined;
  /** In lower case. */
  readonly sender: string;
  readonly isMember: boolean;
  readonly concern: Concern;
  readonly deeds: Deeds;
  readonly bot: string;
}

/** The last mails that a mail names are looked at. */
export const MAX_REFERENCES = 100;

/** Carries out a command of `sender`, who is known to have sent it. */
export async function obey(
  command: Command,
  { message, sender }: { readonly message: Message; readonly sender: string },
  deeds: Deeds,
  bot: string,
): Promise<Done> {
  const isMember = deeds.isOptedIn(sender);
  // At once, whatever else may be wrong with the tree or the words.
  if (command.word === 'stop') deeds.stop(sender, []);
  const references = message.references.slice(-MAX_REFERENCES);
  const target = targetOf(command.word, references, deeds);
  // Of the other mails that are named the sender has the choice: they give no authority over the one that is meant.
  const concern = await (target === undefined
    ? deeds.concern(sender, references, 'series')
    : deeds.concern(sender, [target], 'patch'));
  const order: Order = { target, sender, isMember, concern, deeds, bot };
  if (command.word === 'left') return told(await isNobody(order), 'left', `Nothing was done. ${command.why}`);
  const args = command.word === 'unknown' ? [] : command.args;
  switch (command.word) {
    case 'stop':
      return stop(order, args);
    case 'start':
      return start(order, args);
    case 'confirm':
      return confirm(order, args);
  }
  const isMaintainer = concern.sections.length > 0;
  const isConcerned = isMember || isMaintainer || concern.isAuthor;
  if (!isConcerned && (await isNobody(order))) return forbidden();
  if (command.word === 'help') return said('answered', helpText(bot));
  if (command.word === 'unknown') return said('unknown', `I do not know the command "${command.text}".`, helpText(bot));
  // Of a series that has not come nobody knows whose it is.
  if (!isConcerned) return concern.series ? forbidden() : said('no such series', NO_SERIES);
  if (command.word === 'check' || command.word === 'explain') return check(command.word, order, args);
  if (!isMember && !isMaintainer)
    return said(
      'not theirs',
      `An author may have a series checked; "${command.word}" is for maintainers: nothing was done.`,
    );
  switch (command.word) {
    case 'ignore':
      return ignore(order, args);
    case 'invalid':
      return invalid(order, args);
    case 'send':
    case 'discard':
      return draft(command.word, order, args);
    default:
      return command.word satisfies never;
  }
}

/** The sender is stopped already; what is left are the sections that the sender speaks for. */
async function stop({ sender, isMember, concern, deeds }: Order, args: readonly string[]): Promise<Done> {
  const name = args.join(' ');
  const isTheirs = ({ maintainers }: Section): boolean => maintainers.includes(sender);
  const spoken = name === '' ? concern.sections : await deeds.sectionsNaming(sender, name);
  const sections = spoken.filter(isTheirs).map((one) => one.name);
  // Who speaks for no section means no section.
  const isUnknown = name !== '' && sections.length === 0 && (await deeds.sectionsNaming(sender)).some(isTheirs);
  if (sections.length > 0) deeds.stop(sender, sections);
  return said(
    ['stopped', ...sections].join(', '),
    isMember
      ? 'Your entry is switched off: no drafts, no replies, no more mails to you. The operator can undo that.'
      : NO_MORE_MAILS,
    ...(isUnknown ? [`MAINTAINERS has no section "${name}" with you as maintainer: no section is stopped.`] : []),
    ...(sections.length === 0 ? [] : [`No mails to lists or authors any more for: ${sections.join(', ')}.`]),
  );
}

async function start(order: Order, args: readonly string[]): Promise<Done> {
  const { sender, concern, deeds } = order;
  const name = args.join(' ');
  const sections =
    name !== ''
      ? await deeds.sectionsNaming(sender, name)
      : concern.series
        ? concern.sections
        : await deeds.sectionsNaming(sender);
  if (sections.length === 0) {
    const which = name === '' ? 'no section' : `no section "${name}"`;
    return told(await isNobody(order), 'not named', `MAINTAINERS has ${which} that names ${sender}: nothing was done.`);
  }
  const started = await deeds.start(sender, sections);
  if (!started.ok) return said(started.why, `I did not note it: ${started.why}.`);
  return said(
    'token sent',
    `Somebody, hopefully you, asked for drafts of replies to patches of: ${sections.map((one) => one.name).join(', ')}.`,
    'If it was you, answer with this line at the start of a line:',
    `    #depbot confirm ${started.token}`,
    'If not, do nothing.',
  );
}

async function confirm(order: Order, args: readonly string[]): Promise<Done> {
  const { sender, deeds } = order;
  const done = deeds.confirm(sender, args[0] ?? '');
  if (!done.ok) return told(await isNobody(order), done.why, `I did not note it: ${done.why}.`);
  return said(
    `opted in for ${done.sections.join(', ')}`,
    `Noted. When a patch of ${done.sections.join(', ')} comes by ${done.lists.join(', ')} and breaks a configuration, a reply is drafted. I mail it to you alone; nobody else gets it unless you answer that mail with "#depbot send". "stop" ends all of it.`,
    ...(done.stopped.length === 0
      ? []
      : [
          `Not yet for ${done.stopped.join(', ')}: another maintainer said stop, and only that one, or my operator, can undo it.`,
        ]),
    ...(done.isEntryOff
      ? ['Of the entry that my operator made for you, all else stays off; my operator can undo that.']
      : []),
  );
}

/** `explain` asks for the same report, told otherwise. */
function check(word: 'check' | 'explain', { concern, isMember, deeds }: Order, args: readonly string[]): Done {
  const { series } = concern;
  if (word === 'explain' && args.length > 0)
    return said('wrong arguments', 'Nothing was done: explain takes no arguments.');
  const read = parseAsked(args);
  if (!read.ok) return said('wrong arguments', `Nothing was done: ${read.why}.`);
  if (!series) return said('no such series', NO_SERIES);
  if (!series.complete) {
    const missing = series.missing.slice(0, 10).join(', ');
    return said('incomplete', `I cannot check this series yet: patch ${missing} of ${series.total} has not come.`);
  }
  const job = deeds.check(series, read.asked, isMember || concern.sections.length > 0);
  return job.ok ? { log: 'checking', say: [], key: job.key } : said(job.why, `I cannot check this series: ${job.why}.`);
}

function ignore({ sender, isMember, concern, deeds }: Order, args: readonly string[]): Done {
  const [rule = '', off, more] = args;
  if (more !== undefined || (off ?? 'off') !== 'off' || !deeds.rules.includes(rule)) {
    const near = nearKeys(rule, deeds.rules);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are: ${deeds.rules.join(', ')}`;
    return said('no such rule', `"ignore" takes the name of one rule, and "off" behind it to undo that; ${hint}`);
  }
  if (off !== undefined) {
    deeds.heed(rule, sender);
    return said(`${rule} no longer ignored`, `I tell of findings of ${rule} again, where nobody else ignores it.`);
  }
  const sections = concern.sections.map(({ name }) => name);
  deeds.ignore(rule, sender, sections);
  const where = [...(isMember ? ['your entry'] : []), ...sections].join(', ');
  return said(`${rule} ignored for ${where}`, `I tell of no finding of ${rule} any more for: ${where}.`);
}

/** The mail of ours that a command is about, if it is one about such a mail. */
function targetOf(word: Command['word'], references: readonly MessageId[], deeds: Deeds): MessageId | undefined {
  if (word === 'invalid') return references.findLast((id) => deeds.repliedFor(id) !== undefined);
  const isDraft = (id: MessageId): boolean => deeds.draftOwners(id) !== undefined;
  return word === 'send' || word === 'discard' ? references.findLast(isDraft) : undefined;
}

async function invalid({ target, sender, concern, deeds }: Order, args: readonly string[]): Promise<Done> {
  if (target === undefined)
    return said('no reply', 'Your mail answers no mail of mine that tells of a finding: nothing was done.');
  const isTheirs = deeds.repliedFor(target)!.some((one) => one.toLowerCase() === sender);
  if (!isTheirs && concern.sections.length === 0)
    return said('not theirs', 'That reply was made for another maintainer: nothing was done.');
  const told = deeds.toldRules(target);
  const has = `there are: ${told.join(', ')}`;
  if (args.length === 0 && told.length > 1)
    return said('which one', `Nothing was done: say which one is false, as in "invalid ${told[0]}"; ${has}.`);
  if (!args.every((rule) => told.includes(rule)))
    return said('no such finding', `Nothing was done: "invalid" takes rules that my mail tells of; ${has}.`);
  const rules = args.length === 0 ? told : [...new Set(args)];
  const left = deeds.invalid(target, rules, sender);
  const noted = `Noted as a false alarm (${rules.join(', ')}). I do not tell it again of this series or a later revision, and my operator sees it counted.`;
  return said(`false alarm: ${rules.join(', ')}`, `${noted}${await ofDraft(target, left, deeds)}`);
}

/** What becomes of a draft that tells of a false alarm, and of what is left; one that is sent cannot be taken back. */
async function ofDraft(id: MessageId, left: readonly string[], deeds: Deeds): Promise<string> {
  if (deeds.draftOwners(id) === undefined) return '';
  if (left.length > 0)
    return ` The draft tells of ${left.join(', ')}, too, and stays: edit it before you send it, or discard it.`;
  const gone = await deeds.discard(id);
  return gone.ok ? ' The draft is discarded.' : ` The draft is not discarded: ${gone.why}.`;
}

async function draft(
  word: 'send' | 'discard',
  { target, sender, concern, deeds }: Order,
  args: readonly string[],
): Promise<Done> {
  if (args.length > 0) return said('wrong arguments', `Nothing was done: ${word} takes no arguments.`);
  if (target === undefined)
    return said('no draft', 'There is no draft of mine that your mail answers: nothing was done.');
  const isTheirs = deeds.draftOwners(target)!.some((owner) => owner.toLowerCase() === sender);
  const speaksForFiles = concern.sections.some(({ maintainers }) => maintainers.includes(sender));
  if (!isTheirs && !speaksForFiles)
    return said('not theirs', 'This draft was made for another maintainer: nothing was done.');
  const done = word === 'send' ? await deeds.send(target) : await deeds.discard(target);
  if (!done.ok) return said(done.why, `I did not ${word} it: ${done.why}.`);
  // The mail itself is the answer to "send".
  return word === 'send' ? { log: 'approved', say: [] } : said('discarded', 'The draft is discarded.');
}

function forbidden(): Done {
  return told(true, 'not obeyed', STRANGER);
}

/** Neither MAINTAINERS nor the configuration nor the series knows the sender. */
async function isNobody({ sender, isMember, concern, deeds }: Order): Promise<boolean> {
  return !concern.isAuthor && !isMember && (await deeds.sectionsNaming(sender)).length === 0;
}

function told(isForbidden: boolean, log: string, text: string): Done {
  return { ...said(log, text), ...(isForbidden && { isForbidden }) };
}

function said(log: string, ...say: string[]): Done {
  return { log, say };
}

/** For somebody who has no part in the series, in the configuration or in MAINTAINERS. */
export const STRANGER =
  'This robot obeys the maintainers of a patch, those whom its operator has entered, and for a check the author; your address is none of these: nothing was done. The one command for everybody is "stop", after which it writes to you no more.';
/** For somebody who said stop. */
export const NO_MORE_MAILS = 'You will get no more mails from this robot. Its operator can undo that.';
const NO_SERIES =
  'I do not have the series that your mail answers: reply to one of its patches, on a list that I read.';
