/**
 * Copies of one patch that carry different changes: at most one of them is what its sender wrote. A good signature tells
 * which, where one of them alone has it; else nobody can tell.
 */

import type { Message, Outcome } from '../rules/types.ts';
import { parseDiff } from './diff.ts';
import type { Authentic, NotAuthentic } from './dkim.ts';

/** Whether a mail, as its bytes, is from the address in its From. */
export type Authenticate = (raw: Uint8Array) => Promise<Outcome<Authentic, NotAuthentic>>;

/** `genuine`: the copy to take, where they differ. `retry`: a name server that is away now may tell. */
export type Settled = Outcome<{ readonly genuine?: Message }, { readonly why: string; readonly retry?: true }>;

/** Whether two of the copies carry different changes. */
export function isDisputed(copies: readonly Message[]): boolean {
  return new Set(copies.flatMap((copy) => changesIn(copy) ?? [])).size > 1;
}

/** Which of the copies of a mail, with their bytes, its sender wrote. Not ok where those that differ are all signed, or none. */
export async function settle(copies: readonly Message[], authenticate: Authenticate): Promise<Settled> {
  if (!isDisputed(copies)) return { ok: true };
  const differ = `copies of <${copies[0]!.messageId}> came with different changes`;
  const signed: Message[] = [];
  for (const copy of copies) {
    if (changesIn(copy) === undefined) continue;
    const sender = await authenticate(copy.raw);
    if (sender.ok) signed.push(copy);
    else if (sender.retry)
      return { ok: false, why: `${differ}; which is signed is not known: ${sender.why}`, retry: true };
  }
  const [genuine] = signed;
  return genuine && !isDisputed(signed) ? { ok: true, genuine } : { ok: false, why: `${differ}; one is forged` };
}

/** Whether a mail has the changes of another one, or none. */
export function isSame(copy: Message, other: Message): boolean {
  const changes = changesIn(copy);
  return changes === undefined || changes === changesIn(other);
}

/**
 * The changes that a mail carries, as text to compare; undefined without a whole diff. White space and what is not
 * ASCII are left out, and the `?` that stands for it: lists spoil these.
 */
function changesIn({ body }: Message): string | undefined {
  const { files, cutShort } = parseDiff(body);
  if (files.length === 0 || cutShort !== undefined) return undefined;
  const changes = files.map(({ oldPath, newPath, hunks }) => [
    oldPath,
    newPath,
    hunks.map(({ oldStart, lines }) => [
      oldStart,
      lines.map(({ kind, text }) => [kind, text.replaceAll(/[^!->@-~]/g, '')]),
    ]),
  ]);
  return JSON.stringify(changes);
}
