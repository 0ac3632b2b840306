/**
 * Fixtures of rules: `test/fixtures/rules/<rule>/<case>/` holds `tree/` (a kernel of a few files),
 * `series.mbox` (`git format-patch` output on it), and either `reply.txt` (all replies as they are
 * printed) or `silence.txt` (why there is none); of rules about builds also `make/`, what make printed.
 *
 * All cases live in one repository, each on a branch of its own, on top of a commit with scripts/kconfig
 * and scripts/include of a real kernel: so the `conf` that has to agree is the real one.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { toText } from '../../bot/eml.ts';
import { type Intake, readSeries } from '../../bot/intake.ts';
import { renderReplies } from '../../bot/reply.ts';
import { check } from '../../queue/check.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import { RULES } from '../../rules/index.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { Rule } from '../../rules/rule.ts';
import type { Report, Series } from '../../rules/types.ts';
import { recordedBuilds } from './recorded-builds.ts';
import { type TinyRepo, tempDir, tinyRepo } from './tiny-repo.ts';

const ROOT = join(import.meta.dirname, '../fixtures/rules');

export interface Fixture {
  readonly rule: string;
  /** A situation, in kebab-case. */
  readonly name: string;
  readonly dir: string;
  readonly outcome: 'reply' | 'silence' | 'both' | 'neither';
  /** Folder of what make printed (recorded-builds.ts), where the rule is about builds. */
  readonly make?: string;
}

/** All fixtures, by rule, then name. */
export function fixtures(): Fixture[] {
  return namesIn(ROOT).flatMap((rule) =>
    namesIn(join(ROOT, rule)).map((name) => {
      const dir = join(ROOT, rule, name);
      const [reply, silence] = [existsSync(join(dir, 'reply.txt')), existsSync(join(dir, 'silence.txt'))];
      const make = join(dir, 'make');
      return {
        ...{ rule, name, dir, outcome: reply ? (silence ? 'both' : 'reply') : silence ? 'silence' : 'neither' },
        ...(existsSync(make) && { make }),
      };
    }),
  );
}

/** Folders of fixtures, one for each rule that has any. */
export function fixtureFolders(): string[] {
  return namesIn(ROOT);
}

/** Files of the case's kernel, by path. */
export function treeOf(fixture: Fixture): Record<string, Buffer> {
  return filesBelow(join(fixture.dir, 'tree'));
}

/** Equal for cases with the same tree and the same patches (mail headers aside). */
export function contentDigest(fixture: Fixture): string {
  const hash = createHash('sha256');
  for (const [path, bytes] of Object.entries(treeOf(fixture))) hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  const mbox = readFileSync(join(fixture.dir, 'series.mbox'), 'utf8');
  if (fixture.make)
    for (const [path, bytes] of Object.entries(filesBelow(fixture.make))) hash.update(path).update(bytes);
  return hash.update(mbox.match(/^(?:diff --git|[-+@ ]).*$/gm)?.join('\n') ?? '').digest('hex');
}

export interface FixtureResult {
  readonly intake: Intake;
  readonly series: Series;
  readonly report: Report;
  /** All replies as printed, the base's object name masked; empty when there is none. */
  readonly text: string;
}

export interface FixtureKernel {
  run(fixture: Fixture): Promise<FixtureResult>;
  close(): Promise<void>;
}

/** A repository with the tree of one case, on top of the scripts of the kernel at `kernelDir`. */
export function fixtureTree(fixture: Fixture, kernelDir: string): TinyRepo {
  const user = tinyRepo(scriptsOf(kernelDir));
  user.commit(branch(fixture), treeOf(fixture));
  return user;
}

function scriptsOf(kernelDir: string): Record<string, Buffer> {
  const scripts: Record<string, Buffer> = { Makefile: Buffer.from('VERSION = 6\nPATCHLEVEL = 12\n') };
  for (const folder of ['scripts/kconfig', 'scripts/include']) {
    for (const entry of readdirSync(join(kernelDir, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isFile() && /\.[chly]$|\.sh$|^Makefile$/.test(entry.name))
        scripts[path] = readFileSync(join(kernelDir, path));
    }
  }
  return scripts;
}

/** Commits the tree of each case that is run on top of the scripts of the kernel at `kernelDir`. */
export async function openFixtures(kernelDir: string): Promise<FixtureKernel> {
  const user = tinyRepo(scriptsOf(kernelDir));
  const commit = (one: Fixture): void => {
    user.git('checkout', '--quiet', '-b', branch(one), 'master');
    user.commit(branch(one), treeOf(one));
    user.git('checkout', '--quiet', 'master');
  };
  const stateDir = tempDir();
  const repo = await openRepository({ treeDir: user.dir, stateDir });
  const store = new KconfigStore();
  return {
    async run(fixture) {
      commit(fixture);
      return runFixture(fixture, repo, store, join(stateDir, 'cache'));
    },
    async close() {
      await repo.close();
      user.remove();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

async function runFixture(
  fixture: Fixture,
  repo: Repository,
  store: KconfigStore,
  cacheDir: string,
): Promise<FixtureResult> {
  const intake = await readSeries({ path: join(fixture.dir, 'series.mbox') });
  const series = intake.series[0];
  if (series === undefined || !series.complete) throw new Error(`${fixture.dir}: series.mbox holds no complete series`);
  const options = {
    cacheDir,
    store,
    candidates: [branch(fixture)],
    rules: RULES.map(frozen),
    now: () => 0,
    ...(fixture.make === undefined ? { noBuild: true } : { workshop: recordedBuilds(fixture.make) }),
  };
  const report = await check(series, repo, options);
  const footer = { operator: 'the Example Lab', stop: 'reply with a line "#depbot stop"' };
  const replies = report.cannotCheck ? [] : renderReplies({ series, report, footer });
  const envelope = {
    from: { name: 'depbot', address: 'depbot@example.com' },
    to: [series.author],
    cc: [],
    messageId: 'reply@example.com',
    date: new Date('2026-01-02T03:04:05Z'),
  };
  const text = replies.map((reply) => toText(reply, envelope)).join('\n');
  // The object name follows from the kernel that the scripts are from.
  return { intake, series, report, text: text.replaceAll(report.applied?.base.sha.slice(0, 12) ?? '', '<base>') };
}

const branch = (fixture: Fixture): string => `${fixture.rule}/${fixture.name}`;

/** The rule, given data that it cannot change. (Pools, models and maps remember things by design.) */
function frozen(rule: Rule): Rule {
  return {
    ...rule,
    begin(change) {
      for (const part of [change.series, change.changedPaths, change.configs]) deepFreeze(part);
      const run = rule.begin(Object.freeze(change));
      return {
        ...run,
        ...(run.onArch && {
          onArch: (pair) => run.onArch?.(Object.freeze({ ...pair, newCycles: deepFreeze(pair.newCycles) })),
        }),
      };
    },
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  for (const one of Object.values(value)) deepFreeze(one);
  return Object.freeze(value);
}

function namesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}

/** Files of a folder and those below it, by path. */
export function filesBelow(dir: string): Record<string, Buffer> {
  const found: Record<string, Buffer> = {};
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    found[path.slice(dir.length + 1)] = readFileSync(path);
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
