/**
 * The arrows between the folders, and which single files hold a power: read from the import lines of every
 * source file.
 *
 *     bot/ -> queue/ -> rules/        templates/ holds text        test/ may import anything, nobody imports it
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which folders each folder may import from. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  bot: ['bot', 'queue', 'rules'],
  queue: ['queue', 'rules'],
  rules: ['rules'],
  templates: [],
  test: ['bot', 'queue', 'rules', 'test'],
};

/** Modules that only these files may import. Tests may import anything; a type is no power. */
const POWERS: readonly { readonly modules: RegExp; readonly holders: RegExp }[] = [
  {
    modules: /^node:child_process$/,
    holders:
      /^(queue\/(git|sandbox|redis-server|provision(-[a-z]+)?)\.ts|bot\/(quickstart\.ts|secret-command\.ts|depbot\.mjs))$/,
  },
  { modules: /^simple-git(\/|$)/, holders: /^queue\/git\.ts$/ },
  { modules: /^imapflow(\/|$)/, holders: /^bot\/(imap|inbox|drafts)\.ts$/ },
  { modules: /^nodemailer(\/|$)/, holders: /^bot\/(eml|smtp|message(-[a-z]+)?)\.ts$/ },
  { modules: /^(bullmq|ioredis)(\/|$)/, holders: /^queue\/(bullmq|bullmq-link|bullmq-worker|redis-server)\.ts$/ },
  { modules: /^mailauth(\/|$)/, holders: /^bot\/(dkim|arc)\.ts$/ },
  { modules: /^openai(\/|$)/, holders: /^bot\/prose\.ts$/ },
  { modules: /^(web-tree-sitter|tree-sitter-c)(\/|$)/, holders: /^queue\/tree-sitter\.ts$/ },
  { modules: /^node:worker_threads$/, holders: /^queue\/c-(reader|worker)\.ts$/ },
  { modules: /^node:dns/, holders: /^bot\/dkim\.ts$/ },
  { modules: /^(hono|@hono\/node-server)(\/|$)/, holders: /^bot\/pages\.ts$/ },
  { modules: /^node:(net|tls|http|https|http2|dgram|inspector|vm)$/, holders: /^$/ },
  { modules: /^node:process$/, holders: /^$/ },
];

