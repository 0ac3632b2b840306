/** Who comes to a function of a tree, in its own file and, where it is shared, in others. */

import type { Expr } from './c-ast.ts';
import { any, type Condition } from './c-condition.ts';
import type { CTree } from './c-definitions.ts';
import type { CFile, CVariable } from './c-file.ts';
import { FileUsers } from './c-users.ts';
import type { FunctionDef } from './control-flow.ts';
import type { Unit } from './meanings.ts';

/** Uses in one file; they count where the file is built. */
export interface Users {
  readonly path: string;
  readonly when: Condition;
}

/** Lines that say a shared name; of one that more lines say, anybody may be a user. */
const MOST_LINES = 60;
/** Files with users that are looked at. */
const MOST_FILES = 12;
/** Lines that say the name of a driver. */
const MOST_NAMED = 200;

export class UserSearch {
  readonly #tree: CTree;
  readonly #unit: (path: string) => Promise<Unit | undefined>;
  readonly #files = new Map<string, Promise<FileUsers | undefined>>();
  readonly #users = new Map<string, Promise<readonly Users[] | undefined>>();

  constructor(tree: CTree, unit: (path: string) => Promise<Unit | undefined>) {
    this.#tree = tree;
    this.#unit = unit;
  }

  /** Undefined where anybody may come to it. */
  of(def: FunctionDef): Promise<readonly Users[] | undefined> {
    const key = `${def.path} ${def.function.name}`;
    const known = this.#users.get(key) ?? this.#find(def);
    this.#users.set(key, known);
    return known;
  }

  async #find({ path, function: one }: FunctionDef): Promise<readonly Users[] | undefined> {
    const own = path.endsWith('.c') && !one.definer ? await this.#file(path) : undefined;
    if (!own) return undefined;
    if (one.static) return [{ path, when: await own.of(one.name) }];
    const lines = await this.#tree.tree.grep([one.name], MOST_LINES);
    const places = new Set(lines.map((line) => line.path).filter((at) => !ASIDE.test(at)));
    if (lines.length >= MOST_LINES || places.size > MOST_FILES) return undefined;
    const found: Users[] = [];
    for (const at of places) {
      if (at.endsWith('.h')) {
        const read = await this.#tree.file(at);
        if (!read?.ok || !isDeclaredOnly(read.file, one.name, lines.filter((line) => line.path === at).length))
          return undefined;
        continue;
      }
      const file = at.endsWith('.c') ? await this.#file(at) : undefined;
      if (!file) return undefined;
      if (file.names(one.name)) found.push({ path: at, when: await file.of(one.name) });
    }
    return found.length > 0 ? found : undefined;
  }

  #file(path: string): Promise<FileUsers | undefined> {
    const known = this.#files.get(path) ?? this.#open(path);
    this.#files.set(path, known);
    return known;
  }

  async #open(path: string): Promise<FileUsers | undefined> {
    const unit = await this.#unit(path);
    return unit && new FileUsers(unit, (table) => this.#matched(table, unit));
  }

  /**
   * When devices come to a driver: what it only knows from a device tree (`of_match_table`, matched by
   * of_match_device() of drivers/of/device.c) or from ACPI (`acpi_match_table`, drivers/acpi/bus.c) comes with these
   * alone, unless it has a table of ids as well, or somebody registers a device by its name, as platform_match() of
   * drivers/base/platform.c and spi_match_device() of drivers/spi/spi.c have it. So does what such a table points to.
   */
  async #matched({ type, init, line }: CVariable, unit: Unit): Promise<Condition> {
    if (/\bof_device_id\b/.test(type)) return { symbol: 'OF', is: 'enabled' };
    if (/\bacpi_device_id\b/.test(type)) return { symbol: 'ACPI', is: 'enabled' };
    const fields = fieldsOf(init);
    const ways: Condition[] = [];
    if (fields.has('of_match_table')) ways.push({ symbol: 'OF', is: 'enabled' });
    if (fields.has('acpi_match_table')) ways.push({ symbol: 'ACPI', is: 'enabled' });
    if (ways.length === 0 || fields.has('id_table') || fields.has('match')) return true;
    const literal = await this.#nameIn(unit, line);
    if (literal === undefined) return any(...ways, { opaque: 'a name that is not known' });
    return (await this.#isRegistered(literal, unit.path)) ? true : any(...ways);
  }

  /** Of a driver's initialiser, which begins on that line; undefined where it is no plain text. */
  async #nameIn({ path }: Unit, line: number): Promise<string | undefined> {
    const text = (await this.#tree.tree.read([path])).get(path) ?? '';
    const [own = ''] = text
      .split('\n')
      .slice(line - 1)
      .join('\n')
      .split(/^\};/m, 1);
    const said = /\.name\s*=\s*("[^"]*"|\w+)/.exec(own)?.[1];
    const value = /^\w/.test(said ?? '') ? new RegExp(`^#\\s*define\\s+${said}\\s+(".*")`, 'm').exec(text)?.[1] : said;
    return /^"([\w.,-]+)"$/.exec(value ?? '')?.[1];
  }

  async #isRegistered(name: string, driver: string): Promise<boolean> {
    const lines = await this.#tree.tree.grep([name], MOST_NAMED);
    return (
      lines.length >= MOST_NAMED ||
      lines.some(
        ({ path, text }) =>
          path !== driver &&
          /\.[ch]$/.test(path) &&
          !ASIDE.test(path) &&
          text.includes(`"${name}"`) &&
          MAKES.test(text),
      )
    );
  }
}

/** What is no part of the kernel. */
const ASIDE = /^(?:tools|scripts|Documentation|usr|samples)\//;
/** Platform devices, and cells of multi-function devices (include/linux/mfd/core.h). */
const MAKES = /\.name\s*=|platform_device_|MFD_CELL|modalias/;

/** Only prototypes, on as many lines. */
function isDeclaredOnly(file: CFile, name: string, lines: number): boolean {
  return file.declarations.filter((one) => one.name === name).length >= lines;
}

/** Members that an initialiser sets, those of structures in it too. */
function fieldsOf(e: Expr): ReadonlySet<string> {
  const items = e.k === 'list' ? e.items : [];
  return new Set(items.flatMap(({ field, value }) => [...(field === undefined ? [] : [field]), ...fieldsOf(value)]));
}
