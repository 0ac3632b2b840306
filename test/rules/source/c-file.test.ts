import { describe, expect, it } from 'vitest';
import type { Stmt } from '../../../rules/source/c-ast.ts';
import { callsOf } from '../../../rules/source/c-calls.ts';
import type { CFunction } from '../../../rules/source/c-file.ts';
import { whenAt } from '../../../rules/source/c-file.ts';
import { checkKept } from '../../../rules/source/c-file-cache.ts';
import { functionNamed, kconfigText, readC } from '../../support/c-source.ts';

/** Head of the only function in a text. */
function head(text: string): Omit<CFunction, 'body' | 'params'> {
  const { body, params, ...rest } = readC(text).functions[0]!;
  return rest;
}

/** Body of a function with these statements. */
function body(text: string): readonly Stmt[] {
  return functionNamed(readC(`int f(void)\n{\n${text}\n}\n`), 'f').body;
}

const n = (name: string) => ({ k: 'name', name }) as const;

describe('functions', () => {
  const HEADS: readonly (readonly [text: string, expected: object])[] = [
    ['int f(void)\n{\n}\n', { name: 'f', line: 1, endLine: 3, type: 'int' }],
    ['static struct foo *f(int a)\n{\n}\n', { name: 'f', line: 1, endLine: 3, type: 'struct foo*', static: true }],
    [
      'static inline bool f(void) { return false; }\n',
      { name: 'f', line: 1, endLine: 1, type: 'bool', static: true, inline: true },
    ],
    [
      'static __always_inline void f(void)\n{ }\n',
      { name: 'f', line: 1, endLine: 2, type: 'void', static: true, inline: true },
    ],
    [
      'int a;\nstatic int __init\nf(void)\n{\n}\n',
      { name: 'f', line: 3, endLine: 5, type: 'int', static: true, init: true },
    ],
    ['void __weak f(void)\n{\n}\n', { name: 'f', line: 1, endLine: 3, type: 'void', weak: true }],
    ['__weak int f(void)\n{\n}\n', { name: 'f', line: 1, endLine: 3, type: 'int', weak: true }],
    ['void __iomem *f(struct x __user *p)\n{\n}\n', { name: 'f', line: 1, endLine: 3, type: 'void*' }],
    ['unsigned long f(void)\n{\n}\n', { name: 'f', line: 1, endLine: 3, type: 'unsigned long' }],
    ['__printf(1, 2)\nint f(const char *fmt, ...)\n{\n}\n', { name: 'f', line: 2, endLine: 4, type: 'int' }],
    [
      'SYSCALL_DEFINE2(f, int, a, char __user *, b)\n{\n}\n',
      { name: 'sys_f', line: 1, endLine: 3, type: '', definer: 'SYSCALL_DEFINE2' },
    ],
    ['SYSCALL_DEFINE0(f)\n{\n}\n', { name: 'sys_f', line: 1, endLine: 3, type: '', definer: 'SYSCALL_DEFINE0' }],
    [
      'static CLOSURE_CALLBACK(f)\n{\n}\n',
      { name: 'f', line: 1, endLine: 3, type: '', static: true, definer: 'CLOSURE_CALLBACK' },
    ],
  ];
  for (const [text, expected] of HEADS) it(`reads ${JSON.stringify(text)}`, () => expect(head(text)).toEqual(expected));

  it('do not follow from a prototype, a pointer, or a call of a macro', () => {
    const file = readC('int f(void);\nint (*g)(void);\nMODULE_LICENSE("GPL");\nstatic DEFINE_MUTEX(h);\n');
    expect(file.functions).toEqual([]);
    expect(file.declarations).toEqual([{ name: 'f', line: 1, type: 'int' }]);
  });

  it('have their parameters in order', () => {
    expect(readC('int f(struct a *p, int (*cb)(int), char b[])\n{\n}\n').functions[0]!.params).toEqual([
      'p',
      'cb',
      'b',
    ]);
  });

  it('are found in both branches, under the condition of each', () => {
    const file = readC(
      '#ifdef CONFIG_A\nint f(void)\n{\n\treturn 1;\n}\n#else\nint f(void)\n{\n\treturn 0;\n}\n#endif\n',
    );
    expect(file.functions.map(({ name, line }) => [name, kconfigText(whenAt(file, line))])).toEqual([
      ['f', 'A=y'],
      ['f', '!(A=y)'],
    ]);
  });

  it('are found with two signatures for one body', () => {
    const file = readC('#ifdef CONFIG_A\nint f(int a)\n#else\nint g(void)\n#endif\n{\n\treturn h();\n}\n');
    expect(file.functions.map(({ name, line }) => [name, kconfigText(whenAt(file, line))])).toEqual([
      ['f', 'A=y'],
      ['g', '!(A=y)'],
    ]);
  });

  it('after one with unbalanced braces are found, and that one is marked', () => {
    const file = readC(
      'int f(int a)\n{\n#ifdef CONFIG_A\n\tif (a) {\n\t\tb();\n#else\n\tif (!a) {\n\t\tc();\n#endif\n\t}\n}\nint g(void)\n{\n}\n',
    );
    expect(file.functions.map(({ name, unread }) => [name, unread])).toEqual([
      ['f', true],
      ['g', undefined],
    ]);
    expect(JSON.stringify(file.functions[0]!.body)).toContain('"b"');
    expect(JSON.stringify(file.functions[0]!.otherBody)).toContain('"c"');
  });

  it('are not loops of macros inside of others, and one with such a loop is marked if it could not be read', () => {
    const file = readC('int f(void)\n{\n\twalk(a, b)\n\t\tc(a);\n\tx y(z) {\n\t\tc(a);\n\t}\n\treturn 0;\n}\n');
    expect(file.functions.map(({ name, unread }) => [name, unread])).toEqual([['f', true]]);
  });

  it('are marked where a statement is compiled without the one around it', () => {
    const text = (inner: string) => `int f(int a)\n{\n${inner}\n\treturn 1;\n}\n`;
    expect(head(text('#ifdef CONFIG_A\n\tif (a)\n#endif\n\t\tb();')).unread).toBe(true);
    expect(head(text('#ifdef CONFIG_A\n\tif (a)\n\t\tb();\n#endif')).unread).toBeUndefined();
    expect(head(text('\tif (a) {\n#ifdef CONFIG_A\n\t\tb();\n#endif\n\t}')).unread).toBeUndefined();
  });

  it('do not lose the rest of the file to one that is no C', () => {
    const one = 'int f(int cmd)\n{\n\tswitch (cmd) {\n\tN(UP) N(DOWN)\n\tN(X)\n\t}\n\treturn 0;\n}\n';
    const rest =
      'static int g(struct x *a,\n\t     int b)\n{\n\tstruct y z = {\n\t\t.a = a,\n\t};\n\treturn h(b);\n}\n';
    const file = readC(`${one}\n${rest}\n__weak int i(void)\n{\n}\n`);
    expect(file.functions.map(({ name, line, endLine, type }) => [name, line, endLine, type])).toEqual([
      ['f', 1, 8, 'int'],
      ['g', 10, 17, 'int'],
      ['i', 19, 21, 'int'],
    ]);
    expect(file.functions[0]!.unread).toBe(true);
    expect(callsOf(file).filter(({ caller }) => caller === 'g')).toMatchObject([{ callee: 'h', line: 16 }]);
  });
});

