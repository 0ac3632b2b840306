/** What set-up asks of the machine it runs on; tests hand in another one. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Env } from './provision-cache.ts';

/** What came of a program. */
export interface Ran {
  /** Exit status; 127 when the program is not there, 143 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Env;
  /** Gets whole lines that the program writes to its file descriptor 3. */
  readonly onStatus?: (line: string) => void;
}

export interface Machine {
  readonly isRoot: boolean;
  hasCommand(name: string): boolean;
  hasFile(path: string): boolean;
  /** Runs argv without a shell and without input; a failing program is a value, not an exception. */
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<Ran>;
}

/** Output kept of one program, in characters; what comes after is dropped. */
const MAX_OUTPUT = 16_000_000;

/** The machine that this process runs on. */
export function thisMachine(env: Env = process.env): Machine {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((dir) => dir !== '');
  return {
    isRoot: process.getuid?.() === 0,
    hasCommand: (name) => [...folders, '/usr/sbin', '/sbin'].some((dir) => isExecutable(join(dir, name))),
    hasFile: existsSync,
    run: (argv, options = {}) => runHere(argv, { ...options, env: options.env ?? env }),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    // Missing and not executable are the two answers this question has.
    if (error instanceof Error) return false;
    throw error;
  }
}

function runHere(argv: readonly [string, ...string[]], options: RunOptions): Promise<Ran> {
  return new Promise((resolve) => {
    const [program, ...args] = argv;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', options.onStatus ? 'pipe' : 'ignore'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env as NodeJS.ProcessEnv }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        output[name] = (output[name] + text).slice(0, MAX_OUTPUT);
      });
    }
    const { onStatus } = options;
    if (onStatus) eachLine(child.stdio[3] as NodeJS.ReadableStream, onStatus);
    child.once('error', (error) => resolve({ code: 127, stdout: '', stderr: error.message }));
    child.once('close', (code, signal) => resolve({ code: code ?? (signal ? 128 + 15 : 1), ...output }));
  });
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_OUTPUT);
    for (const line of lines) onLine(line);
  });
}
