/** What was read of the C files of one side of a series, whatever is looked for in them. */

import { dirname } from 'node:path/posix';
import { listedElsewhere } from '../kbuild/listed-elsewhere.ts';
import type { TreeSide } from '../rule.ts';
import { AlgorithmNames } from './algorithm-names.ts';
import { ExportedNames } from './exported-names.ts';
import { type ExternalUses, externalUses } from './external-uses.ts';
import { HeaderReach } from './header-reach.ts';
import { InternalNames } from './internal-names.ts';

export class SideCode {
  readonly side: TreeSide;
  /** Defined by those names only for which `define` was called. */
  readonly internal: InternalNames;
  readonly reach: HeaderReach;
  #exported: Promise<ExportedNames> | undefined;
  #algorithms: Promise<AlgorithmNames> | undefined;
  #elsewhere: ReturnType<typeof listedElsewhere> | undefined;
  readonly #uses = new Map<string, Promise<ExternalUses | undefined>>();

  constructor(side: TreeSide) {
    this.side = side;
    this.internal = new InternalNames(side.tree);
    this.reach = new HeaderReach(side.tree, side.c.words);
  }

  exported(): Promise<ExportedNames> {
    return (this.#exported ??= ExportedNames.of(this.side.tree));
  }

  algorithms(): Promise<AlgorithmNames> {
    return (this.#algorithms ??= AlgorithmNames.of(this.side.tree));
  }

  /** Directories whose makefiles list objects of others, by these. */
  elsewhere(): ReturnType<typeof listedElsewhere> {
    return (this.#elsewhere ??= listedElsewhere(this.side.tree));
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  async uses(path: string): Promise<ExternalUses | undefined> {
    const exported = await this.exported();
    const known = this.#uses.get(path) ?? externalUses(this.side.c, path, exported, this.reach);
    this.#uses.set(path, known);
    return known;
  }

  /** Texts of the other files of its directory, and below. */
  async beside(path: string): Promise<readonly string[]> {
    const dir = `${dirname(path)}/`;
    const paths = await this.side.tree.paths();
    const beside = paths.filter((one) => one !== path && one.startsWith(dir) && /\.[ch]$/.test(one));
    return [...(await this.side.tree.read(beside)).values()];
  }
}
