/**
 * served.ts TREE ARCH CACHE: the tree's conf on defconfigs of an architecture, in the sandbox, one after the other:
 * by one server, then with a run for each, the Kconfig files in the file cache. Prints JSON: milliseconds of a
 * configuration, of the server without its start.
 */
import { runConf } from '../../queue/conf.ts';
import { ConfServer } from '../../queue/conf-server.ts';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { defconfigsOf } from '../oracle/cases.ts';
import { median } from './measure.ts';

const [SERVED, PLAIN] = [24, 5];

const [tree = '', arch = '', cacheDir = ''] = process.argv.slice(2);
const texts = defconfigsOf(tree, arch).map(({ text }) => text);
const config = (i: number): string => texts[i % texts.length]!;
const side = await KconfigSide.open(openDirectory(tree), { cacheDir });
await side.model(arch);
const job = await side.confJob(arch);

async function timed(count: number, work: (config: string) => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const began = performance.now();
    await work(config(i));
    took.push(performance.now() - began);
  }
  return median(took);
}

const server = await ConfServer.open(job);
await server.olddefconfig(config(0));
const servedMs = await timed(SERVED, async (text) => {
  if ((await server.olddefconfig(text)) === undefined) throw new Error(`the server of ${arch} gave no answer`);
});
await server.close();
const plainMs = await timed(PLAIN, (text) => runConf({ ...job, mode: 'olddefconfig', config: text }));
process.stdout.write(JSON.stringify({ servedMs, plainMs }));
