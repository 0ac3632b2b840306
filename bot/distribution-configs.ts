/**
 * Distribution configurations from files: the architecture is what their header says
 * (`# Linux/x86 6.12.117 Kernel Configuration`), the name what Debian calls the flavour.
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { DistributionConfig } from '../queue/existing-configs.ts';
import { srcArch } from '../queue/toolchain.ts';
import { ConfigError } from './config.ts';

/** Reads the files. Throws ConfigError for one that is no .config or does not say its architecture. */
export function readDistributionConfigs(paths: readonly string[]): DistributionConfig[] {
  return paths.map((path) => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      throw new ConfigError(`${path}: cannot be read (${(cause as Error).message})`, { cause });
    }
    const arch = /^# Linux\/(\w+) \S+ Kernel Configuration$/m.exec(text)?.[1];
    if (!arch)
      throw new ConfigError(`${path}: no line "# Linux/<arch> <version> Kernel Configuration"; is it a whole .config?`);
    return { arch: srcArch(arch), name: nameOf(basename(path)), text };
  });
}

/** `config.amd64_none_cloud-amd64` -> `Debian amd64 (cloud-amd64)`. */
function nameOf(file: string): string {
  const debian = /^config\.([^_]+)_([^_]+)_(.+)$/.exec(file);
  if (!debian) return file;
  const [, arch, set, flavour] = debian;
  const extra = [set === 'none' ? '' : set, flavour === arch ? '' : flavour].filter(Boolean).join(' ');
  return `Debian ${arch}${extra === '' ? '' : ` (${extra})`}`;
}
