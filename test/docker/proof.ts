/**
 * npm run docker:proof [-- --only doctor|check|service]: builds the Dockerfile without a Docker engine (image.ts) and tries in containers of
 * it (container.ts) what the Dockerfile and docs/operating.md say: the doctor, a check with the proof of a build, and
 * the service in four containers, with a series that comes by IMAP and a draft that goes back. To be run as root.
 *
 * What it does not prove: the image of Docker's hub that the Dockerfile names, other processors than this one, Docker's
 * seccomp and AppArmor profiles.
 *
 * Exit status: 0 when all of it holds, 1 when something does not, 2 when set-up was not possible.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { installPackages, missingPackages, type Need } from '../../queue/provision-apt.ts';
import { thisMachine } from '../../queue/provision-machine.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import type { Report } from '../../rules/types.ts';
import { Town, until } from '../service/town.ts';
import { Container, type ContainerOptions, type Ended, volume } from './container.ts';
import { buildImage, debian, type Image, pinnedBase } from './image.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(PROJECT, 'test/fixtures/example');
const NEEDS: readonly Need[] = ['buildah', 'debootstrap', 'runc'].map((name) => ({ package: name, command: name }));
const LIST = 'linux-input@lists.example.org';
/** A first check builds conf and asks for the answers of 21 architectures. */
const CHECK_MS = 30 * 60_000;
const START_MS = 60_000;
/** As `stop_grace_period` of the example in docs/operating.md. */
const STOP_MS = 90_000;

type Options = Omit<ContainerOptions, 'isUncovered'> & { readonly isUncovered?: boolean };

class Proof {
  readonly #image: Image;
  readonly #dir: string;
  readonly #tree: string;
  /** As the named volume of the Dockerfile's own example. */
  readonly #cache: Readonly<Record<string, string>>;
  readonly #running = new Set<Container>();
  #count = 0;
  failed = 0;

  constructor(image: Image, dir: string, tree: string) {
    this.#image = image;
    this.#dir = dir;
    this.#tree = tree;
    this.#cache = { '/var/cache/depbot': volume(image, join(dir, 'cache')) };
  }

  async run(only: string | undefined): Promise<void> {
    const parts = { doctor: () => this.#doctor(), check: () => this.#check(), service: () => this.#service() };
    for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part();
  }

  async close(): Promise<void> {
    for (const container of this.#running) await container.remove();
  }

  async #doctor(): Promise<void> {
    const who = await this.#run({ entrypoint: ['sh', '-c'], args: ['id -u; depbot --version'] });
    const [uid = '0', version = ''] = who.stdout.split('\n');
    this.#claim(uid !== '0' && /^\d/.test(version), `depbot ${version} runs as user ${uid}, its root read-only`);
    const args = ['doctor', '--tree', '/tree'];
    const covered = await this.#run({ args, isUncovered: false });
    const fault = /^✗ sandbox.*\n.*$/m.exec(covered.stdout)?.[0] ?? 'nothing of the sandbox';
    this.#claim(covered.status === 1 && fault.includes('systempaths=unconfined'), `with /proc covered: ${fault}`);
    const free = await this.#run({ args });
    const walls = free.stdout.match(/^✓ sandbox, /gm)?.length ?? 0;
    this.#claim(free.status === 0, `with systempaths=unconfined: no fault, ${walls} walls of the sandbox hold`);
    if (free.status !== 0) say(indented(free.stdout + free.stderr));
  }

  async #check(): Promise<void> {
    const input = readFileSync(join(EXAMPLES, 'series.mbox'), 'utf8');
    const began = performance.now();
    const args = ['check', '-', '--tree', '/tree', '--json'];
    const { status, stdout, stderr } = await this.#run({ args, input, mounts: this.#cache });
    const took = `${((performance.now() - began) / 1000).toFixed(0)} s`;
    const findings = status === 1 ? (JSON.parse(stdout) as Report).findings : [];
    const told = findings.map(({ rule, verification }) => `${rule}, rung ${verification.rung}`).join('; ');
    const isProved = findings.some(({ rule, verification }) => rule === 'stubbed-path' && verification.rung === 3);
    this.#claim(isProved, `the example, with an empty cache, in ${took}: ${told || `status ${status}`}`);
    if (!isProved) say(indented(stderr));
  }

