/** The systemd units: systemd takes them, both are walled in alike, and nothing is set that the sandbox cannot live with. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const UNITS = ['depbot.service', 'depbot-worker.service'];
const read = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs/systemd', name), 'utf8');
/** Settings, without comments and what each unit has for itself. */
const settings = (name: string): string[] =>
  read(name)
    .split('\n')
    .filter((line) => /^\w+=/.test(line) && !/^(Description|ExecStart|StateDirectory|Environment)=/.test(line));

test('both units have the same settings, and none that breaks the sandbox or Node', () => {
  expect(settings('depbot-worker.service')).toEqual(settings('depbot.service'));
  const forbidden =
    /^(RestrictNamespaces|ProtectHostname|ProtectKernelTunables|ProtectKernelLogs|ProtectProc|ProcSubset|MemoryDenyWriteExecute|PrivateUsers)=/;
  expect(settings('depbot.service').filter((line) => forbidden.test(line))).toEqual([]);
  for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'CapabilityBoundingSet=', 'User=depbot'])
    expect(settings('depbot.service')).toContain(line);
});

test('systemd has nothing to say against them', () => {
  const dir = mkdtempSync(join(tmpdir(), 'depbot-test-'));
  try {
    // Neither the program nor its manual page is installed here.
    for (const name of UNITS)
      writeFileSync(
        join(dir, name),
        read(name)
          .replace('/usr/local/bin/depbot', '/bin/true')
          .replace(/^Documentation.*\n/m, ''),
      );
    const ran = spawnSync('systemd-analyze', ['verify', ...UNITS.map((name) => join(dir, name))], {
      encoding: 'utf8',
    });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
