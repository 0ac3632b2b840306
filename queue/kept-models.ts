/**
 * Models of directories, kept on disk, so that the next process need not read 1,700 files of Kconfig again.
 *
 * A model follows from the texts of the files that were read, the environment, the answers to `$(shell)`, what the
 * tree's conf understands, and our own code. The environment, the tree's place and our code are in a kept model's
 * name; texts and answers are compared before it is used. What does not fit is as good as not kept.
 */

import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { ExprPool } from '../rules/kconfig/expr.ts';
import type { MacroWorld } from '../rules/kconfig/macros.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import { type ModelRecord, recordModel, restoreModel, type Table } from '../rules/kconfig/model-record.ts';
import type { SourceText } from '../rules/kconfig/parse.ts';
import { CODE, codeDigest } from './code-digest.ts';
import { digestInside, digestOf } from './dir-files.ts';
import { keepFile, keepNewest } from './kept-folder.ts';

/** Of some megabytes each. */
const MAX_KEPT = 24;

export interface KeptModelsOptions {
  readonly cacheDir: string;
  /** Absolute path of the directory. */
  readonly root: string;
  /** What else a model rests on, as JSON. */
  readonly facts: unknown;
}

interface Kept {
  /** digestOf the files' texts. */
  readonly digest: string;
  /** Commands, each followed by its answer. */
  readonly answers: readonly string[];
  readonly record: ModelRecord;
}

export class KeptModels {
  readonly #options: KeptModelsOptions;

  constructor(options: KeptModelsOptions) {
    this.#options = options;
  }

  /**
   * The model as it was kept, where nothing that it rests on has changed. `source` gives texts of files again,
   * when they are needed.
   */
  find(pool: ExprPool, world: MacroWorld, source: (path: string) => SourceText): KconfigModel | undefined {
    const kept = readKept(join(this.#folder, this.#name(world)));
    if (kept === undefined) return undefined;
    const { answers, digest, record } = kept;
    if (digestInside(this.#options.root, record.files) !== digest) return undefined;
    // After the texts and in order: so nothing is asked that they do not ask.
    for (let i = 0; i < answers.length; i += 2) if (world.shell(answers[i]!) !== answers[i + 1]) return undefined;
    return restoreModel(pool, record, source);
  }

  /**
   * Keeps a model with its files' texts and the answers that it was given. A cache that cannot be written costs
   * the next process its time, no more.
   */
  keep(
    pool: ExprPool,
    model: KconfigModel,
    world: MacroWorld,
    rests: { readonly texts: Iterable<string>; readonly answers: ReadonlyMap<string, string> },
  ): void {
    const kept = {
      digest: digestOf(rests.texts),
      answers: [...rests.answers].flat(),
      record: recordModel(pool, model),
    };
    keepFile(this.#folder, this.#name(world), bytesOf(kept), () => keepNewest(this.#folder, MAX_KEPT));
  }

  get #folder(): string {
    return join(this.#options.cacheDir, 'models');
  }

  #name({ env }: MacroWorld): string {
    const { root, facts } = this.#options;
    const sorted = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
    const name = JSON.stringify([root, facts, sorted, endianness(), ownCode()]);
    return hash('sha256', name).slice(0, 32);
  }
}

/** Of the code that makes models and keeps them. */
function ownCode(): string {
  const here = import.meta.dirname;
  const files = [import.meta.filename, join(here, `dir-files${CODE}`), join(here, `dir-kconfig${CODE}`)];
  return codeDigest(join(here, '../rules/kconfig'), files);
}

// ---------------------------------------------------------------- on disk

/**
 * Digest of all that follows; size of the JSON text; the text; the columns' numbers. In the text a column stands as
 * [first, end] among the numbers.
 */
const DIGEST_BYTES = 32;
const HEAD_BYTES = DIGEST_BYTES + 4;

function bytesOf({ record, ...rest }: Kept): Uint8Array {
  const columns: Int32Array[] = [];
  let count = 0;
  const place = (column: Int32Array): readonly number[] => {
    columns.push(column);
    count += column.length;
    return [count - column.length, count];
  };
  const placed = Object.entries(record).map(([name, value]) => [
    name,
    isTable(value) ? Object.fromEntries(Object.entries(value).map(([column, of]) => [column, place(of)])) : value,
  ]);
  const text = Buffer.from(JSON.stringify({ ...rest, record: Object.fromEntries(placed) }));
  // numbers begin where they may: at a multiple of their size
  let at = Math.ceil((HEAD_BYTES + text.length) / 4) * 4;
  const bytes = Buffer.alloc(at + 4 * count);
  bytes.writeUInt32LE(text.length, DIGEST_BYTES);
  bytes.set(text, HEAD_BYTES);
  for (const { buffer, byteOffset, byteLength } of columns) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  bytes.set(hash('sha256', bytes.subarray(DIGEST_BYTES), 'buffer'));
  return bytes;
}

/** Undefined where there is none, or half of one after a crash of the machine. */
function readKept(path: string): Kept | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
  const digest = hash('sha256', bytes.subarray(DIGEST_BYTES), 'buffer');
  if (bytes.length < HEAD_BYTES || !digest.equals(bytes.subarray(0, DIGEST_BYTES))) return undefined;
  const textEnd = HEAD_BYTES + bytes.readUInt32LE(DIGEST_BYTES);
  const kept = JSON.parse(bytes.toString('utf8', HEAD_BYTES, textEnd)) as Kept;
  const start = Math.ceil(textEnd / 4) * 4;
  const numbers = new Int32Array(bytes.buffer, bytes.byteOffset + start, (bytes.length - start) / 4);
  for (const value of Object.values(kept.record)) {
    if (!isTable(value)) continue;
    const table = value as Record<string, unknown>;
    for (const [column, ends] of Object.entries(table)) {
      const [first, end] = ends as readonly [number, number];
      table[column] = numbers.subarray(first, end);
    }
  }
  return kept;
}

/** Lists hold texts and messages. */
function isTable(value: ModelRecord[keyof ModelRecord]): value is Table {
  return typeof value === 'object' && !Array.isArray(value);
}
