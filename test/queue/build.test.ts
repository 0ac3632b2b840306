/** Objects of a real kernel, built without a change and with it. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerQuestions, type BuildAnswer } from '../../queue/build.ts';
import { BuildPlace } from '../../queue/build-place.ts';
import { gitText } from '../../queue/git.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import type { BuildQuestion } from '../../rules/build-question.ts';
import { tempDir } from '../support/tiny-repo.ts';
import { commitOn } from '../support/tree-change.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const MINUTES = 60_000;

/** Little is compiled by `make prepare`, and nothing of it needs what is not everybody's. */
const TINY = ['CONFIG_64BIT=y', 'CONFIG_MODULES=y', 'CONFIG_EXPERT=y', '# CONFIG_DEBUG_FS is not set'];

const DRIVER = `// SPDX-License-Identifier: GPL-2.0
#include <linux/crc7.h>
#include <linux/debugfs.h>
#include <linux/module.h>

int reef(const u8 *data);
int reef(const u8 *data)
{
	return crc7_be(0, data, 8);
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
    '#include <linux/types.h>\\nint reef_call(void);\\nint reef_call(void)\\n{\\n\\treturn reef_depth();\\n}\\n'
      .replaceAll('\\n', '\n')
      .replaceAll('\\t', '\t'),
  'lib/Kconfig': (old: string) =>
    old.replace(
      /^config CRC7$/m,
      'config REEF\n\ttristate "Reef"\n\nconfig REEF_CALL\n\tbool "Reef call"\n\nconfig CRC7',
    ),
  'lib/Makefile': (old: string) => `${old}\nobj-$(CONFIG_REEF) += reef.o\nobj-$(CONFIG_REEF_CALL) += reef_call.o\n`,
};

const asked = (settings: readonly string[]) => ({
  ...{ arch: 'x86', object: 'lib/reef.o', name: 'crc7_be' },
  config: [...TINY, ...settings, ''].join('\n'),
});
const undefinedReference = (settings: readonly string[], into: 'vmlinux' | 'module'): BuildQuestion => ({
  ...asked(settings),
  ...{ expects: 'undefined-reference', into, providers: ['lib/crc7.o'] },
});

describe.skipIf(!TREE)('a build', () => {
  let cacheDir: string;
  let repo: Repository;
  let sides: { before: string; after: string };

  beforeAll(async () => {
    cacheDir = tempDir();
    repo = await openRepository({ treeDir: TREE!, stateDir: join(cacheDir, 'state') });
    const before = (await gitText(repo.refs, ['rev-parse', 'HEAD'])).trim();
    sides = { before, after: await commitOn(repo, before, CHANGE) };
  });
  afterAll(async () => {
    await repo?.close();
    rmSync(cacheDir, { recursive: true, force: true });
  });

  async function answers(questions: readonly BuildQuestion[]): Promise<BuildAnswer[]> {
    const place = await BuildPlace.take(repo, sides, cacheDir);
    try {
      const found = await answerQuestions(place, questions);
      await place.giveBack();
      return found;
    } finally {
      await place.remove();
    }
  }

  test(
    'shows an undefined reference, a stub in force and an error, and says where nothing is wrong',
    async () => {
      const stubLine =
        readFileSync(join(TREE!, 'include/linux/debugfs.h'), 'utf8')
          .split('\n')
          .findIndex((line) => line.startsWith('static inline struct dentry *debugfs_create_dir(')) + 1;
      const both = ['CONFIG_REEF=y', 'CONFIG_REEF_CALL=y'];
      const found = await answers([
        undefinedReference(both, 'vmlinux'),
        {
          ...asked(both),
          name: 'debugfs_create_dir',
          expects: 'stub-in-force',
          stub: { path: 'include/linux/debugfs.h', line: stubLine },
        },
        { ...asked(both), object: 'lib/reef_call.o', name: 'reef_depth', expects: 'error' },
        { ...asked(both), name: 'reef', expects: 'error' },
        { ...asked([]), arch: 'no-such-arch', expects: 'error' },
      ]);
      expect(found).toEqual([]);
    },
    12 * MINUTES,
  );
});
