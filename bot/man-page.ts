/** The manual page (man(7), groff_man(7)) from the same commands, options and examples as `--help`. */

import type { Argument, Command, Option } from 'commander';
import { allCommands, pathOf } from './command-tree.ts';
import { EXAMPLES } from './examples.ts';

const STATUSES: readonly (readonly [status: string, means: string])[] = [
  ['0', 'check: nothing found. replay: all was checked. Other commands: done, yes, or all is well.'],
  [
    '1',
    'check: findings. doctor: a fault. outbox: a mail waits for a person. policy explain: nobody would hear. status: series wait, and there is no worker. stop: no service has used that folder. resume: it is still stopped. kconfig solve, needs and implies: no.',
  ],
  [
    '2',
    'check, replay: something could not be checked. Other commands: it could not be done. What was wrong is told; what could be checked was.',
  ],
];
const VARIABLES: readonly (readonly [name: string, means: string])[] = [
  ['DEPBOT_TREE', 'Git tree of the kernel, where --tree names none.'],
  ['DEPBOT_CACHE', 'Folder for what can be made again; default $XDG_CACHE_HOME/depbot, else ~/.cache/depbot.'],
  ['XDG_STATE_HOME', 'Holds depbot/, with mails and repositories; default ~/.local/state.'],
  ['REDIS_URL', 'Redis with the jobs of serve and worker.'],
  ['NO_COLOR', 'Where it is set, nothing is coloured.'],
];

/** As `man -l` takes it. */
export function manPage(program: Command, version: string): string {
  const commands = allCommands(program).filter((command) => command !== program && command.commands.length === 0);
  return [
    `.TH DEPBOT 1 "" "depbot ${roff(version)}" "User Commands"`,
    '.SH NAME',
    `depbot \\- ${roff(lowered(program.description()))}`,
    '.SH SYNOPSIS',
    ...commands.flatMap((command) => ['.br', `.B depbot ${roff(pathOf(command))}`, roff(usageOf(command))]),
    '.SH OPTIONS',
    'Of all commands:',
    ...program.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    ...section('EXIT STATUS', STATUSES),
    ...section('ENVIRONMENT', VARIABLES),
    '.SH FILES',
    '.TP',
    '.I depbot.toml',
    'The settings, wherever \\-\\-config says; depbot.example.toml explains each.',
    '.SH SEE ALSO',
    '.BR git\\-format\\-patch (1),',
    '.BR b4 (1)',
    '',
  ].join('\n');
}

function commandLines(command: Command): string[] {
  const examples = EXAMPLES[pathOf(command)] ?? [];
  return [
    `.SS depbot ${roff(pathOf(command))} ${roff(usageOf(command))}`,
    `${roff(sentence(command.description()))}`,
    ...command.registeredArguments.flatMap(argumentLines),
    ...command.options.flatMap(optionLines),
    ...examples.flatMap(({ line, what }) => ['.PP', '.EX', `    # ${roff(what)}`, `    ${roff(line)}`, '.EE']),
  ];
}

function usageOf(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const { required, variadic } = argument;
    const text = `${argument.name()}${variadic ? '...' : ''}`;
    return required ? `<${text}>` : `[${text}]`;
  });
  const needed = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags);
  return [...names, ...needed, '[options]'].join(' ');
}

function optionLines({ flags, description }: Option): string[] {
  return ['.TP', `.B ${roff(flags)}`, roff(sentence(description))];
}

function argumentLines(argument: Argument): string[] {
  return ['.TP', `.I ${roff(argument.name())}`, roff(sentence(argument.description))];
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  return [`.SH ${title}`, ...rows.flatMap(([name, text]) => ['.TP', `.B ${roff(name)}`, roff(text)])];
}

/** A hyphen is a minus, a backslash itself, no line is a request, and what is not ASCII has its groff_char(7) name. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replace(/^\./gm, '\\&.')
    .replace(/[^\n -~]/gu, (char) => `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

function lowered(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1).replace(/\.$/, '')}`;
}
