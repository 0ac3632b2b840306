/** A conf that is not the kernel's, for what the kernel's never does. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { ConfServerJob } from '../../queue/conf-server.ts';

/** A folder of one's own, in which temporary folders are made from now on. */
export function openPlace(): string {
  const dir = mkdtempSync(join(tmpdir(), 'depbot-server-test-'));
  for (const name of ['tmp', 'src']) mkdirSync(join(dir, name));
  vi.stubEnv('TMPDIR', join(dir, 'tmp'));
  return dir;
}

/** Expects that no temporary folder and no process was left behind, and removes the folder. */
export function closePlace(dir: string): void {
  const left = [...readdirSync(join(dir, 'tmp')), ...processesOf(dir)];
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
}

/** Processes with a word in their arguments: bwrap has all folders that it mounts there. */
export function processesOf(word: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word);
      } catch {
        return false;
      }
    });
}

/** Compiles a conf with this body of main(), which has read_config() and write_config() for its `text`. */
export function fakeConf(dir: string, cacheDir: string, main: string): ConfServerJob {
  const source = `
    #include <fcntl.h>
    #include <signal.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    static char text[1000];
    static void read_config(void) {
      FILE *in = fopen(".config", "r");
      text[fread(text, 1, sizeof(text) - 1, in)] = 0;
      fclose(in);
    }
    static void write_config(void) {
      FILE *out = fopen(".config", "w");
      fprintf(out, "%s# done\\n", text);
      fclose(out);
    }
    int main(int ac, char **av) { ${main} }`;
  writeFileSync(join(dir, 'conf.c'), source);
  execFileSync('gcc', ['-w', '-o', join(dir, 'conf'), join(dir, 'conf.c')]);
  return { dir: join(dir, 'src'), conf: join(dir, 'conf'), env: { ARCH: 'x86' }, answers: new Map(), cacheDir };
}
