/**
 * Mails of an mbox, a Maildir or an IMAP folder, copied into a folder of our own, where each can be read again: one
 * file holds the bytes of all, another a row for each. Both only grow, the bytes first, so that a row never names bytes
 * that are not there.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { keepAs, remove, temporaryFolder } from '../queue/leftovers.ts';
import type { Progress } from '../queue/provision-progress.ts';
import { type Archive, type Held, heldOf, heldWith, type Row, rowLine, rowOf, rowsOfFile } from './archive-row.ts';
import { type MailInput, readMails } from './mailbox.ts';

/** Problems that are told one by one; what is wrong with an archive is wrong many times. */
const MOST_PROBLEMS = 20;
/** Of the form of a spool and of what says that it is whole. */
const SPOOL_VERSION = 3;

export class Spool {
  readonly #rowsPath: string;
  readonly #mails: number;
  readonly #rows: number;
  #end: number;
  /** Of all mails added here, wanted or not. */
  held: Held = { mails: 0 };

  /** Opens the one in `dir`, which is made where missing. A row that was not written to its end is taken away. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#rowsPath = join(dir, 'rows.jsonl');
    if (existsSync(this.#rowsPath)) cutTornLine(this.#rowsPath);
    this.#mails = openSync(join(dir, 'mails'), 'a+', 0o600);
    this.#rows = openSync(this.#rowsPath, 'a', 0o600);
    this.#end = fstatSync(this.#mails).size;
  }

  /** Adds a mail, and tells whether it is one that can be used. */
  add(raw: Uint8Array, isWanted: (row: Row) => boolean): boolean {
    const row = rowOf(`${this.#end}+${raw.length}`, raw);
    if (row === undefined) return false;
    this.held = heldWith(this.held, heldOf(row));
    if (!isWanted(row)) return true;
    for (let at = 0; at < raw.length; ) at += writeSync(this.#mails, raw, at);
    this.#end += raw.length;
    writeSync(this.#rows, `${rowLine(row)}\n`);
    return true;
  }

  rows(): AsyncGenerator<Row> {
    return rowsOfFile(this.#rowsPath);
  }

  read(ref: string): Uint8Array | undefined {
    const [offset, length] = ref.split('+').map(Number) as [number, number];
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const got = readSync(this.#mails, bytes, at, length - at, offset + at);
      if (got === 0) return undefined;
      at += got;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#mails);
    closeSync(this.#rows);
  }
}

/** A file of lines whose last one has no end was cut short by a crash: the line goes. */
export function cutTornLine(path: string): void {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) truncateSync(path, end);
}

export interface SpoolOptions {
  /** Holds the spools of all archives. */
  readonly dir: string;
  readonly progress: Progress;
  /** Which mails are kept; a name for the choice. */
  readonly isWanted: (row: Row) => boolean;
  readonly choice: string;
  /** Ends the reading, which then throws its reason. */
  readonly stop?: AbortSignal;
}

/**
 * An mbox, a Maildir, a folder of mails or a single one as an archive. A file is read once, as long as it is the same;
 * a folder each time, for as long as it is open. Throws MailboxError.
 */
export async function openSpooledArchive(path: string, options: SpoolOptions): Promise<Archive> {
  const { dir, choice } = options;
  const { key, total } = sizeOf(path);
  const place = join(dir, digest(JSON.stringify([SPOOL_VERSION, resolve(path), key, choice])));
  if (key !== undefined && existsSync(place)) return openSpool(path, place, []);
  mkdirSync(dir, { recursive: true });
  // others may read the same at the same time
  const aside = await temporaryFolder(join(dir, 'reading-'));
  let problems: string[];
  try {
    problems = await readInto(aside, path, total, key === undefined ? 'mails' : 'bytes', options);
  } catch (error) {
    await remove(aside);
    throw error;
  }
  if (key === undefined) return openSpool(path, aside, problems, () => remove(aside));
  if (!(await keepAs(aside, place))) await remove(aside);
  return openSpool(path, place, problems);
}

function openSpool(
  path: string,
  place: string,
  problems: readonly string[],
  afterwards = async (): Promise<void> => undefined,
): Archive {
  const spool = new Spool(place);
  return {
    name: path,
    problems,
    held: JSON.parse(readFileSync(join(place, 'whole'), 'utf8')) as Held,
    rows: () => spool.rows(),
    read: async (ref) => spool.read(ref),
    async close() {
      spool.close();
      await afterwards();
    },
  };
}

/** Writes all mails of `path` into a folder; what was wrong with some. */
async function readInto(
  place: string,
  path: string,
  total: number,
  unit: 'mails' | 'bytes',
  { progress, isWanted, stop }: SpoolOptions,
): Promise<string[]> {
  const spool = new Spool(place);
  const problems: string[] = [];
  const step = progress.step(`reading ${path}`, total);
  let [count, bytes, unread] = [0, 0, 0];
  try {
    for await (const mail of readMails({ path } satisfies MailInput)) {
      stop?.throwIfAborted();
      count++;
      if ('why' in mail) {
        if (++unread <= MOST_PROBLEMS) problems.push(`${mail.where}: ${mail.why}`);
        continue;
      }
      bytes += mail.raw.length;
      if (!spool.add(mail.raw, isWanted) && ++unread <= MOST_PROBLEMS)
        problems.push(`${mail.where}: it is no mail, or has no Message-ID`);
      step.to(unit === 'mails' ? count : bytes);
    }
  } finally {
    spool.close();
  }
  step.end(`${count} mails`);
  if (unread > MOST_PROBLEMS) problems.push(`${path}: ${unread - MOST_PROBLEMS} more mails could not be used`);
  writeFileSync(join(place, 'whole'), JSON.stringify(spool.held));
  return problems;
}

/** For a file, what tells whether it has changed, and its bytes; for a folder, the number of entries where its mails are. */
function sizeOf(path: string): { readonly key?: string; readonly total: number } {
  const stat = statSync(path);
  if (!stat.isDirectory()) return { key: `${stat.size} ${stat.mtimeMs}`, total: stat.size };
  const folders = ['cur', 'new'].map((name) => join(path, name)).filter((folder) => existsSync(folder));
  const total = (folders.length > 0 ? folders : [path]).reduce((sum, folder) => sum + readdirSync(folder).length, 0);
  return { total };
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
