/**
 * Signs that a diff was changed on its way, or hides something: tabs turned to spaces
 * (Documentation/process/email-clients.rst) and invisible characters ("Trojan source").
 */

import type { FileDiff } from '../rules/types.ts';

/** Files that the kernel indents by tabs. */
const TAB_FILES = /(?:\.[chS]|\/?(?:Kconfig|Makefile|Kbuild)[^/]*)$/;
/** Unchanged lines indented by eight spaces that make it more than a file's odd habit. */
const ENOUGH = 2;

/** One sentence a file whose unchanged lines are indented by spaces throughout. */
export function tabsLost(files: readonly FileDiff[]): string[] {
  const out: string[] = [];
  for (const file of files) {
    const path = file.oldPath ?? '';
    if (!TAB_FILES.test(path)) continue;
    let spaced = 0;
    let hasTab = false;
    for (const line of file.hunks.flatMap((hunk) => hunk.lines)) {
      if (line.text.includes('\t')) hasTab = true;
      // Added lines may well be indented by spaces by their author; lines already in the tree are not.
      else if (line.kind !== 'add' && line.text.startsWith('        ')) spaced++;
    }
    if (!hasTab && spaced >= ENOUGH) {
      out.push(
        `mail line ${file.mailLine}: ${spaced} unchanged or removed lines of ${path} are indented by spaces and none has a tab; tabs were probably turned to spaces on the way`,
      );
    }
  }
  return out;
}

/** One sentence for each added line with a character of Unicode category Cf (direction marks, zero-width ones). */
export function invisibleCharacters(files: readonly FileDiff[]): string[] {
  const out: string[] = [];
  for (const file of files) {
    for (const hunk of file.hunks) {
      for (const line of hunk.lines) {
        const match = line.kind === 'add' ? /\p{Cf}/u.exec(line.text) : null;
        if (match) {
          const code = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
          out.push(`mail line ${line.mailLine}: the added line contains the invisible character U+${code}`);
        }
      }
    }
  }
  return out;
}
