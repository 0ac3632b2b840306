/**
 * Lines for the operator: one event a line, on standard error. For a person `2026-11-22T23:59:59Z text`; where
 * DEPBOT_LOG is `json`, an object a line for programs that collect logs.
 */

import { printableMessage } from './printable.ts';

export interface Log {
  /** What is going on. */
  info(text: string): void;
  /** What somebody may have to mend, or what came back by itself. */
  warn(text: string): void;
}

/** How lines are written, and which of them: `quiet` leaves out what is only going on. */
export interface LogForm {
  readonly verbosity?: 'quiet' | 'normal' | 'verbose';
  readonly json?: boolean;
}

/** A warning has `warning: ` before its text, or `"level":"warn"`. Control characters are made visible. */
export function openLog(out: NodeJS.WritableStream, date: () => Date, { verbosity, json }: LogForm = {}): Log {
  const write = (level: 'info' | 'warn', text: string): void => {
    const message = printableMessage(text).replaceAll(/\s*\n\s*/g, ' | ');
    const time = date().toISOString();
    if (json) out.write(`${JSON.stringify({ time, level, message })}\n`);
    else out.write(`${time.slice(0, 19)}Z ${level === 'warn' ? 'warning: ' : ''}${message}\n`);
  };
  return {
    info: (text) => {
      if (verbosity !== 'quiet') write('info', text);
    },
    warn: (text) => write('warn', text),
  };
}

/** As the process was asked for. */
export function logFormOf({
  verbosity,
  env,
}: {
  verbosity: LogForm['verbosity'];
  env: Readonly<Record<string, string | undefined>>;
}): LogForm {
  return { ...(verbosity && { verbosity }), json: env['DEPBOT_LOG'] === 'json' };
}