/** Files that may read the environment. */
const ENV_READERS = /^(bot\/(main|quickstart|config)\.ts|bot\/depbot\.mjs|queue\/provision(-[a-z]+)?\.ts)$/;
/** What the pure folder may not ask the outside world for. */
const IMPURE = /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|process\.|fetch\()/;
const MAX_LINES = 400;

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Import and re-export statements, and import() of a literal. */
function importsOf(text: string): readonly Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s)?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm)) {
    found.push({ from: match[2]!, typeOnly: match[1] !== undefined });
  }
  for (const match of text.matchAll(/^import\s*['"]([^'"]+)['"]/gm)) found.push({ from: match[1]!, typeOnly: false });
  for (const match of text.matchAll(/\bimport\(\s*['"`]([^'"`]+)['"`]/g))
    found.push({ from: match[1]!, typeOnly: false });
  return found;
}

/** Without comments, so that prose may name what code may not. Strings that hold `//` lose their end: no harm here. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

/** What is wrong with a file at `path` (from the root) that holds `text`. */
function complaints(path: string, text: string): readonly string[] {
  const folder = path.split('/')[0]!;
  const inTest = folder === 'test';
  const wrong: string[] = [];
  if (folder === 'templates') wrong.push('templates/ holds text, not code');
  for (const { from, typeOnly } of importsOf(text)) {
    if (from.startsWith('.')) {
      const target = normalize(join(dirname(path), from)).split('/')[0]!;
      if (!ARROWS[folder]?.includes(target)) wrong.push(`${folder}/ may not import ${from}`);
    } else if (folder === 'rules' && from !== 'node:path/posix') {
      wrong.push(`rules/ may not import ${from}`);
    } else if (from.startsWith('/') || from.startsWith('file:')) {
      wrong.push(`absolute import ${from}`);
    }
    const power = POWERS.find(({ modules }) => modules.test(from));
    if (power !== undefined && !inTest && !typeOnly && !power.holders.test(path)) wrong.push(`may not import ${from}`);
  }
  const code = codeOf(text);
  if (!inTest) {
    if (/\bprocess\.env\b/.test(code) && !ENV_READERS.test(path)) wrong.push('may not read process.env');
    if (/\b(createRequire|getBuiltinModule|require)\s*\(/.test(code)) wrong.push('may not load modules past import');
  }
  if (folder === 'rules' && IMPURE.test(code)) wrong.push(`rules/ may not use ${IMPURE.exec(code)![0]}`);
  const lines = text.split('\n').length - 1;
  const header = /^(?:#!.*\n)?\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
  if (lines > MAX_LINES && !/\b400 lines\b/.test(header)) {
    wrong.push(`${lines} lines, and its header does not say why it is longer than 400 lines`);
  }
  return wrong;
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.([cm]?[jt]sx?)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter((path) => !path.startsWith('test/fixtures/'));
}

describe('arrows', () => {
  for (const folder of Object.keys(ARROWS)) {
    it(`hold in every file of ${folder}/`, () => {
      const wrong = sourceFiles(folder).flatMap((path) =>
        complaints(path, readFileSync(join(root, path), 'utf8')).map((what) => `${path}: ${what}`),
      );
      expect(wrong).toEqual([]);
    });
  }

  it('are checked on files that are there', () => {
    expect(sourceFiles('rules')).toContain('rules/types.ts');
    expect(sourceFiles('queue')).toContain('queue/provision.ts');
    expect(sourceFiles('bot')).toContain('bot/depbot.mjs');
    expect(sourceFiles('test')).toContain('test/arrows.test.ts');
  });
});

describe('the check of the arrows', () => {
  const bad: readonly (readonly [path: string, text: string, what: RegExp])[] = [
    ['queue/x.ts', "import { a } from '../bot/a.ts';", /queue\/ may not import/],
    ['queue/x.ts', "import type { A } from '../bot/a.ts';", /queue\/ may not import/],
    ['queue/x.ts', "import {\n  a,\n  b,\n} from '../bot/a.ts';", /queue\/ may not import/],
    ['queue/x.ts', "import '../bot/a.ts';", /queue\/ may not import/],
    ['queue/x.ts', "const a = await import('../bot/a.ts');", /queue\/ may not import/],
    ['queue/x.ts', "export { a } from '../bot/a.ts';", /queue\/ may not import/],
    ['queue/x.ts', "export * from '../bot/a.ts';", /queue\/ may not import/],
    ['rules/kconfig/x.ts', "import { a } from '../../queue/a.ts';", /rules\/ may not import/],
    ['rules/x.ts', "import { join } from 'node:path';", /rules\/ may not import/],
    ['rules/x.ts', "import type { Stats } from 'node:fs';", /rules\/ may not import/],
    ['rules/x.ts', "import { z } from 'zod';", /rules\/ may not import/],
    ['bot/x.ts', "import { a } from '../test/support/a.ts';", /bot\/ may not import/],
    ['bot/x.ts', "import { a } from '../.ci/a.mjs';", /bot\/ may not import/],
    ['bot/x.ts', "import { a } from '/etc/a.ts';", /absolute import/],
    ['templates/x.ts', 'export const a = 1;', /holds text/],
    ['bot/x.ts', "import { spawn } from 'node:child_process';", /may not import node:child_process/],
    ['queue/x.ts', "import { type ChildProcess } from 'node:child_process';", /may not import node:child_process/],
    ['queue/sandbox.ts', "import { simpleGit } from 'simple-git';", /may not import simple-git/],
    ['bot/deliver.ts', "import { ImapFlow } from 'imapflow';", /may not import imapflow/],
    ['queue/x.ts', "import MimeNode from 'nodemailer/lib/mime-node';", /may not import nodemailer/],
    ['queue/worker.ts', "import { Worker } from 'bullmq';", /may not import bullmq/],
    ['queue/x.ts', "import { connect } from 'node:net';", /may not import node:net/],
    ['queue/c-reader.ts', "import { Parser } from 'web-tree-sitter';", /may not import web-tree-sitter/],
    ['queue/x.ts', "import { Worker } from 'node:worker_threads';", /may not import node:worker_threads/],
    ['queue/x.ts', 'const path = process.env.PATH;', /process\.env/],
    ['bot/x.ts', "import { env } from 'node:process';", /may not import node:process/],
    ['bot/x.ts', "const fs = process.getBuiltinModule('fs');", /past import/],
    ['rules/x.ts', 'const now = Date.now();', /rules\/ may not use Date\.now/],
    ['rules/x.ts', 'line\n'.repeat(401), /401 lines/],
    ['rules/x.ts', `/** About 400 things. */\n${'line\n'.repeat(400)}`, /401 lines/],
  ];
  for (const [path, text, what] of bad) {
    const title = text.length > 90 ? `${text.length} characters` : JSON.stringify(text);
    it(`refuses ${title} in ${path}`, () => {
      const found = complaints(path, text);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(what);
    });
  }

  const good: readonly (readonly [path: string, text: string])[] = [
    ['bot/x.ts', "import { a } from '../queue/a.ts';\nimport { b } from '../rules/kconfig/b.ts';"],
    ['queue/x.ts', "import type { A } from '../rules/types.ts';"],
    ['rules/kconfig/x.ts', "import { join } from 'node:path/posix';\nimport type { A } from '../types.ts';"],
    ['test/x.test.ts', "import { spawn } from 'node:child_process';\nimport { a } from '../bot/a.ts';"],
    ['queue/x.ts', "import type { ChildProcess } from 'node:child_process';"],
    ['queue/provision-lock.ts', "import { spawn } from 'node:child_process';\nconst path = process.env['PATH'];"],
    ['bot/message-headers.ts', "import addressparser from 'nodemailer/lib/addressparser';"],
    ['bot/x.ts', '// process.env is read in main.ts alone\nconst a = 1;'],
    ['rules/x.ts', '/**\n * No Date.now here, and nothing like\n * import a from the outside.\n */\nconst a = 1;'],
    ['rules/x.ts', 'line\n'.repeat(400)],
    ['rules/x.ts', `/** More than 400 lines: one grammar. */\n${'line\n'.repeat(500)}`],
  ];
  for (const [path, text] of good) {
    const title = text.length > 110 ? `${text.length} characters` : JSON.stringify(text);
    it(`accepts ${title} in ${path}`, () => expect(complaints(path, text)).toEqual([]));
  }
});
