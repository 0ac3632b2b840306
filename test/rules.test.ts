/** Every rule has what a rule needs, and every fixture gives its reply or its silence. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RULES } from '../rules/index.ts';
import { defineRule, type Rule } from '../rules/rule.ts';
import {
  contentDigest,
  type FixtureKernel,
  fixtureFolders,
  fixtures,
  openFixtures,
  treeOf,
} from './support/fixture.ts';
import { reportSchema, undocumentedKeys } from './support/report-schema.ts';

const PROJECT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const all = fixtures();
const ids = RULES.map((rule) => rule.id);
const OF_BUILDS = ['broken-bisect', 'build-error', 'build-warning'];

describe('the list of rules', () => {
  test('is sorted', () => {
    expect(ids).toEqual(ids.toSorted());
  });

  test('holds every file of rules/ that exports a rule', async () => {
    const exported: string[] = [];
    for (const file of readdirSync(join(PROJECT, 'rules')).filter((name) => name.endsWith('.ts'))) {
      const { default: rule }: { default?: Rule } = await import(join(PROJECT, 'rules', file));
      if (rule === undefined) continue;
      expect(rule.id, file).toBe(file.slice(0, -'.ts'.length));
      exported.push(rule.id);
    }
    expect(ids).toEqual(exported.sort());
  });

  test.each(fixtureFolders())('fixtures of %s belong to a rule', (folder) => {
    expect(ids).toContain(folder);
  });
});

describe.each(RULES)('$id', (rule) => {
  const mine = all.filter((fixture) => fixture.rule === rule.id);

  test('has a template', () => {
    expect(existsSync(join(PROJECT, 'templates', `${rule.id}.txt`))).toBe(true);
  });

  test('says something under each of the five headings', () => {
    const sections = rule.doc.split(/^## /m).slice(1);
    expect(sections.map((section) => section.slice(0, section.indexOf('\n')))).toEqual([
      'What it finds',
      'Why it matters',
      'Example',
      'Instead',
      'What it misses',
    ]);
    for (const section of sections) {
      const [heading, ...text] = section.split('\n');
      expect.soft(text.join(' ').trim().length, `characters below "${heading}"`).toBeGreaterThan(20);
    }
  });

  test('is told of in README.md and docs/report.md', () => {
    const line = read('README.md')
      .split('\n')
      .find((one) => one.startsWith(`| \`${rule.id}\` | `));
    expect.soft(line, 'its line of the table in README.md').toMatch(/\| .{20,} \|$/);
    const keys = read('docs/report.md').split(`\n### ${rule.id}\n`)[1]?.split('\n### ')[0];
    expect.soft(keys, 'its keys in docs/report.md').toMatch(/\w/);
    expect.soft(keys, 'a key of docs/report.md that is not explained').not.toContain('| ... |');
  });

  test.each([
    ['a heading is missing', (doc: string) => doc.replace('## Example', '## For example')],
    [
      'two are swapped',
      (doc: string) =>
        doc.replace('## Instead', '## X').replace('## Example', '## Instead').replace('## X', '## Example'),
    ],
  ])('is refused where %s', (_, spoil) => {
    expect(() => defineRule({ ...rule, doc: spoil(rule.doc) })).toThrow('headings');
    expect(() => defineRule({ ...rule, id: 'Not_kebab' })).toThrow('kebab-case');
  });

  test('has a reply, two silences, and one of these for what was broken before', () => {
    const silences = mine.filter(({ outcome }) => outcome === 'silence').map(({ name }) => name);
    const replies = mine.filter(({ outcome }) => outcome === 'reply');
    expect(replies.length, 'fixtures with a reply.txt, which a first run writes').toBeGreaterThanOrEqual(1);
    expect(silences.length, 'fixtures with a silence.txt').toBeGreaterThanOrEqual(2);
    expect(
      silences.some((name) => /^already-\w+(-\w+)*-before$/.test(name)),
      `one of the silences is called already-…-before: ${silences.join()}`,
    ).toBe(true);
  });
});

describe('fixtures', () => {
  test.each(all)('$rule/$name is complete and small', (fixture) => {
    // A new case gets its reply.txt by `vitest run test/rules.test.ts -u`.
    expect(fixture.outcome).toMatch(/^(reply|silence|neither)$/);
    const paths = Object.keys(treeOf(fixture));
    expect(paths.length).toBeGreaterThanOrEqual(3);
    expect(paths.length).toBeLessThanOrEqual(12);
    expect(paths).toContain('Kconfig');
    // What `npm run new-rule -- --series` makes series.mbox of.
    const left = readdirSync(fixture.dir).filter((entry) => entry.startsWith('after'));
    expect.soft(left, 'to be taken away once series.mbox is right').toEqual([]);
    expect(readFileSync(join(fixture.dir, 'series.mbox'), 'utf8')).toMatch(
      /^From [0-9a-f]{40} Mon Sep 17 00:00:00 2001$/m,
    );
    if (fixture.outcome !== 'silence') return;
    const why = readFileSync(join(fixture.dir, 'silence.txt'), 'utf8').trim();
    expect(why, 'one or two sentences of 30 to 400 characters').toMatch(/^[A-Z`"][\s\S]{30,400}\.$/);
    expect(why.split(/\.\s+/).length, 'sentences in silence.txt').toBeLessThanOrEqual(2);
  });

  test('no two are equal', () => {
    const seen = new Map<string, string>();
    for (const fixture of all) {
      const digest = contentDigest(fixture);
      expect(`${fixture.name} equals ${seen.get(digest) ?? 'nothing'}`).toBe(`${fixture.name} equals nothing`);
      seen.set(digest, `${fixture.rule}/${fixture.name}`);
    }
  });
});

const TREE = process.env['DEPBOT_TEST_TREE'];
if (TREE === undefined) process.stderr.write('DEPBOT_TEST_TREE is not set: no fixture is checked. npm test sets it.\n');

describe.skipIf(TREE === undefined && !process.env['CI'])(
  'with the conf of a real tree (skipped without DEPBOT_TEST_TREE)',
  () => {
    let kernel: FixtureKernel;

    beforeAll(async () => {
      if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
      kernel = await openFixtures(TREE);
    });

    afterAll(async () => {
      await kernel?.close();
    });

    test.each(all)('$rule/$name', async (fixture) => {
      const { intake, report, text } = await kernel.run(fixture);
      expect(intake).toMatchObject({ problems: [], leftOver: [] });
      expect(intake.series).toHaveLength(1);
      // Nothing is found in what could not be looked at: silence must have another reason.
      expect(report.cannotCheck).toBeUndefined();
      expect(report.applied?.base.how).toBe('blob-match');
      // Rules about builds alone run where something is built.
      expect(report.checked.rules).toEqual(fixture.make ? ids : ids.filter((id) => !OF_BUILDS.includes(id)));
      // conf and our evaluator agree on all there is.
      expect(report.dropped).toEqual([]);
      if (fixture.make !== undefined) {
        const asJson = reportSchema.parse(JSON.parse(JSON.stringify(report)));
        expect(undocumentedKeys(asJson)).toEqual([]);
        expect(asJson.checked.built?.trials.length).toBeGreaterThan(0);
      }
      if (fixture.outcome === 'silence') {
        expect(text).toBe('');
        expect(report.findings).toEqual([]);
        return;
      }
      expect(report.findings.map(({ rule }) => rule)).toContain(fixture.rule);
      for (const { verification } of report.findings)
        expect(verification.rung).toBe(fixture.make === undefined ? 2 : 3);
      for (const line of text.split('\n'))
        if (!/^(>|\s|[\w-]+: )/.test(line)) expect(line.length, line).toBeLessThanOrEqual(72);
      await expect(text).toMatchFileSnapshot(join(fixture.dir, 'reply.txt'));
    });
  },
);
