/** Sections that an entry names and MAINTAINERS does not have: they would cover nothing, for ever. */

import type { Maintainers } from './maintainers.ts';
import { nearKeys } from './near-key.ts';

export interface UnknownSection {
  readonly name: string;
  /** Of the entry, `depbot.toml:12`. */
  readonly from: string;
  /** `MAINTAINERS of the tree has no section "VFIO DRIVERS"; did you mean "VFIO DRIVER"?` */
  readonly why: string;
}

interface Asking {
  readonly sections: readonly string[];
  readonly from: string;
}

export function unknownSections(entries: readonly Asking[], maintainers: Maintainers): UnknownSection[] {
  const known = new Set(maintainers.sections.map(({ name }) => name));
  return entries.flatMap(({ sections, from }) =>
    sections
      .filter((name) => !known.has(name))
      .map((name) => {
        const near = nearKeys(name, [...known]);
        const hint = near.length > 0 ? `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?` : 'look there';
        return { name, from, why: `MAINTAINERS of the tree has no section "${name}"; ${hint}` };
      }),
  );
}
