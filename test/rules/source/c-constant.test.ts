import { describe, expect, it } from 'vitest';
import type { Constant } from '../../../rules/source/c-constant.ts';
import { trivialMacro, trivialResult } from '../../../rules/source/c-constant.ts';
import { readC } from '../../support/c-source.ts';

const BODIES: readonly (readonly [body: string, result: Constant | undefined])[] = [
  ['', { k: 'void' }],
  ['return;', { k: 'void' }],
  ['return 0;', { k: 'int', value: 0 }],
  ['return -1;', { k: 'int', value: -1 }],
  ['return 0x10UL;', { k: 'int', value: 16 }],
  ['return NULL;', { k: 'null' }],
  ['return (void *)0;', { k: 'null' }],
  ['return false;', { k: 'bool', value: false }],
  ['return -EOPNOTSUPP;', { k: 'errno', errno: 'EOPNOTSUPP' }],
  ['return ERR_PTR(-ENODEV);', { k: 'err-ptr', errno: 'ENODEV' }],
  ['return (void __iomem *)ERR_PTR(-ENODEV);', { k: 'err-ptr', errno: 'ENODEV' }],
  ['return IRQ_NONE;', { k: 'name', name: 'IRQ_NONE' }],
  ['return (struct x){ 0 };', { k: 'zero' }],
  ['WARN_ON_ONCE(1);\nreturn -ENOSYS;', { k: 'errno', errno: 'ENOSYS' }],
  ['(void)a;\n*a = NULL;\nreturn -EINVAL;', { k: 'errno', errno: 'EINVAL' }],
  ['return a;', undefined],
  ['return -a;', undefined],
  ['return ERR_PTR(a);', undefined],
  ['return g();', undefined],
  ['g();', undefined],
  ['if (a)\nreturn 0;\nreturn 1;', undefined],
  ['a = 1;\nreturn 0;', undefined],
];

describe('the constant result of a body', () => {
  for (const [body, result] of BODIES) {
    it(`of ${JSON.stringify(body)} is ${JSON.stringify(result)}`, () => {
      expect(trivialResult(readC(`static inline int f(int a)\n{\n${body}\n}\n`).functions[0]!)).toEqual(result);
    });
  }

  it('is not known of a function that could not be read', () => {
    expect(trivialResult({ body: [], unread: true })).toBeUndefined();
  });
});

const MACROS: readonly (readonly [body: string, result: Constant | undefined])[] = [
  ['', { k: 'void' }],
  ['do { } while (0)', { k: 'void' }],
  ['do { (void)(x); } while (0)', { k: 'void' }],
  ['((void)0)', { k: 'void' }],
  ['(0)', { k: 'int', value: 0 }],
  ['({ 0; })', { k: 'int', value: 0 }],
  ['({ (void)(x); -ENODEV; })', { k: 'errno', errno: 'ENODEV' }],
  ['NULL', { k: 'null' }],
  ['ERR_PTR(-ENODEV)', { k: 'err-ptr', errno: 'ENODEV' }],
  ['g(x)', undefined],
  ['(x)', undefined],
];

describe('the constant result of a macro', () => {
  for (const [body, result] of MACROS) {
    it(`of ${JSON.stringify(body)} is ${JSON.stringify(result)}`, () => {
      expect(trivialMacro({ name: 'f', line: 1, params: ['x'], body })).toEqual(result);
    });
  }

  it('is none without parentheses', () => {
    expect(trivialMacro({ name: 'f', line: 1, body: '0' })).toBeUndefined();
  });
});
