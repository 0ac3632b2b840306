/**
 * Containers of an image, run by runc as Docker would have it run them: as the image's user, with Docker's capabilities,
 * no new privileges asked for, the paths below /proc and /sys covered that Docker covers, and a root that cannot be
 * written. The network is this machine's, so that servers on 127.0.0.1 can be reached. Docker's seccomp profile is not
 * here: it is what `seccomp=unconfined` takes away.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Image } from './image.ts';

export interface ContainerOptions {
  /** What comes after the image's entrypoint. */
  readonly args: readonly string[];
  /** In place of the image's. */
  readonly entrypoint?: readonly string[];
  /** Folders of this machine by the path inside; `:ro` at the end of the path makes them read-only. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** As by systempaths=unconfined: nothing below /proc is covered. */
  readonly isUncovered: boolean;
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Docker's: moby's oci/defaults.go and oci/caps/defaults.go. */
const COVERED = words('asound acpi interrupts kcore keys latency_stats timer_list timer_stats sched_debug scsi');
const READ_ONLY = words('bus fs irq sys sysrq-trigger');
const CAPABILITIES = words(
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE',
);

function words(text: string): readonly string[] {
  return text.split(' ');
}

export class Container {
  readonly #image: Image;
  readonly #runc: (...args: readonly string[]) => readonly string[];
  readonly #id: string;
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;

  /** Starts it. `dir` is a folder that is there and has room for it; `id` is its own among all of this machine. */
  constructor(image: Image, dir: string, id: string, options: ContainerOptions) {
    const bundle = join(dir, id);
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec(image, bundle, options)));
    this.#image = image;
    this.#id = id;
    this.#runc = (...args) => ['--root', join(dir, 'runc'), ...args];
    this.#child = spawn('runc', this.#runc('run', '--bundle', bundle, id), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin!.end(options.input ?? '');
    this.ended = this.#follow();
  }

  async #follow(): Promise<Ended> {
    const [stdout, stderr, status] = await Promise.all([
      text(this.#child.stdout!),
      text(this.#child.stderr!),
      new Promise<number | null>((resolve) => void this.#child.once('close', resolve)),
    ]);
    return { status, stdout, stderr };
  }

  /** Runs a line of sh in it, with the image's environment and user. */
  shell(line: string): Ended {
    const { status, stdout, stderr } = spawnSync('runc', this.#runc('exec', this.#id, '/bin/sh', '-c', line), {
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, stdout, stderr };
  }

  /** What the image calls healthy, as Docker would ask. */
  isHealthy(): boolean {
    return this.shell(this.#image.healthcheck).status === 0;
  }

  /** Ends it as `docker stop` does. */
  async stop(): Promise<Ended> {
    this.#kill('TERM');
    return this.ended;
  }

  /** Ends it if it has not ended. */
  async remove(): Promise<void> {
    this.#kill('KILL');
    await this.ended;
  }

  #kill(signal: string): void {
    if (this.#child.exitCode === null) spawnSync('runc', this.#runc('kill', this.#id, signal));
  }
}

/** A folder that the image's user may write, as a named volume is. */
export function volume(image: Image, path: string): string {
  mkdirSync(path, { recursive: true });
  chownSync(path, ...ids(image));
  return path;
}

function ids(image: Image): [uid: number, gid: number] {
  const line = readFileSync(join(image.root, 'etc/passwd'), 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${image.user}:`));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  if (uid === undefined || gid === undefined) throw new Error(`the image has no user ${image.user}`);
  return [uid, gid];
}

/** For runc: opencontainers' runtime-spec, config.md. */
function spec(image: Image, bundle: string, options: ContainerOptions): object {
  const [uid, gid] = ids(image);
  const capabilities = CAPABILITIES.map((name) => `CAP_${name}`);
  const given = options.mounts ?? {};
  // What nobody mounts is a volume of the container's own.
  const own = image.volumes.filter((path) => given[path] === undefined);
  const mounts = {
    ...given,
    ...Object.fromEntries(own.map((path) => [path, volume(image, join(bundle, path.replaceAll('/', '-')))])),
  };
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: [...(options.entrypoint ?? image.entrypoint), ...options.args],
      env: [...image.env, ...Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`)],
      cwd: '/opt/depbot',
      // A user that is not root has none of them at hand.
      capabilities: { bounding: capabilities },
    },
    root: { path: image.root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      ...Object.entries(mounts).map(([inside, source]) => ({
        destination: inside.replace(/:ro$/, ''),
        source,
        options: ['rbind', ...(inside.endsWith(':ro') ? ['ro'] : [])],
      })),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      ...(!options.isUncovered && {
        maskedPaths: [...COVERED.map((name) => `/proc/${name}`), '/sys/firmware'],
        readonlyPaths: READ_ONLY.map((name) => `/proc/${name}`),
      }),
    },
  };
}
