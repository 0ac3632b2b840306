/** What `depbot kconfig solve`, `implies` and `needs` print with --json, as docs/questions.md describes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { keysOf } from './report-schema.ts';

const line = z.int().min(1);
const names = z.array(z.string());
const cut = z.strictObject({ items: names, more: z.int().min(0) });

const step = z.strictObject({
  kind: z.enum(['definition', 'depends on', 'if', 'visible if', 'default', 'select', 'imply', 'choice']),
  symbol: z.string().optional(),
  path: z.string(),
  line,
  text: z.string().min(1),
  expanded: z.string().optional(),
  by: z.string().optional(),
  prompt: z.string().optional(),
  ways: z
    .strictObject({
      type: z.enum(['bool', 'tristate', 'int', 'hex', 'string']),
      hasPrompt: z.boolean(),
      defaults: cut,
      ranges: cut,
      selectedBy: cut,
      impliedBy: cut,
    })
    .optional(),
  undeclared: names,
});

const witness = z.strictObject({
  settings: z.array(z.strictObject({ symbol: z.string(), value: z.string() })),
  config: z.string(),
  unmet: names,
});

const needs = z.strictObject({
  symbols: z.array(
    z.strictObject({
      symbol: z.string(),
      value: z.enum(['n', 'm', 'y']),
      isAlways: z.boolean(),
      path: z.string(),
      line,
    }),
  ),
  oneOf: z.array(z.strictObject({ text: z.string(), path: z.string(), line })),
});

const base = { architectures: names.min(1), undeclared: names };
const witnessed = { ...base, witness, confirmedBy: z.enum(['conf', 'evaluator']) };

export const answersSchema = z.strictObject({
  schema: z.literal(1),
  question: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('solve'), expression: z.string() }),
    z.strictObject({ kind: z.literal('implies'), premise: z.string(), conclusion: z.string() }),
    z.strictObject({ kind: z.literal('needs'), symbol: z.string(), value: z.enum(['m', 'y']).optional() }),
  ]),
  answers: z
    .array(
      z.discriminatedUnion('verdict', [
        z.strictObject({ ...witnessed, verdict: z.literal('possible'), needs: needs.optional() }),
        z.strictObject({ ...base, verdict: z.literal('impossible'), because: z.array(step) }),
        z.strictObject({ ...base, verdict: z.literal('implied'), because: z.array(step), isVacuous: z.boolean() }),
        z.strictObject({ ...witnessed, verdict: z.literal('not-implied') }),
        z.strictObject({ ...base, verdict: z.literal('unknown'), why: z.string() }),
      ]),
    )
    .min(1),
});

/** Keys that docs/questions.md does not name, in backticks, as `a.b[].c`. */
export function undocumentedAnswerKeys(printed: unknown): string[] {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/questions.md'), 'utf8');
  return [...keysOf(printed, '')].filter((key) => !docs.includes(`\`${key}\``)).sort();
}
