/** The series that is checked in the benchmark: one patch of the shipped example, as if it had been sent alone. */

/** Mbox with only patch `n` of the mbox given, its subject and threading changed to those of a single patch. */
export function onePatch(mbox: string, n: number): string {
  const mails = mbox.split(/^(?=From )/m);
  const mail = mails.find((text) => new RegExp(`^Subject: \\[PATCH ${n}/\\d+\\]`, 'm').test(text));
  if (mail === undefined) throw new RangeError(`there is no patch ${n} in the mbox`);
  return mail
    .replace(/^Subject: \[PATCH \d+\/\d+\]/m, 'Subject: [PATCH]')
    .replace(/^(In-Reply-To|References): .*\n/gm, '');
}
