/**
 * The vocabulary of depbot, from a mail to a report: plain, readonly, JSON-safe data (bytes aside).
 * Types only. The flow is
 *
 *   Mail -> Series -> AppliedSeries -> TreePair -> Finding[] -> Report -> Reply -> Outbox
 */

import type { Survey } from './survey-types.ts';
import type { Built } from './trial.ts';

/** Full object name, 40 or 64 hex digits. */
export type Sha = string;
/** Message-ID without the angle brackets. */
export type MessageId = string;
/** Kconfig symbol without `CONFIG_`. */
export type SymbolName = string;
/** A rule's id: its file name, its template's name, its fixture folder's name. */
export type RuleId = string;
/** Architecture directory below `arch/` (SRCARCH), e.g. `x86`, `um`. */
export type Arch = string;

/** A value, or a reason that a person can cause by mail; what only we or the machine can cause is thrown. */
export type Outcome<T, F> = ({ readonly ok: true } & T) | ({ readonly ok: false } & F);

// ---------------------------------------------------------------- mail

export interface Address {
  /** Display name, decoded; may be empty. */
  readonly name: string;
  readonly address: string;
}

/** One mail, parsed once. `raw` are its bytes exactly as they came. */
export interface Message {
  readonly raw: Uint8Array;
  readonly messageId: MessageId;
  readonly inReplyTo?: MessageId;
  /** Oldest first, duplicates removed, In-Reply-To last. */
  readonly references: readonly MessageId[];
  readonly from: Address;
  /** Where the sender wants answers; absent if not said. */
  readonly replyTo?: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  /** List-Id values without brackets, one for each copy that came; sorted. */
  readonly listIds: readonly string[];
  /** The sender's Date as ISO 8601, absent if missing or unreadable. */
  readonly date?: string;
  /** The Date header as the sender wrote it (attribution lines repeat it). */
  readonly dateHeader?: string;
  /** Decoded and unfolded, as one line. */
  readonly subject: string;
  /** The part that holds the patch (or the first text/plain): decoded text, LF line ends. */
  readonly body: string;
  /** What was odd but survivable (unknown charset, mangled white space, format=flowed ...), one sentence each. */
  readonly oddities: readonly string[];
}

export interface Subject {
  /** Revision, 1 when not written. */
  readonly revision: number;
  readonly revisionInferred: boolean;
  /** A partial revision such as the 1 of `v2.1`; absent otherwise. */
  readonly subRevision?: number;
  /** Position and length; 1/1 when not written. n = 0 is the cover letter. */
  readonly n: number;
  readonly total: number;
  readonly counterInferred: boolean;
  readonly isPatch: boolean;
  readonly isReply: boolean;
  readonly isRfc: boolean;
  readonly isResend: boolean;
  /** Tree hints and other words in the brackets, in order: `net-next`, `6.12`, `5.15.y`. */
  readonly tags: readonly string[];
  /** Without prefix brackets and reply marks. */
  readonly title: string;
}

export interface Trailer {
  readonly key: string;
  readonly value: string;
}

/** Line of a hunk. Line numbers are 1-based. */
export interface DiffLine {
  readonly kind: 'context' | 'add' | 'remove';
  /** Without the leading marker. */
  readonly text: string;
  readonly oldLine?: number;
  readonly newLine?: number;
  /** 1-based line in the mail's `body`. */
  readonly mailLine: number;
}

export interface Hunk {
  /** Line of the `@@` in the mail's body. */
  readonly mailLine: number;
  readonly oldStart: number;
  readonly oldCount: number;
  readonly newStart: number;
  readonly newCount: number;
  /** Text after the second `@@`. */
  readonly section: string;
  readonly lines: readonly DiffLine[];
}

export interface FileDiff {
  readonly kind: 'modify' | 'create' | 'delete' | 'rename' | 'copy' | 'mode';
  /** Absent for a created file. Unquoted, without `a/`. */
  readonly oldPath?: string;
  /** Absent for a deleted file. Unquoted, without `b/`. */
  readonly newPath?: string;
  readonly oldMode?: string;
  readonly newMode?: string;
  /** Object names of the `index` line, 7 to 64 hex digits as written; all-zero ones are left out. */
  readonly oldBlob?: string;
  readonly newBlob?: string;
  readonly binary: boolean;
  /** First line of this file's diff (`diff --git` or `---`) in the mail's body, 1-based. */
  readonly mailLine: number;
  readonly hunks: readonly Hunk[];
}

