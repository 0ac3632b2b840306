/**
 * The objects that make itself would build in a configuration: the tree's own Makefile, Kbuild files and
 * scripts/Makefile.build, run by GNU make in the sandbox. It compiles nothing: one run prints its lists, from which
 * it is known where an object goes, and a dry run its commands, from which it is known that it is made.
 */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSandboxed, type SandboxRun } from '../../../queue/sandbox.ts';
import type { Destination } from '../../../rules/kbuild/presence.ts';

/** Paths of objects, with where each goes. */
export type Built = Map<string, Set<Destination>>;

const HERE = fileURLToPath(new URL('.', import.meta.url));
const [SRC, OUT, ORACLE] = ['/src', '/out', '/oracle'];

/**
 * Asks make. `config` is a whole .config, one character a byte; `scratch` a folder for the build folder, which is
 * removed again. What a rule makes and no list names goes elsewhere. Throws with make's own words when it fails.
 */
export async function builtByMake(tree: string, arch: string, config: string, scratch: string): Promise<Built> {
  await mkdir(scratch, { recursive: true });
  const out = await mkdtemp(join(scratch, 'kbuild-'));
  try {
    await prepare(out, config);
    const listed = readLists((await make(tree, arch, out, 'lists')).stdout);
    const { stdout, stderr } = await make(tree, arch, out, 'commands');
    const made = commandTargets(stdout);
    // wanted as well, though what it is made from comes from a step before (a vDSO's image, by vdso_prepare)
    for (const [, object] of stderr.matchAll(/No rule to make target '[^']*', needed by '([^']*\.o)'/g))
      made.add(normalize(object!));
    const built: Built = new Map();
    for (const object of made) built.set(object, listed.get(object) ?? new Set(['elsewhere']));
    return built;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function make(tree: string, arch: string, out: string, goal: 'lists' | 'commands'): Promise<SandboxRun> {
  const run = await runSandboxed({
    argv: ['make', '-rR', '--no-print-directory', '-s', '-f', `${ORACLE}/top.mk`, goal],
    cwd: OUT,
    readOnly: [
      { host: tree, inside: SRC },
      { host: HERE, inside: ORACLE },
    ],
    writable: [{ host: out, inside: OUT }],
    env: { ARCH: arch, ...(arch === 'um' && { SUBARCH: 'x86' }), tree: SRC, here: ORACLE, sub_make_done: '1' },
    limits: { wallMs: 600_000, cpuSec: 600, outputBytes: 128 << 20 },
  });
  if (run.timedOut || run.stdoutCut > 0 || (run.exitCode !== 0 && goal === 'lists'))
    throw new Error(`make ${goal} exited with ${run.exitCode ?? run.signal ?? 'nothing'}: ${run.stderr.slice(-2000)}`);
  return run;
}

/** What syncconfig leaves behind, new enough for make not to run it, and programs that rules need to be there. */
async function prepare(out: string, config: string): Promise<void> {
  await mkdir(join(out, 'include/config'), { recursive: true });
  await mkdir(join(out, 'include/generated'), { recursive: true });
  await writeFile(join(out, '.config'), config, 'latin1');
  await utimes(join(out, '.config'), 1, 1);
  await writeFile(join(out, 'include/config/auto.conf'), autoConf(config), 'latin1');
  for (const name of [
    ...['include/config/auto.conf.cmd', 'include/generated/autoconf.h', 'include/generated/rustc_cfg'],
    ...['scripts/asn1_compiler', 'scripts/dtc/dtc', 'scripts/dtc/fdtoverlay'],
  ]) {
    await mkdir(dirname(join(out, name)), { recursive: true });
    await writeFile(join(out, name), '');
  }
}

/** Settings that are not n; strings without quotes (scripts/kconfig/confdata.c, print_symbol_for_autoconf). */
function autoConf(config: string): string {
  return config
    .split('\n')
    .filter((line) => /^CONFIG_\w+=/.test(line))
    .map((line) => line.replace(/="(.*)"$/, (_, text: string) => `=${text.replace(/\\(.)/g, '$1')}`))
    .map((line) => `${line}\n`)
    .join('');
}

function readLists(stdout: string): Built {
  const built: Built = new Map();
  const add = (object: string, destination: Destination): void => {
    const path = normalize(object);
    built.set(path, (built.get(path) ?? new Set()).add(destination));
  };
  let linked = new Set<string>();
  for (const line of stdout.split('\n')) {
    const [kind, ...words] = line.split(' ').filter((word) => word !== '');
    switch (kind) {
      case 'linked':
        linked = new Set(words.map((word) => normalize(word)));
        break;
      case 'vmlinux':
      case 'module':
        for (const object of words) add(object, kind);
        break;
      case 'unlinked':
      case 'extra':
        for (const object of words) add(object, 'elsewhere');
        break;
      case 'lib': {
        const [archive, ...objects] = words;
        for (const object of objects) add(object, linked.has(normalize(archive!)) ? 'vmlinux' : 'elsewhere');
        break;
      }
      case undefined:
        break;
      default:
        throw new Error(`make printed ${JSON.stringify(line.slice(0, 200))}`);
    }
  }
  return built;
}

/** Objects that commands make; archives and modules are put together of others, HOST… is for programs (scripts/). */
function commandTargets(stdout: string): Set<string> {
  const made = new Set<string>();
  for (const [, label, object] of stdout.matchAll(/\becho '# +(\S+(?: \[M\])?)\s+(\S+\.o)'/g))
    if (label !== 'LD [M]' && label !== 'AR' && !label!.startsWith('HOST')) made.add(normalize(object!));
  return made;
}
