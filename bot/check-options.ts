/** What a check needs besides the series and the tree, from the command line and the configuration. */

import type { CheckOptions } from '../queue/check.ts';
import { cacheDir } from '../queue/provision-cache.ts';
import { cachedConfigs } from '../queue/provision-configs.ts';
import { KconfigStore } from '../rules/kconfig/files.ts';
import type { CheckArguments } from './check-command.ts';
import type { Config } from './config.ts';
import { readDistributionConfigs } from './distribution-configs.ts';
import type { World } from './main.ts';

/** Arguments of the command line come before the configuration. Throws ConfigError for a configuration file that cannot be read. */
export function checkOptions(args: CheckArguments, config: Config, world: World): CheckOptions {
  const cache = config.paths.cache ?? cacheDir(world.env);
  const distributions = args.distributionConfig ?? config.check.distribution_configs ?? cachedConfigs(cache) ?? [];
  const archs = args.arch ?? config.check.archs;
  return {
    cacheDir: cache,
    distributions: readDistributionConfigs(distributions),
    trustTree: args.trustTree ?? config.check.trust_tree,
    store: new KconfigStore(),
    now: world.now,
    ...(args.base !== undefined && { base: args.base }),
    ...(config.tree.candidates && { candidates: config.tree.candidates }),
    ...(archs && { archs }),
    ...(args.html !== undefined && { withSurvey: true }),
    noBuild: args.build === false || !config.check.build,
  };
}
