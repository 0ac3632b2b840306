/** The signature of a mail: who runs the robot, how to stop it. */

import { STOP_LINE } from './commands.ts';
import { LOCAL_OPERATOR } from './config-schema.ts';
import { tameAll } from './tame.ts';
import { openTemplates } from './template.ts';

export interface Footer {
  /** Who runs the robot. */
  readonly operator: string;
  /** How to stop it, as the end of a sentence: `reply with a line "..."`. */
  readonly stop: string;
  /** Who reads answers. */
  readonly contact?: string;
  /** Language model that words comments; named only in a mail in which it did. */
  readonly model?: string;
}

/** {@link Footer.stop} for whoever obeys commands by mail. */
export const STOP_SENTENCE = `reply with a line "${STOP_LINE}"`;

/** {@link Footer.stop} of a local run, whose mails a person sends: nobody reads commands there. */
const STOP_OF_LOCAL_RUN = 'ask whoever sent this one';

/** The footer of an operator's settings. */
export function footerOf({
  operator,
  contact,
}: {
  readonly operator: string;
  readonly contact?: string | undefined;
}): Footer {
  const stop = operator === LOCAL_OPERATOR ? STOP_OF_LOCAL_RUN : STOP_SENTENCE;
  return { operator, stop, ...(contact !== undefined && { contact }) };
}

/**
 * The signature of a mail, from footer.txt: who runs the robot, how to stop it; `model` is the language model that
 * worded parts of this mail, `footer.model` does not count. Throws TemplateError.
 */
export function footerText(footer: Footer, templatesDir?: string, model?: string): string {
  const context = { contact: null, ...footer, model: model ?? null };
  return openTemplates(templatesDir).render('footer', tameAll(context) as Record<string, unknown>).text;
}
