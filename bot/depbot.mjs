#!/usr/bin/env node
/**
 * The command `depbot`: starts bot/main.ts in this process where Node is new enough, else under the Node 24
 * of depbot's cache. Loads nothing else, so that `depbot --help` stays quick.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cacheDir, goodNode } from './node.mjs';

// A checkout has TypeScript; an installed package what `npm pack` made of it, since Node strips no types there.
const source = fileURLToPath(new URL('main.ts', import.meta.url));
const main = existsSync(source) ? source : fileURLToPath(new URL('../dist/bot/main.js', import.meta.url));
const node = goodNode(process.env);

/** Before npm has been here, loading any other file would be a stack trace. */
function hasPackages() {
  try {
    import.meta.resolve('commander');
    return true;
  } catch {
    return false;
  }
}

if (!existsSync(main)) {
  process.stderr.write('depbot: this package has no dist/: it is to be made by "npm run pack"\n');
  process.exitCode = 2;
} else if (node === undefined) {
  process.stderr.write(
    `depbot needs Node 22.19 or newer, this is ${process.versions.node}: ` +
      'install Node 24, or run "npm run quickstart" in a checkout of depbot, which brings one\n',
  );
  process.exitCode = 2;
} else if (!hasPackages()) {
  const dir = dirname(dirname(fileURLToPath(import.meta.url)));
  process.stderr.write(
    `depbot: npm packages are not installed: run "npm run quickstart" (or "npm ci") in ${dir} first\n`,
  );
  process.exitCode = 2;
} else if (node === process.execPath) {
  // By its name it could not be imported by the Node 20 that only starts another.
  nodeModule.enableCompileCache(join(cacheDir(process.env), 'compiled'));
  await import(pathToFileURL(main).href);
} else {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(cacheDir(process.env), 'compiled') };
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends SIGINT to both, anybody else to this one alone; the child decides what it means.
  const isOfTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  process.on('SIGINT', () => isOfTerminal || child.kill('SIGINT'));
  child.on('error', (error) => {
    process.stderr.write(`depbot: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
}
