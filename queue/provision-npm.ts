/**
 * node_modules as package-lock.json has it. Run as a program by .ci/bootstrap.mjs before anything that
 * imports a package, hence without any itself. Does nothing (and takes milliseconds) when the lock file is
 * the one of the last install.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './provision-lock.ts';

/**
 * Installs what `root`/package-lock.json names if that has changed since the last time; one process at a time.
 * `install` does the work and returns the text of a failure, or undefined. Throws an Error when it fails or
 * when what came is not what the lock file says.
 */
export async function ensureModules(
  root: string,
  install: (root: string) => string | undefined = npmInstall,
): Promise<void> {
  if (isCurrent(root)) return;
  await withLock(join(root, '.cache', 'npm.lock'), async () => {
    // Who held the lock before may have done the work.
    if (isCurrent(root)) return;
    const complaint = install(root);
    if (complaint !== undefined) throw new Error(`npm install failed: ${complaint}`);
    const strays = straysFromLock(root);
    if (strays.length > 0)
      throw new Error(`package-lock.json does not fit package.json (run npm install): ${strays.join(', ')}`);
    writeFileSync(join(root, STAMP), lockDigest(root));
  });
}

/** Inside node_modules, so that it goes with it. */
const STAMP = 'node_modules/.depbot-lock-digest';

function isCurrent(root: string): boolean {
  const stamp = join(root, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockDigest(root);
}

function lockDigest(root: string): string {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Packages that are installed in another version than locked, or are not locked at all; npm keeps the list. */
function straysFromLock(root: string): readonly string[] {
  const locked = lockedVersions(join(root, 'package-lock.json'));
  const installed = lockedVersions(join(root, 'node_modules', '.package-lock.json'));
  return [...installed]
    .filter(([path, version]) => locked.get(path) !== version)
    .map(([path, version]) => `${path} ${version}`);
}

function lockedVersions(file: string): ReadonlyMap<string, string | undefined> {
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { version?: string }> };
  return new Map(
    Object.entries(packages)
      .filter(([path]) => path !== '')
      .map(([path, { version }]) => [path, version]),
  );
}

/**
 * Not `npm ci`: it refuses a lock file without the optional packages of other platforms, and npm writes such
 * lock files (npm/cli issue 4828). --no-save leaves the lock file alone; straysFromLock checks the outcome.
 */
function npmInstall(root: string): string | undefined {
  process.stderr.write('depbot: installing npm packages ...\n');
  const argv = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', argv, { cwd: root, encoding: 'utf8', timeout: 900_000 });
  if (npm.error) return npm.error.message;
  return npm.status === 0 ? undefined : `${npm.stdout}${npm.stderr}`.trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await ensureModules(dirname(dirname(fileURLToPath(import.meta.url))));
  } catch (error) {
    process.stderr.write(`depbot: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
