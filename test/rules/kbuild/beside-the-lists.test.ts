import { describe, expect, test } from 'vitest';
import { compilerFlags } from '../../../rules/kbuild/compiler-flags.ts';
import { listedElsewhere } from '../../../rules/kbuild/listed-elsewhere.ts';
import { mapTree } from '../../support/dir-tree.ts';

describe('what makefiles hand to the compiler', () => {
  const tree = mapTree({
    Makefile: 'KBUILD_CPPFLAGS += -DTOP\n',
    'drivers/Makefile': 'subdir-ccflags-y := -DABOVE=1\n-include drivers/more.mk\n',
    'drivers/led/Makefile': "CFLAGS_led.o += -D 'LED_NAME' -I$(src) -DCONFIG_LED\n",
    'drivers/led/led.c': '',
    'drivers/reef/Kbuild': 'ccflags-y += -include $(src)/reef.h\n',
    'drivers/reef/reef.c': '',
  });

  test('is of the folder and of those above, without the top', async () => {
    const { defines, includes } = await compilerFlags(tree, 'drivers/led/led.c');
    expect([...defines].sort()).toEqual(['ABOVE', 'CONFIG_LED', 'LED_NAME']);
    expect(includes).toBe(false);
  });

  test('may be a header', async () => {
    expect((await compilerFlags(tree, 'drivers/reef/reef.c')).includes).toBe(true);
  });
});

test('objects of other directories are known by those that list them', async () => {
  const tree = mapTree({
    'drivers/led/Makefile': 'obj-y += led.o ../power/\nccflags-y += -I$(src)/../power\n',
    'drivers/reef/Makefile': 'obj-$(CONFIG_REEF) += ../led/led.o\nreef-objs := main.o $(src)/../led/blink.o\n',
    'drivers/board/Kbuild': 'obj-y += ../led/led.o\n',
  });
  expect([...(await listedElsewhere(tree))].sort()).toEqual([
    ['drivers/led/blink.o', ['drivers/reef']],
    ['drivers/led/led.o', ['drivers/board', 'drivers/reef']],
  ]);
});
