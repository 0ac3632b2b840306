/** Words of the commands that replies give: names come from patches, and whoever copies a command runs it. */

/** The text, where no POSIX shell does anything with it; else undefined. */
export function shellSafe(text: string): string | undefined {
  return /^\w[\w./+-]*$/.test(text) ? text : undefined;
}

/** The text as one word of a POSIX shell, in single quotes where it needs them. */
export function shellWord(text: string): string {
  return shellSafe(text) ?? `'${text.replaceAll("'", "'\\''")}'`;
}
