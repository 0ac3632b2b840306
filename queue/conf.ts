/**
 * Runs of the tree's own `scripts/kconfig/conf`: the oracle for our evaluator, and the second witness of a
 * finding. Each is in the sandbox, with the tree's files at SRCTREE, read-only.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfOptions } from './conf-build.ts';
import { buildPreload, trust } from './conf-build.ts';
import { MAX_FILE_BYTES, readRegular } from './conf-cache.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import type { Limits, Mount, SandboxRun } from './sandbox.ts';
import { runSandboxed } from './sandbox.ts';
import type { KconfigEnv } from './toolchain.ts';
import { SRCTREE } from './toolchain.ts';

export type ConfMode =
  | 'olddefconfig'
  | 'alldefconfig'
  | 'allnoconfig'
  | 'allyesconfig'
  | 'allmodconfig'
  | 'randconfig'
  | 'savedefconfig'
  | 'listnewconfig'
  | 'defconfig';

export interface ConfJob extends ConfOptions {
  /** Of materialise, or a checkout. */
  readonly dir: string;
  /** Of buildConf. */
  readonly conf: string;
  readonly mode: ConfMode;
  /** Of toolchainEnv; says the architecture too. */
  readonly env: KconfigEnv;
  /** Text of the .config to start from. */
  readonly config?: string;
  /** Text of a fragment for alldefconfig, allnoconfig, … (KCONFIG_ALLCONFIG). */
  readonly allconfig?: string;
  /** For randconfig (KCONFIG_SEED). */
  readonly seed?: number;
  /** For randconfig: per cent of y and m (KCONFIG_PROBABILITY). */
  readonly probability?: string;
  /** For defconfig: path in the tree, e.g. `arch/x86/configs/x86_64_defconfig`. */
  readonly defconfigPath?: string;
  /** Known answers to `$(shell,…)`: conf gets these without a process. Not used when the tree is run bare. */
  readonly answers?: ReadonlyMap<string, string>;
  readonly limits?: Partial<Limits>;
}

export interface ConfRun {
  /** Absent when conf was killed. */
  readonly exitCode?: number;
  readonly timedOut: boolean;
  /** Text of the .config written; for savedefconfig of the defconfig. Undefined when there is none. */
  readonly config: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Commands that `answers` did not hold and a shell had to answer, in order. Empty without `answers`. */
  readonly asked: readonly string[];
}

export const CONF_LIMITS = {
  wallMs: 120_000,
  cpuSec: 120,
  fileBytes: MAX_FILE_BYTES,
  outputBytes: 4 * 2 ** 20,
} satisfies Partial<Limits>;

/** Runs conf once. What conf says or does is a value; throws SandboxError. Source: scripts/kconfig/conf.c. */
export async function runConf(job: ConfJob): Promise<ConfRun> {
  if (job.mode === 'defconfig' && job.defconfigPath === undefined) throw new TypeError('defconfig needs defconfigPath');
  const home = await temporaryFolder(join(tmpdir(), 'depbot-conf-'));
  const out = join(home, 'out');
  try {
    await mkdir(out);
    if (job.config !== undefined) await writeFile(join(out, '.config'), job.config);
    if (job.allconfig !== undefined) await writeFile(join(out, 'allconfig'), job.allconfig);
    const replay =
      job.answers === undefined || job.trustTree === true ? NO_REPLAY : await openReplay(home, job.answers, job);
    const run = await runSandboxed({
      argv: ['/depbot/conf', modeOption(job), 'Kconfig'],
      cwd: '/out',
      readOnly: [{ host: job.dir, inside: SRCTREE }, { host: job.conf, inside: '/depbot/conf' }, ...replay.readOnly],
      writable: [{ host: out, inside: '/out' }, ...replay.writable],
      env: {
        ...job.env,
        // it is there, so that conf does not write one, and touch a file for each symbol (conf_write_autoconf)
        KCONFIG_AUTOCONFIG: '/dev/null',
        ...replay.env,
        ...(job.allconfig === undefined ? {} : { KCONFIG_ALLCONFIG: 'allconfig' }),
        ...(job.seed === undefined ? {} : { KCONFIG_SEED: String(job.seed) }),
        ...(job.probability === undefined ? {} : { KCONFIG_PROBABILITY: job.probability }),
      },
      limits: { ...CONF_LIMITS, ...job.limits },
      ...trust(job),
    });
    const written = await readRegular(join(out, job.mode === 'savedefconfig' ? 'defconfig' : '.config'));
    return { ...outcome(run), config: written?.toString('utf8'), asked: await readAsked(replay.asked) };
  } finally {
    await remove(home);
  }
}

function modeOption(job: ConfJob): string {
  if (job.mode === 'defconfig') return `--defconfig=${job.defconfigPath}`;
  return job.mode === 'savedefconfig' ? '--savedefconfig=defconfig' : `--${job.mode}`;
}

function outcome(run: SandboxRun): Pick<ConfRun, 'exitCode' | 'timedOut' | 'stdout' | 'stderr'> {
  const { exitCode, timedOut, stdout, stderr } = run;
  return { ...(exitCode === undefined ? {} : { exitCode }), timedOut, stdout, stderr };
}

/** What a sandboxed conf needs for popen(3) to be answered. */
export interface Replay {
  readonly readOnly: readonly Mount[];
  readonly writable: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  /** File of the host that collects commands without an answer. */
  readonly asked?: string;
}

const NO_REPLAY: Replay = { readOnly: [], writable: [], env: {} };

/** Puts a table of answers into the folder `home`. */
export async function openReplay(
  home: string,
  answers: ReadonlyMap<string, string>,
  options: ConfOptions,
): Promise<Replay> {
  const library = await buildPreload('replay-popen', options);
  const [table, asked] = [join(home, 'answers'), join(home, 'asked')];
  await writeFile(table, answerTable(answers));
  await writeFile(asked, '');
  return {
    readOnly: [
      { host: library, inside: '/depbot/replay-popen.so' },
      { host: table, inside: '/depbot/answers' },
    ],
    writable: [{ host: asked, inside: '/depbot/asked' }],
    env: replayEnv('/depbot/replay-popen.so', '/depbot/answers', '/depbot/asked'),
    asked,
  };
}

/** The environment with which queue/replay-popen.c answers. Without `asked`, a command it cannot answer ends conf. */
export function replayEnv(library: string, answers: string, asked?: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: library,
    DEPBOT_ANSWERS: answers,
    ...(asked === undefined ? {} : { DEPBOT_ASKED: asked }),
    // large pages: conf follows long chains of its hash table through 10 MB and more (mallopt(3), glibc 2.35)
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  };
}

/** Records as queue/replay-popen.c reads them: typed arrays have the machine's byte order, as C has. */
export function answerTable(answers: ReadonlyMap<string, string>): Buffer {
  const record = ([command, answer]: readonly [string, string]): Buffer[] => {
    const [text, reply] = [Buffer.from(command), Buffer.from(answer)];
    return [Buffer.from(Uint32Array.of(text.length, reply.length).buffer), text, reply];
  };
  return Buffer.concat([...answers].flatMap(record));
}

async function readAsked(file: string | undefined): Promise<string[]> {
  const bytes = file === undefined ? undefined : await readRegular(file);
  if (bytes === undefined) return [];
  const commands: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = new Uint32Array(Uint8Array.from(bytes.subarray(at, at + 8)).buffer)[0] ?? 0;
    if (at + 8 + length > bytes.length) break;
    commands.push(bytes.toString('utf8', at + 8, at + 8 + length));
    at += 8 + length;
  }
  return commands;
}
