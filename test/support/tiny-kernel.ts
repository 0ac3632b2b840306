/** A kernel of a few files, for tests that run the whole program, and series for it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TinyRepo, tinyRepo } from './tiny-repo.ts';

export const FOO_KCONFIG = 'drivers/foo/Kconfig';

/** One architecture, two symbols. test/fixtures/bad holds patches for it. */
export const TINY_KERNEL: Readonly<Record<string, string>> = {
  Makefile: 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\nEXTRAVERSION =\n',
  Kconfig: 'mainmenu "Tiny"\n\nsource "arch/$(SRCARCH)/Kconfig"\nsource "drivers/foo/Kconfig"\n',
  'arch/x86/Kconfig': 'config X86\n\tdef_bool y\n',
  [FOO_KCONFIG]:
    'config BAR\n\tbool "Bar"\n\nconfig FOO\n\ttristate "Foo"\n\tdepends on BAR\n\thelp\n\t  A driver for Foo.\n',
  'drivers/foo/foo.c': 'int foo(void)\n{\n\treturn 0;\n}\n',
};

/** The scripts/kconfig of a real tree, so that the tiny one has a conf. */
export function confSources(kernelDir: string): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const folder of ['scripts/kconfig', 'scripts/include'])
    for (const entry of readdirSync(join(kernelDir, folder), { withFileTypes: true }))
      if (entry.isFile()) files[`${folder}/${entry.name}`] = readFileSync(join(kernelDir, folder, entry.name));
  return files;
}

/** Replaces text in foo's Kconfig; throws where it is not there. */
export function fooKconfig(from: string, to: string): Record<string, string> {
  const text = TINY_KERNEL[FOO_KCONFIG] ?? '';
  if (!text.includes(from)) throw new Error(`${FOO_KCONFIG} has no ${JSON.stringify(from)}`);
  return { [FOO_KCONFIG]: text.replace(from, to) };
}

/**
 * The tiny kernel on `master`, and a branch for each series: its commits are the given files, in
 * order, their messages `<branch>: step <n>`.
 */
export function tinyKernel(
  series: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>,
  more: Readonly<Record<string, Buffer>> = {},
): TinyRepo {
  const repo = tinyRepo({ ...TINY_KERNEL, ...more });
  for (const [branch, steps] of Object.entries(series)) {
    repo.git('checkout', '-q', '-b', branch, 'master');
    for (const [at, files] of steps.entries()) repo.commit(`${branch}: step ${at + 1}\n\nFor a test.`, files);
  }
  repo.git('checkout', '-q', 'master');
  return repo;
}

/** A branch as `git format-patch --thread` mails it: an mbox with recipients, no cover letter. */
export function mboxOf(repo: TinyRepo, branch: string, title?: string): string {
  const argv = ['format-patch', '--stdout', '--thread', '--to=foo@lists.example.org', '--cc=Bo <bo@example.org>'];
  const text = repo.git(...argv, `master..${branch}`);
  return `${title === undefined ? text : text.replace(/^(Subject: \[[^\]]*\] ).*$/gm, `$1${title}`)}\n\n`;
}
