import { gapRun } from './gap-run.ts';
import { defineRule } from './rule.ts';
import { PowerNeeds } from './source/power-needs.ts';

export default defineRule({
  id: 'runtime-pm-only',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A driver that can be built with PM off although only its runtime resume callback enables one of its
clocks or regulators, where that could not be before the series: because it depended on PM, or
because its probe, say, enabled them itself.
## Why it matters
Everything compiles, and pm_runtime_resume_and_get() and its like are stubs that report success. The
driver talks to a device whose clock nobody has enabled: it does not answer, or the bus hangs.
## Example
i2c-foo.c calls clk_prepare_enable() in probe; a series moves that into foo_runtime_resume(), and
config I2C_FOO does not depend on PM.
## Instead
Depend on PM. Or call the callback where pm_runtime_enabled() is false, and undo it on removal.
## What it misses
New drivers, and clocks that nothing enabled before: whether these are meant to work without PM is for
their authors to say. Drivers that can be on without PM only under COMPILE_TEST. Clocks and regulators
that another file of the directory enables, or that a local variable or a macro may stand for where one
is enabled. Clocks that a PM domain enables. Drivers that another file asks runtime PM for. Files of
which a function cannot be read as a whole.`,

  begin: (change) => gapRun(change, 'runtime-pm-only', PowerNeeds),
});
