/**
 * npm run new-rule -- NAME: the files of a rule, to be filled in: rules/NAME.ts, templates/NAME.txt, its places in
 * rules/index.ts, docs/report.md and README.md, and three fixtures. All gates but the tests pass with it; these say what
 * is still to be written.
 *
 * npm run new-rule -- --series NAME: writes series.mbox of each fixture of the rule that has a folder `after/`: the
 * files as the patch leaves them; with `after-1/`, `after-2/` a patch for each. A file `after/.gone` lists paths that the
 * patch removes. Take the folders away when all is well.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { RULES } from '../../rules/index.ts';
import { filesBelow } from '../support/fixture.ts';
import { tinyRepo } from '../support/tiny-repo.ts';

const PROJECT = join(import.meta.dirname, '../..');
const AUTHOR = 'Dana Example <dana@example.net>';

/** A kernel of a few files: one driver, of a subsystem that can be off. */
const TREE: Readonly<Record<string, string>> = {
  Kconfig:
    'mainmenu "Linux/$(ARCH) $(KERNELVERSION) Kernel Configuration"\n\nconfig MODULES\n\tbool "Enable loadable module support"\n\tmodules\n\nsource "arch/$(SRCARCH)/Kconfig"\n\nsource "drivers/mfd/Kconfig"\n',
  'arch/x86/Kconfig': 'config X86\n\tdef_bool y\n',
  'arch/x86/configs/x86_64_defconfig': 'CONFIG_MFD_REEF=y\n',
  'drivers/mfd/Kconfig':
    'config MFD_CORE\n\tbool "Multifunction devices"\n\nconfig MFD_REEF\n\ttristate "Reef companion chip"\n\tdepends on MFD_CORE\n',
};
/** Name, what the tree has besides, and what the patch makes of drivers/mfd/Kconfig: only something to begin with. */
const CASES: readonly { readonly name: string; readonly more: string; readonly silence: boolean }[] = [
  { name: 'shows-it', more: '\thelp\n\t  The chip of Reef boards.\n', silence: false },
  { name: 'nearest-that-is-fine', more: '\tdefault MFD_CORE\n', silence: true },
  { name: 'already-so-before', more: '\thelp\n\t  The companion chip of Reef boards.\n', silence: true },
];

const USAGE = `npm run new-rule -- NAME            the files of a new rule, to be filled in; kebab-case: unmet-select
npm run new-rule -- --series NAME   series.mbox of its fixtures, of their folders after/
CONTRIBUTING.md, "A rule in 30 minutes", goes on.
`;

function caseDir(rule: string, name: string): string {
  return join(PROJECT, 'test/fixtures/rules', rule, name);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  process.stdout.write(`  ${path.slice(PROJECT.length + 1)}\n`);
}

