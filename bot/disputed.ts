/**
 * Copies of one mail that carry different changes, or name different bases: at most one of them is what its sender wrote.
 * A good signature tells which, where one of them alone has it; else nobody can tell.
 */

import type { Message, Outcome } from '../rules/types.ts';
import { parseDiff } from './diff.ts';
import type { Authentic, NotAuthentic } from './dkim.ts';
import { parseBaseInfo } from './trailers.ts';

/** Whether a mail, as its bytes, is from the address in its From. */
export type Authenticate = (raw: Uint8Array) => Promise<Outcome<Authentic, NotAuthentic>>;

/** `isOther`: it says something else than the one that was asked for. `retry`: a name server that is away now may tell. */
export type Settled = Outcome<
  { readonly message: Message; readonly isOther: boolean },
  { readonly why: string; readonly retry?: true }
>;

/** Whether two of the copies say different things. */
export function isDisputed(copies: readonly Message[]): boolean {
  return new Set(copies.flatMap((copy) => saidIn(copy) ?? [])).size > 1;
}

/**
 * The mail that its sender wrote, of one that was taken and all copies of it, with their bytes; with the lists of those
 * that say the same. Not ok where copies that differ are all signed, or none.
 */
export async function settle(
  message: Message,
  copies: readonly Message[],
  authenticate: Authenticate,
): Promise<Settled> {
  const found = isDisputed(copies) ? await signedOf(copies, authenticate) : { ok: true as const };
  if (!found.ok) return found;
  const { genuine } = found;
  const isOther = genuine !== undefined && !isSame(genuine, message);
  const taken = isOther ? genuine : message;
  const same = genuine ? copies.filter((copy) => isSame(copy, genuine)) : copies;
  const listIds = [...new Set([taken, ...same].flatMap((copy) => copy.listIds))].sort();
  return { ok: true, message: { ...taken, listIds }, isOther };
}

async function signedOf(
  copies: readonly Message[],
  authenticate: Authenticate,
): Promise<Outcome<{ readonly genuine?: Message }, Extract<Settled, { ok: false }>>> {
  const differ = `copies of <${copies[0]!.messageId}> came with different changes`;
  const signed: Message[] = [];
  for (const copy of copies) {
    if (saidIn(copy) === undefined) continue;
    const sender = await authenticate(copy.raw);
    if (sender.ok) signed.push(copy);
    else if (sender.retry)
      return { ok: false, why: `${differ}; which is signed is not known: ${sender.why}`, retry: true };
  }
  const [genuine] = signed;
  return genuine && !isDisputed(signed) ? { ok: true, genuine } : { ok: false, why: `${differ}; one is forged` };
}

/** Whether a mail says the same as another one, or nothing. */
function isSame(copy: Message, other: Message): boolean {
  const said = saidIn(copy);
  return said === undefined || said === saidIn(other);
}

/**
 * What a mail says that a check depends on, as text to compare: its base, and its changes, without white space and what
 * is not ASCII, and the `?` that stands for it, since lists spoil these. Undefined where a list may have cut it: of a
 * patch without its whole diff, and of a letter that names no base.
 */
function saidIn({ body }: Message): string | undefined {
  const { files, cutShort } = parseDiff(body);
  const { baseCommit, prerequisites } = parseBaseInfo(body);
  if (files.length === 0 ? baseCommit === undefined : cutShort !== undefined) return undefined;
  const changes = files.map(({ oldPath, newPath, hunks }) => [
    oldPath,
    newPath,
    hunks.map(({ oldStart, lines }) => [
      oldStart,
      lines.map(({ kind, text }) => [kind, text.replaceAll(/[^!->@-~]/g, '')]),
    ]),
  ]);
  return JSON.stringify([baseCommit, prerequisites, changes]);
}
