import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConfSource } from '../../queue/conf-servers.ts';
import { ConfServers } from '../../queue/conf-servers.ts';
import { cacheDir } from '../../queue/provision.ts';
import { closePlace, fakeConf, openPlace, processesOf } from '../support/fake-conf.ts';

let dir = '';
let servers: ConfServers;

beforeEach(() => {
  dir = openPlace();
  servers = new ConfServers();
});

afterEach(async () => {
  await servers.close();
  closePlace(dir);
});

/** Prints a number of its own for each time that the Kconfig files are read. */
const READ = `
  unsigned int once;
  read(open("/dev/urandom", O_RDONLY), &once, sizeof(once));
  printf("%u\\n", once);
  read_config();`;

/** For each key the same conf, with this body of main(). */
function sources(main: string): (key: string) => ConfSource {
  const job = fakeConf(dir, cacheDir(), main);
  return (key) => ({ key, job: async () => job });
}

describe('servers', () => {
  test('read the Kconfig files of each tree once, in whatever order its configurations come', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const keys = Array.from({ length: 21 }, (_, i) => `tree ${i % 7}`);
    const asked = keys.map(async (key, i) => ({ key, run: await servers.olddefconfig(of(key), `${i}\n`) }));
    const answers = await Promise.all(asked);
    expect(answers.map(({ run }) => run.config)).toEqual(keys.map((_, i) => `${i}\n# done\n`));
    const readings = new Set(answers.map(({ key, run }) => `${key}: ${run.stdout}`));
    expect(readings.size).toBe(7);
    expect(new Set(answers.map(({ run }) => run.stdout)).size).toBe(7);
  });

  test('are kept for those that come later, and a few only', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const ask = async (key: string) => (await servers.olddefconfig(of(key), 'x')).stdout;
    const first = await ask('a');
    expect(await ask('a')).toBe(first);
    for (const key of ['b', 'c', 'd', 'e', 'f', 'g']) await ask(key);
    expect(await ask('a')).not.toBe(first);
    expect(processesOf(`${dir}/src`).length).toBeGreaterThan(0);
  });

  test('for very many of one tree are two', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const asked = Array.from({ length: 60 }, (_, i) => servers.olddefconfig(of('a'), `${i}\n`));
    const runs = await Promise.all(asked);
    expect(runs.map(({ config }) => config)).toEqual(runs.map((_, i) => `${i}\n# done\n`));
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(2);
  });

  test('can be started before they are asked, where there is room', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const source = of('a');
    const opened: string[] = [];
    const counted = (key: string): ConfSource => ({
      key,
      job() {
        opened.push(key);
        return source.job();
      },
    });
    await Promise.all(['a', 'a', 'b', 'c', 'd', 'e', 'f'].map((key) => servers.prepare(counted(key))));
    expect(opened).toEqual(['a', 'b', 'c', 'd']);
    const preparing = servers.prepare(counted('a'));
    const runs = await Promise.all(['a', 'b', 'c', 'd'].map((key) => servers.olddefconfig(counted(key), 'A')));
    await preparing;
    expect(runs.map(({ config }) => config)).toEqual(Array(4).fill('A# done\n'));
    expect(opened).toEqual(['a', 'b', 'c', 'd']);
  });

  test('that cannot be started say so when they are asked', async () => {
    const broken: ConfSource = { key: 'broken', job: () => Promise.reject(new Error('conf does not build')) };
    await servers.prepare(broken);
    await expect(servers.olddefconfig(broken, 'x')).rejects.toThrow('conf does not build');
  });

  test('that cannot tell are not asked again: each configuration has a run of its own', async () => {
    const of = sources(`${READ} if (*text == 'B') raise(SIGKILL); write_config(); return 0;`);
    const ask = (key: string, config: string) => servers.olddefconfig(of(key), config);
    const good = await ask('a', 'A');
    expect(await ask('a', 'B')).toMatchObject({ exitCode: 137, timedOut: false, config: 'B' });
    const [one, two] = [await ask('a', 'A'), await ask('a', 'A')];
    expect([good.config, one.config, two.config]).toEqual(['A# done\n', 'A# done\n', 'A# done\n']);
    expect(new Set([good.stdout, one.stdout, two.stdout]).size).toBe(3);
    expect(processesOf(`${dir}/src`)).toEqual([]);
  });

  test('are not for a tree that is run bare', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const bare = { ...of('a'), trustTree: true };
    const runs = [await servers.olddefconfig(bare, 'A'), await servers.olddefconfig(bare, 'A')];
    expect(runs.map(({ config }) => config)).toEqual(['A# done\n', 'A# done\n']);
    expect(runs[0]?.stdout).not.toBe(runs[1]?.stdout);
  });

  test('fail all that wait when one cannot be had', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const broken: ConfSource = { key: 'broken', job: () => Promise.reject(new Error('conf does not build')) };
    const asked = [broken, of('a'), of('b'), of('c')].map((source) => servers.olddefconfig(source, 'x'));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: { message: 'conf does not build' } });
    expect(outcomes[3]).toEqual(outcomes[0]);
    await expect(servers.olddefconfig(of('a'), 'x')).rejects.toThrow('conf does not build');
  });

  test('end when they are closed, those that start as well', async () => {
    const of = sources(`${READ} write_config(); return 0;`);
    const asked = Promise.allSettled(['a', 'b'].map((key) => servers.olddefconfig(of(key), 'A')));
    await servers.close();
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(processesOf(`${dir}/src`)).toEqual([]);
  });

  test('end when they are closed, whatever they are at', async () => {
    const of = sources(`${READ} if (*text == 'B') for (;;) pause(); write_config(); return 0;`);
    await servers.olddefconfig(of('idle'), 'A');
    const asked = ['a', 'b', 'c'].map((key) => servers.olddefconfig(of(key), 'B'));
    const outcomes = Promise.allSettled(asked);
    await expect.poll(() => processesOf(`${dir}/src`).length).toBeGreaterThan(2);
    await servers.close();
    expect(processesOf(`${dir}/src`)).toEqual([]);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});
