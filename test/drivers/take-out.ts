/**
 * Drivers of a tree that can come back as they are: a C file that one makefile line lists, with an entry of its own.
 * Such a patch is right as it stands, so that a finding is a false alarm, or a fault of the kernel itself.
 */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path/posix';
import { openTree } from '../../queue/git-tree.ts';
import type { Repository } from '../../queue/repository.ts';
import type { Sha, Tree } from '../../rules/types.ts';
import { commitChanges, patchMail } from '../corpus/patch-mail.ts';

export interface Driver {
  /** Without `CONFIG_`. */
  readonly symbol: string;
  readonly makefile: string;
  /** Of the makefile, as it stands there. */
  readonly line: string;
  readonly source: string;
  readonly kconfig: string;
}

const FOLDERS = /^(?:block|crypto|drivers|fs|lib|net|sound)\//;
const LISTED = /^obj-\$\(CONFIG_(\w+)\)[ \t]*\+=[ \t]*([\w-]+)\.o[ \t]*$/gm;
/** What begins something else than the lines of an entry. */
const NEXT = /^(?:config|menuconfig|menu|endmenu|if|endif|source|comment|choice|endchoice|#)/;

/** All of them, in the order of their makefiles. */
export async function driversOf(tree: Tree): Promise<Driver[]> {
  const paths = new Set(await tree.paths());
  const makefiles = [...paths].filter(
    (path) => FOLDERS.test(path) && path.endsWith('/Makefile') && paths.has(join(dirname(path), 'Kconfig')),
  );
  const texts = await tree.read(makefiles.flatMap((path) => [path, join(dirname(path), 'Kconfig')]));
  return makefiles.flatMap((makefile) => {
    const folder = dirname(makefile);
    const kconfig = join(folder, 'Kconfig');
    const [lines, entries] = [texts.get(makefile) ?? '', texts.get(kconfig) ?? ''];
    return [...lines.matchAll(LISTED)].flatMap(([line, symbol = '', object = '']): Driver[] => {
      const source = join(folder, `${object}.c`);
      const isAlone =
        paths.has(source) &&
        [...lines.matchAll(/\bCONFIG_(\w+)/g)].filter(([, name]) => name === symbol).length === 1 &&
        !new RegExp(`^${object}-(?:y|objs)\\b`, 'm').test(lines) &&
        new RegExp(`^config ${symbol}\n\\s+tristate "`, 'm').test(entries);
      return isAlone ? [{ symbol, makefile, line, source, kconfig }] : [];
    });
  });
}

/** So many of them, the same for the same seed. */
export function sampleOf(drivers: readonly Driver[], count: number, seed: number): Driver[] {
  const rank = ({ symbol }: Driver): string => createHash('sha256').update(`${seed} ${symbol}`).digest('hex');
  const ranks = new Map(drivers.map((driver) => [driver, rank(driver)]));
  return drivers.toSorted((a, b) => (ranks.get(a)! < ranks.get(b)! ? -1 : 1)).slice(0, count);
}

/** The patch mail that brings the driver to a commit without it. Undefined where others may need what it exports. */
export async function returning(repo: Repository, commit: Sha, driver: Driver): Promise<Buffer | undefined> {
  const { symbol, makefile, line, source, kconfig } = driver;
  const texts = await openTree(repo, commit).read([makefile, source, kconfig]);
  if (/\bEXPORT_SYMBOL/.test(texts.get(source)!)) return undefined;
  const lines = texts.get(kconfig)!.split('\n');
  const from = lines.indexOf(`config ${symbol}`);
  const rest = lines.slice(from + 1).findIndex((text) => NEXT.test(text));
  const to = rest < 0 ? lines.length : from + 1 + rest;
  const without = await commitChanges(
    repo,
    commit,
    new Map([
      [makefile, Buffer.from(texts.get(makefile)!.replace(`${line}\n`, ''))],
      [kconfig, Buffer.from([...lines.slice(0, from), ...lines.slice(to)].join('\n'))],
      [source, undefined],
    ]),
  );
  return patchMail(repo, without, commit, {
    messageId: `${symbol.toLowerCase()}@drivers.depbot.invalid`,
    title: `${dirname(source)}: add ${symbol}`,
    log: `Add the driver behind ${symbol}, with its Kconfig entry.\n`,
    from: 'Ann Author <ann@example.org>',
    date: 'Mon, 2 Nov 2026 10:00:00 +0100',
    baseCommit: without,
  });
}
