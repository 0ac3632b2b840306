/**
 * Objects of a real kernel, built without a change and with it. More than 400 lines, because all of it is built in one
 * kernel that is configured once.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerQuestions, type BuildAnswer } from '../../queue/build.ts';
import { BuildPlace } from '../../queue/build-place.ts';
import { gitText } from '../../queue/git.ts';
import { cacheDir as machineCache } from '../../queue/provision-cache.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import { runTrials } from '../../queue/trials.ts';
import type { BuildQuestion } from '../../rules/build-question.ts';
import { printDiagnostic } from '../../rules/diagnostic.ts';
import type { Trial, TrialStep } from '../../rules/trial.ts';
import type { Anchor } from '../../rules/types.ts';
import { tempDir } from '../support/tiny-repo.ts';
import { commitOn } from '../support/tree-change.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const MINUTES = 60_000;

/** Little is compiled by `make prepare`, and nothing of it needs what is not everybody's. */
const TINY = ['CONFIG_64BIT=y', 'CONFIG_MODULES=y', 'CONFIG_EXPERT=y', '# CONFIG_DEBUG_FS is not set'];

const DRIVER = `// SPDX-License-Identifier: GPL-2.0
#include <linux/crc7.h>
#include <linux/crc8.h>
#include <linux/debugfs.h>
#include <linux/module.h>

int reef(const u8 *data);
int reef(const u8 *data)
{
	return crc7_be(0, data, 8);
}

int reef_crc8(const u8 *table, const u8 *data);
int reef_crc8(const u8 *table, const u8 *data)
{
	return crc8(table, data, 8, 0);
}

int reef_debugfs(void);
int reef_debugfs(void)
{
	return IS_ERR(debugfs_create_dir("reef", NULL));
}
`;

const CHANGE = {
  'lib/reef.c': DRIVER,
  'lib/reef_call.c':
    '#include <linux/types.h>\nint reef_call(void);\nint reef_call(void)\n{\n\treturn reef_depth();\n}\n',
  'lib/reef_mod.c':
    '#include <linux/crc8.h>\n#include <linux/module.h>\nu8 reef_mod(const u8 *t, u8 *d);\n' +
    'u8 reef_mod(const u8 *t, u8 *d)\n{\n\treturn crc8(t, d, 8, 0);\n}\nMODULE_LICENSE("GPL");\n',
  'lib/reef_own.c':
    '#include <linux/crc8.h>\nu8 crc8(const u8 t[CRC8_TABLE_SIZE], const u8 *d, size_t n, u8 crc)\n{\n\treturn crc;\n}\n',
  'lib/Kconfig': (old: string) =>
    old.replace(
      /^config CRC7$/m,
      'config REEF\n\ttristate "Reef"\n\nconfig REEF_MOD\n\ttristate "Reef module"\n\nconfig REEF_CALL\n\tbool "Reef call"\n\nconfig CRC7',
    ),
  'lib/Makefile': (old: string) =>
    `${old}\n${['reef', 'reef_mod', 'reef_call'].map((one) => `obj-$(CONFIG_${one.toUpperCase()}) += ${one}.o\n`).join('')}obj-$(CONFIG_REEF) += reef_own.o\n`,
};

const asked = {
  ...{ arch: 'x86', object: 'lib/reef.o', name: 'crc7_be' },
  config: [...TINY, 'CONFIG_REEF=y', 'CONFIG_REEF_CALL=y', 'CONFIG_CRC8=y', ''].join('\n'),
};

