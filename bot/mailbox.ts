/**
 * Where mails come from: an mbox, a Maildir, a file with one mail, or standard input with either.
 * What is wrong with one of them is reported in its place, and the others still come.
 */

import { createReadStream, type Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CutMail, cutMails } from './mailbox-mbox.ts';
import { MAX_MAIL_BYTES, tooLarge } from './message.ts';

export interface RawMail {
  readonly raw: Uint8Array;
  /** For people: file, and number of the mail within an mbox. */
  readonly where: string;
}

export interface BadInput {
  readonly where: string;
  readonly why: string;
}

export type MailInput = { readonly path: string } | { readonly stdin: NodeJS.ReadableStream };

/** The machine failed while a mailbox was read; what is wrong with the mailbox itself is a BadInput. */
export class MailboxError extends Error {
  readonly where: string;

  constructor(where: string, cause: unknown) {
    super(`reading ${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'MailboxError';
    this.where = where;
  }
}

/**
 * Reads all mails of a file, a Maildir, a folder of patches or a stream, in order (a folder's by file name), one at
 * a time: memory is bounded by the longest mail allowed, {@link MAX_MAIL_BYTES}.
 *
 * Throws: MailboxError when the machine fails (I/O error).
 */
export async function* readMails(input: MailInput): AsyncGenerator<RawMail | BadInput> {
  if ('stdin' in input) {
    yield* readStream(toBytes(input.stdin), 'standard input');
    return;
  }
  const { path } = input;
  const found = await attempt(path, () => stat(path));
  if ('why' in found) {
    yield found;
  } else if (found.value.isDirectory()) {
    yield* readMaildir(path);
  } else {
    yield* readStream(createReadStream(path), path);
  }
}

async function* toBytes(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function* readStream(chunks: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<RawMail | BadInput> {
  // One mail is held back, since only the next one tells whether numbers are needed.
  let held: CutMail | undefined;
  let count = 0;
  try {
    for await (const mail of cutMails(chunks, MAX_MAIL_BYTES)) {
      if (held) yield named(held, `${where}, message ${count}`);
      held = mail;
      count++;
    }
  } catch (error) {
    const bad = inputFault(error, where);
    if (!bad) throw new MailboxError(where, error);
    yield bad;
    return;
  }
  if (held) yield named(held, count === 1 ? where : `${where}, message ${count}`);
  else yield { where, why: 'it is empty' };
}

function named(mail: CutMail, where: string): RawMail | BadInput {
  return 'raw' in mail ? { raw: mail.raw, where } : { where, why: tooLarge(mail.tooLong) };
}

/** Files of cur/ and new/ (https://cr.yp.to/proto/maildir.html); tmp/ holds deliveries under way. */
async function* readMaildir(path: string): AsyncGenerator<RawMail | BadInput> {
  const folders: string[] = [];
  for (const folder of ['cur', 'new'].map((name) => join(path, name))) {
    const found = await attempt(folder, () => stat(folder));
    if ('value' in found && found.value.isDirectory()) folders.push(folder);
  }
  if (folders.length === 0) {
    yield* readPatchFolder(path);
    return;
  }
  let count = 0;
  for (const folder of folders) {
    const names = await attempt(folder, () => readdir(folder));
    if ('why' in names) {
      yield names;
      continue;
    }
    for (const name of names.value.filter((entry) => !entry.startsWith('.')).sort()) {
      count++;
      yield await readMaildirFile(join(folder, name));
    }
  }
  if (count === 0) yield { where: path, why: 'the Maildir holds no mail' };
}

/** What `git format-patch` leaves in a folder: its files in the order of their names. */
async function* readPatchFolder(path: string): AsyncGenerator<RawMail | BadInput> {
  const names = await attempt(path, () => readdir(path));
  if ('why' in names) {
    yield names;
    return;
  }
  const files = names.value.filter((name) => /\.(patch|eml|mbox)$/.test(name)).sort();
  if (files.length === 0) {
    yield {
      where: path,
      why: 'it is a directory without cur/ and new/, so not a Maildir, and holds no .patch, .eml or .mbox file',
    };
  }
  for (const name of files) {
    const file = join(path, name);
    const found = await attempt(file, () => stat(file));
    if ('why' in found) yield found;
    else if (!found.value.isFile()) yield { where: file, why: 'it is not a regular file' };
    else yield* readStream(createReadStream(file), file);
  }
}

async function readMaildirFile(path: string): Promise<RawMail | BadInput> {
  const found = await attempt<Stats>(path, () => stat(path));
  if ('why' in found) return found;
  if (!found.value.isFile()) return { where: path, why: 'it is not a regular file' };
  if (found.value.size === 0) return { where: path, why: 'it is empty' };
  if (found.value.size > MAX_MAIL_BYTES) return { where: path, why: tooLarge(found.value.size) };
  const raw = await attempt(path, () => readFile(path));
  return 'why' in raw ? raw : { raw: raw.value, where: path };
}

async function attempt<T>(where: string, work: () => Promise<T>): Promise<{ value: T } | BadInput> {
  try {
    return { value: await work() };
  } catch (error) {
    const bad = inputFault(error, where);
    if (bad) return bad;
    throw new MailboxError(where, error);
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'there is no such file or directory',
  EACCES: 'permission to read it is denied',
  ELOOP: 'it is a loop of symbolic links',
  ENAMETOOLONG: 'its name is too long',
};

/** A fault of what was named, for the person who named it; undefined when it is the machine's. */
function inputFault(error: unknown, where: string): BadInput | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = FAULTS[code];
  return why === undefined ? undefined : { where, why };
}
