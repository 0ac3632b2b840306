/**
 * The command line of a sandboxed run: which walls there are, what is mounted where, who the command is.
 *
 * bubblewrap (bwrap(1), 0.8 or newer) gives user, PID, network, IPC, UTS and cgroup namespaces of their own. An
 * ordinary user starts it as it is. Root is more than the outside of a sandbox should be: there, a first bwrap only
 * puts the mounts where another user can reach them, then the sandbox proper is started by that user.
 */
import type { Limits, Mount, SandboxSpec } from './sandbox.ts';
import { filterFor } from './sandbox-filter.ts';

/** The only PATH there is inside: Debian's, without what belongs to a user. */
export const SANDBOX_PATH = '/usr/bin:/bin:/usr/sbin:/sbin';

/** Who tree code is outside, where depbot runs as root: a number that no package gives to anybody. */
export const SANDBOX_UID = 65533;
const OPEN_FILES = 4096;
/** Of this machine. */
export const SYSTEM_CALL_FILTER = filterFor(process.arch);

/** Bounds of each process, set by prlimit(1) before anything else. */
export function prlimitArgs(limits: Limits): string[] {
  return [
    `--as=${limits.memoryBytes}`,
    `--cpu=${limits.cpuSec}`,
    `--fsize=${limits.fileBytes}`,
    `--nofile=${OPEN_FILES}`,
    '--core=0',
  ];
}

/**
 * bwrap and the command in it; `asRoot` where the caller is root. Its status goes to file descriptor 3, and it reads
 * SYSTEM_CALL_FILTER, where there is one, from 4.
 */
export function bwrapArgs(spec: SandboxSpec, limits: Limits, bwrap: string, asRoot: boolean): string[] {
  return asRoot ? asNobody(spec, limits, bwrap) : sandboxArgs(spec, limits, bwrap);
}

/** What a bare run is: the command with the paths of the host. */
export function bareArgs(spec: SandboxSpec): string[] {
  return spec.argv.map((arg) => insideToHost(arg, mountsOf(spec)));
}

/** All mounts, the writable ones last. */
export function mountsOf(spec: SandboxSpec): readonly Mount[] {
  return [...spec.readOnly, ...(spec.writable ?? [])];
}

/** Replaces each path below an inside mount point by the host's: what a bare run needs, and people like to read. */
export function insideToHost(text: string, mounts: readonly Mount[]): string {
  let out = text;
  for (const { host, inside } of mounts) {
    // a path starts after white space, a quote, `=`, `:` ...; `/x/src` and `/srcfoo` are other paths
    const word = new RegExp(`(?<![\\w./-])${inside.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.-])`, 'g');
    out = out.replace(word, () => host);
  }
  return out;
}

const SYSTEM = [
  ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/sbin', '/sbin'],
  ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib32', '/lib32', '--symlink', 'usr/lib64', '/lib64'],
  ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
  ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
];

function sandboxArgs(spec: SandboxSpec, limits: Limits, bwrap: string): string[] {
  const env = { PATH: SANDBOX_PATH, HOME: '/tmp', LC_ALL: 'C', ...spec.env };
  return [
    bwrap,
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session'],
    ...['--cap-drop', 'ALL', '--uid', '65534', '--gid', '65534', '--hostname', 'sandbox', '--json-status-fd', '3'],
    ...(SYSTEM_CALL_FILTER === undefined ? [] : ['--seccomp', '4']),
    ...SYSTEM,
    // both read-only: /proc/sys/kernel/core_pattern is a way out where the caller is root (bwrap leaves the
    // files below /proc/sys writable to their owner), and /dev/shm is memory that no limit counts
    ...['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev', '--remount-ro', '/dev'],
    ...['--size', String(limits.tmpBytes), '--tmpfs', '/tmp'],
    ...spec.readOnly.flatMap((mount) => ['--ro-bind', mount.host, mount.inside]),
    ...(spec.writable ?? []).flatMap((mount) => ['--bind', mount.host, mount.inside]),
    // the root is a tmpfs that held the mount points: nothing is to be written there, it would be memory
    ...['--remount-ro', '/', '--chdir', spec.cwd ?? '/tmp', '--clearenv'],
    // here and not before bwrap: only inside does it count the sandbox's processes and not all of the user's
    ...['--', '/usr/bin/prlimit', `--nproc=${limits.processes}`],
    // and the environment last, since it may hold what is for the command alone, such as LD_PRELOAD
    ...['/usr/bin/env', '--', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...spec.argv],
  ];
}

/**
 * The sandbox started by SANDBOX_UID, in a mount namespace in which root has put each mount at /mounts/N: the folders
 * above them, such as root's home, may be closed to everybody else.
 */
function asNobody(spec: SandboxSpec, limits: Limits, bwrap: string): string[] {
  const writable = spec.writable ?? [];
  const at = (mount: Mount, i: number): Mount => ({ host: `/mounts/${i}`, inside: mount.inside });
  const moved: SandboxSpec = {
    ...spec,
    readOnly: spec.readOnly.map(at),
    writable: writable.map((mount, i) => at(mount, spec.readOnly.length + i)),
  };
  return [
    bwrap,
    ...['--die-with-parent', '--dev-bind', '/dev', '/dev', '--bind', '/proc', '/proc'],
    // where the sandbox proper builds its root; and folders that bwrap would make for root alone
    ...['/etc', '/mounts'].flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...[...SYSTEM, '--tmpfs', '/tmp', '--ro-bind', bwrap, '/bwrap'],
    ...mountsOf(spec).flatMap(({ host }, i) => [
      i < spec.readOnly.length ? '--ro-bind' : '--bind',
      host,
      `/mounts/${i}`,
    ]),
    ...['--', '/usr/bin/setpriv', `--reuid=${SANDBOX_UID}`, `--regid=${SANDBOX_UID}`, '--clear-groups'],
    ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'],
    ...sandboxArgs(moved, limits, '/bwrap'),
  ];
}
