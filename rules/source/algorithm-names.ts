/**
 * Which files register which algorithms of the crypto API by name, by one search of the tree: `cra_name` of struct
 * crypto_alg (include/linux/crypto.h), and MODULE_ALIAS_CRYPTO(), by which crypto/api.c has a module loaded that
 * registers a name.
 */

import type { Arch, Tree } from '../types.ts';
import { archOf, type ExportLine, isOf } from './exported-names.ts';

const WORDS = ['cra_name', 'MODULE_ALIAS_CRYPTO'];
/** Linux 6.12 has 2 000. */
const MAX_LINES = 20_000;
const SAYS = /(?:\bcra_name\s*=|\bMODULE_ALIAS_CRYPTO\s*\()\s*"([^"]+)"/;
/** A name that is put together, at run time or by the preprocessor. */
const MAKES = /\bcra_name\s*=\s*(?:[^"\s]|"[^"]*"\s*#)|\b(?:\w*printf|\w*str\w*cpy|memcpy)\s*\([^;]*\bcra_name\b(?!\))/;

export class AlgorithmNames {
  readonly #byName = new Map<string, ExportLine[]>();
  /** Files that may register any name. */
  readonly #open: ExportLine[] = [];

  private constructor() {}

  /** Nothing is known of a tree that says more names than can be searched. */
  static async of(tree: Tree): Promise<AlgorithmNames> {
    const names = new AlgorithmNames();
    const found = await tree.grep(WORDS, MAX_LINES);
    if (found.length >= MAX_LINES) return names;
    for (const { path, line, text } of found) {
      if (!/\.[chS]$/.test(path) || /^(?:Documentation|scripts|tools|usr|samples|include)\//.test(path)) continue;
      const one = { path, line, text: text.trim() };
      // what crypto/simd.c makes of `__cbc(aes)` is `cbc(aes)`
      const name = MAKES.test(text) ? undefined : SAYS.exec(text)?.[1]?.replace(/^__/, '');
      if (name !== undefined) names.#put(name, one);
      // an instance of a template is only made once the template is there
      else if (MAKES.test(text) && !path.startsWith('crypto/')) names.#open.push(one);
    }
    for (const lines of names.#byName.values()) lines.sort((a, b) => rank(a) - rank(b));
    return names;
  }

  #put(name: string, line: ExportLine): void {
    const known = this.#byName.get(name);
    if (known) known.push(line);
    else this.#byName.set(name, [line]);
  }

  /**
   * Lines that may provide `part` to who asks for `whole` on an architecture, those first that do so everywhere; none
   * where nobody registers it by name.
   */
  providing({ part, whole }: Algorithm, arch: Arch): readonly ExportLine[] {
    const isHere = ({ path }: ExportLine): boolean => archOf(path) === undefined || isOf(path, arch);
    const own = this.#byName.get(part) ?? [];
    if (!own.some(({ path }) => path.startsWith('crypto/'))) return [];
    const other = part === whole ? [] : (this.#byName.get(whole) ?? []);
    return [...own, ...other, ...this.#open].filter(isHere);
  }
}

/** `sha256`, and also `hmac`, of `hmac(sha256)`. */
export interface Algorithm {
  readonly part: string;
  readonly whole: string;
}

/**
 * What has to be there for a name, unless somebody registers it as a whole (crypto/algapi.c, crypto_create_tfm and
 * cryptomgr_schedule_probe): the template and what stands in its parentheses.
 */
export function partsOfName(whole: string): readonly Algorithm[] {
  const [, template, inner] = /^([\w-]+)\((.*)\)$/.exec(whole) ?? [];
  if (template === undefined) return /^[\w-]+$/.test(whole) ? [{ part: whole, whole }] : [];
  const deeper = /^[\w-]+$/.test(inner!) ? [{ part: inner!, whole }] : [];
  return [{ part: template, whole }, ...deeper];
}

/** Code of the crypto core is there for everybody; its own aliases first. */
function rank({ path, text }: ExportLine): number {
  return (path.startsWith('crypto/') ? 0 : 2) + (text.includes('MODULE_ALIAS_CRYPTO') ? 0 : 1);
}
