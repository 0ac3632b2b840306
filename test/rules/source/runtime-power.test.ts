import { describe, expect, test } from 'vitest';
import { conditionText } from '../../../rules/source/c-condition.ts';
import { enablesIn, isEnabledIn, powerUsesIn } from '../../../rules/source/runtime-power.ts';
import { readC } from '../../support/c-source.ts';

const RESUME = `static int reef_resume(struct device *dev)
{
	struct reef *reef = dev_get_drvdata(dev);

	return clk_prepare_enable(reef->clk);
}
`;
const TABLE = `static const struct dev_pm_ops reef_pm_ops = {
	SET_RUNTIME_PM_OPS(reef_suspend, reef_resume, NULL)
};
`;
const start = (inside = ''): string => `static int reef_start(struct device *dev)
{
	struct reef *reef = dev_get_drvdata(dev);
${inside}
	return pm_runtime_resume_and_get(dev);
}
struct reef_ops reef_ops = { .start = reef_start };
`;

/** What is enabled under runtime PM alone: \`member function(), line of the table\`, and when nothing else does it. */
const told = (text: string): string[] =>
  powerUsesIn('reef.c', readC(text)).map(
    ({ name, caller, at, when }) => `${name} ${caller}() ${at.line} ${conditionText(when)}`,
  );

describe('powerUsesIn', () => {
  test('finds what only the callback of a table enables', () => {
    expect(told(RESUME + TABLE + start())).toEqual(['clk reef_resume() 8 true']);
  });

  test.each([
    ['.runtime_resume', 'static const struct dev_pm_ops p = {\n\t.runtime_resume = reef_resume,\n};\n', 8],
    ['pm_ptr()', 'static const struct dev_pm_ops p = {\n\t.runtime_resume = pm_ptr(reef_resume),\n};\n', 8],
    ['DEFINE_RUNTIME_DEV_PM_OPS', 'static DEFINE_RUNTIME_DEV_PM_OPS(p, reef_suspend, reef_resume, NULL);\n', 7],
    ['UNIVERSAL_DEV_PM_OPS', 'static UNIVERSAL_DEV_PM_OPS(p, reef_suspend, reef_resume, NULL);\n', 7],
  ])('reads %s', (_, table, line) => {
    expect(told(RESUME + table + start())).toEqual([`clk reef_resume() ${line} true`]);
  });

  test('follows the callback into functions of the file', () => {
    const on = RESUME.replace('reef_resume', 'reef_on');
    const resume = 'static int reef_resume(struct device *dev)\n{\n\treturn reef_on(dev);\n}\n';
    expect(told(on + resume + TABLE + start())).toEqual(['clk reef_on() 12 true']);
    expect(told(on + resume + TABLE + start('\tif (reef_on(dev))\n\t\treturn -EIO;'))).toEqual([]);
  });

  test.each([
    ['is for system sleep', RESUME + TABLE.replace('RUNTIME_PM_OPS', 'SYSTEM_SLEEP_PM_OPS') + start()],
    [
      'is the suspend callback',
      RESUME + TABLE.replace('reef_suspend, reef_resume', 'reef_resume, reef_suspend') + start(),
    ],
    ['is called by others', RESUME.replace('static ', '') + TABLE + start()],
    ['is in a table of another kind', RESUME + TABLE.replace('dev_pm_ops', 'reef_pm') + start()],
    ['is never asked for', RESUME + TABLE],
    ['enables what another function does too', RESUME + TABLE + start('\tclk_prepare_enable(reef->clk);')],
    ['may enable what another function does', RESUME + TABLE + start('\tstruct clk *c = reef->clk;\n\tclk_enable(c);')],
    ['enables what is got enabled', RESUME + TABLE + start('\treef->clk = devm_clk_get_enabled(dev, NULL);')],
    [
      'enables what a variable gets enabled',
      RESUME + TABLE + start('\tstruct clk *c = devm_clk_get_enabled(dev, NULL);'),
    ],
    [
      'enables one of those that are got enabled',
      RESUME.replace('->clk)', '->clks[0].clk)') + TABLE + start('\tdevm_clk_bulk_get_all_enabled(dev, &reef->clks);'),
    ],
    [
      'enables one of those that another function does',
      RESUME.replace('->clk)', '->clks[0].clk)') + TABLE + start('\tclk_bulk_prepare_enable(2, reef->clks);'),
    ],
    [
      'enables all of which another function does each',
      RESUME.replace('clk_prepare_enable(reef->clk)', 'clk_bulk_prepare_enable(2, reef->clks)') +
        TABLE +
        start('\tclk_prepare_enable(reef->clks[0].clk);'),
    ],
    [
      'enables by one member what another function does by another',
      RESUME + TABLE + start('\treef->clk = reef->all[0].clk;\n\tclk_bulk_prepare_enable(2, reef->all);'),
    ],
    [
      'enables what two members hold',
      RESUME + TABLE + start('\treef->clk = c;\n\treef->host->pclk = c;\n\tclk_enable(reef->host->pclk);'),
    ],
    ['is called by a macro', `${RESUME}${TABLE}#define REEF_ON(dev) reef_resume(dev)\n${start('\tREEF_ON(dev);')}`],
    [
      'enables what a macro does',
      `#define REEF_CLK_ON(r) clk_enable((r)->clk)\n${RESUME}${TABLE}${start('\tREEF_CLK_ON(reef);')}`,
    ],
    ['enables what a function of another file may', RESUME + TABLE + start('\treef_power_on(dev, reef->clk);')],
    ['is called by its table', RESUME + TABLE + start('\tdev->driver->pm->runtime_resume(dev);')],
    [
      'is asked for with PM alone',
      RESUME +
        TABLE.replace('SET_', 'SET_SYSTEM_SLEEP_PM_OPS(reef_sleep, reef_start)\n\tSET_') +
        start().replace('struct reef_ops reef_ops = { .start = reef_start };\n', ''),
    ],
    ['is called where PM is off', RESUME + TABLE + start('\tif (!pm_runtime_enabled(dev))\n\t\treef_resume(dev);')],
  ])('says nothing where the callback %s', (_, text) => {
    expect(told(text)).toEqual([]);
  });

  test('tells another clock, and a regulator, from this one', () => {
    const others = '\tclk_prepare_enable(reef->bus_clk);\n\tregulator_enable(reef->vdd);';
    expect(told(RESUME + TABLE + start(others))).toEqual(['clk reef_resume() 8 true']);
  });

  test('tells functions that enable nothing', () => {
    const others =
      '\tif (IS_ERR(reef->clk))\n\t\tdev_info(dev, "%lu", clk_get_rate(reef->clk));\n\treef_on(reef->base);';
    expect(told(RESUME + TABLE + start(others))).toEqual(['clk reef_resume() 8 true']);
  });

  test('says under which condition another function enables it', () => {
    const [one] = powerUsesIn(
      'reef.c',
      readC(RESUME + TABLE + start('#ifdef CONFIG_REEF_OLD\n\tclk_prepare_enable(reef->clk);\n#endif')),
    );
    expect(one?.when).toEqual({ not: { symbol: 'REEF_OLD', is: 'defined' } });
  });
});

