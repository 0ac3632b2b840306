/** The settings that `depbot serve` needs at least, with parts that a test changes, and what is said to be wrong with them. */
import { expect } from 'vitest';
import { ConfigError, parseConfig } from '../../bot/config.ts';
import { type ServeSettings, serveSettings } from '../../bot/serve-settings.ts';

/** The least that serves, in parts that a test can change. */
export const LEAST = {
  bot: '[bot]\noperator = "Ann"\naddress = "bot@example.org"',
  tree: '[tree]\ndir = "/srv/linux"',
  imap: '[imap.kernel]\nhost = "imap.example.org"',
  mailbox: '[[mailbox]]\naccount = "kernel"',
  drafts: '[drafts]\naccount = "kernel"',
  smtp: '[smtp]\nhost = "smtp.example.org"',
  maintainer: '[[maintainer]]\naddress = "max@example.org"\nlists = ["l@example.org"]\npaths = ["fs/"]',
  more: '',
};
export type Parts = Partial<typeof LEAST>;

/** With the environment given; of a file `depbot.toml`. */
export const settings = (parts: Parts = {}, env: Record<string, string> = {}): ServeSettings =>
  serveSettings(parseConfig(Object.values({ ...LEAST, ...parts }).join('\n'), 'x'), env, 'depbot.toml');

/** Lines of the error, without the file's name, which each of them must begin with. */
export function problems(make: () => unknown): string[] {
  let lines: string[] = [];
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    lines = (error as Error).message.split('\n');
  }
  for (const line of lines) expect(line).toMatch(/^depbot\.toml: /);
  return lines.map((line) => line.replace('depbot.toml: ', ''));
}
