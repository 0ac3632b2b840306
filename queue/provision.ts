/**
 * Set-up of the machine: what depbot and its tests need, fetched where it is missing. A second call finds
 * everything in place and takes milliseconds.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  COMPILER_NEEDS,
  DEMO_NEEDS,
  installPackages,
  missingPackages,
  RUN_NEEDS,
  SERVICE_NEEDS,
  TEST_NEEDS,
} from './provision-apt.ts';
import type { Env } from './provision-cache.ts';
import { cacheDir, cachedTree } from './provision-cache.ts';
import { cachedConfigs, makeConfigs } from './provision-configs.ts';
import { withLock } from './provision-lock.ts';
import type { Machine } from './provision-machine.ts';
import { thisMachine } from './provision-machine.ts';
import type { Progress } from './provision-progress.ts';
import { showProgress } from './provision-progress.ts';
import { givenTree, makeTree } from './provision-tree.ts';

export { cacheDir, ProvisionError } from './provision-cache.ts';

/**
 * - `packages`: the programs that `check` runs (git, bubblewrap, compiler, flex, bison ...)
 * - `service-packages`: those of `serve` (Redis)
 * - `demo-packages`: those of its demo (Dovecot)
 * - `test-packages`: those of the tests (a browser, pytest, Kconfiglib, public-inbox)
 * - `compilers`: of architectures beside the machine's own, as far as tests and measurements have some
 * - `tree`: a kernel's git work tree
 * - `debian-configs`: Debian's kernel configurations, where they can be had
 */
export type Want =
  | 'packages'
  | 'service-packages'
  | 'demo-packages'
  | 'test-packages'
  | 'compilers'
  | 'tree'
  | 'debian-configs';

export interface ProvisionOptions {
  /** A kernel tree to use, untouched, instead of fetching one; `DEPBOT_TREE` where absent. */
  readonly tree?: string;
  readonly env?: Env;
  readonly machine?: Machine;
  readonly progress?: Progress;
}

export interface Provisioned {
  /** Absolute path of the work tree; there when `tree` was wanted. */
  readonly tree?: string;
  /** Absolute paths of plain `.config` files, sorted; there when wanted and to be had. */
  readonly debianConfigs?: readonly string[];
}

/**
 * Provides what is wanted. Throws a ProvisionError, whose message says what to do, where that is not possible:
 * packages missing and no right to install them, no room, a given tree that is none.
 */
export async function provision(wants: readonly Want[], options: ProvisionOptions = {}): Promise<Provisioned> {
  const env = options.env ?? process.env;
  const machine = options.machine ?? thisMachine(env);
  const progress = options.progress ?? showProgress();
  const cache = cacheDir(env);
  const given = options.tree ?? env['DEPBOT_TREE'];
  const needs = [
    ...(wants.includes('packages') ? RUN_NEEDS : []),
    ...(wants.includes('service-packages') ? SERVICE_NEEDS : []),
    ...(wants.includes('demo-packages') ? DEMO_NEEDS : []),
    ...(wants.includes('test-packages') ? TEST_NEEDS : []),
    ...(wants.includes('compilers') ? COMPILER_NEEDS : []),
  ];
  const tree = wants.includes('tree') && given ? givenTree(given) : undefined;

  const isMissing = {
    packages: () => missingPackages(needs, machine),
    tree: () => wants.includes('tree') && tree === undefined && !existsSync(cachedTree(cache)),
    configs: () => wants.includes('debian-configs') && cachedConfigs(cache) === undefined,
  };
  if (isMissing.packages().length > 0 || isMissing.tree() || isMissing.configs()) {
    const work = async (): Promise<void> => {
      const deps = { cache, machine, env, progress };
      // Asked again: who held the lock before may have done it.
      await installPackages(isMissing.packages(), machine, progress);
      if (isMissing.tree()) await makeTree(deps);
      if (isMissing.configs()) await makeConfigs(deps);
    };
    await withLock(join(cache, 'provision.lock'), work, () => progress.note('waiting for another set-up to finish'));
  }

  const configs = wants.includes('debian-configs') ? cachedConfigs(cache) : undefined;
  return {
    ...(wants.includes('tree') ? { tree: tree ?? cachedTree(cache) } : {}),
    ...(configs === undefined ? {} : { debianConfigs: configs }),
  };
}
