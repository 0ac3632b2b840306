import { describe, expect, test } from 'vitest';
import { dialectOf, GRAMMAR } from '../../../rules/kconfig/dialect.ts';
import { KconfigStore } from '../../../rules/kconfig/files.ts';
import { mapTree } from '../../support/dir-tree.ts';

const OLD = 'depends: T_DEPENDS T_ON expr T_EOL\n';
const NEW = '%token T_TRANSITIONAL\ndepends: T_DEPENDS T_ON expr if_expr T_EOL\n';
const CONDITIONAL = 'config A\n\tbool "a"\n\nconfig B\n\tbool "b"\n\tdepends on A if A\n';
const TRANSITIONAL = 'config OLD\n\tbool\n\ttransitional\n';

async function complaint(kconfig: string, grammar: string | undefined): Promise<string | undefined> {
  const files = { Kconfig: kconfig, ...(grammar !== undefined && { [GRAMMAR]: grammar }) };
  const tree = await new KconfigStore().open(mapTree(files));
  return tree.model({ env: {}, shell: () => '' }).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

describe('a word that the conf of a tree does not know', () => {
  test('is an error there', async () => {
    expect(await complaint(CONDITIONAL, OLD)).toMatch(/^Kconfig:6: syntax error: .*no "if" behind "depends on"/);
    expect(await complaint(TRANSITIONAL, OLD)).toMatch(/^Kconfig:3: syntax error: .*no "transitional"/);
  });

  test('is none where it does, or where nothing says', async () => {
    for (const grammar of [NEW, undefined]) {
      expect(await complaint(CONDITIONAL, grammar)).toBeUndefined();
      expect(await complaint(TRANSITIONAL, grammar)).toBeUndefined();
    }
  });

  test('is told by the grammar', () => {
    expect(dialectOf(OLD)).toEqual({ conditionalDepends: false, transitional: false });
    expect(dialectOf(NEW)).toEqual({ conditionalDepends: true, transitional: true });
  });
});
