/**
 * What `#depbot check base=REF arch=A,B config=FILE-or-SYMBOLS` asks for: from words of a stranger to data, and from
 * data to the options of a check. A word is never an option of a program, nor a part of a command.
 */

import type { CheckOptions } from '../queue/check.ts';
import type { DistributionConfig } from '../queue/existing-configs.ts';
import { openTree } from '../queue/git-tree.ts';
import type { Asked } from '../queue/jobs.ts';
import { resolveRevision } from '../queue/refs.ts';
import type { Repository } from '../queue/repository.ts';
import { srcArch } from '../queue/toolchain.ts';
import type { Outcome } from '../rules/types.ts';

export interface AskedCheck {
  /** Absent where nothing special was asked for. */
  readonly asked?: Asked;
  readonly isVerbose: boolean;
}

/** git-check-ref-format(1), and of revisions the forms that name one commit: `v6.12`, `net/main~3`, `1a2b3c^`. */
const REVISION = /^(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)))[A-Za-z0-9_][A-Za-z0-9_./+-]*(?:[~^]\d*)*$/;
const ARCH = /^[a-z0-9_]{1,20}$/;
const MAX_ARCHS = 30;
/** A configuration of a tree: of an architecture, or one of its fragments. */
const CONFIG_FILE = /^arch\/([a-z0-9_]+)\/configs\/(?!.*\.\.)[\w.+/-]+$/;
const SETTING = /^(?:CONFIG_)?([A-Za-z0-9_]{1,100})=([ymn])$/;
const MAX_SETTINGS = 50;

type Read<T> = Outcome<T, { readonly why: string }>;

/** The words after `#depbot check`. */
export function parseAsked(words: readonly string[]): Read<AskedCheck> {
  const asked: { base?: string; archs?: string[]; config?: NonNullable<Asked['config']> } = {};
  let isVerbose = false;
  for (const word of words) {
    const at = word.indexOf('=');
    const [key, value] = at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    if (key === 'verbose' && at < 0) isVerbose = true;
    else if (key === 'base' && asked.base === undefined) {
      if (value.length > 200 || !REVISION.test(value)) return no('base= takes the name of a commit, as in base=v6.12');
      asked.base = value;
    } else if (key === 'arch' && asked.archs === undefined) {
      const archs = [...new Set(value.split(',').map(srcArch))];
      if (archs.length > MAX_ARCHS || !archs.every((one) => ARCH.test(one)))
        return no('arch= takes architectures with commas between, as in arch=arm,x86');
      asked.archs = archs;
    } else if (key === 'config' && asked.config === undefined) {
      const config = configOf(value);
      if (!config)
        return no(
          'config= takes a file below arch/*/configs/, or settings with commas between, as in config=PCI=y,SMP=n',
        );
      asked.config = config;
    } else return no('check takes base=, arch=, config= and verbose, each once');
  }
  return { ok: true, isVerbose, ...(Object.keys(asked).length > 0 && { asked }) };
}

function configOf(value: string): Asked['config'] {
  if (value.length <= 200 && CONFIG_FILE.test(value)) return { file: value };
  const settings = value.split(',');
  if (settings.length > MAX_SETTINGS || !settings.every((one) => SETTING.test(one))) return undefined;
  return { settings: settings.map((one) => one.replace(/^CONFIG_/, '')) };
}

/** The options of a check with what was asked for; what the tree does not have is a reason. Throws GitError. */
export async function withAsked(
  options: CheckOptions,
  { base, archs, config }: Asked,
  repo: Repository,
): Promise<Read<{ readonly options: CheckOptions }>> {
  const extra = config === undefined ? undefined : await configAsked(config, archs, repo);
  if (extra?.ok === false) return extra;
  return {
    ok: true,
    options: {
      ...options,
      ...(base !== undefined && { base }),
      ...(archs && { archs }),
      ...(extra && { distributions: [...(options.distributions ?? []), ...extra.configs] }),
    },
  };
}

async function configAsked(
  config: NonNullable<Asked['config']>,
  archs: Asked['archs'],
  repo: Repository,
): Promise<Read<{ readonly configs: readonly DistributionConfig[] }>> {
  if ('settings' in config) {
    const text = config.settings.map((one) => `CONFIG_${one}\n`).join('');
    const name = config.settings.join(' ');
    return { ok: true, configs: (archs ?? ['x86']).map((arch) => ({ arch, name, text })) };
  }
  const { file } = config;
  const head = await resolveRevision(repo, 'HEAD');
  const text = head && (await openTree(repo, head).read([file])).get(file);
  if (text === undefined) return no(`there is no ${file} in my tree`);
  return { ok: true, configs: [{ arch: CONFIG_FILE.exec(file)![1]!, name: file, text }] };
}

function no(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why };
}
