/** Examples of the commands, for `--help` and the manual page. `test/bot/help.test.ts` has each of them read by its command. */

export interface Example {
  /** As it is typed; what comes before a pipe is any other program. */
  readonly line: string;
  readonly what: string;
}

/** By command, `kconfig explain`; empty for depbot itself. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  '': [
    { line: 'depbot check series.mbox --tree ~/linux', what: 'the reply that a series deserves' },
    { line: 'depbot doctor', what: 'whether this machine can do the work' },
  ],
  check: [
    { line: 'depbot check series.mbox --tree ~/linux', what: 'a series from a mailing list' },
    { line: 'cat outgoing/*.patch | depbot check - --tree ~/linux', what: 'what git format-patch wrote' },
    { line: 'depbot check --range master..my-branch --tree .', what: 'commits, before they are posted' },
    { line: 'depbot check series.mbox --tree ~/linux --html report.html', what: 'the whole report as a page' },
    {
      line: 'depbot check series.mbox --tree ~/linux --arch arm,arm64 --no-build',
      what: 'quicker, and less is looked at',
    },
  ],
  replay: [
    {
      line: 'depbot replay --list ~/lore/linux-gpio --since 2026-10-01 --tree ~/linux',
      what: 'as if all had been replied to',
    },
    {
      line: 'depbot replay --list imap:kernel/lists --since 2026-10-01 --until 2026-10-08 --config depbot.toml',
      what: 'an IMAP folder, told as the [[maintainer]] entries want it',
    },
  ],
  doctor: [
    { line: 'depbot doctor --config depbot.toml', what: 'the servers as well' },
    { line: 'depbot doctor --json --tree ~/linux', what: 'for programs' },
  ],
  serve: [{ line: 'depbot serve --config depbot.toml', what: 'until it is told to end (SIGTERM)' }],
  worker: [{ line: 'depbot worker --config depbot.toml', what: 'checks on another machine, by the same Redis' }],
  'policy explain': [
    { line: 'depbot policy explain series.mbox --config depbot.toml', what: 'who would hear of it, and by which line' },
  ],
  outbox: [
    { line: 'depbot outbox --config depbot.toml', what: 'what is drafted, held or came back' },
    { line: 'depbot outbox --config depbot.toml --discard answer-1@bot.example', what: 'that mail is not sent' },
  ],
  status: [{ line: 'depbot status --config depbot.toml', what: 'who checks what, and what waits' }],
  stop: [{ line: 'depbot stop --config depbot.toml it sent something wrong', what: 'at once, and until resume' }],
  resume: [{ line: 'depbot resume --config depbot.toml', what: 'mails leave again' }],
  rules: [{ line: 'depbot rules unmet-select', what: 'what one rule claims, and what it misses' }],
  'kconfig explain': [
    { line: 'depbot kconfig explain VFIO_PCI --tree ~/linux --arch x86_64', what: 'why it has its value' },
  ],
  'kconfig olddefconfig': [
    {
      line: 'depbot kconfig olddefconfig --tree ~/linux --arch arm64 --config my.config',
      what: 'as make olddefconfig',
    },
  ],
  'kconfig needs': [
    { line: 'depbot kconfig needs PCI_P2PDMA --tree ~/linux --arch arm64,s390', what: 'what it takes' },
  ],
  'kconfig solve': [
    { line: "depbot kconfig solve 'VFIO_PCI=y && !PCI_P2PDMA' --tree ~/linux", what: 'a configuration' },
  ],
  'kconfig implies': [
    { line: "depbot kconfig implies VFIO_PCI 'PCI && MMU' --tree ~/linux", what: 'whether one needs the other' },
  ],
  completion: [
    { line: 'depbot completion bash > ~/.local/share/bash-completion/completions/depbot', what: 'bash' },
    { line: 'depbot completion zsh > ~/.zfunc/_depbot', what: 'zsh, with ~/.zfunc in fpath' },
    { line: 'depbot completion fish > ~/.config/fish/completions/depbot.fish', what: 'fish' },
  ],
  man: [{ line: 'depbot man > ~/.local/share/man/man1/depbot.1', what: 'for man depbot' }],
};

/** What follows the options in `--help`; empty where there is none. */
export function examplesText(path: string): string {
  const examples = EXAMPLES[path] ?? [];
  if (examples.length === 0) return '';
  return [
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.flatMap(({ line, what }) => [`  # ${what}`, `  ${line}`]),
  ].join('\n');
}
