import { gapRun } from './gap-run.ts';
import { defineRule } from './rule.ts';
import { BuildNeeds } from './source/build-needs.ts';

export default defineRule({
  id: 'missing-dependency',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
An object that can be built, in some configuration of some architecture, where nothing provides a
function or variable of another file that it uses, nor a stub of it, where it is a module and nothing
exports that, or where all that declares a function, macro,
structure or member that it uses stands under an #if that fails, or in headers of other
architectures alone; and that could not be before the
series: because a "select" or a "depends on" is gone, because a makefile builds more, or because the
object or the use is new.
## Why it matters
The link fails with an undefined reference, or the file does not compile.
## Example
config FOO without "select REGMAP_I2C", whose driver calls devm_regmap_init_i2c().
## Instead
Depend on what provides it, or select it where it is a library without a prompt.
## What it misses
What a header, rather than the file, uses of other architectures. Functions
that code of an architecture or assembly provides as well as others, those that are not exported where a
macro or an inline function of a header leads to them, and those reached through function pointers. Types and members behind macros and typedefs. Files that only
include a header which the series changes. Of a change that concerns very many files the nearest
80 are read.`,

  begin: (change) => gapRun(change, 'missing-dependency', BuildNeeds),
});
