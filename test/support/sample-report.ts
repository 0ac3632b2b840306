/**
 * A small series, made by hand, with something found in three of its four patches: for the tests of
 * everything that comes after the rules.
 */

import type { Anchor, DiffLine, FileDiff, Finding, Hunk, Message, Patch, Report, Series } from '../../rules/types.ts';

export const SHA = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d';

/** A patch whose diff is read off its mail's body with as little code as these samples need. */
export function samplePatch(n: number, title: string, body: string, message: Partial<Message> = {}): Patch {
  const author = { name: 'Jane Doe', address: 'jane@example.org' };
  return {
    n,
    total: 4,
    message: {
      raw: new Uint8Array(),
      messageId: `20260706081112.100-${n + 1}-jane@example.org`,
      inReplyTo: '20260706081112.100-1-jane@example.org',
      references: ['20260706081112.100-1-jane@example.org'],
      from: author,
      to: [{ name: 'Kim Lee', address: 'kim@example.net' }],
      cc: [{ name: '', address: 'linux-hwmon@vger.kernel.org' }],
      listIds: ['linux-hwmon.vger.kernel.org'],
      date: '2026-07-06T08:11:12Z',
      dateHeader: 'Mon, 6 Jul 2026 10:11:12 +0200',
      subject: `[PATCH v2 ${n}/4] ${title}`,
      body,
      oddities: [],
      ...message,
    },
    title,
    author,
    log: '',
    trailers: [],
    diff: filesOf(body),
  };
}

function filesOf(body: string): FileDiff[] {
  const files: (Omit<FileDiff, 'hunks'> & { hunks: (Omit<Hunk, 'lines'> & { lines: DiffLine[] })[] })[] = [];
  body.split(/\r?\n/).forEach((text, index) => {
    const mailLine = index + 1;
    const file = files.at(-1);
    const hunk = file?.hunks.at(-1);
    const git = /^diff --git a\/(\S+) b\/(\S+)$/.exec(text);
    const at = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/.exec(text);
    if (git !== null) {
      const create = body.split(/\r?\n/)[index + 1]?.startsWith('new file') === true;
      const remove = body.split(/\r?\n/)[index + 1]?.startsWith('deleted file') === true;
      const kind = create ? 'create' : remove ? 'delete' : 'modify';
      const paths = { ...(create ? {} : { oldPath: `${git[1]}` }), ...(remove ? {} : { newPath: `${git[2]}` }) };
      files.push({ kind, ...paths, binary: false, mailLine, hunks: [] });
    } else if (at !== null && file !== undefined) {
      const [oldStart = 0, oldCount = 1, newStart = 0, newCount = 1] = at.slice(1, 5).map((x) => Number(x ?? 1));
      file.hunks.push({ mailLine, oldStart, oldCount, newStart, newCount, section: at[5] ?? '', lines: [] });
    } else if (hunk !== undefined && /^[ +-]/.test(text) && text !== '-- ') {
      const kind = text[0] === '+' ? 'add' : text[0] === '-' ? 'remove' : 'context';
      hunk.lines.push({ kind, text: text.slice(1), mailLine });
    }
  });
  return files;
}

/** Anchor on the lines of the patch's mail from the one that is `first` to the one that is `last`. */
export function anchorOn(patch: Patch, file: string, first: string, last: string = first, line = 1): Anchor {
  const lines = patch.message.body.split(/\r?\n/);
  const from = lines.indexOf(first);
  const to = lines.indexOf(last, from);
  if (from === -1 || to === -1) {
    throw new Error(`the sample has no line ${JSON.stringify(from === -1 ? first : last)}`);
  }
  return { patch: patch.n, file, line, mailLines: [from + 1, to + 1] };
}

const patch1 = samplePatch(
  1,
  'hwmon: Add driver for the Foo 2 sensor',
  `Add a driver for the second revision.

Signed-off-by: Jane Doe <jane@example.org>
---
 drivers/hwmon/Kconfig | 9 +++++++++
 drivers/hwmon/foo2.c  | 8 ++++++++
 2 files changed, 17 insertions(+)

diff --git a/drivers/hwmon/Kconfig b/drivers/hwmon/Kconfig
index 296bf01e185e..2074f2a941e1 100644
--- a/drivers/hwmon/Kconfig
+++ b/drivers/hwmon/Kconfig
@@ -400,6 +400,15 @@ config SENSORS_FOO
 	  This driver can also be built as a module. If so, the module
 	  will be called foo.
 
+config SENSORS_FOO2
+	tristate "Foo 2 sensor"
+	depends on I2C
+	depends on OF || COMPILE_TEST
+	depends on !SENSORS_FOO
+	select REGMAP_I2CC
+	help
+	  Support for the Foo 2.
+
 config SENSORS_BAR
 	tristate "Bar sensor"
 	depends on I2C
diff --git a/drivers/hwmon/foo2.c b/drivers/hwmon/foo2.c
new file mode 100644
index 000000000000..2074f2a941e1
--- /dev/null
+++ b/drivers/hwmon/foo2.c
@@ -0,0 +1,8 @@
+// SPDX-License-Identifier: GPL-2.0
+#include <linux/module.h>
+
+#ifdef CONFIG_FOO2_DEBUG
+static bool debug = true;
+#else
+static bool debug;
+#endif
-- 
2.47.0
`,
);

