/**
 * depbot.toml -> Config. Unknown keys refuse the start, named with their place and the nearest known key.
 * What there is to set: config-schema.ts.
 */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parse } from 'smol-toml';
import type { z } from 'zod';
import { knownKeys, Schema, type Settings } from './config-schema.ts';
import { nearKeys } from './near-key.ts';

/** The settings, and of each request where it is written. */
export type Config = Omit<Settings, 'maintainer'> & { readonly maintainer: readonly WrittenRequest[] };
type WrittenRequest = Settings['maintainer'][number] & {
  /** `depbot.toml:12`, or the file alone. */
  readonly from: string;
};

/** A configuration that cannot be used. The message names file, key and what is expected, a line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads a file; without one, the defaults. Throws ConfigError. */
export function readConfigFile(path: string | undefined): Config {
  if (path === undefined) return { ...Schema.parse({}), maintainer: [] };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { message } = cause as Error;
    throw new ConfigError(`${path}: cannot be read (${message}); --config takes a file like depbot.example.toml`, {
      cause,
    });
  }
  return parseConfig(text, path);
}

/** Checks the text of a configuration; `path` is for messages. Throws ConfigError. */
export function parseConfig(text: string, path: string): Config {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (cause) {
    throw new ConfigError(`${path}: ${(cause as Error).message}`, { cause });
  }
  const result = Schema.safeParse(raw);
  if (result.success) return withPlaces(result.data, text, path);
  throw new ConfigError(result.error.issues.map((issue) => `${path}: ${describe(issue)}`).join('\n'));
}

/** A line of its own starts each table of an array of tables (TOML 1.0, "Array of Tables"), unless somebody plays with strings. */
function withPlaces(settings: Settings, text: string, path: string): Config {
  const heads = text
    .split('\n')
    .flatMap((line, at) => (/^\s*\[\[\s*["']?maintainer["']?\s*\]\]/.test(line) ? [at + 1] : []));
  const isCertain = heads.length === settings.maintainer.length;
  return {
    ...settings,
    maintainer: settings.maintainer.map((one, at) => ({ ...one, from: isCertain ? `${path}:${heads[at]}` : path })),
  };
}

function describe(issue: z.core.$ZodIssue): string {
  const place = placeOf(issue.path);
  if (issue.code === 'invalid_key') return `${place}: ${issue.issues[0]?.message ?? issue.message}`;
  if (issue.code !== 'unrecognized_keys') return `${place}: ${issue.message}`;
  const known = knownKeys();
  return issue.keys
    .map((key) => {
      const wrong = [...issue.path, key];
      const near = nearKeys(keyOf(wrong, known), known);
      const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known here: ${keysAt(issue.path, known)}`;
      return `unknown key ${placeOf(wrong)}; ${hint}`;
    })
    .join('; ');
}

/** Where something stands in the file; tables of one name count from 0: `maintainer[1].paths`. */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** The same as a known key has it, without numbers and with NAME for a name of the operator's. */
function keyOf(path: readonly PropertyKey[], known: readonly string[]): string {
  return path
    .filter((part) => typeof part !== 'number')
    .reduce<string>((at, part) => {
      if (at === '') return String(part);
      return known.includes(`${at}.NAME`) ? `${at}.NAME` : `${at}.${String(part)}`;
    }, '');
}

function keysAt(path: readonly PropertyKey[], known: readonly string[]): string {
  const at = keyOf(path, known);
  const start = at === '' ? '' : `${at}.`;
  return known.filter((key) => key.startsWith(start) && !key.slice(start.length).includes('.')).join(', ');
}

/**
 * Folder for depbot's own repositories and mails: `paths.state`, else `$XDG_STATE_HOME/depbot`, else
 * `~/.local/state/depbot`. Source: XDG Base Directory Specification (relative values are ignored).
 */
export function stateDir(config: Config, env: Readonly<Record<string, string | undefined>>): string {
  if (config.paths.state !== undefined) return config.paths.state;
  const xdg = env['XDG_STATE_HOME'] && isAbsolute(env['XDG_STATE_HOME']) ? env['XDG_STATE_HOME'] : undefined;
  return join(xdg ?? join(env['HOME'] || homedir(), '.local', 'state'), 'depbot');
}
