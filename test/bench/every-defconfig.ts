/**
 * every-defconfig.ts TREE CACHE ARCH...: all defconfigs of the architectures through olddefconfig, in one
 * process. Prints JSON: how many there were, and milliseconds of reading and of evaluating.
 */
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { applyMode, renderMode } from '../../rules/kconfig/modes.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { defconfigsOf } from '../oracle/cases.ts';

const [tree = '', cacheDir = '', ...archs] = process.argv.slice(2);
const source = openDirectory(tree);
const side = await KconfigSide.open(source, { cacheDir });
let [count, readMs, evaluateMs] = [0, 0, 0];
for (const arch of archs) {
  const began = performance.now();
  const values = new Values(source.pool, await side.model(arch));
  const read = performance.now();
  for (const { text } of defconfigsOf(tree, arch)) {
    applyMode(values, 'olddefconfig', { config: text });
    renderMode(values, 'olddefconfig');
    count += 1;
  }
  readMs += read - began;
  evaluateMs += performance.now() - read;
}
process.stdout.write(JSON.stringify({ count, readMs, evaluateMs }));
