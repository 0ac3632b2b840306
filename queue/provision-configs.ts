/**
 * The configurations that Debian builds its kernels with (package linux-config-6.12), as plain files in the
 * cache. A help, not a need: without them less is checked.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ProvisionError } from './provision-cache.ts';
import type { TreeDeps } from './provision-tree.ts';
import { extractPackage } from './provision-tree.ts';

/** `config.<arch>_<featureset>_<flavour>`, as the package names them. */
const CONFIG_NAME = /^config\.[\w+.-]+$/;
const PACKAGE = 'linux-config-6.12';

/** Paths of the cached configurations, sorted; undefined when they were never fetched. */
export function cachedConfigs(cache: string): readonly string[] | undefined {
  const dir = configDir(cache);
  if (!existsSync(dir)) return undefined;
  return readdirSync(dir)
    .filter((name) => CONFIG_NAME.test(name))
    .sort()
    .map((name) => join(dir, name));
}

/**
 * Fetches and unpacks the configurations if they are not there; undefined, after a note, when Debian's package
 * cannot be had. The caller holds the set-up lock.
 */
export async function makeConfigs(deps: TreeDeps): Promise<readonly string[] | undefined> {
  const have = cachedConfigs(deps.cache);
  if (have !== undefined) return have;
  const aside = `${configDir(deps.cache)}.partial`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(join(aside, 'configs'), { recursive: true });
  try {
    const installed = `/usr/src/${PACKAGE}`;
    const from = deps.machine.hasFile(installed)
      ? installed
      : join(await extractPackage(PACKAGE, join(aside, 'deb'), deps), installed);
    for (const name of readdirSync(from).filter((file) => file.endsWith('.xz'))) {
      const ran = await deps.machine.run(['xz', '--decompress', '--stdout', join(from, name)]);
      if (ran.code !== 0) throw new Error(`xz could not unpack ${name}: ${ran.stderr.trim()}`);
      writeFileSync(join(aside, 'configs', basename(name, '.xz')), ran.stdout);
    }
    renameSync(join(aside, 'configs'), configDir(deps.cache));
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error;
    deps.progress.note(`going on without Debian's own configurations: ${error.message.split('\n')[0]}`);
    return undefined;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return cachedConfigs(deps.cache);
}

function configDir(cache: string): string {
  return join(cache, 'debian-configs-6.12');
}
