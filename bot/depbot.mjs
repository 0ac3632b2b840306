#!/usr/bin/env node
/**
 * The command `depbot`: starts bot/main.ts in this process where Node is new enough, else under the Node 24
 * of depbot's cache. Loads nothing else, so that `depbot --help` stays quick.
 */
import { spawn } from 'node:child_process';
import { enableCompileCache } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir, goodNode } from './node.mjs';

const node = goodNode(process.env);
if (node === process.execPath) {
  enableCompileCache(join(cacheDir(process.env), 'compiled'));
  await import('./main.ts');
} else if (node !== undefined) {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const env = { ...process.env, NODE_COMPILE_CACHE: join(cacheDir(process.env), 'compiled') };
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // The terminal sends SIGINT to both; the child decides what it means.
  process.on('SIGINT', () => undefined);
  child.on('error', (error) => {
    process.stderr.write(`depbot: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
} else {
  process.stderr.write(
    `depbot needs Node 22.18 or newer, this is ${process.versions.node}: ` +
      'install Node 24, or run "npm run quickstart" in a checkout of depbot, which brings one\n',
  );
  process.exitCode = 2;
}
