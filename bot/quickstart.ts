/**
 * npm run quickstart [-- --tree DIR] [--html FILE] [--trust-tree]: set-up, then `depbot check` on the example series
 * against a real kernel tree. What check drafts goes to standard output, its report as a page to FILE (default:
 * report.html in this checkout), everything around it to standard error.
 *
 * Exit status: 0 when check ran (it finds something in the example); 2 when set-up was not possible or check
 * could not do its work.
 */

import { spawn } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ProvisionError, provision } from '../queue/provision.ts';
import { sandboxAvailable } from '../queue/sandbox.ts';
import { setToolEnv } from '../queue/tool-path.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLE = 'test/fixtures/example/series.mbox';
const QUIET = 'test/fixtures/example/quiet.mbox';
const PAGE = 'report.html';

const USAGE = `npm run quickstart [-- --tree DIR] [--html FILE] [--trust-tree]

Sets up what is missing, then drafts the reply to an example series.
  --tree DIR     a kernel's git tree of yours, instead of fetching Debian's linux-source
  --html FILE    where its report is written as a page; default: report.html in this checkout
  --trust-tree   run the tree's programs without a sandbox`;

function say(text = ''): void {
  process.stderr.write(`${text}\n`);
}

/** Throws a ProvisionError with the way around where bubblewrap does not work, as in many containers and chroots. */
async function needSandbox(): Promise<void> {
  setToolEnv(process.env);
  const sandbox = await sandboxAvailable();
  if (sandbox.ok) return;
  throw new ProvisionError(
    `${sandbox.why}\nTo see the example without the sandbox: npm run quickstart -- --trust-tree\n` +
      '(commands of the kernel tree and of the example then run unconfined, as under make)',
  );
}

/** Runs check on the example; resolves to its exit status. */
function runCheck(tree: string, options: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const argv = [join(root, 'bot/main.ts'), 'check', EXAMPLE, '--tree', tree, ...options];
    const child = spawn(process.execPath, argv, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 2 : 0)));
  });
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      tree: { type: 'string' },
      html: { type: 'string' },
      'trust-tree': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const html = values.html === undefined ? join(root, PAGE) : resolve(values.html);
  const { tree } = await provision(
    ['packages', 'service-packages', 'tree', 'debian-configs'],
    values.tree === undefined ? {} : { tree: values.tree },
  );
  if (tree === undefined) throw new Error('provision gave no tree');
  const trust = values['trust-tree'] === true;
  if (!trust) await needSandbox();
  say(`Kernel tree: ${tree}`);
  say(`The example: ${relative(process.cwd(), join(root, EXAMPLE))}, five patches to drivers/vfio/pci.`);
  say('depbot check begins. The first time it builds for some minutes; what it has found is told before. In the end');
  say('comes the reply that it drafts (nothing is sent):');
  say();
  const status = await runCheck(tree, ['--html', html, ...(trust ? ['--trust-tree'] : [])]);
  if (status > 1) {
    say(`depbot check ended with status ${status}: the example could not be checked`);
    return 2;
  }
  say();
  say('The whole report as a page, for a browser:');
  say(`      ${html}`);
  say('Next:');
  for (const [what, command] of [
    ['a series with nothing wrong: silence', `check ${QUIET} --tree ${tree}`],
    ['a series of yours, and what you have not posted yet', 'check SERIES.mbox --tree YOUR-TREE'],
    ['', 'check --range master..my-branch --tree YOUR-TREE'],
  ])
    say(`${what && `  ${what}:\n`}      node bot/depbot.mjs ${command}`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const expected = error instanceof ProvisionError || (error instanceof TypeError && 'code' in error);
  if (!expected) throw error;
  say(`depbot: ${(error as Error).message}`);
  process.exitCode = 2;
}
