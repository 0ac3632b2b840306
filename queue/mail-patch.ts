/**
 * A patch mail taken apart as `git am` does it: author, date, commit message, and the diff's bytes.
 *
 * The diff keeps the bytes of the mail, in its own charset; only author and message become UTF-8.
 * Rules: git-am(1), git-mailinfo(1); scissors count where the caller says so, in-body `From:` counts.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome, Patch } from '../rules/types.ts';
import { refuseFullDisk } from './full-disk.ts';
import type { GitPlace } from './git.ts';
import { GitError, REFUSED_EXITS, runGit } from './git.ts';

export interface MailPatch {
  readonly author: Identity;
  /** Seconds since 1970 and offset, as git writes it: `@1700000000 +0100`; absent if the mail has no usable date. */
  readonly date?: string;
  /** Commit message, ready to be stored. */
  readonly message: Buffer;
  /** From the first line of the diffstat or diff to the end of the mail. */
  readonly diff: Buffer;
}

export interface Identity {
  readonly name: string;
  readonly email: string;
}

const LIMITS = { timeoutMs: 30_000, maxBytes: 1 << 20 };

/**
 * Takes a mail apart in `dir`, where two files are left. A mail that git cannot read is a value.
 * Throws GitError when the machine fails.
 */
export async function readMailPatch(
  place: GitPlace,
  dir: string,
  patch: Patch,
  scissors: boolean,
): Promise<Outcome<{ mail: MailPatch }, { why: string }>> {
  const input = withoutWireEnds(patch.message.raw);
  const paths = [join(dir, 'message'), join(dir, 'diff')];
  const run = async (...flags: string[]) =>
    await runGit(place, ['mailinfo', scissors ? '--scissors' : '--no-scissors', ...flags, ...paths], {
      ...LIMITS,
      input,
      okExit: [0, ...REFUSED_EXITS],
    });
  let flags: string[] = [];
  let info = await run('--quoted-cr=nowarn');
  if (info.exitCode !== 0 && /cannot convert/.test(info.stderr)) {
    // an unknown charset: what `git am --no-utf8` is for
    flags = ['-n'];
    info = await run('--quoted-cr=nowarn', ...flags);
  }
  if (info.exitCode === 0 && hasCrEnds(await readFile(join(dir, 'diff'))))
    info = await run('--quoted-cr=strip', ...flags);
  if (info.exitCode !== 0) {
    if (info.exitCode === 128 && /unable to (?:write|create)|No space/i.test(info.stderr))
      throw new GitError('failed', `git mailinfo failed: ${info.stderr.trim()}`, {
        exitCode: 128,
        stderr: info.stderr,
      });
    return { ok: false, why: `git cannot read the mail: ${info.stderr.trim().slice(0, 300) || 'it gave no reason'}` };
  }
  // mailinfo does not look whether what it writes arrives: half a diff may apply
  await refuseFullDisk(dir, 'git mailinfo');
  let diff = await readFile(join(dir, 'diff'));
  if (hasCrEnds(diff)) diff = Buffer.from(diff.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  const fields = new Map(
    info.stdout
      .toString('utf8')
      .split('\n')
      .map((line) => {
        const colon = line.indexOf(': ');
        return [line.slice(0, Math.max(0, colon)), line.slice(colon + 2)] as const;
      }),
  );
  const date = gitDate(fields.get('Date') ?? '') ?? gitDate(patch.message.date ?? '');
  return {
    ok: true,
    mail: {
      author: cleanIdentity({
        name: fields.get('Author') || patch.author.name,
        email: fields.get('Email') || patch.author.address,
      }),
      ...(date === undefined ? {} : { date }),
      message: commitMessage(fields.get('Subject') ?? patch.title, await readFile(join(dir, 'message'))),
      diff,
    },
  };
}

/**
 * A mail as it came over the wire ends all lines in CR LF, one from disk in LF. Only where the header
 * does, each CR LF becomes LF, once: then a CR that is left belongs to the file that is patched.
 */
function withoutWireEnds(raw: Uint8Array): Uint8Array {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const lf = bytes.indexOf(0x0a);
  if (lf < 1 || bytes[lf - 1] !== 0x0d) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

/** Whether the diff's own header lines, which never have a CR, end in one: then all of it was sent so. */
function hasCrEnds(diff: Buffer): boolean {
  return /^(?:diff --git |--- |\+\+\+ )[^\n]*\r$/m.test(diff.toString('latin1', 0, 1 << 20));
}

/** What `git stripspace` does: no white space at line ends, no blank lines in a row, at the start or the end. */
export function commitMessage(subject: string, log: Buffer): Buffer {
  const text = `${Buffer.from(subject, 'utf8').toString('latin1')}\n\n${log.toString('latin1')}`;
  const lines = text
    .replaceAll('\0', '')
    .split('\n')
    .map((line) => line.replace(/[ \t\r\f\v]+$/, ''));
  return Buffer.from(
    `${lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .replace(/^\n+|\n+$/g, '')}\n`,
    'latin1',
  );
}

/** An identity that git accepts: without `<`, `>` and control characters, and never empty. */
export function cleanIdentity(raw: Identity): Identity {
  const clean = (text: string): string =>
    text
      .replace(/[\p{Cc}<>]+/gu, ' ')
      .trim()
      .slice(0, 200)
      .trim();
  const email = clean(raw.email).replace(/ /g, '') || 'unknown@invalid';
  const name = clean(raw.name);
  // git strips these at both ends and refuses what is then empty (ident.c, crud())
  return { name: /[^ .,:;"\\']/.test(name) ? name : email, email };
}

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const ZONES: Readonly<Record<string, string>> = {
  EST: '-0500',
  EDT: '-0400',
  CST: '-0600',
  CDT: '-0500',
  MST: '-0700',
  MDT: '-0600',
  PST: '-0800',
  PDT: '-0700',
};

/** RFC 5322 section 3.3 (with the obsolete zones of 4.3) or ISO 8601, as `@<seconds> <offset>`. */
export function gitDate(text: string): string | undefined {
  const mail =
    /^(?:[A-Za-z]{3},?\s+)?(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4})\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([+-]\d{4}|[A-Z]{1,3})?/.exec(
      text.trim(),
    );
  if (mail === null) {
    const zone = /([+-]\d\d):?(\d\d)$/.exec(text.trim());
    const seconds = /^\d{4}-\d\d-\d\dT/.test(text) ? Math.floor(Date.parse(text) / 1000) : Number.NaN;
    return stamp(seconds, zone === null ? '+0000' : `${zone[1]}${zone[2]}`);
  }
  const month = MONTHS.toLowerCase().indexOf((mail[2] ?? '').toLowerCase());
  if (month < 0 || month % 3 !== 0) return undefined;
  const written = mail[7] ?? '';
  const zone = /^[+-]/.test(written) ? written : (ZONES[written] ?? '+0000');
  const offset = (zone.startsWith('-') ? -60 : 60) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3)));
  const seconds =
    Date.UTC(Number(mail[3]), month / 3, Number(mail[1]), Number(mail[4]), Number(mail[5]), Number(mail[6] ?? 0)) /
    1000;
  return stamp(seconds - offset, zone);
}

function stamp(seconds: number, zone: string): string | undefined {
  if (!Number.isFinite(seconds) || seconds < 0) return undefined;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3));
  return `@${seconds} ${minutes > 14 * 60 || Number(zone.slice(3)) > 59 ? '+0000' : zone}`;
}
