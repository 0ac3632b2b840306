import { gapRun } from './gap-run.ts';
import { defineRule } from './rule.ts';
import { StubNeeds } from './source/stub-needs.ts';

export default defineRule({
  id: 'failing-probe',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A driver that can be on where its probe, or what its module runs first, can only fail, and could not
before the series: a function that it calls is a stub there, and with what that returns all ways
through the probe end as failures. Of a new driver, where at least three of four drivers that call
the same function cannot be built with the stub.
## Why it matters
Everything compiles, since the stub is there for that. Who is offered the option gets a driver that
never finds its device, and nothing in Kconfig says why.
## Example
config FOO loses "depends on GPIOLIB", and foo_probe() returns what devm_gpiod_get() fails with.
## Instead
Keep the dependency, with "|| COMPILE_TEST" where it is to be built everywhere. Or have the probe do
without: devm_gpiod_get_optional() is NULL where there is no GPIOLIB.
## What it misses
Probes that fail in one case, or do less. Files with another driver that goes well. Stubs that several
headers define, or that call others, or that are called in several places of which none alone decides.
Functions of other files that the probe calls, and macros that may return from it. Modules
for several buses, of which one is off. Drivers whose probe calls the stub only with the series: of
these stubbed-path speaks. New drivers that do as many do, as with GPIOLIB's stubs, or of which some
may be old code in a new place. Drivers that can be on there only under COMPILE_TEST.`,

  begin: (change) => gapRun(change, 'failing-probe', StubNeeds),
});