describe.skipIf(!TREE)('a build', () => {
  /** A kernel that is checked out once stays, for the next run; other tests, which build of the same base, have another. */
  const cacheDir = join(machineCache(), 'build-test');
  let stateDir: string;
  let repo: Repository;
  let sides: { before: string; after: string };

  beforeAll(async () => {
    stateDir = tempDir();
    repo = await openRepository({ treeDir: TREE!, stateDir });
    const before = (await gitText(repo.refs, ['rev-parse', 'HEAD'])).trim();
    sides = { before, after: await commitOn(repo, before, CHANGE) };
  });
  afterAll(async () => {
    await repo?.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  async function answers(questions: readonly BuildQuestion[], of = sides): Promise<BuildAnswer[]> {
    const place = await BuildPlace.take(repo, of, cacheDir);
    try {
      const found = await answerQuestions(place, questions);
      await place.giveBack();
      return found;
    } finally {
      await place.remove();
    }
  }

  test(
    'shows an undefined reference, a stub in force and an error, and where nothing is wrong that nothing is',
    async () => {
      const header = readFileSync(join(TREE!, 'include/linux/debugfs.h'), 'utf8').split('\n');
      const isStub = (line: string): boolean => line.startsWith('static inline struct dentry *debugfs_create_dir(');
      const stub = { path: 'include/linux/debugfs.h', line: header.findIndex(isStub) + 1 };
      const found = await answers([
        { ...asked, expects: 'undefined-reference', into: 'vmlinux', providers: ['lib/crc7.o'] },
        { ...asked, name: 'debugfs_create_dir', expects: 'stub-in-force', stub },
        { ...asked, object: 'lib/reef_call.o', name: 'reef_depth', expects: 'error' },
        { ...asked, name: 'crc8', expects: 'either', into: 'vmlinux', providers: ['lib/crc8.o'] },
        // built, and does not have it
        { ...asked, expects: 'undefined-reference', into: 'vmlinux', providers: ['lib/argv_split.o'] },
        { ...asked, name: 'crc16', expects: 'undefined-reference', into: 'module', providers: ['lib/crc16.o'] },
        { ...asked, expects: 'error' },
        { ...asked, name: 'IS_ERR', expects: 'stub-in-force', stub },
        { ...asked, object: 'lib/reef_call.o', name: 'reef_depth', expects: 'stub-in-force', stub },
        { ...asked, arch: 'no-such-arch', expects: 'error' },
      ]);
      expect(found.map(shown)).toEqual([
        [
          'before: make does not build lib/reef.o',
          'after: lib/reef.o refers to crc7_be; make does not build lib/crc7.o',
          'agrees',
        ],
        [
          'before: make does not build lib/reef.o',
          `after: lib/reef.o uses the stub of ${stub.path}:${stub.line} for debugfs_create_dir() and refers to no other`,
          'agrees',
        ],
        [
          'before: make does not build lib/reef_call.o',
          expect.stringMatching(/^after: lib\/reef_call\.c:5: error: implicit declaration of function .reef_depth/),
          'agrees',
        ],
        [
          'before: make does not build lib/reef.o',
          'after: lib/reef.o refers to crc8, which lib/crc8.o provides',
          'disagrees',
        ],
        [
          'before: make does not build lib/reef.o',
          'after: lib/reef.o refers to crc7_be; lib/argv_split.o does not define it',
          'agrees',
        ],
        ['before: make does not build lib/reef.o', 'after: lib/reef.o has no reference to crc16', 'disagrees'],
        ['before: make does not build lib/reef.o', 'after: lib/reef.o compiles', 'disagrees'],
        [
          'before: make does not build lib/reef.o',
          'after: lib/reef.o uses no stub of IS_ERR() and refers to no other',
          'disagrees',
        ],
        [expect.stringMatching(/^with the series lib\/reef_call\.o does not compile: lib\/reef_call\.c:5: error: /)],
        ['no compiler for no-such-arch is known'],
      ]);
    },
    12 * MINUTES,
  );

  test(
    'knows that what is built in cannot reach a module, whatever the question says, and that a module can',
    async () => {
      const config = [...TINY, 'CONFIG_REEF=y', 'CONFIG_REEF_MOD=m', 'CONFIG_CRC8=m', ''].join('\n');
      const crc8 = {
        ...asked,
        config,
        name: 'crc8',
        expects: 'undefined-reference' as const,
        providers: ['lib/crc8.o'],
      };
      const found = await answers([
        { ...crc8, into: 'vmlinux' },
        { ...crc8, into: 'module' },
        { ...crc8, object: 'lib/reef_mod.o', into: 'module' },
        // built, and does not have it; built, and does not export it
        { ...crc8, object: 'lib/reef_mod.o', into: 'module', providers: ['lib/argv_split.o'] },
        { ...crc8, object: 'lib/reef_mod.o', into: 'module', providers: ['lib/reef_own.o'] },
        { ...crc8, object: 'lib/reef_mod.o', into: 'module', providers: ['lib/crc7.o'] },
      ]);
      const builtIn = [
        'before: make does not build lib/reef.o',
        'after: lib/reef.o refers to crc8; lib/reef.o goes into vmlinux, and lib/crc8.o into a module',
        'agrees',
      ];
      expect(found.map(shown)).toEqual([
        builtIn,
        builtIn,
        [
          'before: make does not build lib/reef_mod.o',
          'after: lib/reef_mod.o refers to crc8, which lib/crc8.o exports',
          'disagrees',
        ],
        [
          'before: make does not build lib/reef_mod.o',
          'after: modpost: "crc8" [lib/reef_mod.ko] undefined!; lib/argv_split.o does not define it',
          'agrees',
        ],
        ['with the series modpost does not find that lib/reef_own.o exports crc8'],
        [
          'before: make does not build lib/reef_mod.o',
          'after: modpost: "crc8" [lib/reef_mod.ko] undefined!; make does not build lib/crc7.o',
          'agrees',
        ],
      ]);
    },
    12 * MINUTES,
  );

  test(
    'is done by a cross compiler for another architecture',
    async () => {
      const arm64 = { ...asked, arch: 'arm64', config: [...TINY, 'CONFIG_REEF=y', 'CONFIG_CRC8=y', ''].join('\n') };
      const found = await answers([
        { ...arm64, expects: 'undefined-reference', into: 'vmlinux', providers: ['lib/crc7.o'] },
        { ...arm64, name: 'crc8', expects: 'undefined-reference', into: 'vmlinux', providers: ['lib/crc8.o'] },
      ]);
      expect(found.map(shown)).toEqual([
        [
          'before: make does not build lib/reef.o',
          'after: lib/reef.o refers to crc7_be; make does not build lib/crc7.o',
          'agrees',
        ],
        [
          'before: make does not build lib/reef.o',
          'after: lib/reef.o refers to crc8, which lib/crc8.o provides',
          'disagrees',
        ],
      ]);
    },
    12 * MINUTES,
  );

  test(
    'is tried after each patch: what breaks, what mends it, what it warns of, and what is not touched',
    async () => {
      const head = 'u8 crc8(const u8 table[CRC8_TABLE_SIZE], const u8 *pdata, size_t nbytes, u8 crc)\n{\n';
      const first = await commitOn(repo, sides.before, {
        'lib/crc8.c': (old) => old.replace(head, `${head}\tint step = crc8_step(crc);\n\n`),
      });
      const stub = 'static inline int crc8_step(u8 crc)\n{\n\treturn crc;\n}\n';
      const second = await commitOn(repo, first, {
        'include/linux/crc8.h': (old) => old.replace('#endif', `${stub}#endif`),
        // a symbol that the .config names from the start, and olddefconfig does not know before
        'lib/Kconfig': (old) => `${old}\nconfig REEF\n\tbool "Reef"\n`,
        'lib/Makefile': (old) => `${old}\nobj-$(CONFIG_REEF) += reef.o\n`,
        'lib/reef.c': '#include <linux/crc8.h>\n',
      });
      const broken = await commitOn(repo, second, { Makefile: (old) => `${old}\nprepare: nothing-makes-this\n` });
      const trial: Trial = {
        witness: { arch: 'x86', from: 'empty', settings: [] },
        config: [...TINY, 'CONFIG_CRC8=y', 'CONFIG_CRC16=y', 'CONFIG_REEF=y', ''].join('\n'),
        ...{ changed: ['lib/crc8.o', 'lib/reef.o'], including: ['lib/crc16.o', 'lib/crc7.o'], owners: {} },
      };
      const place = await BuildPlace.take(repo, { ...sides, after: broken }, cacheDir);
      const commits = [first, second, broken].map((commit, i) => ({ patches: i + 1, commit, changesBuild: i >= 1 }));
      try {
        const [run] = await runTrials(place, [trial], commits);
        expect(run!.fault).toBeUndefined();
        expect(run!.steps.map(stepShown)).toEqual([
          ['lib/crc8.o built', 'lib/crc16.o built', 'lib/reef.o absent', 'lib/crc7.o absent'],
          [
            expect.stringMatching(
              /^lib\/crc8\.o failed: lib\/crc8\.c:\d+: error: implicit declaration of function .crc8_step/,
            ),
            'lib/crc16.o built',
            'lib/reef.o absent',
            'lib/crc7.o absent',
          ],
          [
            expect.stringMatching(/^lib\/crc8\.o built: lib\/crc8\.c:\d+: warning: unused variable .step/),
            'lib/reef.o built',
            'lib/crc16.o built',
            'lib/crc7.o absent',
          ],
          [expect.stringMatching(/^prepare: error: No rule to make target 'nothing-makes-this'/)],
        ]);
        await place.giveBack();
      } finally {
        await place.remove();
      }
      // nothing is concluded from what there was no time for
      const again = await BuildPlace.take(repo, sides, cacheDir);
      try {
        const [run] = await runTrials(again, [{ ...trial, config: `${trial.config}CONFIG_CRC7=y\n` }], [], {
          budgetMs: 0,
        });
        expect(run).toMatchObject({ fault: 'the time for all builds of a check was over', steps: [] });
        await again.giveBack();
      } finally {
        await again.remove();
      }
    },
    12 * MINUTES,
  );

  test(
    'what a series opens is built with all of it, and the base in the nearest configuration that had it',
    async () => {
      const first = await commitOn(repo, sides.before, { 'lib/Kconfig': (old) => `${old}\n` });
      const second = await commitOn(repo, first, {
        'include/linux/crc8.h': (old) => `${old}\n#ifndef CONFIG_CRC16\n#error "it takes a CRC16"\n#endif\n`,
      });
      const trial: Trial = {
        witness: { arch: 'x86', from: 'empty', settings: [] },
        config: [...TINY, 'CONFIG_CRC8=y', ''].join('\n'),
        ...{ changed: [], including: ['lib/crc8.o', 'lib/crc16.o'], owners: {} },
        opened: {
          entries: [{ symbol: 'CRC8', lacks: 'CRC16', anchor: {} as Anchor, couldBeOn: true }],
          control: [...TINY, 'CONFIG_CRC8=y', 'CONFIG_CRC16=y', ''].join('\n'),
        },
      };
      const place = await BuildPlace.take(repo, { ...sides, after: second }, cacheDir);
      const commits = [first, second].map((commit, i) => ({ patches: i + 1, commit, changesBuild: i === 0 }));
      try {
        const [run] = await runTrials(place, [trial], commits);
        expect(run!.steps.map(({ patches }) => patches)).toEqual([0, 2]);
        expect(run!.steps.map(stepShown)).toEqual([
          ['lib/crc8.o built', 'lib/crc16.o built'],
          [
            expect.stringMatching(
              /^lib\/crc8\.o failed: include\/linux\/crc8\.h:\d+: error: #error "it takes a CRC16"/,
            ),
            'lib/crc16.o absent',
          ],
        ]);
        await place.giveBack();
      } finally {
        await place.remove();
      }
    },
    12 * MINUTES,
  );

  test(
    'what a hostile series leaves in its output folder, or would in the cache of compilers, is not there for the next',
    async () => {
      const kept = join(cacheDir, 'builds', sides.before);
      const question: BuildQuestion = { ...asked, object: 'lib/crc8.o', expects: 'error' };
      // what the base compiles is kept for both
      await answers([question]);
      const before = compiledIn(join(kept, 'ccache'));
      expect(before.size).toBeGreaterThan(0);
      const poison = [
        'touch poison && ! touch $(srctree)/poison /before/poison /ccache/poison 2>/dev/null',
        'some=$$(find /ccache -type f -size +1 | head -n 1) && test -n "$$some"',
        '! echo poison 2>/dev/null >$$some && ! rm -f $$some 2>/dev/null && ! mv /ccache /elsewhere 2>/dev/null',
      ];
      const hostile = await commitOn(repo, sides.before, {
        Makefile: (old) =>
          `${old}\nprepare: poison\npoison:\n\t${poison.join(' && ')} && echo 'poison.c:1: error: poisoned' >&2; false\n`,
      });
      const [answer] = await answers([question], { ...sides, after: hostile });
      // it was there, and could not write elsewhere
      expect(shown(answer!)).toEqual(['with the series "make prepare" fails: poison.c:1: error: poisoned']);
      expect(compiledIn(join(kept, 'ccache'))).toEqual(before);
      expect(readdirSync(kept).filter((name) => name.startsWith('after-'))).toEqual([]);
      for (const name of readdirSync(kept).filter((one) => one !== 'index'))
        expect(readdirSync(join(kept, name))).not.toContain('poison');
      const [next] = await answers([question]);
      expect(shown(next!)).toEqual(['before: lib/crc8.o compiles', 'after: lib/crc8.o compiles', 'disagrees']);
    },
    20 * MINUTES,
  );

  test(
    'without time nothing is built, and that is said',
    async () => {
      const place = await BuildPlace.take(repo, sides, cacheDir);
      const found = await answerQuestions(place, [{ ...asked, expects: 'error' }], { budgetMs: 0 });
      await place.giveBack();
      expect(found).toEqual([{ ok: false, why: 'the time for all builds of a check was over' }]);
    },
    2 * MINUTES,
  );

  test(
    'a place that is taken is not given to another, and the one given back first is kept',
    async () => {
      const [one, other] = [await BuildPlace.take(repo, sides, cacheDir), await BuildPlace.take(repo, sides, cacheDir)];
      expect(one.src).not.toBe(other.src);
      expect(existsSync(join(one.src, 'Makefile'))).toBe(true);
      expect(existsSync(join(other.src, 'Makefile'))).toBe(false);
      await other.remove();
      await one.giveBack();
      expect(existsSync(join(cacheDir, 'builds', sides.before, 'src/Makefile'))).toBe(true);
    },
    2 * MINUTES,
  );
});

/** Digests of what compilers made, by their names in a folder of ccache. */
function compiledIn(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /[RM]$/.test(name));
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return new Map(files.sort().map((name) => [name, digest(name)]));
}

/** What a step showed, object by object. */
function stepShown({ breakdown, objects }: TrialStep): string[] {
  if (breakdown) return breakdown.diagnostics.map((one) => `${breakdown.stage}: ${printDiagnostic(one)}`);
  return [...objects].map(([object, { state, diagnostics }]) =>
    [`${object} ${state}`, ...diagnostics.map(printDiagnostic)].join(': '),
  );
}

/** What each side showed, and whether that is what was claimed; or why nothing was. */
function shown(answer: BuildAnswer): string[] {
  if (!answer.ok) return [answer.why];
  const agrees = answer.attempts.every((one) => one.agrees);
  return [...answer.attempts.map(({ side, excerpt }) => `${side}: ${excerpt}`), agrees ? 'agrees' : 'disagrees'];
}
