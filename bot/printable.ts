/**
 * Text from mails and trees on somebody's terminal: it must not move the cursor, set colours or titles, turn
 * the direction of writing, or pass for a line of ours.
 */

import type { World } from './main.ts';

/** C0 and C1 controls but tab and line feed (ECMA-48), and Unicode's bidirectional overrides and isolates. */
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** The text with harmful characters replaced by U+FFFD. */
export function printable(text: string): string {
  return text.replace(HARMFUL, '\ufffd');
}

/** One message: harmful characters replaced, lines after the first indented by four, nothing blank at the end. */
export function printableMessage(text: string): string {
  return printable(text).trimEnd().replaceAll('\n', '\n    ');
}

/** Colours only on a terminal, and where nobody has said otherwise (https://no-color.org). */
export function wantsColour({ stdout, env }: Pick<World, 'stdout' | 'env'>): boolean {
  return stdout.isTTY === true && !env['NO_COLOR'];
}
