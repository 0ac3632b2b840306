import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/tiny-repo.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = (name: string): string => readFileSync(`${root}test/fixtures/example/${name}`, 'utf8');

async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

describe('npm run quickstart', () => {
  it('ends with status 2 and the reason when the tree given is none', async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['bot/quickstart.ts', '--tree', tmpdir()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`depbot: ${tmpdir()} is no kernel tree: it has no file Kconfig\n`);
  });

  it.each(['bot/quickstart.ts', 'test/new-rule/new-rule.ts'])('%s --help tells the usage', async (entry) => {
    const { code, stdout, stderr } = await run(process.execPath, [entry, '--help']);
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/^npm run (quickstart|new-rule) /);
  });

  it('ends with status 2 on an option that it does not have', async () => {
    const { code, stderr } = await run(process.execPath, ['bot/quickstart.ts', '--threes']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^depbot: Unknown option '--threes'/);
  });

  it('tells the way without a sandbox where the sandbox is refused, and does not take it by itself', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'depbot-quickstart-'));
    try {
      const bwrap = join(dir, 'bwrap');
      writeFileSync(bwrap, '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n');
      chmodSync(bwrap, 0o755);
      const env = { ...process.env, PATH: [dir, process.env['PATH']].join(delimiter) };
      const tree = process.env['DEPBOT_TEST_TREE']!;
      const { code, stdout, stderr } = await run(process.execPath, ['bot/quickstart.ts', '--tree', tree], env);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^depbot: the kernel refuses bubblewrap its namespaces: bwrap: No permissions/);
      expect(stderr).toContain('npm run quickstart -- --trust-tree\n');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('hands on where the page of the report goes', async () => {
    const tree = process.env['DEPBOT_TEST_TREE']!;
    const argv = ['bot/quickstart.ts', '--tree', tree, '--html', tmpdir()];
    const { code, stdout, stderr } = await run(process.execPath, argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^depbot: --html ${tmpdir()}: it is a folder`, 'm'));
  });

  it('does not speak of the sandbox where something else is wrong', async () => {
    const env = { ...process.env, XDG_STATE_HOME: '/dev/null' };
    const tree = process.env['DEPBOT_TEST_TREE']!;
    const { code, stderr } = await run(process.execPath, ['bot/quickstart.ts', '--tree', tree], env);
    expect(code).toBe(2);
    expect(stderr).toContain('the example could not be checked');
    expect(stderr).not.toContain('--trust-tree');
  });
});

describe('the command depbot', () => {
  it('says what it needs when no Node is new enough', async () => {
    // Another version cannot be had here: the check itself is tested in test/queue/provision.test.ts.
    const script = `
      import { registerHooks } from 'node:module';
      // Node 20 has it without enableCompileCache.
      const old = { url: 'data:text/javascript,', shortCircuit: true };
      registerHooks({ resolve: (name, context, next) => (name === 'node:module' ? old : next(name, context)) });
      Object.defineProperty(process.versions, 'node', { value: '20.19.0' });
      await import('./bot/depbot.mjs');`;
    const env = { ...process.env, DEPBOT_CACHE: '/nonexistent' };
    const { code, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^depbot needs Node 22\.19 or newer, this is 20\.19\.0: install Node 24, or run "npm run quickstart"/,
    );
  });

  it('says what to do in a fresh checkout, where npm has not been', async () => {
    const checkout = tempDir();
    for (const name of ['depbot.mjs', 'node.mjs', 'main.ts'])
      cpSync(join(root, 'bot', name), join(checkout, 'bot', name));
    const { code, stderr } = await run(process.execPath, [join(checkout, 'bot/depbot.mjs'), 'rules'], process.env);
    rmSync(checkout, { recursive: true });
    expect(stderr).toBe(
      `depbot: npm packages are not installed: run "npm run quickstart" (or "npm ci") in ${checkout} first\n`,
    );
    expect(code).toBe(2);
  });
});

describe.each(['series.mbox', 'config-upgrade.mbox', 'quiet.mbox'])('the example %s', (name) => {
  it('was made on the kernel tree: its first index lines name files of it', async () => {
    const tree = process.env['DEPBOT_TEST_TREE'];
    expect(tree, 'DEPBOT_TEST_TREE, which npm test sets').toBeDefined();
    const before = new Map<string, string>();
    for (const [, path, blob] of example(name).matchAll(
      /^diff --git a\/(\S+) .*\n(?:new file mode \d+\n)?index ([0-9a-f]{12})\.\./gm,
    )) {
      if (!before.has(path!)) before.set(path!, blob!);
    }
    // what the series creates
    for (const [path, blob] of before) if (/^0+$/.test(blob)) before.delete(path);
    expect(before.size).toBeGreaterThan(0);
    for (const [path, blob] of before) {
      const { stdout } = await run('git', ['-C', tree!, 'rev-parse', `HEAD:${path}`]);
      expect(stdout.slice(0, 12), path).toBe(blob);
    }
  });

  it('is one thread in which every mail has its own Message-ID', () => {
    const mails = example(name).split(/^(?=From [0-9a-f]{40} Mon Sep 17 00:00:00 2001$)/m);
    const header = (mail: string, key: string): string | undefined =>
      new RegExp(`^${key}: <(.*)>$`, 'mi').exec(mail.split('\n\n')[0]!)?.[1];
    const ids = mails.map((mail) => header(mail, 'Message-ID'));
    expect(new Set(ids).size).toBe(mails.length);
    expect(ids.every((id) => id?.endsWith('.example'))).toBe(true);
    expect(mails.slice(1).map((mail) => header(mail, 'In-Reply-To'))).toEqual(mails.slice(1).map(() => ids[0]));
    expect(header(mails[0]!, 'In-Reply-To')).toBeUndefined();
  });
});
