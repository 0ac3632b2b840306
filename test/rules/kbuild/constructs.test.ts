/** Each construct of makefiles that the kernel uses, in the smallest file that shows it. */
import { describe, expect, test } from 'vitest';
import { objectsOf } from './tiny-kbuild.ts';

const cases: readonly (readonly [what: string, makefile: string, objects: Record<string, string>])[] = [
  ['obj-y', 'obj-y := a.o b.o', { 'a.o': 'y | n', 'b.o': 'y | n' }],
  ['obj-$(CONFIG_T) of a tristate', 'obj-$(CONFIG_T) += a.o', { 'a.o': 'T=y | T=m' }],
  ['braces', 'obj-$'.concat('{CONFIG_T} += a.o'), { 'a.o': 'T=y | T=m' }],
  ['of a bool', 'obj-$(CONFIG_B) += a.o', { 'a.o': 'B | n' }],
  ['of a symbol that nothing declares', 'obj-$(CONFIG_U) += a.o\nobj-y += b.o', { 'b.o': 'y | n' }],
  ['obj-m by itself needs modules', 'obj-m := a.o', { 'a.o': 'n | MODULES' }],
  [
    'built-in wins over modular',
    'obj-$(CONFIG_T) += a.o\nobj-$(CONFIG_V) += a.o',
    {
      'a.o': 'T=y || V=y | T=m && V!=y || T!=y && V=m',
    },
  ],
  ['a composite', 'obj-$(CONFIG_T) += a.o\na-y := b.o c.o', { 'b.o': 'T=y | T=m', 'c.o': 'T=y | T=m' }],
  ['foo-objs', 'obj-$(CONFIG_T) += a.o\na-objs := b.o', { 'b.o': 'T=y | T=m' }],
  [
    // a part that is m is a part of modules only: multi-obj-m alone looks for -m
    'foo-$(CONFIG_Y) of a tristate',
    'obj-$(CONFIG_T) += a.o\na-y := b.o\na-$(CONFIG_V) += c.o',
    { 'b.o': 'T=y | T=m', 'c.o': 'T=y && V=y | T=m && V!=n' },
  ],
  [
    'a composite by what is left out too: foo- is set where no part is',
    'obj-y += a.o\na-$(CONFIG_B) := b.o',
    { 'b.o': 'B | n' },
  ],
  [
    'parts that are m leave a built-in foo.o to itself',
    'obj-$(CONFIG_T) += a.o\na-$(CONFIG_V) := b.o',
    { 'a.o': 'T=y && V=m | n', 'b.o': 'T=y && V=y | T=m && V!=n' },
  ],
  [
    'm made y',
    'obj-$(CONFIG_T:m=y) += a.o\nobj-$(subst m,y,$(CONFIG_T)) += b.o',
    { 'a.o': 'T!=n | n', 'b.o': 'T!=n | n' },
  ],
  [
    'y made what another is',
    'obj-$(subst y,$(CONFIG_T),$(CONFIG_V)) += a.o',
    { 'a.o': 'T=y && V=y | (V!=y || T!=y) && (T=m && V!=n || V=m && T!=m)' },
  ],
  ['ifdef, else', 'ifdef CONFIG_B\nobj-y += a.o\nelse\nobj-y += b.o\nendif', { 'a.o': 'B | n', 'b.o': '!B | n' }],
  ['ifndef', 'ifndef CONFIG_T\nobj-y += a.o\nendif', { 'a.o': 'T=n | n' }],
  [
    'ifeq, ifneq',
    'ifeq ($(CONFIG_T),y)\nobj-y += a.o\nendif\nifneq ($(CONFIG_T), m)\nobj-y += b.o\nendif',
    {
      'a.o': 'T=y | n',
      'b.o': 'T!=m | n',
    },
  ],
  [
    'else ifeq',
    'ifeq ($(CONFIG_B),y)\nobj-y += a.o\nelse ifeq ($(CONFIG_T),m)\nobj-y += b.o\nelse\nobj-y += c.o\nendif',
    {
      'a.o': 'B | n',
      'b.o': '!B && T=m | n',
      'c.o': '!B && T!=m | n',
    },
  ],
  [
    'two symbols compared at once',
    'ifeq ($(CONFIG_B1)$(CONFIG_B2),yy)\nobj-y += a.o\nendif',
    { 'a.o': 'B1 && B2 | n' },
  ],
  ['either of two', 'ifneq ($(CONFIG_B1)$(CONFIG_B2),)\nobj-y += a.o\nendif', { 'a.o': 'B1 || B2 | n' }],
  ['filter', 'ifneq ($(filter y,$(CONFIG_T) $(CONFIG_V)),)\nobj-y += a.o\nendif', { 'a.o': 'T=y || V=y | n' }],
  ['quoted sides', 'ifeq "$(CONFIG_B)" "y"\nobj-y += a.o\nendif', { 'a.o': 'B | n' }],
  ['a symbol that is text', 'ifeq ($(CONFIG_S),x)\nobj-y += a.o\nendif', { 'a.o': 'S="x" | n' }],
  ['a variable, used later', 'obj-$(CONFIG_T) += $(common)\ncommon = a.o', {}],
  ['a variable, used at once', 'common := a.o\nobj-$(CONFIG_T) += $(common)', { 'a.o': 'T=y | T=m' }],
  ['a recursive variable of a list', 'x = $(y)\ny = a.o\nobj-y := $(x)', { 'a.o': 'y | n' }],
  ['?=', 'x := a.o\nx ?= b.o\ny ?= c.o\nobj-y := $(x) $(y)', { 'a.o': 'y | n', 'c.o': 'y | n' }],
  [':= forgets', 'obj-y := a.o\nifdef CONFIG_B\nobj-y := b.o\nendif', { 'a.o': '!B | n', 'b.o': 'B | n' }],
  ['undefine', 'x := a.o\nundefine x\nobj-y := $(x) b.o', { 'b.o': 'y | n' }],
  [
    'a name with a variable',
    'n := 32\nifdef CONFIG_B\nn := 64\nendif\nobj-y += head$(n).o',
    {
      'head32.o': '!B | n',
      'head64.o': 'B | n',
    },
  ],
  ['a list by its symbol', 'x-y := a.o\nx-m := b.o\nobj-y += $(x-$(CONFIG_T))', { 'a.o': 'T=y | n', 'b.o': 'T=m | n' }],
  [
    'if, or, and',
    'obj-y += $(if $(CONFIG_B),a.o,b.o)\nobj-$(or $(CONFIG_T),$(CONFIG_B)) += c.o\nobj-$(and $(CONFIG_B),$(CONFIG_T)) += d.o',
    {
      'a.o': 'B | n',
      'b.o': '!B | n',
      'c.o': 'T=y || B && T=n | T=m',
      'd.o': 'B && T=y | B && T=m',
    },
  ],
  [
    'addprefix, addsuffix, patsubst, filter-out',
    'x := $(filter-out c.c,$(addsuffix .c,a b c))\nobj-y := $(addprefix s/,$(patsubst %.c,%.o,$(x)))',
    {
      's/a.o': 'y | n',
      's/b.o': 'y | n',
    },
  ],
  [
    'foreach, call',
    'twice = $(1).o $(1)$(2).o\nobj-y := $(foreach x,a b,$(call twice,$(x),2))',
    {
      'a.o': 'y | n',
      'a2.o': 'y | n',
      'b.o': 'y | n',
      'b2.o': 'y | n',
    },
  ],
  [
    'eval',
    'define one\nobj-$$(CONFIG_B) += $(1).o\nendef\n$(foreach x,a b,$(eval $(call one,$(x))))',
    {
      'a.o': 'B | n',
      'b.o': 'B | n',
    },
  ],
  [
    'sort, word, firstword, basename, notdir, dir',
    'obj-y := $(sort $(word 2,x a.o) $(firstword b.o c) $(notdir d/c.o) $(basename d.x).o)',
    {
      'a.o': 'y | n',
      'b.o': 'y | n',
      'c.o': 'y | n',
      'd.o': 'y | n',
    },
  ],
  [
    'continued lines, comments, a tab before a variable',
    'obj-y := a.o \\\n\tb.o # c.o\nifdef CONFIG_B\n\tobj-y += d.o\nendif',
    {
      'a.o': 'y | n',
      'b.o': 'y | n',
      'd.o': 'B | n',
    },
  ],
  [
    'recipes and rules are none of it',
    'obj-y := a.o\n$(obj)/x: y\n\tobj-y := b.o\n$(obj)/z: private obj-y := c.o\n',
    { 'a.o': 'y | n' },
  ],
  [
    'lib-y that nothing links, extra-y, always-y',
    'obj-y := c.o\nlib-y := a.o c.o\nextra-y := b.o\nalways-$(CONFIG_B) += d.o',
    {
      'a.o': 'n | n | y',
      'b.o': 'n | n | y',
      'c.o': 'y | n',
      'd.o': 'n | n | B',
    },
  ],
  [
    'what a command says is unknown, both ways',
    'ifeq ($(shell x),y)\nobj-y += a.o\nendif',
    { 'a.o': '$(shell x)=y | n' },
  ],
  [
    'flags of compilers are not looked into',
    'ifneq ($(KBUILD_CFLAGS),)\nobj-y += a.o\nendif',
    { 'a.o': '$(KBUILD_CFLAGS)!="" | n' },
  ],
];

describe('a makefile', () => {
  for (const [what, makefile, objects] of cases) {
    test(what, async () => {
      expect(await objectsOf(makefile)).toEqual(objects);
    });
  }

  test('include, also of what is chosen, and wildcard', async () => {
    const makefile =
      'p-$(CONFIG_B) := sub/\ninclude $(srctree)/$(src)/all.mk $(patsubst %/,%/Platform,$(p-y))\nobj-y += $(patsubst $(src)/%.c,%.o,$(wildcard $(src)/*.c))';
    const files = { 'all.mk': 'obj-y += a.o', 'sub/Platform': 'obj-y += b.o', 'w.c': '' };
    expect(await objectsOf(makefile.replace('$(src)/%.c', '%.c').replace('$(src)/*', '*'), files)).toEqual({
      'a.o': 'y | n',
      'b.o': 'B | n',
      'w.o': 'y | n',
    });
  });

  test('a generated file that is included has no objects', async () => {
    expect(await objectsOf('-include generated.mk\ninclude $(objtree)/other.mk\nobj-y := a.o')).toEqual({
      'a.o': 'y | n',
    });
  });
});
