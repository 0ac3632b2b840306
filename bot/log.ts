/** Lines for the operator: one event a line, on standard error. */

import { printableMessage } from './printable.ts';

export interface Log {
  /** What is going on. */
  info(text: string): void;
  /** What somebody may have to mend, or what came back by itself. */
  warn(text: string): void;
}

/** Writes `2026-11-22T23:59:59Z text`; a warning with `warning: ` before the text. Control characters are made visible. */
export function openLog(out: NodeJS.WritableStream, date: () => Date): Log {
  const write = (text: string): void => {
    const one = printableMessage(text).replaceAll(/\s*\n\s*/g, ' | ');
    out.write(`${date().toISOString().slice(0, 19)}Z ${one}\n`);
  };
  return { info: write, warn: (text) => write(`warning: ${text}`) };
}
