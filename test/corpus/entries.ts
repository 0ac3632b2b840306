/**
 * The corpus as it comes: real regressions and harmless changes of Kconfig files, as facts. A corpus is a folder
 * with `dev.json`; a program that edits a tree as an entry says lies beside it, `../tools/undo.py`.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** A line of a Kconfig entry that the real repair added or removed; undoing it brings the fault back. */
const EDIT = z.object({
  file: z.string(),
  /** The entry that the line belongs to. */
  symbol: z.string(),
  op: z.enum(['added', 'removed']),
  /** In one line, blanks single: `depends on A && B`. */
  line: z.string(),
});

/** What is taken out of a tree so that a driver can come back as a patch, for one version of the kernel. */
const READD = z.object({ files: z.array(z.string()), makefile: z.string(), kconfig: z.string() });

const ENTRY = z.object({
  id: z.string(),
  /** Absent for a harmless change. */
  class: z.string().optional(),
  why_harmless: z.string().optional(),
  kconfig: z.string(),
  symbol: z.string(),
  edits: z.array(EDIT).min(1),
  /** By version of the kernel: `present`, or why the repair is not in that tree. */
  trees: z.record(z.string(), z.string()),
  usable_trees: z.array(z.string()),
  readd: z.record(z.string(), READD).default({}),
  experiments: z.array(z.object({ tree: z.string(), result: z.string() })).default([]),
});

const CORPUS = z.object({ tuples: z.array(ENTRY), negatives: z.array(ENTRY) });

export type Entry = Readonly<z.infer<typeof ENTRY>>;

/** `undo`: the repair is taken back in a tree that has it. `readd`: the whole driver comes new, without the repair. */
export const VARIANTS = ['undo', 'readd'] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Corpus {
  /** Path of the JSON file, for the tool. */
  readonly file: string;
  /** Path of the program that edits a tree. */
  readonly tool: string;
  readonly regressions: readonly Entry[];
  readonly harmless: readonly Entry[];
}

/** A corpus is there and is not what it should be. */
export class CorpusError extends Error {
  override readonly name = 'CorpusError';
}

/** Folder of the corpus: what was asked for, else `DEPBOT_CORPUS`, else `../shared/corpus` beside this checkout. */
export function corpusDir(asked: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const root = join(import.meta.dirname, '..', '..');
  return resolve(asked ?? (env['DEPBOT_CORPUS'] || join(root, '..', 'shared', 'corpus')));
}

/** Reads a corpus folder. Throws CorpusError for a file that is not as documented above. */
export function readCorpus(dir: string): Corpus {
  const file = join(dir, 'dev.json');
  const { tuples, negatives } = readJson(file, CORPUS);
  return { file, tool: join(dir, '..', 'tools', 'undo.py'), regressions: tuples, harmless: negatives };
}

/** Reads a JSON file of the corpus. Throws CorpusError, which names the file and the place in it. */
export function readJson<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> {
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new CorpusError(`${file}: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new CorpusError(`${file}: ${first?.path.join('.')}: ${first?.message}`);
}

/**
 * Why an entry cannot be re-created on a version of the kernel, as far as the corpus knows; undefined where it can,
 * or where the corpus does not know that version.
 */
export function unusable(entry: Entry, version: string, variant: Variant): string | undefined {
  const state = entry.trees[version];
  if (state !== undefined && !entry.usable_trees.includes(version)) return `${version}: repair ${state}`;
  if (variant === 'readd' && entry.readd[version] === undefined) return `${version}: no data to take the driver out`;
  return undefined;
}

/** Whether an experiment on a kernel of the same series (`6.12` of `6.12.117`) showed the fault. */
export function isConfirmed(entry: Entry, version: string): boolean {
  return entry.experiments.some(({ tree, result }) => result === 'confirmed' && isSameSeries(tree, version));
}

/** 6.12.117 and 6.12.118 are. */
export function isSameSeries(a: string, b: string): boolean {
  const series = (version: string): string => version.split('.').slice(0, 2).join('.');
  return series(a) === series(b);
}
