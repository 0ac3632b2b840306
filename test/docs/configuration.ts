/** docs/configuration.md: what each key of depbot.toml may hold, from the schema; in whose words, from depbot.example.toml. */
import { z } from 'zod';
import { Schema } from '../../bot/config-schema.ts';

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
}

/** One setting. */
interface Row {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly needed: boolean;
}

/** By table: `[bot]`, `[[maintainer]]`, `[imap.NAME]`. */
export function configurationText(example: string): string {
  const root = z.toJSONSchema(Schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const words = wordsOf(example);
  const tables = Object.entries(root.properties ?? {}).map(([name, schema]) => tableText(name, schema, words));
  return `# Settings

Made from the schema and from [depbot.example.toml](../depbot.example.toml); \`npm test -- test/docs -u\` makes it anew.
A key that is not here stops depbot.

${tables.join('\n')}`;
}

function tableText(name: string, schema: JsonSchema, words: ReadonlyMap<string, string>): string {
  const several = schema.type === 'array' ? schema.items : undefined;
  const named = schema.additionalProperties || undefined;
  const { properties = {}, required = [] } = several ?? named ?? schema;
  const [title, prefix] = several
    ? [`[[${name}]]`, name]
    : named
      ? [`[${name}.NAME]`, `${name}.NAME`]
      : [`[${name}]`, name];
  const rows = Object.entries(properties).map(
    ([key, one]): Row => ({ key, schema: one, needed: required.includes(key) }),
  );
  const entries = rows.map(({ key, schema: one, needed }) => {
    const text = words.get(`${prefix}.${key}`) ?? '';
    return `### ${prefix}.${key}\n\n${kindOf(one)}; ${needed ? 'needed' : defaultOf(one)}.\n${text === '' ? '' : `\n${text}\n`}`;
  });
  const about = words.get(prefix);
  return `## ${title}\n${about ? `\n${about}\n` : ''}\n${entries.join('\n')}`;
}

function kindOf(schema: JsonSchema): string {
  const { type, enum: values, minimum, maximum, items, format } = schema;
  if (values) return `One of ${values.map((one) => `\`"${one}"\``).join(', ')}`;
  if (type === 'integer') return `A whole number from ${minimum} to ${maximum}`;
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'array')
    return `A list${schema.minItems ? ', not empty' : ''}: ${kindOf(items ?? {}).toLowerCase()} each`;
  if (format === 'email') return 'A mail address';
  return format === 'uri' ? 'A URL' : 'Text';
}

function defaultOf({ default: value }: JsonSchema): string {
  return value === undefined ? 'no default of its own' : `default \`${JSON.stringify(value)}\``;
}

/** The comment above each key, and above or below each table's head, by the key with its table. */
export function wordsOf(example: string): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  let table = '';
  let comment: string[] = [];
  for (const line of example.split('\n')) {
    const head = /^#?\[\[?([\w.]+)\]\]?$/.exec(line)?.[1];
    const key = /^#?([a-z_]+) = /.exec(line)?.[1];
    const text = /^# ?(.*)$/.exec(line)?.[1];
    if (head !== undefined) {
      table = head.replace(/^imap\.\w+$/, 'imap.NAME');
      if (comment.length > 0) words.set(table, comment.join('\n'));
      comment = [];
    } else if (key !== undefined) {
      words.set(`${table}.${key}`, comment.join('\n'));
      comment = [];
    } else if (line === '') comment = [];
    else if (text !== undefined) comment.push(text);
  }
  return words;
}