const patch2 = samplePatch(
  2,
  'hwmon: Let SENSORS_FOO depend on the clock framework',
  `The driver needs a clock now.
---
diff --git a/drivers/hwmon/Kconfig b/drivers/hwmon/Kconfig
--- a/drivers/hwmon/Kconfig
+++ b/drivers/hwmon/Kconfig
@@ -390,6 +390,7 @@ config SENSORS_EXAMPLE
 config SENSORS_FOO
 	tristate "Foo sensor"
 	depends on I2C
+	depends on COMMON_CLK
 	select REGMAP_I2C
 	help
 	  Support for the Foo.
-- 
2.47.0
`,
);

const patch3 = samplePatch(
  3,
  'clk: foo: Select the sensor',
  `---
diff --git a/drivers/clk/Kconfig b/drivers/clk/Kconfig
--- a/drivers/clk/Kconfig
+++ b/drivers/clk/Kconfig
@@ -20,3 +20,4 @@ config COMMON_CLK
 config COMMON_CLK_FOO
 	bool "Foo clock"
 	depends on SENSORS_FOO
+	select COMMON_CLK
-- 
2.47.0
`,
);

const patch4 = samplePatch(4, 'MAINTAINERS: Add the Foo 2 sensor', 'Only words.\n');

export const sampleSeries: Series = {
  complete: true,
  id: '20260706081112.100-1-jane@example.org',
  revision: 2,
  subject: '[PATCH v2 0/4] hwmon: Foo 2 sensor',
  author: patch1.author,
  patches: [patch1, patch2, patch3, patch4],
  tags: [],
  prerequisites: [],
  carriedOver: [],
  oddities: [],
};

const confirmed = {
  rung: 2,
  attempts: (['before', 'after'] as const).map((side) => ({
    rung: 2 as const,
    side,
    argv: ['scripts/kconfig/conf', '--olddefconfig', 'Kconfig'],
    exitCode: 0,
    excerpt: '',
    agrees: true,
  })),
} as const;

const confirmedAfter = { rung: 2, attempts: confirmed.attempts.slice(1) } as const;

export const undefinedSelect: Finding = {
  rule: 'undefined-symbol',
  key: 'undefined-symbol REGMAP_I2CC drivers/hwmon/Kconfig',
  severity: 'error',
  symbols: ['REGMAP_I2CC'],
  anchor: anchorOn(patch1, 'drivers/hwmon/Kconfig', '+\tselect REGMAP_I2CC', undefined, 408),
  claim: {
    symbol: 'REGMAP_I2CC',
    how: 'introduced',
    where: 'kconfig',
    references: [{ path: 'drivers/hwmon/Kconfig', line: 408, text: '\tselect REGMAP_I2CC' }],
    similar: 'REGMAP_I2C',
    consequence: 'the select has no effect, so SENSORS_FOO2 can be built without it',
    dead: [],
    deadTotal: 0,
    total: 1,
    isInCode: false,
  },
  evidence: [],
  witness: {
    arch: 'x86',
    from: 'allnoconfig',
    settings: [
      { symbol: 'I2C', value: 'y' },
      { symbol: 'SENSORS_FOO2', value: 'm' },
    ],
  },
  verification: confirmedAfter,
};

export const undefinedInC: Finding = {
  rule: 'undefined-symbol',
  key: 'undefined-symbol FOO2_DEBUG drivers/hwmon/foo2.c',
  severity: 'error',
  symbols: ['FOO2_DEBUG'],
  anchor: anchorOn(patch1, 'drivers/hwmon/foo2.c', '+#ifdef CONFIG_FOO2_DEBUG', undefined, 4),
  claim: {
    symbol: 'FOO2_DEBUG',
    how: 'definition-removed',
    where: 'c',
    references: Array.from({ length: 7 }, (_, i) => ({
      path: 'drivers/hwmon/foo2.c',
      line: 4 + i,
      text: '#ifdef CONFIG_FOO2_DEBUG',
    })),
    removed: { path: 'lib/Kconfig.debug', line: 77 },
    renamedTo: 'SENSORS_FOO2_DEBUG',
    consequence: 'the code under it is never compiled',
    dead: [],
    deadTotal: 0,
    total: 9,
    isInCode: true,
  },
  evidence: [],
  verification: { rung: 1, attempts: [] },
};

