/** What the programs that measure depbot on real changes have in common: the machine, options, how they end. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import type { CheckOptions } from '../../queue/check.ts';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { resolveRevision } from '../../queue/refs.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import { kernelVersion } from '../../queue/toolchain.ts';
import { KconfigStore } from '../../rules/kconfig/files.ts';
import type { Sha } from '../../rules/types.ts';
import { CorpusError } from '../corpus/entries.ts';

/** Beyond this a check hangs. */
export const CHECK_LIMIT_MS = 600_000;

/** Where checks run; goes to their processes in JSON. */
export interface Machine {
  /** A kernel's git work tree, and the version in its Makefile: `6.12.117`. */
  readonly tree: string;
  readonly version: string;
  /** Folder for depbot's repository and passing files; goes when this process ends. */
  readonly scratch: string;
  readonly cacheDir: string;
  /** Configurations of distributions. */
  readonly configs: readonly string[];
  /** Whether claims about code are to be proved by builds. */
  readonly build: boolean;
}

/** Options that all these programs have. */
export interface CommonOptions {
  readonly corpus?: string;
  readonly tree?: string;
  readonly limit?: number;
  readonly jobs: number;
  readonly json?: string;
  readonly build?: boolean;
}

/** Sets the machine up. Throws ProvisionError. */
export async function prepareMachine({ tree: asked, build = false }: CommonOptions): Promise<Machine> {
  const { tree, debianConfigs } = await provision(['packages', 'compilers', 'tree', 'debian-configs'], {
    ...(asked !== undefined && { tree: asked }),
  });
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8'));
  if (version === undefined) throw new ProvisionError(`the Makefile of ${tree} does not say a kernel's version`);
  const scratch = mkdtempSync(join(tmpdir(), 'depbot-measuring-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  return { tree, version, scratch, cacheDir: cacheDir(), configs: debianConfigs ?? [], build };
}

/** The commit that is checked out in the tree. Throws ProvisionError. */
export async function tipOf(tree: string, repo: Repository): Promise<Sha> {
  const tip = await resolveRevision(repo, 'HEAD');
  if (tip === undefined) throw new ProvisionError(`${tree} has no commit checked out`);
  return tip;
}

/** A step that shows how far the checks are; without a terminal, a line for each, since one can take minutes. */
export function checksStep(what: string, total: number): { done(n: number, line: string): void; end(): void } {
  const step = showProgress().step(what, total);
  return {
    done: (n, line) => {
      step.to(n);
      if (!process.stderr.isTTY) process.stderr.write(`depbot: ${n} of ${total}: ${line}\n`);
    },
    end: () => step.end(),
  };
}

/** In a process of checks: the tree, and options that keep the Kconfig files read from one check to the next. */
export async function openChecks(machine: Machine): Promise<{ repo: Repository; options: Omit<CheckOptions, 'now'> }> {
  const repo = await openRepository({ treeDir: machine.tree, stateDir: machine.scratch });
  const distributions = readDistributionConfigs(machine.configs);
  const { cacheDir: cache, build } = machine;
  return { repo, options: { cacheDir: cache, distributions, store: new KconfigStore(), noBuild: !build } };
}

export function commandOf(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--corpus <dir>', 'folder of the corpus (default: DEPBOT_CORPUS, else ../shared/corpus)')
    .option('--tree <dir>', "a kernel's git tree (default: DEPBOT_TREE, else Debian's Linux, fetched)")
    .option('--limit <n>', 'at most so many', wholeNumber)
    .option('--jobs <n>', 'checks at a time, 2 GB of memory each', wholeNumber, Math.min(2, availableParallelism()))
    .option('--build', 'prove claims about code by builds, as the service does: minutes each')
    .option('--json <file>', 'all results, to compare two runs')
    .exitOverride();
}

export const commaList = (text: string): string[] => text.split(',');

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('a whole number above 0');
  return Number(text);
}

/** Runs the command with this process's arguments; exit status 2 where it throws. */
export async function runCommand(command: Command): Promise<void> {
  try {
    await command.parseAsync(process.argv);
  } catch (error) {
    const { name, message, stack } = error as Error;
    if (error instanceof CommanderError && error.exitCode === 0) return;
    process.exitCode = 2;
    // commander has said what is wrong with an option
    if (error instanceof CommanderError && !(error instanceof InvalidArgumentError)) return;
    const isExpected =
      error instanceof ProvisionError ||
      error instanceof CorpusError ||
      ['GitError', 'ConfigError', 'InvalidArgumentError'].includes(name);
    process.stderr.write(`${command.name()}: ${isExpected ? message : stack}\n`);
  }
}
