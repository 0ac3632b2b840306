import { describe, expect, test } from 'vitest';
import { CTree } from '../../../rules/source/c-definitions.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { EntryCode, isOfOneBus, type StubCall } from '../../../rules/source/failing-entries.ts';
import { HeaderReach, WordStore } from '../../../rules/source/header-reach.ts';
import { Unit } from '../../../rules/source/meanings.ts';
import { kconfigText, readC } from '../../support/c-source.ts';
import { mapTree } from '../../support/dir-tree.ts';

const HEADER = `#ifdef CONFIG_BUS
int bus_map(struct device *dev);
bool bus_ok(void);
#else
static inline int bus_map(struct device *dev)
{
	return -ENOSYS;
}
static inline bool bus_ok(void)
{
	return false;
}
#endif
static inline int without_bus(int err) { return err == -ENOSYS ? 0 : err; }
`;
const DRIVER = 'static struct platform_driver reef_driver = {\n\t.probe = reef_probe,\n};\n';
const REGISTERED = `${DRIVER}module_platform_driver(reef_driver);\n`;
const probe = (body: string, name = 'reef_probe'): string => `static int ${name}(struct platform_device *pdev)
{
	int ret = bus_map(&pdev->dev);

${body}
	return 0;
}
`;
const FAILS = '\tif (ret)\n\t\treturn ret;';
const GOES_ON = '\tif (ret && ret != -ENOSYS)\n\t\treturn ret;';

/** Calls of stubs with which all can only fail. */
async function fatalCalls(text: string, header = HEADER): Promise<StubCall[]> {
  const files = { 'reef.c': `#include <linux/bus.h>\n${text}`, 'include/linux/bus.h': header };
  const tree = new CTree(mapTree(files), new CFileCache(async (one) => ({ ok: true, file: readC(one) })));
  const unit = await Unit.open(tree, 'reef.c', new HeaderReach(tree.tree, new WordStore()));
  const code = new EntryCode(unit!);
  const found: StubCall[] = [];
  for (const one of await code.stubCalls()) {
    const call = await code.fatal(one);
    if (call) found.push(call);
  }
  return found;
}

/** The same as `entry stub`, and when. */
const fatal = async (text: string, header?: string): Promise<string[]> =>
  (await fatalCalls(text, header)).map(
    ({ entry, name, when, declared }) => `${entry} ${name}: ${kconfigText(when)}, but for ${kconfigText(declared)}`,
  );