export const configUpgrade: Finding = {
  rule: 'config-upgrade',
  key: 'config-upgrade SENSORS_FOO drivers/hwmon/Kconfig',
  severity: 'regression',
  symbols: ['SENSORS_FOO'],
  anchor: anchorOn(patch2, 'drivers/hwmon/Kconfig', '+\tdepends on COMMON_CLK', undefined, 393),
  claim: {
    symbol: 'SENSORS_FOO',
    from: 'm',
    to: 'n',
    configs: {
      count: 12,
      elsewhere: 0,
      total: 311,
      groups: [
        {
          label: 'mips defconfigs',
          count: 11,
          examples: ['db1xxx_defconfig', 'bcm47xx_defconfig', 'rb532_defconfig', 'ip22_defconfig'],
        },
        { label: 'Debian m68k', count: 1, examples: [] },
      ],
    },
    cause: {
      path: 'drivers/hwmon/Kconfig',
      line: 393,
      text: '\tdepends on COMMON_CLK',
      side: 'after',
      isQuoted: true,
      isSole: true,
      explanation: 'SENSORS_FOO now needs COMMON_CLK, which is n there',
      alike: [],
      moreAlike: 0,
    },
    otherValues: [],
    alsoChanged: [{ symbol: 'REGMAP_I2C', from: 'm', to: 'n', count: 3 }],
    notTried: [],
    isOneLine: true,
  },
  evidence: [],
  witness: { arch: 'mips', from: 'arch/mips/configs/db1xxx_defconfig', settings: [] },
  verification: confirmed,
};

export const recursion: Finding = {
  rule: 'recursive-dependency',
  key: 'recursive-dependency COMMON_CLK SENSORS_FOO COMMON_CLK_FOO',
  severity: 'error',
  symbols: ['COMMON_CLK', 'COMMON_CLK_FOO', 'SENSORS_FOO'],
  anchor: anchorOn(patch3, 'drivers/clk/Kconfig', '+\tselect COMMON_CLK', undefined, 23),
  claim: {
    cycle: [
      {
        symbol: 'COMMON_CLK',
        relation: 'is selected by',
        next: 'COMMON_CLK_FOO',
        path: 'drivers/clk/Kconfig',
        line: 23,
      },
      { symbol: 'COMMON_CLK_FOO', relation: 'depends on', next: 'SENSORS_FOO', path: 'drivers/clk/Kconfig', line: 22 },
      { symbol: 'SENSORS_FOO', relation: 'depends on', next: 'COMMON_CLK', path: 'drivers/hwmon/Kconfig', line: 393 },
    ],
    archs: ['arm', 'arm64', 'loongarch', 'mips', 'powerpc', 'riscv', 'x86'],
    confError: [
      'drivers/clk/Kconfig:3:error: recursive dependency detected!',
      'drivers/clk/Kconfig:3:\tsymbol COMMON_CLK is selected by COMMON_CLK_FOO',
      'drivers/clk/Kconfig:20:\tsymbol COMMON_CLK_FOO depends on SENSORS_FOO',
      'drivers/hwmon/Kconfig:390:\tsymbol SENSORS_FOO depends on COMMON_CLK',
      'For a resolution refer to Documentation/kbuild/kconfig-language.rst',
      'subsection "Kconfig recursive dependency limitations"',
      '',
    ].join('\n'),
  },
  evidence: [],
  verification: confirmedAfter,
};

/** A report on `sampleSeries` (or one like it) with these findings. */
export function sampleReport(findings: readonly Finding[], series: Series = sampleSeries): Report {
  return {
    schema: 1,
    series: {
      id: series.id,
      revision: series.revision,
      subject: series.subject,
      author: series.author,
      patches: series.patches.map(({ n, title, message }) => ({ n, messageId: message.messageId, title })),
      oddities: [],
    },
    applied: {
      base: { sha: SHA, how: 'base-commit', detail: 'The base-commit of the cover letter', name: 'v6.12.117' },
      prerequisites: [],
      commits: [],
      head: SHA,
    },
    findings,
    checked: {
      rules: ['config-upgrade', 'recursive-dependency', 'undefined-symbol'],
      archs: ['arm', 'arm64', 'loongarch', 'mips', 'powerpc', 'riscv', 'um', 'x86'],
      configs: 311,
      changedFiles: ['drivers/clk/Kconfig', 'drivers/hwmon/Kconfig'],
      changedSymbols: [],
    },
    dropped: [],
    undecided: [],
    tookMs: {},
  };
}

export const sampleFooter = {
  operator: 'the Example Lab',
  stop: 'reply with the line "#depbot stop"',
  contact: 'robots@example.org',
};
