/**
 * How far the builds of a check are, and how long they will take: by what pieces of work of the same kind took before,
 * in this check or in earlier ones on this machine.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepFile } from './kept-folder.ts';

/** What is planned: to write a tree, to configure and prepare an output folder, or to make some objects in one. */
export interface Piece {
  readonly kind: 'checkout' | 'configure' | 'objects';
  /** Of the base, all of it; later, what a series changes. */
  readonly when: 'base' | 'later';
  /** How many; 0 for the other kinds. */
  readonly objects: number;
}

/** Told what is being built, and how many milliseconds the whole plan will still take where that is known. */
export type OnBuildProgress = (text: string, leftMs?: number) => void;

const FILE = 'build-times.json';
/** The weight of the newest: a machine that is busy now will be for a while. */
const NEWEST = 0.5;
/** Before that, what was made says little: make itself begins with some work. */
const TELLING_MS = 5_000;
/** What takes less was there already, and tells nothing of the next. */
const SHORTEST_MS = 500;

/** Milliseconds that pieces of each kind take; for objects, each. */
export class BuildTimes {
  readonly #ms = new Map<string, number>();
  readonly #folder: string | undefined;

  /** As earlier checks have left them in a cache; without one there are none, and none are kept. */
  constructor(folder?: string) {
    this.#folder = folder;
    if (folder === undefined) return;
    for (const [kind, ms] of Object.entries(readObject(join(folder, FILE))))
      if (typeof ms === 'number' && ms > 0) this.#ms.set(kind, ms);
  }

  note(piece: Piece, ms: number): void {
    const { kind, when } = piece;
    if (ms < SHORTEST_MS || sizeOf(piece) === 0) return;
    const name = `${kind} ${when}`;
    const each = ms / sizeOf(piece);
    const known = this.#ms.get(name);
    this.#ms.set(name, known === undefined ? each : NEWEST * each + (1 - NEWEST) * known);
  }

  /** Of a whole piece; where none of its kind was seen, as one of the other time. */
  expected(piece: Piece): number | undefined {
    const { kind, when } = piece;
    const each = this.#ms.get(`${kind} ${when}`) ?? this.#ms.get(`${kind} ${when === 'base' ? 'later' : 'base'}`);
    return each === undefined ? undefined : each * sizeOf(piece);
  }

  keep(): void {
    if (this.#folder === undefined || this.#ms.size === 0) return;
    keepFile(this.#folder, FILE, Buffer.from(JSON.stringify(Object.fromEntries(this.#ms))), () => undefined);
  }
}

function sizeOf({ kind, objects }: Piece): number {
  return kind === 'objects' ? objects : 1;
}

/** What is no JSON object, or cannot be read, has nothing in it. */
function readObject(path: string): object {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch (error) {
    if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return {};
  }
}

export class BuildPace {
  readonly #left: Set<Piece>;
  readonly #total: number;
  readonly #times: BuildTimes;
  readonly #tell: OnBuildProgress;
  readonly #now: () => number;
  #done = 0;
  /** How many times as long as expected it takes in this run; never less than 1, since what was quick may not stay so. */
  #slowness = 1;

  constructor(
    plan: readonly Piece[],
    options: { readonly times?: BuildTimes; readonly onProgress?: OnBuildProgress; readonly now?: () => number } = {},
  ) {
    this.#left = new Set(plan);
    this.#total = plan.reduce((sum, { objects }) => sum + objects, 0);
    this.#times = options.times ?? new BuildTimes();
    this.#tell = options.onProgress ?? (() => undefined);
    this.#now = options.now ?? (() => performance.now());
  }

  /** Does a piece, of the plan or beside it; `made` is to be told how many of its objects there are. */
  async during<T>(piece: Piece, words: string, work: (made: (objects: number) => void) => Promise<T>): Promise<T> {
    const began = this.#now();
    const tell = (made: number): void => {
      if (this.#total === 0) this.#tell(words);
      else
        this.#tell(
          `${words} (${this.#done + made} of ${this.#total} objects)`,
          this.#leftMs(piece, made, this.#now() - began),
        );
    };
    tell(0);
    try {
      const result = await work(tell);
      const tookMs = this.#now() - began;
      this.#times.note(piece, tookMs);
      this.#learn(piece, tookMs);
      return result;
    } finally {
      this.drop(piece);
    }
  }

  /** Takes what is done, or will not be done, out of the plan. */
  drop(...pieces: readonly Piece[]): void {
    for (const piece of pieces) if (this.#left.delete(piece)) this.#done += piece.objects;
  }

  #learn(piece: Piece, tookMs: number): void {
    const expectedMs = this.#times.expected(piece) ?? 0;
    if (tookMs >= TELLING_MS && expectedMs > 0) this.#slowness = Math.max(1, tookMs / expectedMs);
  }

  /** Undefined while something of the plan is of a kind that nobody has seen. */
  #leftMs(current: Piece, made: number, tookMs: number): number | undefined {
    if (made > 0) this.#learn({ ...current, objects: made }, tookMs);
    let sum = 0;
    for (const piece of this.#left) {
      const ms = this.#times.expected(piece === current ? { ...piece, objects: piece.objects - made } : piece);
      if (ms === undefined) return undefined;
      sum += ms;
    }
    return sum * this.#slowness;
  }
}
