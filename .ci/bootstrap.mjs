#!/usr/bin/env node
/**
 * node .ci/bootstrap.mjs ENTRY [ARG...]
 *
 * Runs ENTRY (a file of this checkout, .ts or .mjs) after making sure of what Node itself needs: a Node that
 * runs TypeScript, and node_modules as package-lock.json has it. Runs on Node 20; plain JavaScript, no
 * dependencies. Debian packages and the kernel tree are the business of queue/provision.ts.
 *
 * Exit status: that of ENTRY; 2 when set-up fails.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir, cachedNode, goodNode } from '../bot/node.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** One line on standard error: standard output belongs to ENTRY. */
function say(text) {
  process.stderr.write(`depbot: ${text}\n`);
}

/** The environment for npm in another folder: what the surrounding `npm run` set must not steer it. */
function npmEnv() {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^npm_(config_(local_)?prefix|config_ignore_scripts|package_|lifecycle_)/i.test(name)) env[name] = value;
  }
  return env;
}

/**
 * Puts Node 24 into the cache and returns its path. Installed aside and renamed: of two processes at once both
 * download, the first rename wins, and nobody sees half a Node.
 */
function fetchNode(cache) {
  say(`Node ${process.versions.node} is too old for TypeScript; fetching Node 24 into ${cache} (about 190 MB)`);
  mkdirSync(cache, { recursive: true });
  const aside = mkdtempSync(join(cache, 'node24.partial-'));
  try {
    // ignore-scripts=false: the package's install step is what brings the program for this processor.
    const argv = ['install', '--prefix', aside, '--ignore-scripts=false', '--no-audit', '--no-fund', 'node@24'];
    const npm = spawnSync('npm', argv, { cwd: aside, env: npmEnv(), encoding: 'utf8', timeout: 900_000 });
    if (npm.error) throw npm.error;
    if (npm.status !== 0) throw new Error(`npm install node@24 failed:\n${npm.stdout}${npm.stderr}`);
    const target = join(cache, 'node24');
    // An install without a program in it is of no use to anybody: the remains of an interrupted older set-up.
    if (existsSync(target) && !existsSync(cachedNode(cache))) rmSync(target, { recursive: true, force: true });
    try {
      renameSync(aside, target);
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  const node = cachedNode(cache);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (version.status !== 0) throw new Error(`${node} does not run: ${version.error?.message ?? version.stderr}`);
  say(`Node ${version.stdout.trim()} is in place`);
  return node;
}

/** Runs argv with this process's input and output; resolves to the exit status, 128 + n for signal n. */
function run(argv, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: root, env, stdio: 'inherit' });
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, forward);
    // The terminal sends SIGINT to both; the child decides what it means.
    process.on('SIGINT', () => undefined);
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

async function main() {
  const [entry, ...args] = process.argv.slice(2);
  if (entry === undefined) throw new Error('usage: node .ci/bootstrap.mjs ENTRY [ARG...]');
  const node = goodNode(process.env) ?? fetchNode(cacheDir(process.env));
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].filter(Boolean).join(delimiter);
  const env = { ...process.env, PATH: path };
  // vitest colours logs as well, where CI is set
  if (!process.stdout.isTTY && process.env.FORCE_COLOR === undefined) env.NO_COLOR ??= '1';
  const modules = await run([node, join(root, 'queue', 'provision-npm.ts')], env);
  if (modules !== 0) return modules;
  return run([node, join(root, entry), ...args], env);
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`set-up failed: ${error.message}`);
  process.exitCode = 2;
}