describe('EntryCode', () => {
  test('finds a probe that fails with what a stub returns', async () => {
    expect(await fatal(probe(FAILS) + REGISTERED)).toEqual(['reef_probe bus_map: y, but for BUS=y']);
  });

  test('finds an init function that does', async () => {
    const init = 'static int __init reef_init(void)\n{\n\tif (!bus_ok())\n\t\treturn -ENODEV;\n\treturn reef();\n}\n';
    expect(await fatal(`${init}module_init(reef_init);\n`)).toEqual(['reef_init bus_ok: y, but for BUS=y']);
    const other = 'static int __init other_init(void)\n{\n\treturn reef();\n}\nlate_initcall(other_init);\n';
    expect(await fatal(`${init}module_init(reef_init);\n${other}`)).toEqual([]);
  });

  test('follows functions of the file', async () => {
    const own = 'static int own(int err)\n{\n\tif (err == -ENOENT)\n\t\treturn 0;\n\treturn err;\n}\n';
    const text = own + probe(`\tret = own(ret);\n${FAILS}`) + REGISTERED;
    expect(await fatal(text)).toEqual(['reef_probe bus_map: y, but for BUS=y']);
    expect(await fatal(text.replace('-ENOENT', '-ENOSYS'))).toEqual([]);
  });

  test('says when a driver is registered', async () => {
    const init = `static int __init reef_init(void)
{
	if (IS_ENABLED(CONFIG_BUS))
		return platform_driver_register(&reef_driver);
	return reef();
}
module_init(reef_init);
`;
    expect(await fatal(probe(FAILS) + DRIVER + init)).toEqual(['reef_probe bus_map: BUS=y || BUS=m, but for BUS=y']);
  });

  const macro = (body: string): string => `#define UNLESS_NONE(err) do { ${body} } while (0)\n`;
  const byMacro = probe(`\tUNLESS_NONE(ret);\n${FAILS}`) + REGISTERED;
  const second = DRIVER.replaceAll('reef_', 'other_');

  test.each([
    ['goes on with it', probe(GOES_ON) + REGISTERED],
    ['hands it to an inline function of a header', probe(`\tret = without_bus(ret);\n${FAILS}`) + REGISTERED],
    ['has a macro that returns', macro('if ((err) == -ENOSYS) return 0;') + byMacro],
    ['has a macro that jumps', macro('if ((err) == -ENOSYS) goto out;') + byMacro],
    ['has a macro that sets it', macro('if ((err) == -ENOSYS) (err) = 0;') + byMacro],
    ['is one of several in a table', probe(FAILS) + REGISTERED.replace('reef_driver =', 'reef_driver[] =')],
    [
      'is one of two drivers, of which the other goes on',
      probe(FAILS) + DRIVER + probe(GOES_ON, 'other_probe') + second,
    ],
  ])('says nothing where the probe %s', async (_, text) => {
    expect(await fatal(text)).toEqual([]);
  });

  test('follows a macro that neither returns nor sets anything', async () => {
    expect(await fatal(macro('if ((err) == -ENOSYS) told = (err);') + byMacro)).toHaveLength(1);
  });

  test('finds two drivers that both can only fail', async () => {
    expect(await fatal(probe(FAILS) + DRIVER + probe(FAILS, 'other_probe') + second)).toEqual([
      'reef_probe bus_map: y, but for BUS=y',
      'other_probe bus_map: y, but for BUS=y',
    ]);
  });

  test('says nothing where a macro stands in the way of the stub', async () => {
    const text = probe(FAILS) + REGISTERED;
    expect(await fatal(text, `${HEADER}#define bus_map(dev) bus_map_of(dev, THIS_MODULE)\n`)).toEqual([]);
    const onlyWhereOn = '#ifdef CONFIG_BUS\n#define bus_map(dev) bus_map_of(dev, THIS_MODULE)\n#endif\n';
    expect(await fatal(text, HEADER + onlyWhereOn)).toHaveLength(1);
  });

  test('tells the call that all good ways pass', async () => {
    const note = 'static void note(struct device *dev)\n{\n\tif (bus_map(dev))\n\t\tpr_info("none\\n");\n}\n';
    const text = note + probe(FAILS) + REGISTERED;
    const before = text.replace('\tif (ret)', '\tif (verbose)\n\t\tnote(&pdev->dev);\n\tif (ret)');
    const lines = before.split('\n');
    const [call] = await fatalCalls(before);
    expect(call?.lines).toHaveLength(2);
    expect(lines[call!.line - 2]).toBe('\tint ret = bus_map(&pdev->dev);');
  });

  test('says nothing where no call alone is on all good ways', async () => {
    const text = probe(
      '\tif (one)\n\t\tret = bus_map(one);\n\telse\n\t\tret = bus_map(pdev);\n\tif (ret)\n\t\treturn ret;',
    );
    expect(await fatal(text.replace('ret = bus_map(&pdev->dev)', 'ret') + REGISTERED)).toEqual([]);
  });
});

describe('isOfOneBus', () => {
  const of = async (type: string): Promise<StubCall> =>
    (await fatalCalls(probe(FAILS) + REGISTERED.replace('platform_driver', type)))[0]!;
  const OTHER = 'static struct platform_driver other = {\n};\n';

  test.each([
    ['another file is for another bus', 'bus_driver', [OTHER], true],
    ['the other files are for the same', 'bus_driver', [OTHER.replace('platform', 'bus')], false],
    ['there is no other file', 'bus_driver', [], false],
    ['the stub is not of the bus', 'pci_driver', [OTHER], false],
  ])('where %s', async (_, type, beside, is) => {
    expect(isOfOneBus(await of(type), beside)).toBe(is);
  });
});
