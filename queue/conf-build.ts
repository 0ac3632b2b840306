/**
 * The tree's `scripts/kconfig/conf`, compiled in the sandbox, and what answers its popen(3).
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { machine, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { basename, dirname } from 'node:path/posix';
import type { Outcome } from '../rules/types.ts';
import { ifThere, readIfThere, readRegular, touch } from './conf-cache.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import type { Mount } from './sandbox.ts';
import { runSandboxed, SandboxError } from './sandbox.ts';
import { SANDBOX_PATH } from './sandbox-command.ts';
import { findOnPath } from './tool-path.ts';
import { SRCTREE } from './toolchain.ts';

const TOOLS = { flex: 'flex', bison: 'bison', gcc: 'gcc libc6-dev' } as const;
const OBJECTS = ['confdata.o', 'expr.o', 'lexer.lex.o', 'menu.o', 'parser.tab.o', 'preprocess.o', 'symbol.o', 'util.o'];

export interface ConfOptions {
  readonly cacheDir: string;
  readonly trustTree?: boolean;
}

/**
 * Builds conf from `dir` (of materialise) and returns where it is. The compiler sees nothing of the tree but all that is
 * below scripts/kconfig and scripts/include, by whose content it is kept. A tree whose conf does not build is a value. Throws SandboxError when a tool is missing.
 * Source: scripts/kconfig/Makefile, scripts/Makefile.host.
 */
export async function buildConf(
  dir: string,
  options: ConfOptions,
): Promise<Outcome<{ conf: string }, { why: 'conf-does-not-build'; output: string }>> {
  const digest = createHash('sha256').update(`conf 2 ${machine()}\n`);
  const seen: Mount[] = [];
  for (const folder of ['scripts/kconfig', 'scripts/include']) {
    const host = join(dir, folder);
    const paths = await filesBelow(host);
    if (paths.length > 0) seen.push({ host, inside: `${SRCTREE}/${folder}` });
    for (const path of paths) {
      const content = createHash('sha256').update(await readFile(join(host, path)));
      digest.update(`${JSON.stringify([folder, path, content.digest('hex')])}\n`);
    }
  }
  const conf = join(options.cacheDir, 'conf', digest.digest('hex'), 'conf');
  if (await touch(conf)) return { ok: true, conf };
  const src = `${SRCTREE}/scripts/kconfig`;
  const sources = await confSources(dir);
  const made = await make(conf, { ...options, readOnly: seen }, [
    ['flex', '-o', '/out/lexer.lex.c', '-L', `${src}/lexer.l`],
    ['bison', '-o', '/out/parser.tab.c', '--defines=/out/parser.tab.h', '-t', '-l', `${src}/parser.y`],
    [
      'gcc',
      '-O2',
      '-std=gnu11',
      '-w',
      '-I',
      src,
      '-I',
      '/out',
      '-I',
      `${SRCTREE}/scripts/include`,
      '-o',
      '/out/conf',
      ...sources,
    ],
  ]);
  return made.ok ? { ok: true, conf } : made;
}

/** Paths below a folder, sorted; none where there is no such folder. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = (await ifThere(readdir(folder, { recursive: true, withFileTypes: true }))) ?? [];
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function confSources(dir: string): Promise<string[]> {
  const makefile = (await readIfThere(join(dir, 'scripts/kconfig/Makefile'))) ?? '';
  const listed = /^common-objs[ \t]*:=((?:[^\n\\]|\\\r?\n)*)/m.exec(makefile)?.[1]?.match(/[\w.-]+\.o/g) ?? OBJECTS;
  return ['conf.o', ...listed].map((object) => {
    const source = object.replace(/o$/, 'c');
    return /\.(lex|tab)\.c$/.test(source) ? `/out/${source}` : `${SRCTREE}/scripts/kconfig/${source}`;
  });
}

/**
 * Compiles queue/`name`.c, for LD_PRELOAD, and returns where the library is; kept by its content. Throws
 * SandboxError.
 */
export async function buildPreload(name: 'replay-popen' | 'conf-server', options: ConfOptions): Promise<string> {
  const source = join(import.meta.dirname, `${name}.c`);
  const digest = createHash('sha256')
    .update(`preload 1 ${machine()}\n`)
    .update(await readFile(source));
  const library = join(options.cacheDir, 'conf', digest.digest('hex'), `${name}.so`);
  if (await touch(library)) return library;
  const command = ['gcc', '-O2', '-shared', '-fPIC', '-o', `/out/${name}.so`, `/${name}.c`, '-ldl'] as const;
  const made = await make(library, { ...options, readOnly: [{ host: source, inside: `/${name}.c` }] }, [command]);
  if (!made.ok) throw new SandboxError('failed', `cannot compile queue/${name}.c: ${made.output}`);
  return library;
}

/** What `commands` leave as /out/NAME, kept as `target`, which ends in NAME. */
async function make(
  target: string,
  options: ConfOptions & { readonly readOnly: readonly Mount[] },
  commands: readonly (readonly [keyof typeof TOOLS, ...string[]])[],
): Promise<Outcome<unknown, { why: 'conf-does-not-build'; output: string }>> {
  const out = await temporaryFolder(join(tmpdir(), 'depbot-conf-'));
  try {
    for (const argv of commands) {
      const tool = argv[0];
      if ((await findOnPath(tool, SANDBOX_PATH)) === undefined)
        throw new SandboxError(
          'failed',
          `${tool} is not installed; it is needed to build scripts/kconfig/conf: apt install ${TOOLS[tool]}`,
        );
      const run = await runSandboxed({
        argv,
        readOnly: options.readOnly,
        writable: [{ host: out, inside: '/out' }],
        env: {},
        ...trust(options),
      });
      if (run.exitCode !== 0)
        return {
          ok: false,
          why: 'conf-does-not-build',
          output: `${argv.join(' ')}: exit ${run.exitCode ?? run.signal}\n${run.stderr}`,
        };
    }
    const program = await readRegular(join(out, basename(target)));
    if (program === undefined) return { ok: false, why: 'conf-does-not-build', output: 'the compiler left no program' };
    await mkdir(dirname(target), { recursive: true });
    const unfinished = `${target}.${randomUUID()}`;
    await writeFile(unfinished, program, { mode: 0o555 });
    await rename(unfinished, target);
    return { ok: true };
  } finally {
    await remove(out);
  }
}

/** For spreading: an option that is not given is left out. */
export function trust(options: ConfOptions): { readonly trustTree?: boolean } {
  return options.trustTree === undefined ? {} : { trustTree: options.trustTree };
}