describe('statements', () => {
  it('of a clean-up ladder', () => {
    const text = '\tret = a();\n\tif (ret < 0)\n\t\tgoto err;\n\treturn 0;\nerr:\n\tb();\nout:\n\treturn ret;';
    expect(body(text)).toEqual([
      {
        k: 'expr',
        line: 3,
        expr: {
          k: 'assign',
          line: 3,
          op: '=',
          to: n('ret'),
          from: { k: 'call', line: 3, callee: n('a'), args: [], argText: '' },
        },
      },
      {
        k: 'if',
        line: 4,
        test: { k: 'binary', op: '<', left: n('ret'), right: { k: 'number', text: '0' } },
        yes: [{ k: 'goto', line: 5, label: 'err' }],
      },
      { k: 'return', line: 6, value: { k: 'number', text: '0' } },
      { k: 'label', line: 7, name: 'err' },
      { k: 'expr', line: 8, expr: { k: 'call', line: 8, callee: n('b'), args: [], argText: '' } },
      { k: 'label', line: 9, name: 'out' },
      { k: 'return', line: 10, value: n('ret') },
    ]);
  });

  it('with members, errors and pointers', () => {
    expect(body('\tpriv->x = ERR_PTR(-ENODEV);\n\tif (!priv->x || IS_ERR(p))\n\t\treturn -EINVAL;')).toEqual([
      {
        k: 'expr',
        line: 3,
        expr: {
          k: 'assign',
          line: 3,
          op: '=',
          to: { k: 'member', of: n('priv'), field: 'x' },
          from: {
            k: 'call',
            line: 3,
            callee: n('ERR_PTR'),
            args: [{ k: 'unary', op: '-', of: n('ENODEV') }],
            argText: '-ENODEV',
          },
        },
      },
      {
        k: 'if',
        line: 4,
        test: {
          k: 'binary',
          op: '||',
          left: { k: 'unary', op: '!', of: { k: 'member', of: n('priv'), field: 'x' } },
          right: { k: 'call', line: 4, callee: n('IS_ERR'), args: [n('p')], argText: 'p' },
        },
        yes: [{ k: 'return', line: 5, value: { k: 'unary', op: '-', of: n('EINVAL') } }],
      },
    ]);
  });

  it('that declare several names', () => {
    expect(body('\tstruct x *a = NULL, b;')).toEqual([
      { k: 'decl', line: 3, type: 'struct x*', name: 'a', init: n('NULL') },
      { k: 'decl', line: 3, type: 'struct x', name: 'b' },
    ]);
  });

  it('with an else, a switch and its cases', () => {
    expect(body('\tswitch (a) {\n\tcase 1:\n\t\tbreak;\n\tdefault:\n\t\tcontinue;\n\t}\n\tif (a) ; else b();')).toEqual(
      [
        {
          k: 'switch',
          line: 3,
          on: n('a'),
          body: [
            { k: 'case', line: 4, value: { k: 'number', text: '1' } },
            { k: 'break', line: 5 },
            { k: 'case', line: 6 },
            { k: 'continue', line: 7 },
          ],
        },
        {
          k: 'if',
          line: 9,
          test: n('a'),
          yes: [],
          no: [{ k: 'expr', line: 9, expr: { k: 'call', line: 9, callee: n('b'), args: [], argText: '' } }],
        },
      ],
    );
  });

  it('in loops: of C, of macros, and of none', () => {
    const loops = body(
      '\tfor (i = 0; i < 3; i++)\n\t\ta();\n\twhile (b) { }\n\tdo { } while (0);\n\tlist_for_each_entry(p, &list, node) {\n\t\tc(p);\n\t}\n\tdevice_for_each_child(dev, NULL, fn);',
    );
    expect(loops.map((one) => (one.k === 'loop' ? [one.k, one.each, one.once, one.head.length] : one.k))).toEqual([
      ['loop', undefined, undefined, 2],
      ['loop', undefined, undefined, 0],
      ['loop', undefined, true, 0],
      ['loop', 'list_for_each_entry', undefined, 3],
      'expr',
    ]);
  });

  it('under a guard that is one statement', () => {
    expect(body('\tscoped_guard(mutex, &lock)\n\t\ta();').map(({ k }) => k)).toEqual(['block']);
  });

  it('keep the calls of what is no expression of ours', () => {
    const [one] = body('\tx = sizeof(struct foo) + container_of(p, struct foo, m)->y + ({ int z = g(); z; });');
    expect(JSON.stringify(one)).toContain('"name":"g"');
    expect(JSON.stringify(one)).toContain('"name":"container_of"');
  });
});

