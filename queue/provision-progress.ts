/**
 * How far a slow step is: a bar on a terminal, otherwise one line when it begins and one when it is done.
 * All of it on standard error; standard output belongs to the program's result.
 */
import cliProgress from 'cli-progress';

export interface Step {
  /** Amount done so far, in the unit of the total. */
  to(done: number): void;
  /** Ends the step; `remark` is added to its line. */
  end(remark?: string): void;
  /** Ends the step as failed. */
  fail(): void;
}

export interface Progress {
  note(text: string): void;
  /** Begins a step; `total` is its size in any unit. */
  step(title: string, total: number): Step;
}

/** Where progress is written. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Columns of the titles, so that bars stand below each other. */
const TITLE_COLUMNS = 34;

/** Progress on `screen`; `now` gives milliseconds. */
export function showProgress(screen: Screen & NodeJS.WritableStream = process.stderr, now = Date.now): Progress {
  const note = (text: string): void => void screen.write(`depbot: ${text}\n`);
  return { note, step: screen.isTTY ? barSteps(screen, now) : plainSteps(note, now) };
}

/** Progress that nobody sees. */
export const noProgress: Progress = {
  note: () => undefined,
  step: () => ({ to: () => undefined, end: () => undefined, fail: () => undefined }),
};

function plainSteps(note: (text: string) => void, now: () => number): Progress['step'] {
  return (title) => {
    const began = now();
    note(`${title} ...`);
    return {
      to: () => undefined,
      end: (remark) => note(`${title}: done in ${seconds(now() - began)}${remark ? `, ${remark}` : ''}`),
      fail: () => note(`${title}: failed after ${seconds(now() - began)}`),
    };
  };
}

function barSteps(stream: NodeJS.WritableStream, now: () => number): Progress['step'] {
  return (title, total) => {
    const began = now();
    const format = `  ${title.padEnd(TITLE_COLUMNS)} {bar} {percentage}% {remark}`;
    const remarkOn = (done: number): string => remarkOf(done, total, now() - began);
    const bar = new cliProgress.SingleBar(
      { stream, format, hideCursor: true, barsize: 24, fps: 5 },
      cliProgress.Presets.shades_classic,
    );
    bar.start(total, 0, { remark: '' });
    return {
      to: (done) => bar.update(Math.min(done, total), { remark: remarkOn(done) }),
      end: (remark) => {
        bar.update(total, { remark: [seconds(now() - began), remark].filter(Boolean).join(', ') });
        bar.stop();
      },
      fail: () => {
        bar.update({ remark: 'failed' });
        bar.stop();
      },
    };
  };
}

/** Amounts above are bytes, which say nothing one by one. */
const MOST_COUNTED = 10_000_000;

/** `120 of 5678, 12/s, 463 s left`, as far as it is known. */
function remarkOf(done: number, total: number, tookMs: number): string {
  if (done <= 0 || tookMs < 1000) return '';
  const perS = done / (tookMs / 1000);
  const left = `${Math.ceil((total - done) / perS)} s left`;
  return total > MOST_COUNTED ? left : `${Math.round(done)} of ${total}, ${perS.toPrecision(2)}/s, ${left}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
