/** The report of `depbot check --json` as docs/report.md describes it: schema 1, nothing more and nothing less. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const sha = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const line = z.int().min(1);
const side = z.enum(['before', 'after']);
const rung = z.union([z.literal(1), z.literal(2), z.literal(3)]);
const symbol = z.string().regex(/^\w[\w-]*$/);
const address = z.strictObject({ name: z.string(), address: z.string() });

const evidence = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('source'), side, commit: sha, path: z.string(), line, text: z.string() }),
  z.strictObject({
    kind: z.literal('value'),
    side,
    arch: z.string(),
    config: z.string(),
    symbol,
    value: z.string(),
    because: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('output'),
    argv: z.array(z.string()),
    exitCode: z.int(),
    excerpt: z.string(),
    linesCut: z.int().min(0),
  }),
]);

const attempt = z.strictObject({
  rung,
  side,
  argv: z.array(z.string()).min(1),
  exitCode: z.int(),
  config: z.string().optional(),
  excerpt: z.string(),
  agrees: z.boolean(),
});

const finding = z.strictObject({
  rule: z.string(),
  key: z.string(),
  severity: z.enum(['regression', 'missing-dependency', 'error']),
  symbols: z.array(symbol),
  anchor: z.strictObject({ patch: line, file: z.string(), line, mailLines: z.tuple([line, line]) }),
  claim: z.record(z.string(), z.unknown()),
  evidence: z.array(evidence).min(1),
  witness: z
    .strictObject({
      arch: z.string(),
      from: z.string(),
      settings: z.array(z.strictObject({ symbol, value: z.string() })),
    })
    .optional(),
  verification: z.strictObject({ rung, attempts: z.array(attempt), notBuilt: z.string().min(1).optional() }),
});

const best = z.enum(['y', 'm', 'n', 'none']);
const survey = z.strictObject({
  symbol,
  archs: z.array(
    z.strictObject({ arch: z.string(), before: best, after: best, configs: z.int().min(0), changed: z.int().min(0) }),
  ),
  picture: z
    .strictObject({
      nodes: z.array(
        z.strictObject({
          symbol: z.string(),
          type: z.enum(['unknown', 'bool', 'tristate', 'int', 'hex', 'string']),
          value: z.string(),
          hasPrompt: z.boolean(),
          isFocus: z.boolean(),
          path: z.string().optional(),
          line: line.optional(),
        }),
      ),
      links: z.array(
        z.strictObject({
          from: z.string(),
          to: z.string(),
          kind: z.enum([
            'depends on',
            'selects',
            'implies',
            'no longer depends on',
            'no longer selects',
            'no longer implies',
            'has code that needs',
          ]),
          path: z.string(),
          line,
          isBlocking: z.boolean(),
        }),
      ),
      left: z.int().min(0),
    })
    .optional(),
});

export const reportSchema = z.strictObject({
  schema: z.literal(1),
  series: z.strictObject({
    id: z.string(),
    revision: line,
    subject: z.string(),
    author: address,
    patches: z.array(z.strictObject({ n: line, messageId: z.string(), title: z.string() })),
    oddities: z.array(z.string()),
  }),
  applied: z
    .strictObject({
      base: z.strictObject({
        sha,
        how: z.enum(['base-commit', 'blob-match', 'tree-tip', 'given']),
        detail: z.string(),
        name: z.string().optional(),
      }),
      prerequisites: z.array(z.strictObject({ patchId: z.string(), commit: sha })),
      commits: z.array(z.strictObject({ n: line, sha })).min(1),
      head: sha,
    })
    .optional(),
  cannotCheck: z
    .strictObject({
      stage: z.enum(['input', 'apply', 'kconfig', 'sandbox']),
      why: z.string().min(1),
      patch: line.optional(),
    })
    .optional(),
  findings: z.array(finding),
  checked: z.strictObject({
    rules: z.array(z.string()),
    archs: z.array(z.string()),
    configs: z.int().min(0),
    changedFiles: z.array(z.string()),
    changedSymbols: z.array(symbol),
    sandbox: z.enum(['cgroup', 'rlimits', 'none']).optional(),
    built: z
      .strictObject({
        trials: z.array(
          z.strictObject({
            arch: z.string(),
            from: z.string(),
            settings: z.array(z.strictObject({ symbol, value: z.string(), isString: z.literal(true).optional() })),
            objects: z.array(z.string()),
            notBuilt: z.array(z.strictObject({ object: z.string(), why: z.string().min(1) })).optional(),
            steps: z.array(z.int().min(0)),
            fault: z.string().min(1).optional(),
          }),
        ),
        notCompiled: z.array(
          z.strictObject({ path: z.string(), lines: z.array(z.tuple([line, line])), why: z.string().min(1) }),
        ),
        sampled: z.array(
          z.strictObject({
            header: z.string(),
            includers: z.int().min(0),
            atLeast: z.boolean(),
            built: z.array(z.string()),
          }),
        ),
        left: z.array(z.string()),
        skipped: z.array(line),
      })
      .optional(),
  }),
  dropped: z.array(z.strictObject({ rule: z.string(), key: z.string(), why: z.string() })),
  surveys: z.record(z.string(), survey).optional(),
  undecided: z.array(z.strictObject({ rule: z.string(), key: z.string(), why: z.string() })),
  tookMs: z.record(z.string(), z.int().min(0)),
});

export type CheckedReport = z.infer<typeof reportSchema>;

/** Keys of a report that docs/report.md does not name, in backticks, as `a.b[].c`; claims by their rule. */
export function undocumentedKeys(report: CheckedReport): string[] {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/report.md'), 'utf8');
  const { findings, ...rest } = report;
  const keys = keysOf(rest, '');
  for (const { claim, ...other } of findings) {
    keysOf(claim, 'claim', keys);
    keysOf([other], 'findings', keys);
  }
  return [...keys].filter((key) => !docs.includes(`\`${key}\``)).sort();
}

/** Keys of JSON as the documents write them, `a.b[].c`, added to `keys`. */
export function keysOf(value: unknown, path: string, keys: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const each of value) keysOf(each, `${path}[]`, keys);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, below] of Object.entries(value)) {
      const at = path === '' ? key : `${path}.${key}`;
      keys.add(at);
      // keys below are data there: names of stages, keys of findings
      if (at === 'surveys') for (const survey of Object.values(below as object)) keysOf(survey, 'surveys{}', keys);
      else if (at !== 'tookMs') keysOf(below, at, keys);
    }
  }
  return keys;
}
