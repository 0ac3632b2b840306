/** Help, manual page and completion: all made of the same commands, read by the programs that they are for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { allCommands, pathOf } from '../../bot/command-tree.ts';
import { completionFor } from '../../bot/completion.ts';
import { EXAMPLES } from '../../bot/examples.ts';
import { manPage } from '../../bot/man-page.ts';
import { programOf } from '../../bot/program.ts';

const SHELL = {
  world: () => {
    throw new Error('nothing is to run');
  },
  gracefulWorld: () => {
    throw new Error('nothing is to run');
  },
  ends: () => undefined,
};
const dir = mkdtempSync(join(tmpdir(), 'depbot-test-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Words of a line as a shell makes them, from `depbot` to a pipe or a redirection. */
function wordsOf(line: string): string[] {
  const own = line.split(' | ').at(-1)!.split(' > ')[0]!;
  return [...own.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

describe('examples', () => {
  test('are of commands that there are, and each says what it is for', () => {
    const paths = allCommands(programOf(SHELL)).map(pathOf);
    expect(Object.keys(EXAMPLES).filter((path) => !paths.includes(path))).toEqual([]);
    const without = allCommands(programOf(SHELL)).filter(
      (command) => command.commands.length === 0 && EXAMPLES[pathOf(command)] === undefined,
    );
    // What the make targets are called; olddefconfig shows how.
    const modes = ['alldefconfig', 'allnoconfig', 'allyesconfig', 'allmodconfig', 'savedefconfig', 'listnewconfig'];
    expect(without.map(pathOf)).toEqual(modes.map((mode) => `kconfig ${mode}`));
  });

  test.each(Object.entries(EXAMPLES).flatMap(([path, examples]) => examples.map(({ line }) => [line, path] as const)))(
    '%s',
    async (line, path) => {
      const program = programOf(SHELL);
      let ran: string | undefined;
      for (const command of allCommands(program))
        if (command.commands.length === 0)
          command.exitOverride().action(() => {
            ran = pathOf(command);
          });
      const [name, ...argv] = wordsOf(line);
      expect(name).toBe('depbot');
      await program.parseAsync(argv, { from: 'user' });
      expect(ran).toBe(path === '' ? argv[0] : path);
    },
  );

  test('stand in the help', () => {
    const program = programOf(SHELL);
    let text = '';
    const check = program.commands.find((command) => command.name() === 'check')!;
    check.configureOutput({ writeOut: (said) => (text += said) });
    check.outputHelp();
    expect(text).toContain(
      '\nExamples:\n  # a series from a mailing list\n  depbot check series.mbox --tree ~/linux\n',
    );
  });
});

test('the manual page: groff has nothing to say against it, and every option is in it', () => {
  const page = manPage(programOf(SHELL), '1.2.3');
  const ran = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rLL=200n', '-P-cbou'], { input: page, encoding: 'utf8' });
  expect([ran.stderr, ran.status]).toEqual(['', 0]);
  for (const command of allCommands(programOf(SHELL)))
    for (const { flags } of command.options) expect(ran.stdout, pathOf(command)).toContain(flags);
  expect(ran.stdout).toContain("depbot kconfig solve 'VFIO_PCI=y && !PCI_P2PDMA' --tree ~/linux");
  expect(ran.stdout).toMatch(/^ {7}NO_COLOR\n? +Where it is set, nothing is coloured\.$/m);
});

describe('completion', () => {
  const program = programOf(SHELL);

  /** What bash would offer for the last of these words. */
  function bashOffers(...words: string[]): string[] {
    const script = join(dir, 'depbot.bash');
    writeFileSync(script, completionFor('bash', program, ['build-error', 'lost-symbol']));
    const run = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _depbot 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync('bash', ['-c', run, script, 'depbot', ...words], { cwd: dir, encoding: 'utf8' });
    return said.split('\n').filter((line) => line !== '');
  }

  test('of bash offers commands, options of the command, and files where one is due', () => {
    writeFileSync(join(dir, 'series.mbox'), '');
    expect(bashOffers('re')).toEqual(['resume', 'replay']);
    expect(bashOffers('kconfig', 'ex')).toEqual(['explain']);
    expect(bashOffers('kconfig', 'explain', '--ex')).toEqual(['--expand']);
    expect(bashOffers('check', '--ht')).toEqual(['--html']);
    expect(bashOffers('check', '--ver')).toEqual(expect.arrayContaining(['--verbose', '--version']));
    expect(bashOffers('check', 'ser')).toEqual(['series.mbox']);
    expect(bashOffers('check', '--tree', 'ser')).toEqual(['series.mbox']);
    expect(bashOffers('serve', '--no')).toEqual(['--no-worker']);
    expect(bashOffers('check', '--arch', 'x')).toEqual(['x86', 'xtensa']);
    expect(bashOffers('check', '--base', '')).toEqual([]);
    expect(bashOffers('rules', 'lo')).toEqual(['lost-symbol']);
    expect(bashOffers('completion', 'z')).toEqual(['zsh']);
  });

  test('of fish offers the same', () => {
    const script = join(dir, 'depbot.fish');
    writeFileSync(script, completionFor('fish', program, ['build-error', 'lost-symbol']));
    const offers = (line: string): string[] =>
      execFileSync('fish', ['-c', 'source $argv[1]; complete -C $argv[2]', script, line], {
        cwd: dir,
        encoding: 'utf8',
      })
        .split('\n')
        .map((one) => one.split('\t')[0]!)
        .filter((one) => one !== '');
    expect(offers('depbot re').sort()).toEqual(['replay', 'resume']);
    expect(offers('depbot kconfig ex')).toEqual(['explain']);
    expect(offers('depbot kconfig explain --ex')).toEqual(['--expand']);
    expect(offers('depbot serve --no')).toEqual(['--no-worker']);
    expect(offers('depbot check --arch x')).toEqual(['x86', 'xtensa']);
    expect(offers('depbot rules lo')).toEqual(['lost-symbol']);
    expect(offers('depbot completion z')).toEqual(['zsh']);
  });

  test('of zsh offers the same', () => {
    const script = join(dir, '_depbot');
    writeFileSync(script, completionFor('zsh', program, ['build-error', 'lost-symbol']));
    // compadd and _files say what they were given.
    const run = `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print files; }
      source $1; shift; words=("$@"); CURRENT=$#; PREFIX=$words[-1]; _depbot`;
    const offers = (...words: string[]): string[] =>
      execFileSync('zsh', ['-f', '-c', run, 'zsh', script, 'depbot', ...words], { encoding: 'utf8' }).split('\n');
    expect(offers('')).toEqual(expect.arrayContaining(['check', 'replay', '--version', 'files']));
    expect(offers('kconfig', '-')).toEqual(expect.arrayContaining(['explain', '--quiet']));
    expect(offers('kconfig', 'explain', '-')).toContain('--expand');
    expect(offers('check', '--tree', '')).toEqual(['files', '']);
    expect(offers('check', '--arch', '')).toContain('xtensa');
    expect(offers('check', '--base', '')).toEqual(['']);
    expect(offers('rules', '')).toContain('lost-symbol');
  });

  test('of another shell is refused', () => {
    expect(() => completionFor('toString', program, ['build-error', 'lost-symbol'])).toThrow(
      'no completion for toString; there is: bash, zsh, fish',
    );
  });
});
