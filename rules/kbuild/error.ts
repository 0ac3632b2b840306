/**
 * What is wrong with a makefile, in the form make says it: `path:line: text`. A patch can cause it, so callers
 * that read patches turn it into a value.
 */
export class KbuildError extends Error {
  override readonly name = 'KbuildError';
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  /** Without the position. */
  readonly detail: string;

  constructor(path: string, line: number, detail: string) {
    super(`${path}:${line}: ${detail}`);
    this.path = path;
    this.line = line;
    this.detail = detail;
  }
}
