import { describe, expect, it } from 'vitest';
import { entriesOf } from '../../../rules/source/c-entries.ts';
import { kconfigText, readC } from '../../support/c-source.ts';

const F = 'static int f(void)\n{\n}\n';

function entries(
  text: string,
): readonly (readonly [name: string, line: number, how: string, to?: string | undefined])[] {
  return entriesOf(readC(text)).map(({ name, line, how, to }) =>
    to === undefined ? [name, line, how] : [name, line, how, to],
  );
}

describe('functions that leave a file', () => {
  const CASES: readonly (readonly [what: string, text: string, expected: ReturnType<typeof entries>])[] = [
    ['in an ops table', `${F}static struct ops o = {\n\t.mmap = f,\n};\n`, [['f', 5, 'table', 'mmap']]],
    [
      'in a table in a table',
      `${F}static struct ops o = {\n\t.sub = { .open = &f },\n};\n`,
      [['f', 5, 'table', 'open']],
    ],
    ['in a list without names', `${F}static fn *o[] = {\n\tf,\n};\n`, [['f', 5, 'table']]],
    ['in the macro of a member', `${F}static struct ops o = {\n\tSET_PM(f, NULL)\n};\n`, [['f', 5, 'table']]],
    [
      'in a member through a macro',
      `${F}static struct ops o = {\n\t.pm = pm_ptr(&f),\n};\n`,
      [['f', 5, 'table', 'pm']],
    ],
    ['by module_init', `${F}module_init(f);\n`, [['f', 4, 'macro', 'module_init']]],
    ['by an initcall without a semicolon', `${F}late_initcall(f)\n`, [['f', 4, 'macro', 'late_initcall']]],
    ['by EXPORT_SYMBOL', `int f(void)\n{\n}\nEXPORT_SYMBOL_GPL(f);\n`, [['f', 4, 'export']]],
    [
      'as an argument',
      `${F}int g(void)\n{\n\treturn request_irq(1, f, 0);\n}\n`,
      [['f', 6, 'argument', 'request_irq']],
    ],
    [
      'as an argument through a pointer',
      `${F}int g(void)\n{\n\treturn o->add(&f);\n}\n`,
      [['f', 6, 'argument', 'add']],
    ],
    ['by assignment', `${F}int g(void)\n{\n\to->open = f;\n}\n`, [['f', 6, 'assigned', 'open']]],
    ['as a variable', `${F}int g(void)\n{\n\tfn *h = f;\n}\n`, [['f', 6, 'assigned', 'h']]],
    [
      'in a table of a function',
      `${F}int g(void)\n{\n\tstruct ops o = { .open = f };\n}\n`,
      [['f', 6, 'table', 'open']],
    ],
    [
      'by a macro that makes the name',
      'static ssize_t x_show(void)\n{\n}\nstatic DEVICE_ATTR_RO(x);\n',
      [['x_show', 4, 'macro', 'DEVICE_ATTR_RO']],
    ],
  ];
  for (const [what, text, expected] of CASES) it(what, () => expect(entries(text)).toEqual(expected));

  it('do not include those that are only called, nor names that are no functions', () => {
    expect(entries(`${F}int g(int a)\n{\n\tb(a);\n\treturn f();\n}\nstatic struct ops o = { .x = y };\n`)).toEqual([]);
  });

  it('leave under the condition of the line, the table with its type', () => {
    const [entry] = entriesOf(
      readC(`${F}static const struct ops o = {\n#ifdef CONFIG_PM\n\t.suspend = f,\n#endif\n};\n`),
    );
    expect(entry).toMatchObject({ in: 'o', type: 'struct ops' });
    expect(kconfigText(entry!.when)).toBe('PM=y');
  });
});
