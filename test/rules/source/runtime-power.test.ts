import { describe, expect, test } from 'vitest';
import { conditionText } from '../../../rules/source/c-condition.ts';
import { enablesIn, powerUsesIn } from '../../../rules/source/runtime-power.ts';
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
    ['is called where PM is off', RESUME + TABLE + start('\tif (!pm_runtime_enabled(dev))\n\t\treef_resume(dev);')],
  ])('says nothing where the callback %s', (_, text) => {
    expect(told(text)).toEqual([]);
  });

  test('tells another clock, and a regulator, from this one', () => {
    const others = '\tclk_prepare_enable(reef->bus_clk);\n\tregulator_enable(reef->vdd);';
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
  ])('of %j: %s', (text, is) => {
    expect(enablesIn(text, use!)).toBe(is);
  });
});
