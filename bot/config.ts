/**
 * depbot.toml -> Config. Unknown keys refuse the start, named with their place and the nearest known key.
 * Every setting with its default and reason: depbot.example.toml.
 */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parse } from 'smol-toml';
import { z } from 'zod';

const Schema = z.strictObject({
  bot: z
    .strictObject({
      /** Who runs the robot, for the footer. */
      operator: z.string().min(1).default('nobody in particular (a local run)'),
      address: z.email().default('depbot@localhost.localdomain'),
      contact: z.string().min(1).optional(),
      templates_dir: z.string().min(1).optional(),
    })
    .prefault({}),
  tree: z
    .strictObject({
      dir: z.string().min(1).optional(),
      candidates: z.array(z.string().min(1)).optional(),
    })
    .prefault({}),
  check: z
    .strictObject({
      archs: z.array(z.string().regex(/^[a-z0-9_]+$/)).optional(),
      distribution_configs: z.array(z.string().min(1)).optional(),
      trust_tree: z.boolean().default(false),
    })
    .prefault({}),
  paths: z
    .strictObject({
      cache: z.string().min(1).optional(),
      state: z.string().min(1).optional(),
    })
    .prefault({}),
});

export type Config = z.infer<typeof Schema>;

/** A configuration that cannot be used. The message names file, key and what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads a file; without one, the defaults. Throws ConfigError. */
export function readConfigFile(path: string | undefined): Config {
  if (path === undefined) return Schema.parse({});
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
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => `${path}: ${describe(issue)}`).join('\n'));
}

function describe(issue: z.core.$ZodIssue): string {
  const place = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${place}: ${issue.message}`;
  const known = knownKeys();
  const siblings = known.filter((key) => key.startsWith(place === '' ? '' : `${place}.`));
  return issue.keys
    .map((key) => {
      const path = [...issue.path, key].join('.');
      const near = nearest(path, known);
      return `unknown key ${path}; ${near === undefined ? `known here: ${siblings.join(', ')}` : `did you mean ${near}?`}`;
    })
    .join('; ');
}

/** Every key with its section: `bot`, `bot.operator` and so on. */
export function knownKeys(): string[] {
  return Object.entries(Schema.shape).flatMap(([section, keys]) => [
    section,
    ...Object.keys(keys.unwrap().shape).map((key) => `${section}.${key}`),
  ]);
}

/** A slip of up to three letters, or the right name in another section; undefined where nothing is that near. */
function nearest(path: string, known: readonly string[]): string | undefined {
  const name = path.split('.').at(-1);
  const moved = known.find((key) => key.includes('.') && key.split('.')[1] === name);
  if (moved !== undefined) return moved;
  const scored = known.map((key) => ({ key, slips: editDistance(path, key) })).sort((a, b) => a.slips - b.slips);
  const best = scored[0];
  return best !== undefined && best.slips <= Math.min(3, Math.floor(path.length / 2)) ? best.key : undefined;
}

/** Letters to add, drop or change (Levenshtein). Keys are short; a long one is cut, it resembles nothing anyway. */
function editDistance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 100), b.slice(0, 100)];
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

/**
 * Folder for depbot's own repositories: `paths.state`, else `$XDG_STATE_HOME/depbot`, else
 * `~/.local/state/depbot`. Source: XDG Base Directory Specification (relative values are ignored).
 */
export function stateDir(config: Config, env: Readonly<Record<string, string | undefined>>): string {
  if (config.paths.state !== undefined) return config.paths.state;
  const xdg = env['XDG_STATE_HOME'] && isAbsolute(env['XDG_STATE_HOME']) ? env['XDG_STATE_HOME'] : undefined;
  return join(xdg ?? join(env['HOME'] || homedir(), '.local', 'state'), 'depbot');
}
