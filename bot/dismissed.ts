/**
 * What maintainers do not want to hear again: findings that they called false alarms, of a series and its later
 * revisions, and rules. One file, small enough to be written whole.
 */

import { z } from 'zod';
import type { Finding, Patch, Series } from '../rules/types.ts';
import { readJson, writeDurably } from './durable.ts';
import type { Told } from './outgoing.ts';
import { type Policy, pathsOf, textOf } from './policy.ts';
import { isSameLineage, lineageOf } from './superseded.ts';

const File = z.strictObject({
  invalid: z.array(
    z.strictObject({
      rule: z.string(),
      key: z.string(),
      lineage: z.array(z.string()),
      by: z.string(),
      at: z.iso.datetime(),
    }),
  ),
  ignored: z.array(
    z.strictObject({
      rule: z.string(),
      /** Whose entries it holds for, in lower case. */
      address: z.string(),
      /** Sections of MAINTAINERS whose patches it holds for. */
      sections: z.array(z.string()),
    }),
  ),
});
type File = z.infer<typeof File>;

export class Dismissed {
  readonly #path: string;
  readonly #now: () => Date;
  #file: File;

  /** Throws DamagedFileError. */
  constructor(path: string, now: () => Date) {
    this.#path = path;
    this.#now = now;
    const then = 'false alarms and ignored rules have to be named again';
    this.#file = readJson(path, (value) => File.parse(value), then) ?? { invalid: [], ignored: [] };
  }

  /** Remembers false alarms of a series with these names; once more changes nothing. On disk when it returns. */
  invalid(findings: readonly Told[], lineage: readonly string[], by: string): void {
    const at = this.#now().toISOString();
    const added = findings
      .filter((one) => !this.isInvalid(one, lineage))
      .map(({ rule, key }) => ({ rule, key, lineage: [...lineage], by: by.toLowerCase(), at }));
    if (added.length > 0) this.#write({ invalid: [...this.#file.invalid, ...added] });
  }

  /** Ends a rule for the entries of an address, and the patches of sections, besides those it was ended for before. */
  ignore(rule: string, address: string, sections: readonly string[]): void {
    const [known, others] = this.#ignoredBy(rule, address);
    const all = [...new Set([...known.flatMap((one) => one.sections), ...sections])];
    this.#write({ ignored: [...others, { rule, address: address.toLowerCase(), sections: all }] });
  }

  /** Takes all back that the address said of ignoring a rule. On disk when it returns. */
  heed(rule: string, address: string): void {
    const [known, others] = this.#ignoredBy(rule, address);
    if (known.length > 0) this.#write({ ignored: others });
  }

  #ignoredBy(rule: string, address: string): readonly [known: File['ignored'], others: File['ignored']] {
    const isIt = (one: File['ignored'][number]): boolean => one.rule === rule && one.address === address.toLowerCase();
    const { ignored } = this.#file;
    return [ignored.filter(isIt), ignored.filter((one) => !isIt(one))];
  }

  /** False alarms by rule, the most first. */
  counts(): readonly (readonly [rule: string, count: number])[] {
    const counts = new Map<string, number>();
    for (const { rule } of this.#file.invalid) counts.set(rule, (counts.get(rule) ?? 0) + 1);
    return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  }

  /** Why a finding is not to be told, as the end of a sentence; undefined when it is. */
  whyNot(
    finding: Finding,
    patch: Patch,
    series: Series,
    { entries, maintainers }: Pick<Policy, 'entries' | 'maintainers'>,
  ): string | undefined {
    if (this.isInvalid(finding, lineageOf(series))) return 'a maintainer called it a false alarm';
    const ignoring = this.#file.ignored.filter(({ rule }) => rule === finding.rule);
    if (ignoring.length === 0) return undefined;
    const entry = ignoring.find(({ address }) => entries.some((one) => one.address.toLowerCase() === address));
    const names = new Set(ignoring.flatMap(({ sections }) => sections));
    const [section] =
      names.size === 0 ? [] : maintainers.sectionsOfPatch(pathsOf(patch), textOf(patch), ({ name }) => names.has(name));
    if (!entry && !section) return undefined;
    return `${entry?.address ?? section!.name} ignores ${finding.rule}`;
  }

  /** Whether that was called a false alarm, of a series with these names or another revision of it. */
  isInvalid({ rule, key }: Told, lineage: readonly string[]): boolean {
    return this.#file.invalid.some(
      (one) => one.rule === rule && one.key === key && isSameLineage(one.lineage, lineage),
    );
  }

  #write(part: Partial<File>): void {
    const file = { ...this.#file, ...part };
    writeDurably(this.#path, `${JSON.stringify(file, null, 2)}\n`);
    this.#file = file;
  }
}
