/**
 * depbot.toml -> Config. Unknown keys refuse the start, named with their place and the nearest known key.
 * Every setting with its default and reason: depbot.example.toml.
 */

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
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
    throw new ConfigError(`${path}: cannot be read (${(cause as Error).message}); --config takes a file like depbot.example.toml`, { cause });
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
  return issue.keys
    .map((key) => {
      const known = knownKeys(issue.path);
      return `unknown key ${[...issue.path, key].join('.')}; known here: ${known.join(', ')}`;
    })
    .join('; ');
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const section = path[0];
  if (section === undefined) return Object.keys(Schema.shape);
  const shape = Schema.shape[section as keyof typeof Schema.shape].unwrap().shape;
  return Object.keys(shape);
}

/** Folder for depbot's own repositories: `paths.state`, else `$XDG_STATE_HOME/depbot`, else `~/.local/state/depbot`. */
export function stateDir(config: Config, env: Readonly<Record<string, string | undefined>>): string {
  return config.paths.state ?? join(env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state'), 'depbot');
}
