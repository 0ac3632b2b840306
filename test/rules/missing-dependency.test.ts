/** What a finding of missing-dependency is said to concern. */
import { expect, test } from 'vitest';
import missingDependency from '../../rules/missing-dependency.ts';
import { fakeConf, runRule } from '../support/rule-run.ts';

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

test('what the dropped line selects is told first, and that line mends all that is lacking by it', async () => {
  const tree = (lines: string): Record<string, string> => ({
    Kconfig: 'source "arch/$(SRCARCH)/Kconfig"\nsource "drivers/Kconfig"\n',
    Kbuild: 'obj-y += drivers/\n',
    'arch/x86/Kconfig': 'config X86\n\tdef_bool y\n',
    'drivers/Kconfig': [
      `menuconfig REEF\n\tbool "Reefs"\n\nif REEF\n\nconfig REEF_CLOCK\n\ttristate "Clock"\n${lines}\nendif\n`,
      'config REEF_OTHER\n\ttristate "Other"\n\tselect MAP_BUS\n',
      'config MAP\n\tbool\n\tdefault y if MAP_BUS\n',
      'config MAP_BUS\n\ttristate\n',
    ].join('\n'),
    'drivers/Makefile': 'obj-$(CONFIG_REEF) += reef/\nobj-$(CONFIG_MAP_BUS) += map-bus.o\n',
    'drivers/reef/Makefile': 'obj-$(CONFIG_REEF_CLOCK) += clock.o\n',
    'drivers/reef/clock.c':
      '#include <linux/map.h>\n\nstatic const struct map_config config = {\n\t.bits = 8,\n};\n\nint clock_probe(void)\n{\n\treturn map_bus_init(&config);\n}\n',
    'drivers/map-bus.c':
      '#include <linux/map.h>\n\nint map_bus_init(const struct map_config *config)\n{\n\treturn config->bits;\n}\nEXPORT_SYMBOL(map_bus_init);\n',
    'include/linux/map.h':
      '#ifdef CONFIG_MAP\nstruct map_config {\n\tint bits;\n};\n#endif\nstruct map_config;\nint map_bus_init(const struct map_config *config);\n',
  });
  const found = await runRule(missingDependency, tree('\tselect MAP_BUS\n'), tree(''), ['x86']);
  expect(found.map(({ symbols }) => symbols)).toEqual([['REEF_CLOCK', 'MAP_BUS', 'MAP']]);
  const { needed, repairs, others, values } = found[0]!.claim as Record<string, object[]>;
  expect(needed).toEqual(['MAP_BUS']);
  expect(others).toMatchObject([{ needed: 'MAP', name: 'map_config' }]);
  expect(repairs![0]).toEqual({ kind: 'select', symbol: 'REEF_CLOCK', text: 'MAP_BUS', lostOn: [] });
  expect(found[0]!.evidence.at(-1)).toMatchObject({ kind: 'source', side: 'before', text: 'select MAP_BUS' });
  const conf = fakeConf(() => ({}));
  const attempts = await found[0]!.confirm(conf);
  expect(attempts.map(({ side, config }) => `${side} x86 ${config}`).sort()).toEqual(conf.asked.sort());
  expect(values!.map((one) => (one as { symbol: string }).symbol).sort()).toEqual(['MAP_BUS', 'REEF_CLOCK']);
});
