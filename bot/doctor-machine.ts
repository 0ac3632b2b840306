/** Whether the machine has what depbot needs: Node, git, the tree, room on disk, a clock, compilers and a sandbox. */

import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { compilerFor } from '../queue/compilers.ts';
import { gitText } from '../queue/git.ts';
import { openTree } from '../queue/git-tree.ts';
import { cacheDir } from '../queue/provision-cache.ts';
import { listRefs, resolveRevision } from '../queue/refs.ts';
import { branchesOf } from '../queue/remotes.ts';
import type { Repository } from '../queue/repository.ts';
import { SandboxError } from '../queue/sandbox.ts';
import { proveWalls } from '../queue/sandbox-proof.ts';
import { findOnPath } from '../queue/tool-path.ts';
import { type Config, stateDir } from './config.ts';
import { fault, note, ok, type Sign } from './doctor.ts';
import type { World } from './main.ts';
import { Maintainers } from './maintainers.ts';
import { plural } from './template.ts';
import { unknownSections } from './unknown-sections.ts';

/** Architectures whose compilers are asked for: those that Debian has a kernel for. */
const ARCHS = ['arm', 'arm64', 'mips', 'powerpc', 'riscv', 's390', 'x86'];
const NODE_MAJOR = 24;
const GIB = 2 ** 30;
/** A tree for builds has 1.7 GB, for two bases; models, files and a Debian tree come on top. */
const CACHE_BYTES = 5 * GIB;
/** Mails of three weeks, repositories of checks. */
const STATE_BYTES = GIB;
const DAY_MS = 86_400_000;
/** A tree that nobody fetches into has fewer and fewer of the bases that people post against. */
const FETCH_DAYS = 7;
/** git-apply(1) and git-cat-file(1) as depbot uses them are those of Debian 12. */
const GIT_VERSION = [2, 39] as const;

/** An older one than 22.19 does not come so far: depbot.mjs starts another, or says so. */
export function nodeSign(version: string): Sign {
  const isTested = Number.parseInt(version, 10) >= NODE_MAJOR;
  return isTested
    ? ok('Node', version)
    : note('Node', `${version}, and depbot is tested with ${NODE_MAJOR}`, `install Node ${NODE_MAJOR}`);
}

export async function gitSign(searchPath: string): Promise<Sign> {
  if ((await findOnPath('git', searchPath)) === undefined) return fault('git', 'it is not on PATH', 'apt install git');
  const text = (await gitText({ cwd: '/', env: { PATH: searchPath } }, ['--version'])).trim();
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);
  const isNew = major > GIT_VERSION[0] || (major === GIT_VERSION[0] && minor >= GIT_VERSION[1]);
  return isNew ? ok('git', text) : fault('git', `${text} is too old`, `install git ${GIT_VERSION.join('.')} or newer`);
}

/** Of an open tree: that it is a kernel's, what it is compared by, and whether somebody fetches into it. */
export async function treeSigns(
  repo: Repository,
  config: Config,
  { date, env }: Pick<World, 'date' | 'env'>,
): Promise<Sign[]> {
  const now = date();
  const head = await resolveRevision(repo, 'HEAD');
  if (head === undefined)
    return [fault('tree', `${repo.treeDir} has no HEAD`, 'check out a branch of the kernel in it')];
  const kconfig = await openTree(repo, head).blob('scripts/kconfig/Makefile');
  const what = 'tree';
  if (kconfig === undefined)
    return [
      fault(
        what,
        `${repo.treeDir} has no scripts/kconfig`,
        'name a tree of the kernel: [tree] dir, DEPBOT_TREE or --tree',
      ),
    ];
  const refs = await listRefs(repo, 1000);
  const signs = [ok(what, `${repo.treeDir} at ${head.slice(0, 12)}, ${refs.length} branches and tags`)];
  const named = [...(config.tree.candidates ?? []), ...config.maintainer.flatMap(({ trees = [] }) => trees)];
  for (const name of new Set(named))
    if ((await resolveRevision(repo, name)) === undefined)
      signs.push(
        fault(
          `ref ${name}`,
          'the tree does not have it',
          `git -C ${repo.treeDir} fetch the remote it is of, or take the name away`,
        ),
      );
  const maintainers = await Maintainers.of(openTree(repo, head));
  for (const { name, from, why } of unknownSections(config.maintainer, maintainers))
    signs.push(fault(`section ${name}`, why, `mend sections of [[maintainer]], ${from}`));
  signs.push(...(config.remote.length > 0 ? await fetchedSigns(repo, config, env) : [await remoteSign(repo, now)]));
  const committedMs = Number((await gitText(repo.refs, ['log', '-1', '--format=%ct', head])).trim()) * 1000;
  signs.push(clockSign(now, committedMs));
  return signs;
}

