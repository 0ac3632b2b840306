/**
 * Passwords and tokens from a command of the operator's, `["pass", "show", "depbot"]`: run without a shell, each time that
 * one is needed, since tokens end after an hour. What it prints goes nowhere but to the server.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024;

/** Program and arguments, and where they stand, as in `imap.kernel.token_command`. */
export interface SecretCommand {
  readonly key: string;
  readonly argv: readonly string[];
}

/** A command of the configuration that gave no secret. The message has the key, and nothing of what it printed. */
export class SecretCommandError extends Error {
  override readonly name = 'SecretCommandError';
}

/** First line that the command prints. Throws SecretCommandError. */
export async function secretOfCommand({ key, argv: [program, ...args] }: SecretCommand): Promise<string> {
  const fail = (why: string): never => {
    throw new SecretCommandError(`${key}: ${why}; run it by hand to see what it says`);
  };
  try {
    const { stdout } = await promisify(execFile)(program!, args, {
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_BYTES,
      killSignal: 'SIGKILL',
    });
    const secret = stdout.split(/\r?\n/, 1)[0]!;
    if (secret === '' || secret.includes('\0')) return fail('it prints no secret in its first line');
    return secret;
  } catch (error) {
    if (error instanceof SecretCommandError) throw error;
    const { code, killed } = error as NodeJS.ErrnoException & { readonly killed?: boolean };
    if (killed) return fail(`it did not end within ${TIMEOUT_MS / 1000} s`);
    return fail(typeof code === 'number' ? `it ended with status ${code}` : `it cannot be run (${code})`);
  }
}
