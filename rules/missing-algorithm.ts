import { gapRun } from './gap-run.ts';
import { defineRule } from './rule.ts';
import { AlgorithmNeeds } from './source/algorithm-needs.ts';

export default defineRule({
  id: 'missing-algorithm',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
Code that asks the crypto API for an algorithm by name and can do nothing without it, in a
configuration of some architecture where nothing that is built registers that name; and that could
not be before the series: because a "select" or a "depends on" is gone, or because the code or the
name in it is new.
## Why it matters
Everything compiles and links. The driver fails when it runs: its probe, or what a user asks of it,
ends with ENOENT, and nothing in Kconfig says why.
## Example
config FOO without "select CRYPTO_SHA256", whose driver calls crypto_alloc_shash("sha256", 0, 0).
## Instead
Select the algorithm, and the template around it: of "hmac(sha256)" both CRYPTO_HMAC and
CRYPTO_SHA256.
## What it misses
Names that are put together at run time or come from tables, users and disks. Code that goes on, or
tries another name, where there is no such algorithm, and functions of which that cannot be told.
Templates that ask for others in turn. Modules that are not loaded when a driver that is built in
asks for them.`,

  begin: (change) => gapRun(change, 'missing-algorithm', AlgorithmNeeds),
});