/** Of what depbot fetches itself. */
async function fetchedSigns(repo: Repository, { remote: remotes }: Config, env: World['env']): Promise<Sign[]> {
  if (repo.shallow)
    return [fault('remotes', `${repo.treeDir} is a shallow clone`, `git -C ${repo.treeDir} fetch --unshallow`)];
  return await Promise.all(
    remotes.map(async (remote) => {
      const what = `remote ${remote.name}`;
      const mend = 'mend [[remote]], or what keeps this machine from reaching it';
      try {
        const branches = await branchesOf(repo.place, remote, env);
        return branches.length > 0
          ? ok(what, `${remote.url}, ${plural(branches.length, 'branch', 'branches')}`)
          : fault(what, `${remote.url} has no branch that is named so`, `see: git ls-remote --heads ${remote.url}`);
      } catch (error) {
        return fault(what, (error as Error).message, mend);
      }
    }),
  );
}

async function remoteSign({ refs, treeDir }: Repository, now: Date): Promise<Sign> {
  const what = 'remotes';
  const fetch = `run "git -C ${treeDir} fetch --all" from cron or a timer`;
  const names = (await gitText(refs, ['config', '--get-regexp', String.raw`^remote\..*\.url$`]).catch(() => '')).match(
    /^remote\.\S+(?=\.url )/gm,
  );
  if (names === null)
    return note(what, 'the tree has none, so it stays as it is', `git -C ${treeDir} remote add …, then ${fetch}`);
  const head = join(refs.gitDir ?? treeDir, 'FETCH_HEAD');
  if (!existsSync(head)) return note(what, `${names.length}, and nobody has fetched`, fetch);
  const days = (now.getTime() - statSync(head).mtimeMs) / DAY_MS;
  return days <= FETCH_DAYS
    ? ok(what, `${names.length}, fetched ${days < 1 ? 'today' : `${days.toFixed(0)} days ago`}`)
    : note(what, `fetched ${days.toFixed(0)} days ago: series for newer bases do not apply`, fetch);
}

/** Dates of mails, quiet hours and the age of commands rest on it. */
function clockSign(now: Date, committedMs: number): Sign {
  const what = 'clock';
  const text = now.toISOString().slice(0, 19);
  const mend = 'timedatectl set-ntp true, or apt install chrony';
  if (now.getTime() < committedMs - DAY_MS)
    return fault(what, `${text}Z is before the newest commit of the tree`, mend);
  const keepers = ['/run/systemd/timesync/synchronized', '/run/chrony', '/run/ntpd.pid', '/run/openntpd.pid'];
  return keepers.some((path) => existsSync(path))
    ? ok(what, `${text}Z`)
    : note(what, `${text}Z, and nothing here is seen to keep it`, mend);
}

export function diskSigns(config: Config, { env }: Pick<World, 'env'>): Sign[] {
  const folders = [
    { what: 'disk, cache', path: config.paths.cache ?? cacheDir(env), bytes: CACHE_BYTES, key: 'paths.cache' },
    { what: 'disk, state', path: stateDir(config, env), bytes: STATE_BYTES, key: 'paths.state' },
  ];
  return folders.map(({ what, path, bytes, key }) => {
    let at = resolve(path);
    while (!existsSync(at)) at = dirname(at);
    try {
      accessSync(at, constants.W_OK);
    } catch {
      return fault(what, `${at} cannot be written`, `chown it to the user that runs depbot, or set ${key}`);
    }
    const { bavail, bsize } = statfsSync(at);
    const free = `${((bavail * bsize) / GIB).toFixed(1)} GiB free below ${path}`;
    return bavail * bsize >= bytes
      ? ok(what, free)
      : fault(what, `${free}, ${bytes / GIB} are needed`, `make room, or set ${key} to a folder elsewhere`);
  });
}

/** What is missing makes findings about code unproved on that architecture, and no check impossible. */
export async function compilerSigns(): Promise<Sign[]> {
  return Promise.all(
    ARCHS.map(async (arch) => {
      const compiler = await compilerFor(arch);
      const what = `builds for ${arch}`;
      if (compiler.ok) return ok(what, compiler.name);
      const [why = '', mend] = compiler.why.split(/: (?=apt )/);
      return note(what, why, mend);
    }),
  );
}

/** The walls, one after the other. `home` is that of the user who runs depbot: what must not be seen inside. */
export async function sandboxSigns(home: string | undefined): Promise<Sign[]> {
  const mendWall =
    'do not run series of strangers on this machine; report the wall with the output of "bwrap --version"';
  try {
    const { walls, memory } = await proveWalls(home);
    return [
      ...walls.map(({ name, holds, detail }) =>
        holds ? ok(`sandbox, ${name}`) : fault(`sandbox, ${name}`, detail, mendWall),
      ),
      memory === 'cgroup'
        ? ok('sandbox, memory of all processes together', 'a cgroup')
        : note(
            'sandbox, memory of all processes together',
            'it is bounded for each process alone: no cgroup can be had',
            'bound depbot as a whole: MemoryMax= in its systemd unit, or a limit of its container',
          ),
    ];
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    return [fault('sandbox', error.why, error.mend ?? 'see docs/operating.md, "Containers"')];
  }
}
