/**
 * The gates besides the tests, each by name: format and lint, types, dead code. All of them run; the exit
 * status is that of the first that failed.
 */
import { spawnSync } from 'node:child_process';

const GATES = [
  ['format and lint', 'biome', 'ci', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.'],
  ['types', 'tsc', '--project', '.'],
  ['dead code', 'knip'],
];

let status = 0;
for (const [name, program, ...args] of GATES) {
  const began = Date.now();
  const ran = spawnSync(program, args, { stdio: 'inherit' });
  const code = ran.status ?? 2;
  const verdict = code === 0 ? 'passed' : `FAILED with status ${code}${ran.error ? ` (${ran.error.message})` : ''}`;
  process.stdout.write(`gate "${name}" ${verdict} in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  if (code !== 0 && program === 'biome')
    process.stdout.write('"npm run format" mends what is only a matter of format\n');
  status ||= code;
}
process.exitCode = status;
