/**
 * An image of the Dockerfile, built without a Docker engine: by buildah, in a chroot, on a Debian that debootstrap
 * makes. What the Dockerfile names as its base is put together here as far as the Dockerfile leans on it: Debian 12,
 * Node, npm and the user `node`.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the image says of how it is run. */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly volumes: readonly string[];
  /** For `/bin/sh -c`. */
  readonly healthcheck: string;
}

export interface Image extends ImageConfig {
  /** Folder with its files. */
  readonly root: string;
}

/** Certificates of this machine: where one of its own vouches for the npm registry, npm needs it inside, too. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const DEBIAN = 'bookworm';

/** What the Dockerfile is built on: `node:24.1.0-bookworm-slim`. Throws where that is no Node of a patch level. */
export function pinnedBase(dockerfile: string): { readonly image: string; readonly node: string } {
  const [, image, node] = /^FROM (node:(\d+\.\d+\.\d+)-bookworm-slim) AS node$/m.exec(dockerfile) ?? [];
  if (image === undefined || node === undefined) throw new Error('the Dockerfile has no base of the form node:X.Y.Z');
  return { image, node };
}

/** Debian as debootstrap makes it, kept in `cache`. */
export function debian(cache: string): string {
  const root = join(cache, `debootstrap-${DEBIAN}`);
  if (existsSync(root)) return root;
  const half = `${root}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  run('debootstrap', ['--variant=minbase', '--include=ca-certificates', DEBIAN, half]);
  renameSync(half, root);
  return root;
}

/** Builds the Dockerfile of `project` on `base`. All of it lies in `dir` and goes with it. */
export function buildImage(project: string, base: string, dir: string): Image {
  const buildah = (...args: string[]): string =>
    run('buildah', ['--root', join(dir, 'storage'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs', ...args]);
  const { image } = pinnedBase(readFileSync(join(project, 'Dockerfile'), 'utf8'));

  const from = buildah('from', 'scratch');
  buildah('add', '--quiet', from, base, '/');
  buildah('copy', '--quiet', from, process.execPath, '/usr/local/bin/node');
  buildah('copy', '--quiet', from, npmFolder(), '/usr/local/lib/node_modules/npm');
  const user = 'groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node';
  const npm = 'ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm';
  buildah('run', '--isolation', 'chroot', from, 'sh', '-c', `${user} && ${npm}`);
  if (process.env['NODE_EXTRA_CA_CERTS']) {
    buildah('copy', '--quiet', from, process.env['NODE_EXTRA_CA_CERTS'], CERTIFICATES);
    buildah('config', '--env', `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, from);
  }
  buildah('commit', '--quiet', '--rm', from, `localhost/${image}`);

  // Not to be had from elsewhere: what stands in for the base is to be what is built on.
  buildah('bud', '--isolation', 'chroot', '--format', 'docker', '--pull-never', '--tag', 'localhost/depbot', project);
  const container = buildah('from', '--pull-never', 'localhost/depbot');
  return {
    root: buildah('mount', container),
    ...readConfig(buildah('inspect', '--type', 'image', 'localhost/depbot')),
  };
}

function readConfig(inspected: string): ImageConfig {
  const { config } = (JSON.parse(inspected) as { Docker: { config: DockerConfig } }).Docker;
  const [kind, healthcheck, ...more] = config.Healthcheck.Test;
  if (kind !== 'CMD-SHELL' || healthcheck === undefined || more.length > 0)
    throw new Error(`the healthcheck is no line for a shell: ${config.Healthcheck.Test.join(' ')}`);
  return {
    user: config.User,
    env: config.Env,
    entrypoint: config.Entrypoint,
    volumes: Object.keys(config.Volumes),
    healthcheck,
  };
}

/** As Docker's image format has it. */
interface DockerConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** The npm of this machine. */
function npmFolder(): string {
  return dirname(dirname(realpathSync(run('sh', ['-c', 'command -v npm']))));
}

/** What it prints, trimmed. Throws with what it said where it fails. */
function run(program: string, args: readonly string[]): string {
  const ran = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 20 * 60_000 });
  if (ran.error) throw ran.error;
  if (ran.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${ran.stdout}${ran.stderr}`.slice(-4000));
  return ran.stdout.trim();
}
