/**
 * The settings: what depbot.toml may hold, key by key. What belongs together across keys, and what the service alone
 * needs, is checked in serve-settings.ts. Every setting with its default and reason: depbot.example.toml.
 */

import { z } from 'zod';
import { isPathPattern } from './path-pattern.ts';
import { isQuietHours } from './quiet-hours.ts';

const DAY_S = 24 * 60 * 60;
const seconds = z.int().min(1).max(DAY_S);
const days = z.int().min(0).max(366);
/** A file, a folder, a name: some text. */
const text = z.string().min(1);

const isHost = (host: string): boolean => z.hostname().safeParse(host).success || z.ipv6().safeParse(host).success;
const host = z.string().refine(isHost, 'expected a host name or an IP address alone; the port has a key of its own');

/** A program and its arguments. */
const command = z.array(text).min(1);

/** Of a mail server, besides its host. */
const server = {
  port: z.int().min(1).max(65535).optional(),
  tls: z.enum(['implicit', 'starttls', 'none']).default('implicit'),
  user: text.optional(),
  password_file: text.optional(),
  password_command: command.optional(),
  token_command: command.optional(),
  ca_file: text.optional(),
};

const Account = z.strictObject(
  { host, ...server },
  {
    error: ({ code }) => (code === 'invalid_type' ? 'expected a table: an account has a name, [imap.NAME]' : undefined),
  },
);
/** Of an account, of a remote. */
const plainName = z
  .string()
  .max(40)
  .regex(/^[a-z][a-z0-9-]*$/, 'expected a name of small letters, digits and "-", a letter first');

const Mailbox = z.strictObject({
  account: text,
  folder: text.default('INBOX'),
});

const Remote = z.strictObject({
  name: plainName,
  url: z
    .string()
    .max(500)
    .regex(
      /^(?:https?:\/\/|git:\/\/|file:\/\/\/|\/)[^\s\0]+$/,
      'expected https://…, git://… or the whole path of a repository; git over ssh asks for programs and keys',
    ),
  branches: z
    .array(z.string().regex(/^[\w./-]*\*?[\w./-]*$/, 'expected the name of a branch, with one "*" at most'))
    .min(1)
    .default(['*']),
});

const pathPattern = z
  .string()
  .max(200)
  .refine(isPathPattern, 'expected a pattern as after F: in MAINTAINERS, e.g. drivers/input/ or lib/locking*.[ch]');

const Maintainer = z
  .strictObject({
    address: z.email(),
    lists: z.array(z.email()).min(1),
    sections: z.array(text.max(200)).default([]),
    paths: z.array(pathPattern).default([]),
    mode: z.enum(['draft', 'private', 'author', 'list']).default('draft'),
    preview: z.boolean().default(false),
    rules: z.array(text).min(1).optional(),
    severities: z
      .array(z.enum(['regression', 'missing-dependency', 'error']))
      .min(1)
      .optional(),
    least_rung: z.int().min(1).max(3).default(1),
    quiet_hours: z.string().refine(isQuietHours, 'expected two times of the day in UTC, e.g. "22:00-06:30"').optional(),
    embargo_hours: z
      .int()
      .min(0)
      .max(14 * 24)
      .default(0),
    max_per_day: z.int().min(1).max(1000).default(20),
    trees: z.array(text).min(1).optional(),
  })
  .refine(({ sections, paths }) => sections.length + paths.length > 0, {
    error: 'expected paths = ["drivers/input/"], or sections = ["VFIO DRIVER"] as MAINTAINERS has them, or both',
  });

/** `[[NAME]]`, any number of them. */
function tables<T extends z.ZodType>(name: string, table: T): z.ZodDefault<z.ZodArray<T>> {
  const error = `expected tables: write [[${name}]], with two brackets`;
  return z.array(table, { error }).default([]);
}

/** Who runs the robot where no settings name anybody. */
export const LOCAL_OPERATOR = 'nobody in particular (a local run)';

export const Schema = z.strictObject({
  bot: z
    .strictObject({
      operator: text.default(LOCAL_OPERATOR),
      address: z.email().default('depbot@localhost.localdomain'),
      contact: text.optional(),
      templates_dir: text.optional(),
      auto_submitted: z.boolean().default(true),
    })
    .prefault({}),
  tree: z
    .strictObject({ dir: text.optional(), candidates: z.array(text).optional(), fetch_s: seconds.default(3600) })
    .prefault({}),
  remote: tables('remote', Remote).refine(
    (remotes) => new Set(remotes.map(({ name }) => name)).size === remotes.length,
    "two have the same name: their branches would take each other's place",
  ),
  check: z
    .strictObject({
      archs: z.array(z.string().regex(/^[a-z0-9_]+$/)).optional(),
      distribution_configs: z.array(text).optional(),
      trust_tree: z.boolean().default(false),
      build: z.boolean().default(true),
      send_unbuilt: z.boolean().default(false),
    })
    .prefault({}),
  maintainer: tables('maintainer', Maintainer),
  imap: z.record(plainName, Account).default({}),
  mailbox: tables('mailbox', Mailbox),
  drafts: z.strictObject({ account: text.optional(), folder: text.optional() }).prefault({}),
  smtp: z.strictObject({ host: host.optional(), ...server }).prefault({}),
  serve: z
    .strictObject({
      poll_s: seconds.default(60),
      look_s: seconds.default(600),
      first_days: days.default(2),
      window_days: days.min(1).default(21),
      keep_days: z.int().min(31).max(3660).default(180),
      stop: z.boolean().default(false),
    })
    .prefault({}),
  page: z.strictObject({ listen: text.optional(), beyond_loopback: z.boolean().default(false) }).prefault({}),
  queue: z.strictObject({ redis_url: text.optional() }).prefault({}),
  commands: z
    .strictObject({
      max_age_hours: z
        .int()
        .min(1)
        .max(30 * 24)
        .default(48),
      dns_servers: z.array(text).min(1).optional(),
      arc_hosts: z.array(host).default([]),
    })
    .prefault({}),
  prose: z
    .strictObject({
      base_url: z
        .url({ protocol: /^https?$/, error: 'expected a URL that starts with https:// or http://' })
        .optional(),
      model: text.optional(),
      api_key_file: text.optional(),
      timeout_s: seconds.max(600).default(30),
    })
    .prefault({}),
  paths: z.strictObject({ cache: text.optional(), state: text.optional() }).prefault({}),
});

export type Settings = z.infer<typeof Schema>;

/** Every key with its section: `bot`, `bot.operator`, `maintainer.paths`, `imap.NAME.host` and so on. */
export function knownKeys(): string[] {
  return keysBelow(Schema, '');
}

function keysBelow(schema: z.core.$ZodType, at: string): string[] {
  const key = (name: string): string => (at === '' ? name : `${at}.${name}`);
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return keysBelow(schema.unwrap(), at);
  if (schema instanceof z.ZodArray) return keysBelow(schema.element, at);
  if (schema instanceof z.ZodRecord) return [key('NAME'), ...keysBelow(schema.valueType, key('NAME'))];
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).flatMap(([name, value]) => [key(name), ...keysBelow(value, key(name))]);
}
