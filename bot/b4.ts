/**
 * `depbot check --b4`: a check command of `b4 review`. b4 gives one mail on standard input, a patch or the cover
 * letter, and wants a JSON array of results for it. The series itself is on the review branch that b4 made: the file
 * that B4_TRACKING_FILE names says which.
 *
 * Protocol: b4's docs/maintainer/review.rst, "CI check integration". Exit status: 0 with an array on standard output;
 * 2 without one, when the input or the options are no good.
 */

import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { check } from '../queue/check.ts';
import type { Repository } from '../queue/repository.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import type { Finding, Report, Series } from '../rules/types.ts';
import { type CheckArguments, openTree, readRange, treeDirOf, UsageError } from './check-command.ts';
import { checkOptions } from './check-options.ts';
import { readConfigFile } from './config.ts';
import { footerOf } from './footer.ts';
import { readSeries } from './intake.ts';
import { unbuilt } from './left-open.ts';
import type { World } from './main.ts';
import { MAX_MAIL_BYTES, parseMessage, tooLarge } from './message.ts';
import { printable, printableMessage } from './printable.ts';
import { commentTexts } from './reply.ts';
import { parseSubject } from './subject.ts';

/** One entry of the array. */
interface B4Result {
  readonly tool: 'depbot';
  readonly status: 'pass' | 'warn' | 'fail';
  readonly summary: string;
  readonly details?: string;
}

/** What is read of b4's tracking data. */
const trackingSchema = z.object({
  series: z.object({
    'change-id': z.string().regex(/^[\w][\w.+/-]*$/),
    'first-patch-commit': z.string().regex(/^[0-9a-f]{7,64}$/),
  }),
});

/** Throws UsageError, and what opening the tree throws. */
export async function runB4(input: string | undefined, args: CheckArguments, world: World): Promise<number> {
  if (input !== undefined && input !== '-')
    throw new UsageError('--b4 takes its mail from standard input, as b4 gives it');
  const clash = (['range', 'json', 'out', 'html'] as const).find((name) => args[name] !== undefined);
  if (clash) throw new UsageError(`--b4 and --${clash}: give one of the two`);
  setToolEnv(world.env);
  const config = readConfigFile(args.config);
  const repo = await openTree(treeDirOf(args, config, world), config, world);
  try {
    const raw = await buffer(world.stdin);
    const parsed = raw.length > MAX_MAIL_BYTES ? { ok: false as const, why: tooLarge(raw.length) } : parseMessage(raw);
    if (!parsed.ok) throw new UsageError(`the mail on standard input: ${parsed.why}`);
    const { n } = parseSubject(parsed.message.subject);
    const series = await seriesAround(raw, world, repo);
    const options = checkOptions(args, config, world);
    const results =
      typeof series === 'string'
        ? [warning(series)]
        : resultsFor(n, series, await check(series, repo, options), {
            bot: config.bot,
            noBuild: options.noBuild === true,
          });
    world.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
    return 0;
  } finally {
    await repo.close();
  }
}

/** The series that the mail is part of, or why it cannot be had. */
async function seriesAround(raw: Buffer, world: World, repo: Repository): Promise<Series | string> {
  const file = world.env['B4_TRACKING_FILE'];
  const intake =
    file === undefined
      ? await readSeries({ stdin: Readable.from([raw]) })
      : await readRange(rangeOf(readTracking(file)), repo);
  const [series] = intake.series;
  if (series?.complete) return series;
  return 'not checked: this is one mail of a series; check the series out in b4 first';
}

type Tracking = z.infer<typeof trackingSchema>['series'];

/** Throws UsageError. */
function readTracking(file: string): Tracking {
  try {
    return trackingSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).series;
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new UsageError(`B4_TRACKING_FILE ${file}: ${why}`, { cause });
  }
}

/** The branch ends with a commit of b4's own, which changes no file. */
function rangeOf(tracking: Tracking): string {
  return `${tracking['first-patch-commit']}~1..b4/review/${tracking['change-id']}~1`;
}

interface Settings {
  readonly bot: Parameters<typeof footerOf>[0];
  readonly noBuild: boolean;
}

/** Of a patch what was found in it, of the cover letter all. */
function resultsFor(n: number, series: Series, report: Report, { bot, noBuild }: Settings): B4Result[] {
  if (report.cannotCheck) return [warning(`not checked (${report.cannotCheck.stage})`, report.cannotCheck.why)];
  const comments = commentTexts({ series, report, footer: footerOf(bot) });
  const own = report.findings.filter(({ anchor }) => n === 0 || anchor.patch === n);
  const open = (findings: readonly Finding[]): string[] =>
    noBuild ? [NO_BUILD] : unbuilt({ findings, checked: report.checked });
  if (own.length > 0) return own.map((finding) => resultOf(finding, [comments.get(finding) ?? '', ...open([finding])]));
  const { archs, configs } = report.checked;
  const summary =
    archs.length === 0 ? 'nothing found' : `nothing found on ${archs.length} architectures, ${configs} configurations`;
  return [{ tool: 'depbot', status: 'pass', summary, ...detailed(open([])) }];
}

const NO_BUILD = 'nothing was built, since builds are switched off: what only a build shows was not looked for';

function detailed(paragraphs: readonly string[]): { details?: string } {
  return paragraphs.length === 0 ? {} : { details: paragraphs.map(printable).join('\n\n') };
}

function resultOf({ rule, severity, symbols, anchor }: Finding, paragraphs: readonly string[]): B4Result {
  return {
    tool: 'depbot',
    status: severity === 'missing-dependency' ? 'warn' : 'fail',
    summary: printableMessage(`${rule}: ${symbols[0] ?? ''} (${anchor.file}:${anchor.line})`),
    ...detailed(paragraphs),
  };
}

function warning(summary: string, details?: string): B4Result {
  return { tool: 'depbot', status: 'warn', summary, ...(details !== undefined && { details }) };
}