function newRule(name: string): void {
  if (!/^[a-z]+(-[a-z]+)*$/.test(name)) throw new Error(`${name}: not in kebab-case, as unmet-select is`);
  if (existsSync(join(PROJECT, 'rules', `${name}.ts`))) throw new Error(`${name}: rules/${name}.ts is there already`);
  const skeleton = (file: string): string =>
    readFileSync(join(import.meta.dirname, file), 'utf8').replaceAll('NAME', name);
  write(join(PROJECT, 'rules', `${name}.ts`), skeleton('rule.txt'));
  write(join(PROJECT, 'templates', `${name}.txt`), skeleton('template.txt'));
  const names = [...RULES.map(({ id }) => id), name].sort();
  insert('rules/index.ts', name, names, {
    lines: (rule) => [`import ${variable(rule)} from './${rule}.ts';`, `  ${variable(rule)},`],
  });
  insert('README.md', name, names, { lines: (rule) => [`| \`${rule}\` | ... |`], key: (rule) => `| \`${rule}\` | ` });
  const rows = `### ${name}\n\n| key | what |\n|---|---|\n| \`claim.symbol\` | ... |\n| \`claim.archs\` | architectures that have it |\n\n`;
  insertSection('docs/report.md', name, names, rows);
  for (const { name: situation, more, silence } of CASES) {
    const dir = caseDir(name, situation);
    for (const [path, text] of Object.entries(TREE)) write(join(dir, 'tree', path), text);
    write(join(dir, 'after/drivers/mfd/Kconfig'), `${TREE['drivers/mfd/Kconfig']}${more}`);
    if (silence) write(join(dir, 'silence.txt'), 'Why?\n');
  }
  execFileSync(join(PROJECT, 'node_modules/.bin/biome'), ['check', '--write', join(PROJECT, 'rules')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeSeries(name);
}

function variable(rule: string): string {
  return rule.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Puts lines after those of the rule that goes before in the alphabet; or, of the first, before those of the next. */
function insert(
  file: string,
  name: string,
  names: readonly string[],
  { lines, key }: { lines: (rule: string) => string[]; key?: (rule: string) => string },
): void {
  const path = join(PROJECT, file);
  const at = names.indexOf(name);
  const neighbour = names[at - 1] ?? names[at + 1]!;
  let text = readFileSync(path, 'utf8').split('\n');
  for (const [n, line] of lines(name).entries()) {
    const wanted = key?.(neighbour) ?? lines(neighbour)[n]!;
    const found = text.findIndex((one) => one.startsWith(wanted));
    if (found < 0) throw new Error(`${file}: no line of ${neighbour} to put ${name} beside`);
    text = text.toSpliced(found + (at === 0 ? 0 : 1), 0, line);
  }
  writeFileSync(path, text.join('\n'));
  process.stdout.write(`  ${file}\n`);
}

/** Puts a section after that of the rule that goes before in the alphabet; or, of the first, before that of the next. */
function insertSection(file: string, name: string, names: readonly string[], section: string): void {
  const path = join(PROJECT, file);
  const text = readFileSync(path, 'utf8');
  const [previous, next] = [names[names.indexOf(name) - 1], names[names.indexOf(name) + 1]];
  const of = text.indexOf(`\n### ${previous ?? next}\n`) + 1;
  if (of === 0) throw new Error(`${file}: no section of ${previous ?? next} to put ${name} beside`);
  const below = text.indexOf('\n', of) + 1;
  const after = text.slice(below).search(/^##+ /m);
  const at = previous === undefined ? of : after < 0 ? text.length : below + after;
  const gap = at === text.length ? '\n' : '';
  writeFileSync(path, `${`${text.slice(0, at)}${gap}${section}${text.slice(at)}`.trimEnd()}\n`);
  process.stdout.write(`  ${file}\n`);
}

/** series.mbox from `after/`, as `git format-patch` writes it, with ids that are always the same. */
function writeSeries(rule: string): void {
  const root = join(PROJECT, 'test/fixtures/rules', rule);
  if (!existsSync(root)) throw new Error(`${rule}: there is no ${root}`);
  for (const name of readdirSync(root).sort()) {
    const dir = join(root, name);
    const steps = readdirSync(dir)
      .filter((one) => /^after(-\d+)?$/.test(one))
      .sort();
    if (steps.length === 0) continue;
    const repo = tinyRepo(filesBelow(join(dir, 'tree')));
    try {
      for (const step of steps) {
        const { '.gone': gone, ...files } = filesBelow(join(dir, step));
        for (const path of gone?.toString().split('\n').filter(Boolean) ?? []) repo.git('rm', '-q', path);
        repo.commit(`${Object.keys(files)[0] ?? 'drivers'}: ${name.replaceAll('-', ' ')}\n\nWhy this is done.`, files);
      }
      const author = `--from=${AUTHOR}`;
      const text = repo.git(
        'format-patch',
        '--stdout',
        '--zero-commit',
        '--no-signature',
        author,
        '--to=maintainer@example.com',
        '--cc=linux-kernel@example.org',
        `-${steps.length}`,
      );
      let n = 0;
      const mbox = text.replace(
        /^From 0{40} .*$/gm,
        (line) => `${line}\nMessage-ID: <${rule}.${name}.${++n}@example.net>`,
      );
      write(join(dir, 'series.mbox'), `${mbox}\n`);
    } finally {
      repo.remove();
    }
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { series: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const [name] = positionals;
  if (values.help) process.stdout.write(USAGE);
  else if (name === undefined || positionals.length > 1) throw new Error(`a name is needed, and one alone\n${USAGE}`);
  else if (values.series) writeSeries(name);
  else {
    newRule(name);
    process.stdout.write(
      `\nNow: npm test -- test/rules.test.ts -t ${name} says what is missing; CONTRIBUTING.md, "A rule in 30 minutes", goes on.\n`,
    );
  }
} catch (error) {
  process.stderr.write(`new-rule: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
