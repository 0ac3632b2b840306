/**
 * `Key: value` lines: the trailers that end a commit message (git-interpret-trailers(1)), and the
 * lines that `git format-patch --base` and b4 put below a patch or cover letter (git-format-patch(1),
 * "BASE TREE INFORMATION").
 */

import type { Sha, Trailer } from '../rules/types.ts';

/** Names on the wire, each spelled here and nowhere else. */
const BASE_COMMIT = 'base-commit';
const PREREQUISITE_PATCH_ID = 'prerequisite-patch-id';
const CHANGE_ID = 'change-id';

const SHA = /^[0-9a-f]{12,64}$/i;
const FULL_SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i;
/** Most prerequisites kept of one mail. */
const MAX_PREREQUISITES = 1000;

export interface BaseInfo {
  /** 12 to 64 lower-case hex digits. */
  readonly baseCommit?: Sha;
  /** Patch ids, 40 or 64 hex digits, in the order in which they are to be applied. */
  readonly prerequisites: readonly string[];
  readonly changeId?: string;
  readonly oddities: readonly string[];
}

/**
 * Base information of a mail's body. Only lines that start with the name count, so neither a
 * quoted line nor a line of a diff does, nor a longer name such as `prerequisite-base-commit`.
 * A value that is no object name is left out and reported. Without a base-commit line, prose of
 * the form "based on <full object name>" is taken, and reported.
 */
export function parseBaseInfo(body: string): BaseInfo {
  const values = new Map<string, string[]>([BASE_COMMIT, PREREQUISITE_PATCH_ID, CHANGE_ID].map((key) => [key, []]));
  for (const match of body.matchAll(/^([a-z][a-z-]*):[ \t]*(.*)$/gim)) {
    values.get(match[1]?.toLowerCase() ?? '')?.push((match[2] ?? '').trim());
  }
  const oddities: string[] = [];
  const valid = (key: string, form: RegExp): string[] => {
    const all = values.get(key) ?? [];
    const bad = all.find((value) => !form.test(value));
    if (bad !== undefined) oddities.push(`${key} "${bad.slice(0, 60)}" is not an object name and was ignored`);
    return all.filter((value) => form.test(value)).map((value) => value.toLowerCase());
  };

  const bases = [...new Set(valid(BASE_COMMIT, SHA))];
  if (bases.length > 1)
    oddities.push(`${BASE_COMMIT} is given ${bases.length} times with different values; the first was taken`);
  let baseCommit = bases[0];
  if (baseCommit === undefined && (values.get(BASE_COMMIT) ?? []).length === 0) {
    baseCommit = baseInProse(body);
    if (baseCommit !== undefined)
      oddities.push(
        `the base ${baseCommit.slice(0, 12)} was taken from prose ("based on ..."), there is no ${BASE_COMMIT} line`,
      );
  }
  const changeId = (values.get(CHANGE_ID) ?? []).find((value) => /^\S{1,200}$/.test(value));
  return {
    ...(baseCommit !== undefined && { baseCommit }),
    prerequisites: valid(PREREQUISITE_PATCH_ID, FULL_SHA).slice(0, MAX_PREREQUISITES),
    ...(changeId !== undefined && { changeId }),
    oddities,
  };
}

/** The first character keeps lines of a diff and quoted lines out. */
function baseInProse(body: string): Sha | undefined {
  const match = /^(?![ +\->@])[^\n]*?\bbased on (?:top of )?(?:commit )?([0-9a-f]{40}(?:[0-9a-f]{24})?)\b/im.exec(body);
  return match?.[1]?.toLowerCase();
}

const TRAILER = /^([A-Za-z][A-Za-z0-9-]*)[ \t]*:(?!\/\/)[ \t]*(\S.*)$/;
/** Keys that are trailers even in an earlier paragraph, which authors like to set apart with empty lines. */
const SURE_KEY = /^(?:[a-z-]+-by|fixes|closes|link|cc|bug|reported|change-id|message-id|cherry-picked-from)$/i;

/**
 * Splits a commit message (title line already removed) into log and trailers.
 *
 * The last paragraph is trailers if every line of it is one, its continuation (leading blank) or
 * a remark in square brackets. Paragraphs above it are taken as well while they hold nothing but
 * the keys kernel patches use.
 */
export function splitTrailers(text: string): { log: string; trailers: Trailer[] } {
  const paragraphs =
    text.trim() === ''
      ? []
      : text
          .replace(/^(?:[ \t]*\n)+/, '')
          .trimEnd()
          .split(/\n(?:[ \t]*\n)+/);
  let trailers: Trailer[] = [];
  let isLast = true;
  while (paragraphs.length > 0) {
    const found = readTrailers(paragraphs.at(-1) ?? '');
    if (found === undefined || (!isLast && !found.every((trailer) => SURE_KEY.test(trailer.key)))) break;
    trailers = [...found, ...trailers];
    paragraphs.pop();
    isLast = false;
  }
  return { log: paragraphs.join('\n\n'), trailers };
}

/** The trailers of a paragraph that holds nothing else, else undefined. */
function readTrailers(paragraph: string): Trailer[] | undefined {
  const trailers: { key: string; value: string }[] = [];
  for (const line of paragraph.split('\n')) {
    const match = TRAILER.exec(line);
    const last = trailers.at(-1);
    if (match) trailers.push({ key: match[1] ?? '', value: (match[2] ?? '').trimEnd() });
    else if (last && /^[ \t]+\S/.test(line)) last.value += ` ${line.trim()}`;
    else if (!/^\[.*\]$/.test(line.trimEnd()) && !/^\(cherry picked from commit [0-9a-f]+\)$/.test(line))
      return undefined;
  }
  return trailers.length > 0 ? trailers : undefined;
}
