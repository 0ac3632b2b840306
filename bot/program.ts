/**
 * The command line as data: commands, options and their help, of which main.ts runs one, and `depbot man` and `depbot
 * completion` print all. What a command needs is loaded when it runs.
 */

import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { CheckArguments } from './check-command.ts';
import { allCommands, pathOf } from './command-tree.ts';
import type { DoctorArguments } from './doctor-command.ts';
import { examplesText } from './examples.ts';
import type { QuestionArguments } from './kconfig-questions.ts';
import type { World } from './main.ts';
import type { PolicyArguments } from './policy-command.ts';
import type { ReplayArguments } from './replay-command.ts';
import type { ServeArguments } from './serve.ts';
import type { StatusArguments } from './status-command.ts';

/** The process around a command. */
export interface Shell {
  world(): World;
  /** For what has something to bring to its end: the first signal asks it to, the second ends it. */
  gracefulWorld(): World;
  /** Takes the exit status of the command. */
  ends(status: number): void;
}

const one = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
const list = (value: string, before: string[] | undefined): string[] => [...(before ?? []), ...value.split(',')];

/** All commands; whatever one throws comes out of parseAsync(). */
export function programOf(shell: Shell): Command {
  const program = new Command('depbot')
    .description('Finds configurations that a kernel patch series breaks, and drafts the reply.')
    .version(versionOf(), '-V, --version', 'print the version')
    .option('-q, --quiet', 'on standard error only what is wrong')
    .option('-v, --verbose', 'on standard error each step, and how long it took')
    .helpCommand(false)
    .showHelpAfterError('(--help behind a command tells of its options, depbot --help of all commands)')
    .exitOverride();

  program
    .command('check')
    .description('check a series against a kernel tree and print the reply that it deserves')
    .argument('[input]', 'mbox, Maildir, folder of .patch files or single mail; - or nothing for standard input')
    .option('--tree <dir>', 'git tree of the kernel (default: $DEPBOT_TREE, or tree.dir of the configuration)')
    .option('--range <base..branch>', 'check commits of the tree instead of mails')
    .option('--base <revision>', 'apply to this revision instead of what the series says')
    .option('--arch <arch>', 'compare these architectures only (may be repeated, or separated by commas)', list)
    .option('--distribution-config <file>', 'a .config to carry over as well (may be repeated)', list)
    .option('--all-revisions', 'check revisions too that the input has a later one of')
    .option('--no-build', 'build nothing: findings about code are not proved by a build')
    .option('--json', 'print the whole report as JSON')
    .option('--out <dir>', 'write each reply as an .eml file into this folder')
    .option('--html <file>', 'write the whole report as one page, with pictures, into this file')
    .option('--b4', 'answer `b4 review`: one mail on standard input, its check results as JSON on standard output')
    .option('--config <file>', 'settings, as depbot.example.toml has them')
    .option('--trust-tree', "run the tree's programs without a sandbox")
    .action(async (input: string | undefined, options: CheckArguments & { b4?: boolean }) => {
      if (options.b4) {
        const { runB4 } = await import('./b4.ts');
        shell.ends(await runB4(input, options, shell.world()));
        return;
      }
      const { runCheck } = await import('./check-command.ts');
      shell.ends(await runCheck(input, options, shell.world()));
    });

  program
    .command('doctor')
    .description(
      'whether this machine, the tree and the servers of --config are as depbot needs them, and what mends them',
    )
    .option('--config <file>', 'settings: tries their servers too; sends and writes nothing')
    .option('--tree <dir>', 'git tree of the kernel (default: $DEPBOT_TREE, or tree.dir of the configuration)')
    .option('--json', 'print it as JSON')
    .action(async (options: DoctorArguments) => {
      const { runDoctor } = await import('./doctor-command.ts');
      shell.ends(await runDoctor(options, shell.world()));
    });

  const kconfig = program.command('kconfig').description('what conf does, and why a symbol has its value');
  for (const mode of [
    'olddefconfig',
    'alldefconfig',
    'allnoconfig',
    'allyesconfig',
    'allmodconfig',
    'savedefconfig',
    'listnewconfig',
  ] as const) {
    common(kconfig.command(mode).description(MODE_HELP(mode)))
      .option('--output <file>', 'write there instead of to standard output')
      .action(async (options) => {
        const { runMode } = await import('./kconfig-command.ts');
        shell.ends(await runMode(mode, options, shell.world()));
      });
  }
  common(kconfig.command('explain').description('type, dependencies, selects and the reason for the value of a symbol'))
    .argument('<symbol>', 'with or without CONFIG_')
    .option('--expand <levels>', 'levels of unmet dependencies to follow', wholeNumber)
    .action(async (symbol: string, options) => {
      const { runExplain } = await import('./kconfig-command.ts');
      shell.ends(await runExplain(symbol, options, shell.world()));
    });

  question(kconfig.command('solve').description('a configuration in which an expression holds, or why there is none'))
    .argument('<expression>', "as after `depends on`: 'VFIO_PCI=y && !PCI_P2PDMA'")
    .action(async (expression: string, options: QuestionArguments) => {
      const { runSolve } = await import('./kconfig-questions.ts');
      shell.ends(await runSolve(expression, options, shell.world()));
    });
  question(kconfig.command('implies').description('whether an expression holds wherever another does'))
    .argument('<premise>', 'an expression')
    .argument('<conclusion>', 'an expression')
    .action(async (premise: string, conclusion: string, options: QuestionArguments) => {
      const { runImplies } = await import('./kconfig-questions.ts');
      shell.ends(await runImplies(premise, conclusion, options, shell.world()));
    });
  question(kconfig.command('needs').description('what it takes to enable a symbol, or why it cannot be had'))
    .argument('<symbol>', 'with or without CONFIG_')
    .option('--value <value>', 'm or y: have it at that value (default: at m or y)')
    .action(async (symbol: string, options: QuestionArguments & { value?: string }) => {
      const { runNeeds } = await import('./kconfig-questions.ts');
      shell.ends(await runNeeds(symbol, options, shell.world()));
    });

  program
    .command('serve')
    .description('watch mailing lists, check what is posted, draft or send replies to those who opted in')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .option('--no-worker', 'leave the checking to `depbot worker` elsewhere')
    .action(async (options: ServeArguments) => {
      const { runServe } = await import('./serve.ts');
      shell.ends(await runServe(options, shell.gracefulWorld()));
    });

  program
    .command('worker')
    .description('check series of the queue of a `depbot serve` (queue.redis_url, or REDIS_URL)')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .action(async (options: { config: string }) => {
      const { runWorker } = await import('./worker-command.ts');
      shell.ends(await runWorker(options.config, shell.gracefulWorld()));
    });

  const policy = program.command('policy').description('who hears what');
  policy
    .command('explain')
    .description('who would hear of a series, how, and by which line of the configuration; sends nothing')
    .argument('[input]', 'mbox, Maildir, folder of .patch files or single mail; - or nothing for standard input')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .option('--tree <dir>', 'git tree of the kernel with MAINTAINERS (default: $DEPBOT_TREE, or tree.dir)')
    .action(async (input: string | undefined, options: PolicyArguments) => {
      const { explainPolicy } = await import('./policy-command.ts');
      shell.ends(await explainPolicy(input, options, shell.world()));
    });

  program
    .command('outbox')
    .description('what `depbot serve` has drafted, holds or could not deliver')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .option(
      '--discard <message-id>',
      'have this mail discarded if it is not sent; if it came back, tell no more of that',
    )
    .action(async ({ config, discard }: { config: string; discard?: string }) => {
      const { discardMail, showOutbox } = await import('./outbox-command.ts');
      const world = shell.world();
      shell.ends(discard === undefined ? showOutbox(config, world) : discardMail(config, discard, world));
    });

  program
    .command('status')
    .description('the queue, its workers, the series under way and how far they are, and what failed last')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .option('--json', 'print it as JSON')
    .action(async (options: StatusArguments) => {
      const { showStatus } = await import('./status-command.ts');
      shell.ends(await showStatus(options, shell.world()));
    });

  program
    .command('stop')
    .description('emergency stop: no mail and no draft leaves `depbot serve` until `depbot resume`')
    .argument('[reason...]', 'for the log')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .action(async (reason: string[], { config }: { config: string }) => {
      const { setEmergencyStop } = await import('./emergency-stop.ts');
      shell.ends(setEmergencyStop({ isOn: true, why: reason.join(' '), configPath: config }, shell.world()));
    });
  program
    .command('resume')
    .description('ends the emergency stop')
    .requiredOption('--config <file>', 'settings, as depbot.example.toml has them')
    .action(async ({ config }: { config: string }) => {
      const { setEmergencyStop } = await import('./emergency-stop.ts');
      shell.ends(setEmergencyStop({ isOn: false, why: '', configPath: config }, shell.world()));
    });

  program
    .command('replay')
    .description('what would have been said of the mails of an archive, when and to whom; sends nothing')
    .requiredOption(
      '--list <archive>',
      'public-inbox repository, mbox, Maildir or imap:ACCOUNT/FOLDER (may be repeated)',
      one,
    )
    .requiredOption('--since <day>', 'series whose last patch was sent from this day on (2026-10-01, UTC)')
    .option('--until <day>', 'and before this day (default: now)')
    .option('--tree <dir>', 'git tree of the kernel (default: $DEPBOT_TREE, or tree.dir of the configuration)')
    .option('--arch <arch>', 'compare these architectures only (may be repeated, or separated by commas)', list)
    .option('--no-build', 'build nothing: findings about code are told without the proof of a build')
    .option('--config <file>', 'settings: who asked for what; without them, as replies to all')
    .option('--json', 'print all of it as JSON')
    .option('--trust-tree', "run the tree's programs without a sandbox")
    .action(async (options: ReplayArguments) => {
      const { runReplay } = await import('./replay-command.ts');
      shell.ends(await runReplay(options, shell.gracefulWorld()));
    });

  program
    .command('rules')
    .description('what depbot looks for: the documentation of its rules')
    .argument('[id]', 'one rule only')
    .action(async (id: string | undefined) => {
      const { RULES } = await import('../rules/index.ts');
      const shown = RULES.filter((rule) => id === undefined || rule.id === id);
      if (shown.length === 0)
        throw new InvalidArgumentError(`no rule ${id}; there are: ${RULES.map((rule) => rule.id).join(', ')}`);
      for (const rule of shown)
        shell.world().stdout.write(`# ${rule.id} (${rule.severity}, rung ${rule.rung})\n${rule.doc}\n\n`);
    });

  program
    .command('man')
    .description('print the manual page: depbot man | man -l -')
    .action(async () => {
      const { manPage } = await import('./man-page.ts');
      shell.world().stdout.write(manPage(program, versionOf()));
    });
  program
    .command('completion')
    .description('print what a shell needs to complete commands and options')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (name: string) => {
      const [{ completionFor }, { RULES }] = await Promise.all([
        import('./completion.ts'),
        import('../rules/index.ts'),
      ]);
      const rules = RULES.map(({ id }) => id);
      shell.world().stdout.write(completionFor(name, program, rules));
    });
  for (const command of allCommands(program)) command.addHelpText('after', () => examplesText(pathOf(command)));
  return program;
}

/** Of the package. */
function versionOf(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

function common(command: Command): Command {
  return ofTree(command)
    .option('--arch <arch>', 'as in `make ARCH=…` (default: that of this machine)')
    .option('--config <file>', 'the .config to start from (default: .config of the tree, if there is one)');
}

function question(command: Command): Command {
  return ofTree(command)
    .option(
      '--arch <arch>',
      'as in `make ARCH=…`, or all (may be repeated, or separated by commas; default: all)',
      list,
    )
    .option('--json', 'print the answers as JSON')
    .option('--free-shell', 'leave open what commands of $(shell,…) answer with y or n, as those that try the compiler')
    .option('--no-conf', "do not have the tree's own conf confirm each configuration");
}

function ofTree(command: Command): Command {
  return command
    .option('--tree <dir>', 'top directory of a kernel tree (default: $DEPBOT_TREE, or the current folder)')
    .option('--trust-tree', "run the tree's programs without a sandbox");
}

function MODE_HELP(mode: string): string {
  return `what \`make ${mode}\` writes`;
}

function wholeNumber(text: string): number {
  if (!/^[0-9]$/.test(text)) throw new InvalidArgumentError('a number from 0 to 9');
  return Number(text);
}
