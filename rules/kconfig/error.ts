/**
 * What is wrong with a Kconfig file, in the form every Kconfig message has: `path:line: text`.
 * A patch can cause it, so callers that read patches turn it into a value.
 */
export class KconfigError extends Error {
  override readonly name = 'KconfigError';
  readonly path: string;
  /** 1-based; 0 where the whole file is meant. */
  readonly line: number;
  /** Without the position. */
  readonly detail: string;
  /** What conf prints in this case, newline included. */
  readonly stderr: string;

  constructor(path: string, line: number, detail: string, stderr?: string) {
    super(line > 0 ? `${path}:${line}: ${detail}` : `${path}: ${detail}`);
    this.path = path;
    this.line = line;
    this.detail = detail;
    this.stderr = stderr ?? `${this.message}\n`;
  }
}
