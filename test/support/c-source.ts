/** C texts read as the product reads them, in this thread. */
import { openTreeSitter } from '../../queue/tree-sitter.ts';
import { ExprPool } from '../../rules/kconfig/expr.ts';
import type { Condition } from '../../rules/source/c-condition.ts';
import { conditionBounds } from '../../rules/source/c-condition.ts';
import type { CFile, CFunction } from '../../rules/source/c-file.ts';
import { parseC } from '../../rules/source/c-file.ts';

const treeSitter = await openTreeSitter();

/** Throws where the whole file cannot be read. */
export function readC(text: string): CFile {
  const outcome = parseC(treeSitter.parse, text);
  if (!outcome.ok) throw new Error(`the C text cannot be read: ${outcome.why}`);
  return outcome.file;
}

/** The only function of that name. */
export function functionNamed(file: CFile, name: string): CFunction {
  const found = file.functions.filter((one) => one.name === name);
  if (found.length !== 1) throw new Error(`${found.length} functions ${name}`);
  return found[0]!;
}

/** A condition as Kconfig text; `least ... most` where something is opaque. */
export function kconfigText(c: Condition): string {
  const pool = new ExprPool();
  const { least, most } = conditionBounds(pool, c);
  return least === most ? pool.print(least) : `${pool.print(least)} ... ${pool.print(most)}`;
}