describe('the rest of a file', () => {
  it('has ops tables, also under #ifdef, without their constants', () => {
    const file = readC(
      'static const struct ops o = {\n\t.name = "x",\n\t.size = 4,\n#ifdef CONFIG_PM\n\t.suspend = s,\n#endif\n\t.sub = { .open = g },\n};\n',
    );
    expect(file.variables).toEqual([
      {
        name: 'o',
        line: 1,
        type: 'struct ops',
        static: true,
        init: {
          k: 'list',
          items: [
            { field: 'suspend', line: 5, value: n('s') },
            { field: 'sub', line: 7, value: { k: 'list', items: [{ field: 'open', line: 7, value: n('g') }] } },
          ],
        },
      },
    ]);
    expect(kconfigText(whenAt(file, 5))).toBe('PM=y');
  });

  it('has exports with licence and namespace, of both notations', () => {
    const text =
      'EXPORT_SYMBOL(a);\nEXPORT_SYMBOL_GPL(b);\nEXPORT_SYMBOL_NS(c, NS);\nEXPORT_SYMBOL_NS_GPL(d, "NS");\nint EXPORT_SYMBOL_x;\n';
    expect(readC(text).exports).toEqual([
      { name: 'a', line: 1 },
      { name: 'b', line: 2, gpl: true },
      { name: 'c', line: 3, namespace: 'NS' },
      { name: 'd', line: 4, gpl: true, namespace: 'NS' },
    ]);
  });

  it('has calls of macros outside of functions, with or without a semicolon', () => {
    const file = readC(
      'module_init(f);\nstatic DEVICE_ATTR_RW(x);\nDEFINE_A(y, z)\n\nint g(void)\n{\n\tmodule_init(h);\n}\n',
    );
    expect(file.invocations).toEqual([
      { macro: 'module_init', line: 1, args: ['f'] },
      { macro: 'DEVICE_ATTR_RW', line: 2, args: ['x'] },
      { macro: 'DEFINE_A', line: 3, args: ['y', 'z'] },
    ]);
    expect(file.functions.map(({ name }) => name)).toEqual(['g']);
  });

  it('comes back from JSON as it was, and only in its own version', () => {
    const file = readC('#ifdef CONFIG_A\nint f(void)\n{\n\treturn g(1);\n}\n#endif\nEXPORT_SYMBOL(f);\n');
    const kept: unknown = JSON.parse(JSON.stringify(file));
    expect(checkKept(kept)).toEqual(file);
    expect(checkKept({ ...(kept as object), version: 0 })).toBeUndefined();
    expect(checkKept({ version: file.version })).toBeUndefined();
    expect(checkKept('no')).toBeUndefined();
  });
});
