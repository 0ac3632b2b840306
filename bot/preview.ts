/**
 * Drafts shown by mail: who asked by mail for drafts has no account at the folder they lie in. Each of these people
 * gets the draft in a mail of their own, once; a command in answer to it is about the draft.
 */

import type { MessageId } from '../rules/types.ts';
import { type AnswerOptions, answer } from './answer.ts';
import { parseMessage } from './message.ts';
import type { Outgoing } from './outgoing.ts';

/** Too far for a command, and no mailer takes it for a quote or a signature. */
const INDENT = '    ';

const WHAT =
  'I have drafted the reply below. Nobody has it but you, and nothing is sent unless you say so: the first of these lines, at the start of a line in your answer, sends it as it is to all whom it names, the second throws it away, the third does so and tells me that I am wrong.';
const ELSE = 'To change its words, throw it away and send your own.';

/** Queues a mail to each of `draft.previews` with the draft, whose bytes are `eml`; once, however often it is called. */
export function preview(draft: Outgoing, eml: Uint8Array, options: AnswerOptions): void {
  const { previews = [], messageId, subject, allowedBy, notBefore, quietHours } = draft;
  if (previews.length === 0) return;
  const { text, references } = shownIn(draft, eml);
  const words = ['send', 'discard', 'invalid'].map((word) => `${INDENT}#depbot ${word}`).join('\n');
  for (const address of previews) {
    const draftMail = { messageId, subject, references, from: { name: '', address } };
    answer(draftMail, `preview ${messageId} ${address}`, [WHAT, words, ELSE, text], options, {
      kind: 'preview',
      subject: `Draft: ${subject}`,
      allowedBy,
      ...(notBefore !== undefined && { notBefore }),
      ...(quietHours !== undefined && { quietHours }),
    });
  }
}

/** A mail of ours, whose bytes are `eml`, as text within another one, in which no command of it is seen. */
export function shownIn(
  { messageId, subject }: Outgoing,
  eml: Uint8Array,
): { readonly text: string; readonly references: readonly MessageId[] } {
  const parsed = parseMessage(eml);
  if (!parsed.ok) throw new Error(`our mail <${messageId}> cannot be read: ${parsed.why}`);
  const { to, cc, body, references } = parsed.message;
  const names = (list: typeof to): string => list.map(({ address }) => address).join(', ');
  const head = [`To: ${names(to)}`, ...(cc.length > 0 ? [`Cc: ${names(cc)}`] : []), `Subject: ${subject}`];
  const lines = [...head, '', ...body.trimEnd().split('\n')];
  return { text: lines.map((line) => `${INDENT}${line}`.trimEnd()).join('\n'), references };
}
