/**
 * second.ts TREE ARCH CACHE CONFIG OTHER: in one process, one configuration, then a second, then twenty by
 * turns. Prints JSON: milliseconds of the second, and the median of the last ten.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { applyMode, renderMode } from '../../rules/kconfig/modes.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { median } from './measure.ts';

const [tree = '', arch = '', cacheDir = '', ...configs] = process.argv.slice(2);
const texts = configs.map((path) => readFileSync(join(tree, path), 'latin1'));
const source = openDirectory(tree);
const side = await KconfigSide.open(source, { cacheDir });
const values = new Values(source.pool, await side.model(arch));
const took = Array.from({ length: 22 }, (_, i) => {
  const began = performance.now();
  applyMode(values, 'olddefconfig', { config: texts[i % texts.length]! });
  renderMode(values, 'olddefconfig');
  return performance.now() - began;
});
process.stdout.write(JSON.stringify({ secondMs: took[1], warmMs: median(took.slice(-10)) }));