  /** The example of docs/operating.md: Redis, `serve --no-worker`, two workers. */
  async #service(): Promise<void> {
    const [redisPort, pagePort] = [await freePort(), await freePort()];
    const dir = mkdtempSync('/tmp/dd-');
    const settings = `[page]\nlisten = "127.0.0.1:${pagePort}"\n[tree]\ndir = "/tree"\n`;
    const town = await Town.build({ dir, tree: this.#tree, maintainer: 'maren@input.example', list: LIST, settings });
    try {
      const etc = volume(this.#image, join(this.#dir, 'etc'));
      writeFileSync(join(etc, 'depbot.toml'), readFileSync(town.config, 'utf8').replace(/^state = .*$/m, ''));
      const env = { REDIS_URL: `redis://127.0.0.1:${redisPort}`, DEPBOT_IMAP_BOT_PASSWORD: 'secret' };
      const mounts = { '/etc/depbot:ro': etc, ...this.#cache };
      const redis = this.#start({
        entrypoint: ['redis-server', '--dir', '/tmp', '--bind', '127.0.0.1', '--port', String(redisPort)],
        args: ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
      });
      const config = ['--config', '/etc/depbot/depbot.toml'];
      const serve = this.#start({ args: ['serve', '--no-worker', ...config], env, mounts });
      const workers = [1, 2].map(() => this.#start({ args: ['worker', ...config], env, mounts }));
      const status = (): string => serve.shell(`depbot status ${config.join(' ')}`).stdout;

      await until('two workers', () => /^workers: \S+, \S+$/m.test(status()), START_MS, status);
      this.#claim(
        [serve, ...workers].every((one) => one.isHealthy()),
        'serve and two workers are healthy',
      );

      await town.post(join(EXAMPLES, 'config-upgrade.mbox'));
      const draft = await until('a draft', () => town.drafts()[0], CHECK_MS, status);
      this.#claim(/^Subject: Re: \[PATCH/m.test(draft), `a series came by IMAP, and its draft: ${firstWords(draft)}`);
      const read = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${pagePort}${path}`)).text();
      const path = /href="(\/series\/[0-9a-f]{32})"/.exec(await read('/'))?.[1] ?? '/';
      this.#claim((await read(path)).includes('config-upgrade: '), 'its page says what was found');

      await redis.stop();
      this.#claim(!serve.isHealthy(), 'without Redis, serve is not healthy');
      const began = performance.now();
      const ended = await Promise.all([serve, ...workers].map((one) => one.stop()));
      const tookMs = performance.now() - began;
      const statuses = ended.map((one) => one.status).join(', ');
      this.#claim(
        tookMs < STOP_MS && statuses === '0, 0, 0',
        `stopped within ${(tookMs / 1000).toFixed(1)} s, exit statuses ${statuses}`,
      );
    } finally {
      await town.close();
      rmSync(dir, { recursive: true, force: true });
    }
  }

  #start(options: Options): Container {
    const id = `depbot-proof-${process.pid}-${++this.#count}`;
    const container = new Container(this.#image, this.#dir, id, {
      isUncovered: true,
      ...options,
      mounts: { '/tree:ro': this.#tree, ...options.mounts },
    });
    this.#running.add(container);
    void container.ended.then(() => this.#running.delete(container));
    return container;
  }

  #run(options: Options): Promise<Ended> {
    return this.#start(options).ended;
  }

  #claim(holds: boolean, text: string): void {
    if (!holds) this.failed += 1;
    say(`${holds ? '✓' : '✗'} ${text}`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}

function firstWords(mail: string): string {
  return /^Subject: (.*)$/m.exec(mail)?.[1] ?? mail.slice(0, 100);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number };
        server.close(() => resolve(port));
      });
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  let proof: Proof | undefined;
  const cache = join(cacheDir(), 'docker-proof');
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(cache, 'run-'));
  try {
    const machine = thisMachine();
    if (!machine.isRoot) throw new ProvisionError('docker:proof makes root file systems: run it as root');
    const { tree } = await provision(['packages', 'service-packages', 'demo-packages', 'tree']);
    await installPackages(missingPackages(NEEDS, machine), machine, showProgress());
    const { image, node } = pinnedBase(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));
    say(`For ${image} stand in: Debian by debootstrap, Node ${process.versions.node}, npm of this machine.`);
    if (node !== process.versions.node) say(`(the Dockerfile has Node ${node})`);
    const built = buildImage(PROJECT, debian(cache), dir);
    say('✓ the Dockerfile is built');
    proof = new Proof(built, dir, tree!);
    await proof.run(values.only);
    return proof.failed > 0 ? 1 : 0;
  } catch (error) {
    say(`✗ ${(error as Error).message}`);
    return error instanceof ProvisionError ? 2 : 1;
  } finally {
    await proof?.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await main();
