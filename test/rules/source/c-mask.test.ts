import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskForGrammar } from '../../../rules/source/c-mask.ts';
import { preprocess } from '../../../rules/source/c-preprocess.ts';

/** Pieces that make the masks take hold, in any order. */
const PIECES = [
  ...[
    '__init',
    '__printf(1, 2)',
    '__attribute__((x))',
    '__attribute__((',
    'list_for_each_entry(a, b, c)',
    'for_each_x(',
  ],
  ...['SYSCALL_DEFINE2(f, int, a)', 'FOO(x)', 'module_init(f);', 'DEFINE_X(struct y, z) =', 'min_t(unsigned long, a)'],
  ...['offsetof(struct x, a.b)', 'case 1 ... 2:', '#ifdef CONFIG_A', '#else', '#endif', '#define X(a) \\', '/*', '*/'],
  ...['"', "'", '(', ')', '{', '}', ';', '\n', '\r\n', ' ', '\\', 'static ', 'int f', '\u{1F600}'],
];

describe('the mask', () => {
  const CASES: readonly (readonly [code: string, masked: string])[] = [
    ['static int __init f(void)', 'static int        f(void)'],
    ['void f(const char *s, ...) __printf(1, 2);', 'void f(const char *s, ...)               ;'],
    ['\tlist_for_each_entry(p, q, r) {', '\twhile              (p, q, r) {'],
    ['\tdevice_for_each_child(dev, d, f);', '\tdevice_for_each_child(dev, d, f);'],
    ['\tskb_walk_frags(skb, frag) {', '\twhile         (skb, frag) {'],
    ['\tskb_walk_frags(skb, frag);', '\tskb_walk_frags(skb, frag);'],
    ['static struct foo *\n\tfirst_match(int a) { }', 'static struct foo *\n\tfirst_match(int a) { }'],
    ['\telse\n\tskb_walk_frags(skb, frag) {', '\telse\n\twhile         (skb, frag) {'],
    ['\tswitch (a) {', '\tswitch (a) {'],
    ['\tx = offsetof(typeof(*a), b);', '\tx = offsetof(__________, b);'],
    ['int foo_for_each(int a)\n{', 'int foo_for_each(int a)\n{'],
    ['\tx = container_of(p, struct foo, m);', '\tx = container_of(p,        foo, m);'],
    ['\tx = min_t(unsigned long, a, b);', '\tx = min_t(_nsigned_long, a, b);'],
    ['\tx = (struct foo *)p;', '\tx = (struct foo *)p;'],
    ['\treturn (unsigned long)p;', '\treturn (unsigned long)p;'],
    ['\tcase 1 ... 5:', '\tcase 1      :'],
    ['MODULE_LICENSE("GPL");\nint a;', '                      \nint a;'],
    ['static DEFINE_X(struct y, z) = {', 'int z                        = {'],
    ['module_init(f)\n\nint a;', '              \n\nint a;'],
    ['foo(a);', 'foo(a);'],
    ['SYSCALL_DEFINE1(f, int, a)\n{', 'int f(             _nt, a)\n{'],
    ['\tF(f)\n{', '\tF(f)\n{'],
  ];
  for (const [code, masked] of CASES) it(`of ${JSON.stringify(code)}`, () => expect(maskForGrammar(code)).toBe(masked));

  it('and the scanner before it keep every line and column', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        const shape = (code: string): readonly number[] => code.split('\n').map((line) => line.length);
        for (const prefer of ['first', 'last'] as const) {
          const { code } = preprocess(text, prefer);
          expect(shape(code)).toEqual(shape(text));
          expect(shape(maskForGrammar(code))).toEqual(shape(text));
        }
      }),
    );
  });
});
