/** What `depbot doctor` finds: one line for each thing that depbot needs, and what mends it where it is not there. */

export interface Sign {
  /** `imap kernel/INBOX`, `builds for arm`. */
  readonly what: string;
  /** `note`: depbot works without, and less well. */
  readonly state: 'ok' | 'fault' | 'note';
  readonly detail: string;
  /** What to do about it, one line; absent where all is well. */
  readonly mend?: string;
}

export const ok = (what: string, detail = ''): Sign => ({ what, state: 'ok', detail });
export const fault = (what: string, detail: string, mend: string): Sign => ({ what, state: 'fault', detail, mend });
export const note = (what: string, detail: string, mend?: string): Sign => ({
  what,
  state: 'note',
  detail,
  ...(mend !== undefined && { mend }),
});

/** What `look` finds, or its error as a fault: no look keeps the others from being tried. */
export async function looked(
  what: string,
  mend: string,
  look: () => Promise<readonly Sign[]>,
): Promise<readonly Sign[]> {
  try {
    return await look();
  } catch (error) {
    return [fault(what, (error as Error).message, mend)];
  }
}
