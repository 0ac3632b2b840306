/** Programs, run and measured in turn. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A command line to measure; `argv[0]` is an absolute path. */
export interface Program {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Exit statuses that count as success; default 0. */
  readonly accept?: readonly number[];
  /** Puts things back to where every run starts; not measured. */
  readonly before?: () => void;
}

export interface Measured {
  readonly wallMs: number;
  /** User and system time of the program and those that it waited for. */
  readonly cpuMs: number;
  /** Peak of the largest process. */
  readonly rssKiB: number;
  readonly stdout: string;
}

/** A program that is measured did not do its work: there is nothing to compare. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/** Runs a program once; `scratch` is a folder. Throws BenchError when it fails. */
export function measure(program: Program, scratch: string): Measured {
  program.before?.();
  const output = join(scratch, 'stdout');
  const { cwd, env, argv } = program;
  const script = join(import.meta.dirname, 'measure.py');
  const runner = spawnSync('/usr/bin/python3', [script, output, JSON.stringify(env), ...argv], {
    cwd,
    env: {},
    encoding: 'utf8',
    timeout: 3_600_000,
    maxBuffer: 64 * 2 ** 20,
  });
  if (runner.status !== 0) throw new BenchError(`cannot measure ${argv[0]}: ${runner.error?.message ?? runner.stderr}`);
  const { exitCode, ...measured } = JSON.parse(runner.stdout) as Measured & { exitCode: number };
  if (!(program.accept ?? [0]).includes(exitCode))
    throw new BenchError(`${argv.join(' ')} exited with ${exitCode}: ${runner.stderr.slice(-2000)}`);
  return { ...measured, stdout: readFileSync(output, 'utf8') };
}

/** Runs programs by turns, so that what disturbs one disturbs the others; all their measures, by name. */
export function inTurns<Name extends string>(
  programs: Readonly<Record<Name, Program | undefined>>,
  rounds: number,
  scratch: string,
): Record<Name, Measured[]> {
  const names = Object.keys(programs) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Measured[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const program = programs[name];
      if (program !== undefined) measured[name].push(measure(program, scratch));
    }
  }
  return measured;
}

/** Middle of the values, the mean of the two middle ones of an even number; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Distance of the middle half of the values, relative to their median: how noisy they are. */
export function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return (at(0.75) - at(0.25)) / median(values);
}
