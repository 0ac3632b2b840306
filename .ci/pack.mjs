/**
 * npm run pack [-- --pack-destination DIR]: the package, as `npm pack` makes it, with JavaScript in dist/ instead of
 * TypeScript, since Node strips no types below node_modules, and beside it what the programs read at run time. No
 * prepack script: .npmrc turns scripts off, those of dependencies are meant.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules', '.bin', 'tsc');
const { status } = spawnSync(tsc, ['--project', join(root, '.ci', 'tsconfig.dist.json')], { stdio: ['ignore', 2, 2] });
if (status !== 0) process.exit(status ?? 2);
mkdirSync(dist, { recursive: true });
for (const name of ['templates', 'package.json']) cpSync(join(root, name), join(dist, name), { recursive: true });
for (const name of readdirSync(join(root, 'queue')).filter((one) => /\.(c|mk)$/.test(one)))
  cpSync(join(root, 'queue', name), join(dist, 'queue', name));
const pack = spawnSync('npm', ['pack', ...process.argv.slice(2)], { cwd: root, stdio: ['inherit', 'pipe', 'inherit'] });
process.stdout.write(pack.stdout);
process.exitCode = pack.status ?? 2;
// The last line is the name of the file, without the folder of --pack-destination.
const name = pack.stdout.toString().trimEnd().split('\n').at(-1);
if (pack.status === 0)
  process.stderr.write(
    `\nThe command depbot, where ~/.local/bin is on PATH: npm install -g --prefix ~/.local ${name}\n`,
  );
