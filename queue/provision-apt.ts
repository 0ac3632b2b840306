/**
 * Debian packages: which are missing, how they come. Commands and files are looked for, not package names, so
 * that a machine that has them from elsewhere is left in peace. apt-get(8).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProvisionError } from './provision-cache.ts';
import type { Machine, Ran } from './provision-machine.ts';
import type { Progress } from './provision-progress.ts';

/** Something a package brings: present when its command or file is. */
export interface Need {
  readonly package: string;
  readonly command?: string;
  readonly file?: string;
}

/** To apply a series and to run a tree's own Kconfig: git, the sandbox, and what builds scripts/kconfig/conf. */
export const RUN_NEEDS: readonly Need[] = [
  { package: 'git', command: 'git' },
  { package: 'bubblewrap', command: 'bwrap' },
  { package: 'make', command: 'make' },
  { package: 'gcc', command: 'gcc' },
  { package: 'libc6-dev', file: '/usr/include/stdio.h' },
  { package: 'flex', command: 'flex' },
  { package: 'bison', command: 'bison' },
  // for a build: kernel/time/timeconst.bc
  { package: 'bc', command: 'bc' },
  { package: 'xz-utils', command: 'xz' },
];

/** On top for `depbot serve`: its own Redis, and what ends it with its parent. */
export const SERVICE_NEEDS: readonly Need[] = [
  { package: 'redis-server', command: 'redis-server' },
  { package: 'util-linux', command: 'setpriv' },
];

/** On top for its demo: a mail server with IMAP. */
export const DEMO_NEEDS: readonly Need[] = [{ package: 'dovecot-imapd', file: '/usr/lib/dovecot/imap' }];

/** What says of an architecture that is not the machine's own what its compiler can do, and builds for it. */
export const COMPILER_NEEDS: readonly Need[] = [{ package: 'gcc-aarch64-linux-gnu', command: 'aarch64-linux-gnu-gcc' }];

/** On top for the tests: the kernel's own scripts/kconfig/tests run under pytest, Kconfiglib is a second opinion, and
 * public-inbox is what archives of kernel lists run. */
export const TEST_NEEDS: readonly Need[] = [
  ...COMPILER_NEEDS,
  { package: 'python3', command: 'python3' },
  { package: 'chromium', file: '/usr/bin/chromium' },
  { package: 'python3-pytest', file: '/usr/lib/python3/dist-packages/pytest/__init__.py' },
  { package: 'python3-kconfiglib', file: '/usr/lib/python3/dist-packages/kconfiglib.py' },
  { package: 'openssl', command: 'openssl' },
  // what a series can not leave to the next one
  { package: 'ccache', command: 'ccache' },
  // clocks that jump
  { package: 'faketime', command: 'faketime' },
  { package: 'public-inbox', command: 'public-inbox-imapd' },
  // completions, the manual page and the units are tried with what reads them
  { package: 'fish', command: 'fish' },
  { package: 'zsh', command: 'zsh' },
  { package: 'groff-base', command: 'groff' },
  { package: 'systemd', command: 'systemd-analyze' },
];

/** Packages of `needs` that are not there, in their order, each once. */
export function missingPackages(needs: readonly Need[], machine: Machine): readonly string[] {
  const missing = needs.filter(({ command, file }) => {
    if (command !== undefined) return !machine.hasCommand(command);
    return file !== undefined && !machine.hasFile(file);
  });
  return [...new Set(missing.map((need) => need.package))];
}

/**
 * Installs `packages` as root or through `sudo -n`. The package lists are fetched only when apt cannot do
 * without. Throws a ProvisionError that holds the one line to run when neither is allowed, or what apt said.
 */
export async function installPackages(
  packages: readonly string[],
  machine: Machine,
  progress: Progress,
): Promise<void> {
  if (packages.length === 0) return;
  const byHand = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!machine.hasCommand('apt-get')) {
    throw new ProvisionError(
      `not a Debian system, and these are missing (by their Debian names): ${packages.join(' ')}`,
    );
  }
  const prefix = await rootPrefix(machine);
  if (prefix === undefined) {
    const line = machine.hasCommand('sudo') ? `sudo sh -c '${byHand}'` : `su -c '${byHand}'`;
    throw new ProvisionError(
      `Debian packages are missing: ${packages.join(' ')}. Run this once, then try again:\n\n    ${line}\n`,
    );
  }
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  const step = progress.step(`installing ${packages.length} Debian packages`, 200);
  try {
    let ran = await aptGet(install, machine, prefix, step.to);
    // No lists yet, or lists so old that the archive has dropped what they name.
    if (ran.code !== 0) {
      await aptGet(['update', '-q'], machine, prefix);
      ran = await aptGet(install, machine, prefix, step.to);
    }
    if (ran.code !== 0) throw new ProvisionError(`apt-get could not install ${packages.join(' ')}:\n${lastLines(ran)}`);
  } catch (error) {
    step.fail();
    throw error;
  }
  step.end(packages.join(' '));
}

