/**
 * The programs that we are measured against, with recorded answers to `$(shell,…)` and without a sandbox, so
 * that each shows its own time: the tree's conf (its popen(3) answered from memory) and Kconfiglib.
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerTable, replayEnv } from '../../queue/conf.ts';
import { buildConf, buildPreload } from '../../queue/conf-build.ts';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { insideToHost } from '../../queue/sandbox-command.ts';
import { SRCTREE } from '../../queue/toolchain.ts';
import { olderWords } from './kconfiglib.ts';
import type { Program } from './measure.ts';
import { BenchError } from './measure.ts';

/** What a program needs to read a tree for one architecture without a shell. */
export interface Recorded {
  readonly env: Readonly<Record<string, string>>;
  readonly answers: ReadonlyMap<string, string>;
  /** Kconfig files, in the order they are read. */
  readonly files: readonly string[];
}

/** Reads the tree for an architecture and keeps what its shell commands answered, with the host's paths. */
export async function record(tree: string, arch: string, cacheDir: string): Promise<Recorded> {
  const answers = new Map<string, string>();
  const host = (text: string): string => insideToHost(text, [{ host: tree, inside: SRCTREE }]);
  const source = openDirectory(tree);
  const side = await KconfigSide.open(
    {
      ...source,
      model: (world) => {
        const shell = (command: string): string | undefined => {
          const answer = world.shell(command);
          if (answer !== undefined) answers.set(host(command), host(answer));
          return answer;
        };
        return source.model({ ...world, shell });
      },
    },
    { cacheDir },
  );
  const { files } = await side.model(arch);
  return { env: { ...(await side.env(arch)), srctree: tree }, answers, files };
}

export class Peers {
  readonly #tree: string;
  readonly #scratch: string;
  readonly #conf: string;
  readonly #preload: string;

  private constructor(tree: string, scratch: string, conf: string, preload: string) {
    this.#tree = tree;
    this.#scratch = scratch;
    this.#conf = conf;
    this.#preload = preload;
  }

  /** Builds conf of the tree, and what answers its popen. */
  static async open(tree: string, scratch: string, cacheDir: string): Promise<Peers> {
    const built = await buildConf(tree, { cacheDir });
    if (!built.ok) throw new BenchError(`conf of ${tree} does not build: ${built.output}`);
    return new Peers(tree, scratch, built.conf, await buildPreload('replay-popen', { cacheDir }));
  }

  /** `conf --olddefconfig` on a configuration of the tree. */
  conf(arch: string, recorded: Recorded, config: string): Program {
    const cwd = join(this.#scratch, `conf-${arch}`);
    const answers = join(cwd, 'answers');
    mkdirSync(cwd, { recursive: true });
    writeFileSync(answers, answerTable(recorded.answers));
    return {
      argv: [this.#conf, '--olddefconfig', 'Kconfig'],
      cwd,
      env: {
        ...recorded.env,
        ...replayEnv(this.#preload, answers),
        // there already: what conf writes for make is not asked of anybody
        KCONFIG_AUTOCONFIG: '/dev/null',
      },
      before: () => copyFileSync(join(this.#tree, config), join(cwd, '.config')),
    };
  }

  /** Kconfiglib on the same; undefined where it is not installed. */
  kconfiglib(recorded: Recorded, config: string): Program | undefined {
    if (!existsSync('/usr/lib/python3/dist-packages/kconfiglib.py')) return undefined;
    const texts: Record<string, string> = {};
    for (const file of recorded.files) {
      const path = join(this.#tree, file);
      const older = olderWords(readFileSync(path, 'utf8'));
      if (older !== undefined) texts[path] = older;
    }
    const data = join(this.#scratch, 'kconfiglib.json');
    writeFileSync(data, JSON.stringify({ answers: Object.fromEntries(recorded.answers), texts }));
    const script = join(import.meta.dirname, 'kconfiglib_peer.py');
    const output = join(this.#scratch, 'kconfiglib.config');
    return {
      argv: ['/usr/bin/python3', script, data, join(this.#tree, config), output],
      cwd: this.#scratch,
      env: { ...recorded.env, PATH: '/usr/bin:/bin' },
    };
  }
}