export interface Patch {
  readonly n: number;
  readonly total: number;
  readonly message: Message;
  readonly title: string;
  /** Author: the in-body From: where there is one, else the mail's. */
  readonly author: Address;
  /** Commit message without title and trailers. */
  readonly log: string;
  readonly trailers: readonly Trailer[];
  readonly diff: readonly FileDiff[];
  /** The mail's text was cut at a scissors line: author, title and log are from below it. */
  readonly scissors?: true;
}

/** A complete, ordered series: no holes. An incomplete one is a PartialSeries. */
export interface Series {
  readonly complete: true;
  /** Message-ID of its first message (cover letter or patch 1). */
  readonly id: MessageId;
  readonly revision: number;
  readonly subject: string;
  readonly author: Address;
  readonly cover?: Message;
  readonly patches: readonly [Patch, ...Patch[]];
  /** Tree hints of the subjects' brackets. */
  readonly tags: readonly string[];
  /** 12 to 64 hex digits. */
  readonly baseCommit?: string;
  readonly prerequisites: readonly string[];
  readonly changeId?: string;
  /** Patches taken from an earlier revision because this one re-sent only some; n of each. */
  readonly carriedOver: readonly number[];
  readonly oddities: readonly string[];
}

export interface PartialSeries {
  readonly complete: false;
  readonly id: MessageId;
  readonly revision: number;
  readonly subject: string;
  readonly author: Address;
  readonly cover?: Message;
  readonly have: readonly Patch[];
  readonly total: number;
  /** Positions that have not come, ascending. */
  readonly missing: readonly number[];
  readonly oddities: readonly string[];
}

export type Assembled = Series | PartialSeries;

// ---------------------------------------------------------------- trees

export type BaseChoice = 'base-commit' | 'blob-match' | 'tree-tip' | 'given';

export interface AppliedSeries {
  /** Git directory that holds base and commits. */
  readonly gitDir: string;
  readonly base: {
    readonly sha: Sha;
    readonly how: BaseChoice;
    /** One sentence for people: why this base, what else was tried. */
    readonly detail: string;
    /** Nearest name of the base, e.g. `v6.12.117` or a branch, when there is one. */
    readonly name?: string;
  };
  /** Prerequisite patches that were applied below patch 1. */
  readonly prerequisites: readonly { readonly patchId: string; readonly commit: Sha }[];
  /** One commit per patch, in order. */
  readonly commits: readonly { readonly n: number; readonly sha: Sha }[];
  readonly head: Sha;
}

/** One commit of a kernel tree, for reading only. Paths are relative, `/`-separated. */
export interface Tree {
  readonly commit: Sha;
  /** All file paths, sorted. */
  paths(): Promise<readonly string[]>;
  /** Object name of a file's blob; undefined when there is no such regular file. */
  blob(path: string): Promise<Sha | undefined>;
  /** Texts of the given files; missing ones are left out. Bytes are read as UTF-8, bad ones replaced. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Every line that contains one of the words as a whole word, at most `limit` of them. */
  grep(
    words: readonly string[],
    limit: number,
  ): Promise<readonly { readonly path: string; readonly line: number; readonly text: string }[]>;
}

// ---------------------------------------------------------------- findings

export type Severity = 'regression' | 'missing-dependency' | 'error';

/** Where a reply puts the comment: a line of a patch of the series. */
export interface Anchor {
  /** Patch number, 1-based. */
  readonly patch: number;
  readonly file: string;
  /** Line of the file after the patch (before it, for a removed line). */
  readonly line: number;
  /** Lines of the patch mail's body to quote, first and last, 1-based; the comment follows the last. */
  readonly mailLines: readonly [number, number];
}

/** Which side of the series a fact was read from. */
export type Side = 'before' | 'after';

export type Evidence =
  | {
      readonly kind: 'source';
      readonly side: Side;
      readonly commit: Sha;
      readonly path: string;
      readonly line: number;
      readonly text: string;
    }
  | {
      readonly kind: 'value';
      readonly side: Side;
      readonly arch: Arch;
      readonly config: string;
      readonly symbol: SymbolName;
      readonly value: string;
      readonly because?: string;
    }
  | {
      readonly kind: 'output';
      readonly argv: readonly string[];
      readonly exitCode: number;
      readonly excerpt: string;
      readonly linesCut: number;
    };

/** Smallest settings that show the fault. */
export interface Witness {
  readonly arch: Arch;
  /** CROSS_COMPILE of the compiler that was asked what it can do; absent: this machine's own gcc. */
  readonly crossCompile?: string;
  /**
   * Where the settings are put on top: `empty` (they are all of the .config, and olddefconfig completes it),
   * `allnoconfig`, a defconfig's path, or a distribution's configuration.
   */
  readonly from: string;
  /** Sorted by symbol. Values as in a .config: `y`, `m`, `n`, or a string/number. */
  readonly settings: readonly {
    readonly symbol: SymbolName;
    readonly value: string;
    /** The symbol is a string: its value stands in quotes, whatever it looks like. */
    readonly isString?: true;
  }[];
}

