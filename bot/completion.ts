/**
 * Completion of commands and options, for bash, zsh and fish: scripts that stand by themselves, since starting Node for
 * each Tab would be felt. Values of options that name a file or a folder are completed as such.
 */

import type { Command, Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import { allCommands, pathOf } from './command-tree.ts';

type Script = (program: Command, values: Values) => string;

/** Words that may stand for an argument of a command, by its path, and for the value of an option. */
interface Values {
  readonly ofCommand: Readonly<Record<string, readonly string[]>>;
  readonly ofOption: Readonly<Record<string, readonly string[]>>;
}

/** As `make ARCH=` takes them; an older tree has others as well. */
const ARCHS =
  'alpha arc arm arm64 csky hexagon loongarch m68k microblaze mips nios2 openrisc parisc powerpc riscv s390 sh sparc um x86 xtensa';

/** Throws InvalidArgumentError for a shell that is not known. */
export function completionFor(shell: string, program: Command, rules: readonly string[]): string {
  const scripts: Readonly<Record<string, Script>> = { bash, zsh, fish };
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined)
    throw new InvalidArgumentError(`no completion for ${shell}; there is: ${Object.keys(scripts).join(', ')}`);
  return script(program, {
    ofCommand: { completion: Object.keys(scripts), rules },
    ofOption: { '--arch': ARCHS.split(' ') },
  });
}

/** Words that may follow a command: those below it, its arguments, and its options with those of all commands. */
function wordsAfter(command: Command, program: Command, { ofCommand }: Values): string[] {
  const options = [...command.options, ...(command === program ? [] : program.options)].flatMap(namesOf);
  return [...command.commands.map((one) => one.name()), ...(ofCommand[pathOf(command)] ?? []), ...options, '--help'];
}

function namesOf({ short, long }: Option): string[] {
  return [short, long].filter((name) => name !== undefined);
}

/** Options whose value is a path. */
function pathOptions(program: Command): string[] {
  const all = allCommands(program).flatMap(({ options }) => options);
  return [...new Set(all.filter(({ flags }) => /<(dir|file|archive)>/.test(flags)).flatMap(namesOf))];
}

/** Options whose value is neither a path nor a word that is known. */
function freeOptions(program: Command, { ofOption }: Values): string[] {
  const known = [...pathOptions(program), ...Object.keys(ofOption)];
  const all = allCommands(program).flatMap(({ options }) => options.filter(({ required }) => required));
  return [...new Set(all.flatMap(namesOf))].filter((name) => !known.includes(name));
}

/** The way to a command in the words typed so far, as a shell's case; a command with others below it goes first. */
function table(program: Command, values: Values): { path: string; words: string }[] {
  return allCommands(program).map((command) => ({
    path: pathOf(command),
    words: wordsAfter(command, program, values).join(' '),
  }));
}

function bash(program: Command, values: Values): string {
  return `# bash completion for depbot
_depbot() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= word
  case $prev in
    ${pathOptions(program).join('|')}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
${Object.entries(values.ofOption)
  .map(([option, words]) => `    ${option}) COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur")); return ;;`)
  .join('\n')}
    ${freeOptions(program, values).join('|')}) COMPREPLY=(); return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${allCommands(program)
  .filter((command) => command !== program)
  .map(
    (command) =>
      `      "${command.parent === program ? '' : pathOf(command.parent!)} ${command.name()}") path='${pathOf(command)}' ;;`,
  )
  .join('\n')}
    esac
  done
  local words=
  case $path in
${table(program, values)
  .map(({ path, words }) => `    '${path}') words='${words}' ;;`)
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ $cur != -* && \${#COMPREPLY[@]} -eq 0 ]]; then compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -F _depbot depbot
`;
}

function zsh(program: Command, values: Values): string {
  return `#compdef depbot
# zsh completion for depbot ("path" would be PATH there)
_depbot() {
  local at= word words_after
  if [[ "\${words[CURRENT-1]}" == (${pathOptions(program).join('|')}) ]]; then _files; return; fi
${Object.entries(values.ofOption)
  .map(
    ([option, words]) =>
      `  if [[ "\${words[CURRENT-1]}" == ${option} ]]; then compadd -- ${words.join(' ')}; return; fi`,
  )
  .join('\n')}
  if [[ "\${words[CURRENT-1]}" == (${freeOptions(program, values).join('|')}) ]]; then return; fi
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${allCommands(program)
  .filter((command) => command !== program)
  .map(
    (command) =>
      `      ("${command.parent === program ? '' : pathOf(command.parent!)} ${command.name()}") at='${pathOf(command)}' ;;`,
  )
  .join('\n')}
    esac
  done
  case $at in
${table(program, values)
  .map(({ path, words }) => `    ('${path}') words_after=(${words}) ;;`)
  .join('\n')}
  esac
  compadd -- $words_after
  [[ $PREFIX == -* ]] || _files
}
if [[ $funcstack[1] == _depbot ]]; then _depbot "$@"; else compdef _depbot depbot; fi
`;
}

function fish(program: Command, { ofCommand, ofOption }: Values): string {
  const lines = allCommands(program).flatMap((command) => {
    const path = pathOf(command);
    const names = path === '' ? [] : path.split(' ');
    const below = command.commands.map((one) => one.name()).join(' ');
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`);
    const conditions = [...seen, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])].join('; and ');
    const condition = conditions === '' ? '' : ` -n '${conditions}'`;
    const options = (command === program ? '' : condition) || '';
    return [
      ...command.commands.map(
        (one) => `complete -c depbot${condition} -f -a ${one.name()} -d ${quoted(one.description())}`,
      ),
      ...(ofCommand[path] === undefined
        ? []
        : [`complete -c depbot${condition} -f -a ${quoted(ofCommand[path].join(' '))}`]),
      ...command.options.map((option) => {
        const flags = [
          ...(option.short ? [`-s ${option.short.slice(1)}`] : []),
          ...(option.long ? [`-l ${option.long.slice(2)}`] : []),
          ...(option.required ? ['-r'] : []),
          ...(ofOption[option.long ?? ''] ? [`-f -a ${quoted(ofOption[option.long!]!.join(' '))}`] : []),
        ].join(' ');
        return `complete -c depbot${options} ${flags} -d ${quoted(option.description)}`;
      }),
    ];
  });
  return `# fish completion for depbot\n${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
