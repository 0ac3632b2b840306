import { describe, expect, test } from 'vitest';
import { dialectOf, GRAMMAR } from '../../../rules/kconfig/dialect.ts';
import { KconfigStore } from '../../../rules/kconfig/files.ts';
import { mapTree } from '../../support/dir-tree.ts';
import { Tiny } from './tiny-kconfig.ts';

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
    expect(dialectOf(OLD)).toMatchObject({ conditionalDepends: false, transitional: false });
    expect(dialectOf(NEW)).toMatchObject({ conditionalDepends: true, transitional: true });
  });
});

describe('what later kernels refuse', () => {
  const TYPE = 'choice_option: T_BOOL T_WORD_QUOTE if_expr T_EOL\n';
  const OLDER_TYPE = 'choice_option: logic_type prompt_stmt_opt T_EOL\n';
  const MEMBER = '"choice value must not have a prompt in another entry\\n");\n';
  const ENTRY = '\t\tzconf_error("menuconfig statement without prompt");\n';

  test('a type in a choice passes where the grammar has one', async () => {
    const choice = 'choice\n\tbool "c"\n\nconfig A\n\tbool "a"\n\nendchoice\n';
    for (const grammar of [TYPE, OLDER_TYPE]) expect(await complaint(choice, OLD + grammar)).toBeUndefined();
    expect(await complaint(choice, OLD)).toMatch(/^Kconfig:2: syntax error: .*prompt of a choice by "prompt"/);
  });

  test('a member with two prompts passes where they are in the same choice, up to Linux 6.12', async () => {
    const twice = 'choice\n\tprompt "c"\n\nconfig A\n\tbool "a"\n\nconfig A\n\tbool "b"\n\nendchoice\n';
    expect(await complaint(twice, OLD)).toBeUndefined();
    expect(await complaint(twice, OLD + MEMBER)).toBe(
      'Kconfig:8: error: choice value must not have a prompt in another entry',
    );
  });

  test('a menuconfig without a prompt and a help text too many pass with a warning', async () => {
    const menu = 'menuconfig A\n\tbool\n\nconfig B\n\tbool "b"\n';
    const help = 'config A\n\tbool "a"\n\thelp\n\t  One.\n\thelp\n\t  Two.\n';
    const blank = 'config A\n\tbool "a"\n\thelp\n\nconfig B\n\tbool "b"\n';
    for (const text of [menu, help, blank]) expect(await complaint(text, OLD)).toBeUndefined();
    expect(await complaint(menu, OLD + ENTRY)).toBe('Kconfig:4: menuconfig statement without prompt');
    expect(await complaint(help, OLD + ENTRY)).toBe("Kconfig:7: 'A' defined with more than one help text");
    expect(await complaint(blank, OLD + ENTRY)).toBe("Kconfig:5: 'A' defined with blank help text");
    expect(new Tiny(menu).model.warnings).toEqual(['Kconfig:4: warning: menuconfig statement without prompt']);
    expect(new Tiny(help).model.warnings).toEqual([
      "Kconfig:7: warning: 'A' defined with more than one help text -- only the last one will be used",
    ]);
    expect(new Tiny(blank).model.warnings).toEqual(["Kconfig:5: warning: 'A' defined with blank help text"]);
  });
});