/**
 * Fetches the archive of one package into the empty folder `into`, without installing it and without needing
 * to be root: where apt has no usable lists and may not fetch them for the system, private ones are kept
 * below `cache`. Throws a ProvisionError when apt does not find it.
 */
export async function downloadPackage(
  name: string,
  into: string,
  deps: { readonly cache: string; readonly machine: Machine; readonly progress: Progress },
): Promise<void> {
  const { cache, machine, progress } = deps;
  if (!machine.hasCommand('apt-get')) throw new ProvisionError(`not a Debian system: cannot fetch the package ${name}`);
  const step = progress.step(`downloading ${name}`, 100);
  let ran: Ran | undefined;
  for (const options of await listSources(cache, machine)) {
    if (ran !== undefined) await aptGet([...options, 'update', '-q'], machine, options.length > 0 ? [] : undefined);
    ran = await aptGet([...options, 'download', '-q', name], machine, [], step.to, into);
    if (ran.code === 0) return step.end();
  }
  step.fail();
  throw new ProvisionError(`apt-get could not download ${name}:\n${ran ? lastLines(ran) : ''}`);
}

/**
 * Options of apt to try in turn: the system's lists as they are; then, refreshed first, the system's again if
 * we may, else private ones.
 */
async function listSources(cache: string, machine: Machine): Promise<readonly (readonly string[])[]> {
  if ((await rootPrefix(machine)) !== undefined) return [[], []];
  const apt = join(cache, 'apt');
  mkdirSync(join(apt, 'lists', 'partial'), { recursive: true });
  return [[], ['-o', `Dir::State::lists=${join(apt, 'lists')}`, '-o', `Dir::Cache=${apt}`, '-o', 'Debug::NoLocking=1']];
}

/** What to put before a command to run it as root; undefined when that is not allowed. */
async function rootPrefix(machine: Machine): Promise<readonly string[] | undefined> {
  if (machine.isRoot) return [];
  if (!machine.hasCommand('sudo')) return undefined;
  const { code } = await machine.run(['sudo', '-n', 'true']);
  return code === 0 ? ['sudo', '-n'] : undefined;
}

/** Runs apt-get; `prefix` undefined means as root as far as allowed. `onPercent` gets 0 to 200: fetch, then unpack. */
async function aptGet(
  args: readonly string[],
  machine: Machine,
  prefix?: readonly string[],
  onPercent?: (percent: number) => void,
  cwd?: string,
): Promise<Ran> {
  const asRoot = prefix ?? (await rootPrefix(machine)) ?? [];
  // sudo closes descriptor 3, so apt writes its status only where it is run directly.
  const withStatus = onPercent !== undefined && asRoot.length === 0;
  // env: so that sudo does not drop the variable. Sandbox::User: _apt cannot write into the cache of root.
  const argv = [
    ...[...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'],
    ...['-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', '-o', 'Acquire::Retries=3'],
    ...(machine.isRoot ? ['-o', 'APT::Sandbox::User=root'] : []),
    ...(withStatus ? ['-o', 'APT::Status-Fd=3'] : []),
    ...args,
  ] as unknown as [string, ...string[]];
  return machine.run(argv, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(withStatus ? { onStatus: (line) => readStatus(line, onPercent) } : {}),
  });
}

/** `dlstatus:1:42.5:Retrieving ...` and `pmstatus:flex:42.5:Unpacking ...` (apt's README.progress-reporting). */
function readStatus(line: string, onPercent: (percent: number) => void): void {
  const [kind, , percent] = line.split(':');
  const value = Number(percent);
  if (!Number.isFinite(value)) return;
  if (kind === 'dlstatus') onPercent(value);
  if (kind === 'pmstatus') onPercent(100 + value);
}

function lastLines(ran: Ran): string {
  const lines = `${ran.stdout}\n${ran.stderr}`.split('\n').filter((line) => /^(E|W|Err|N):/.test(line));
  return (lines.length > 0 ? lines : ran.stderr.split('\n')).slice(-8).join('\n');
}
