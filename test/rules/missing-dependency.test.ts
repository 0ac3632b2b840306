/** What a finding of missing-dependency is said to concern. */
import { expect, test } from 'vitest';
import missingDependency from '../../rules/missing-dependency.ts';
import { runRule } from '../support/rule-run.ts';

test('the entry whose line is to blame is concerned, where the code is built under a helper that it selects', async () => {
  const kconfig = (lines: string): string =>
    `config TOUCH_REEF\n\tbool "Reef"\n\tselect REEF_CORE\n${lines}\nconfig REEF_CORE\n\tbool\n\nconfig CRC_REEF\n\tbool\n`;
  const tree = (lines: string): Record<string, string> => ({
    Kconfig: 'source "arch/$(SRCARCH)/Kconfig"\nsource "drivers/Kconfig"\n',
    Kbuild: 'obj-y += drivers/\n',
    'arch/x86/Kconfig': 'config X86\n\tdef_bool y\n',
    'drivers/Kconfig': kconfig(lines),
    'drivers/Makefile': 'obj-$(CONFIG_REEF_CORE) += reef.o\nobj-$(CONFIG_CRC_REEF) += crc.o\n',
    'drivers/reef.c': '#include <linux/crc.h>\n\nint reef_check(int data)\n{\n\treturn reef_crc(data);\n}\n',
    'drivers/crc.c':
      '#include <linux/crc.h>\n\nint reef_crc(int data)\n{\n\treturn data * 7;\n}\nEXPORT_SYMBOL(reef_crc);\n',
    'include/linux/crc.h': 'int reef_crc(int data);\n',
  });
  const found = await runRule(missingDependency, tree('\tselect CRC_REEF\n'), tree(''));
  expect(found.map(({ symbols }) => symbols)).toEqual([['REEF_CORE', 'CRC_REEF', 'TOUCH_REEF']]);
});