describe('enablesIn', () => {
  const [use] = powerUsesIn('reef.c', readC(RESUME + TABLE + start()));

  test.each([
    ['clk_prepare_enable(r->clk);', true],
    ['ret = clk_enable(\n\t\tr->clk);', true],
    ['clk_prepare_enable(r->bus_clk);', false],
    ['clk_disable_unprepare(r->clk);', false],
    ['regulator_enable(r->clk);', false],
    ['r->clk = devm_clk_get_optional_enabled(dev, "bus");', true],
    ['ret = devm_clk_bulk_get_all_enabled(dev, &r->clk);', true],
    ['r->clk = devm_clk_get(dev, "bus");', false],
    ['r->bus_clk = devm_clk_get_enabled(dev, "bus");', false],
  ])('of %j: %s', (text, is) => {
    expect(enablesIn(text, use!)).toBe(is);
  });
});

describe('isEnabledIn', () => {
  const [use] = powerUsesIn('reef.c', readC(RESUME + TABLE + start()));

  test.each([
    ['another function enables it', RESUME + TABLE + start('\tclk_prepare_enable(reef->clk);'), true],
    ['another function enables it, whoever is handed what', start('\tclk_prepare_enable(reef->clk);'), true],
    ['it is got enabled', start('\treef->clk = devm_clk_get_enabled(dev, NULL);'), true],
    ['the callback alone does', RESUME + TABLE + start(), false],
    [
      'the callback alone does, by a variable',
      RESUME.replace('return clk_prepare_enable(reef->clk)', 'struct clk *c = reef->clk;\n\treturn clk_enable(c)') +
        TABLE +
        start(),
      false,
    ],
    ['nothing does', start(), false],
    ['a macro does, of which nothing is known', `#define ON(x) clk_enable(x)\n${start('\tON(reef->clk);')}`, false],
  ])('where %s', (_, text, is) => {
    expect(isEnabledIn(readC(text), use!)).toBe(is);
  });
});

test('a use knows all members that may hold the same', () => {
  const text =
    RESUME + TABLE + start('\treef->clk = reef->all[0].one;\n\treef->host->clk = reef->clk;\n\treef->a = reef->b;');
  expect(powerUsesIn('reef.c', readC(text)).map(({ name, names }) => [name, ...[...names].sort()])).toEqual([
    ['clk', 'all', 'clk', 'one'],
  ]);
});