/** How far a finding was proved: 1 derived, 2 configured (the tree's own conf agrees), 3 built. */
export type Rung = 1 | 2 | 3;

export interface Attempt {
  readonly rung: Rung;
  readonly side: Side;
  readonly argv: readonly string[];
  readonly exitCode: number;
  /** Text of the .config that olddefconfig completed for it; absent where that is long, as of an existing configuration. */
  readonly config?: string;
  /** What came out, as far as it matters. */
  readonly excerpt: string;
  /** Whether it came out as the finding claims. */
  readonly agrees: boolean;
}

export interface Verification {
  readonly rung: Rung;
  readonly attempts: readonly Attempt[];
  /** Of a claim about code: why it was not built, a fault of the machine or of the tree and not of the finding. */
  readonly notBuilt?: string;
}

export interface Finding {
  readonly rule: RuleId;
  /** Stable over line shifts and revisions: rule, symbols, path. */
  readonly key: string;
  readonly severity: Severity;
  readonly symbols: readonly SymbolName[];
  readonly anchor: Anchor;
  /** Typed data of the rule; the template words it. JSON-safe. */
  readonly claim: Readonly<Record<string, unknown>>;
  readonly evidence: readonly Evidence[];
  readonly witness?: Witness;
  readonly verification: Verification;
}

export interface Dropped {
  readonly rule: RuleId;
  readonly key: string;
  readonly why: string;
}

/** What a rule could not decide: nobody is told, and it is no proof of silence. */
export interface UndecidedBy {
  readonly rule: RuleId;
  readonly key: string;
  readonly why: string;
}

// ---------------------------------------------------------------- report and reply

export interface Checked {
  readonly rules: readonly RuleId[];
  readonly archs: readonly Arch[];
  /** Configurations carried over, e.g. 311. */
  readonly configs: number;
  /** Kconfig files that differ between base and series. */
  readonly changedFiles: readonly string[];
  readonly changedSymbols: readonly SymbolName[];
  /**
   * What bounded the memory of programs of the tree: a cgroup all of them together, rlimits each by itself; none where
   * they ran bare. Absent of a series that was not checked.
   */
  readonly sandbox?: 'cgroup' | 'rlimits' | 'none';
  /** What was built to see whether it still does; absent where nothing was. */
  readonly built?: Built;
  /** Rules that stopped at a limit, and where: of these silence says less. */
  readonly cutShort?: readonly { readonly rule: RuleId; readonly archs: readonly Arch[] }[];
  /** Absent where there are none; the first ones where there are many. */
  readonly shellComplaints?: readonly ShellComplaint[];
}

/** A command of `$(shell)` that the series brings, and what it said on standard error. */
export interface ShellComplaint {
  /** `path:line` in the tree with the series. */
  readonly place: string;
  readonly command: string;
  /** Its first characters. */
  readonly said: string;
}

/** Why a series could not be checked. */
export interface CannotCheck {
  readonly stage: 'input' | 'apply' | 'kconfig' | 'kbuild' | 'sandbox' | 'worker';
  readonly why: string;
  /** Patch that does not apply, when it is that. */
  readonly patch?: number;
}

export interface Report {
  /** Version of this schema. */
  readonly schema: 1;
  readonly series: {
    readonly id: MessageId;
    readonly revision: number;
    readonly subject: string;
    readonly author: Address;
    readonly patches: readonly { readonly n: number; readonly messageId: MessageId; readonly title: string }[];
    readonly oddities: readonly string[];
  };
  readonly applied?: Omit<AppliedSeries, 'gitDir'>;
  readonly cannotCheck?: CannotCheck;
  /** Sorted by patch, file, line, rule; all reached the rung their rule needs. */
  readonly findings: readonly Finding[];
  readonly checked: Checked;
  readonly dropped: readonly Dropped[];
  /** By the key of a finding; there when asked for, and where Kconfig was compared. */
  readonly surveys?: Readonly<Record<string, Survey>>;
  readonly undecided: readonly UndecidedBy[];
  /** Milliseconds a stage. */
  readonly tookMs: Readonly<Record<string, number>>;
}

/** A reply without recipients: who gets it is policy's business, after the text is final. */
export interface Reply {
  /** Patch it answers, 1-based. */
  readonly patch: number;
  readonly answers: MessageId;
  readonly references: readonly MessageId[];
  readonly subject: string;
  /** LF line ends. */
  readonly body: string;
}
