/** What is measured: six questions, each with the peer that answers it too. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archsOf, defconfigsOf } from '../oracle/cases.ts';
import type { Measured, Program } from './measure.ts';
import { inTurns, median } from './measure.ts';
import { onePatch } from './one-patch.ts';
import type { Recorded } from './peers.ts';
import { Peers, record } from './peers.ts';
import type { Row } from './rows.ts';

export interface Setting {
  readonly tree: string;
  readonly scratch: string;
  readonly cacheDir: string;
  readonly rounds: number;
}

export interface Findings {
  readonly rows: readonly Row[];
  /** One sentence each: how it was measured, what was left out. */
  readonly notes: readonly string[];
}

const ARCH = 'x86_64';
const CONFIG = 'arch/x86/configs/x86_64_defconfig';
const OTHER = 'arch/x86/configs/i386_defconfig';
/** Of this many defconfigs one is given to conf. */
const SAMPLE = 8;

const ROOT = join(import.meta.dirname, '../..');

/** Node with a file of ours; the command line's variables but nothing else of this process. */
export function node(
  file: string,
  args: readonly string[],
  setting: Setting,
  accept: readonly number[] = [0],
): Program {
  const { PATH = '/usr/bin:/bin', HOME = '/root' } = process.env;
  const env = { PATH, HOME, DEPBOT_CACHE: setting.cacheDir, XDG_STATE_HOME: join(setting.scratch, 'state') };
  // As a service would be started: without a bound V8 lets garbage lie as long as there is room.
  const argv = [process.execPath, '--max-old-space-size=768', join(ROOT, file), ...args] as const;
  return { argv, cwd: setting.scratch, env, accept };
}

export const walls = (measured: readonly Measured[]): number[] => measured.map((one) => one.wallMs);
const cpu = (measured: readonly Measured[]): number[] => measured.map((one) => one.cpuMs);
export const rss = (measured: readonly Measured[]): number[] => measured.map((one) => one.rssKiB / 1024);
/** A figure that the program printed itself. */
export const said = (measured: readonly Measured[], name: string): number[] =>
  measured.map((one) => (JSON.parse(one.stdout) as Record<string, number>)[name]!);
export const seconds = (ms: readonly number[]): number[] => ms.map((one) => one / 1000);

/** One configuration as a whole process: all of x86 read and evaluated. */
export async function benchOlddefconfig(setting: Setting): Promise<Findings> {
  const { tree, scratch, cacheDir, rounds } = setting;
  const recorded = await record(tree, ARCH, cacheDir);
  const peers = await Peers.open(tree, scratch, cacheDir);
  const output = join(scratch, 'ours.config');
  const args = [
    'kconfig',
    'olddefconfig',
    '--tree',
    tree,
    '--arch',
    ARCH,
    '--config',
    join(tree, CONFIG),
    '--output',
    output,
  ];
  const kconfiglib = peers.kconfiglib(recorded, CONFIG);
  const ours = node('bot/depbot.mjs', args, setting);
  const programs = {
    // before the other, which finds what it has kept
    first: { ...ours, before: () => rmSync(join(cacheDir, 'models'), { recursive: true, force: true }) },
    again: ours,
    conf: peers.conf(ARCH, recorded, CONFIG),
    kconfiglib,
  };
  const { first, again, conf, kconfiglib: old } = inTurns(programs, rounds, scratch);
  const what = 'x86_64 olddefconfig, whole process';
  const rows: Row[] = [
    {
      what,
      unit: 'ms',
      ours: walls(again),
      peer: { name: 'conf', values: walls(conf) },
      aim: { text: 'no slower than conf', reached: (mine, theirs) => mine <= theirs },
    },
    { what: '  its processor time', unit: 'ms', ours: cpu(again), peer: { name: 'conf', values: cpu(conf) } },
    { what: '  its peak memory', unit: 'MiB', ours: rss(again), peer: { name: 'conf', values: rss(conf) } },
    { what: '  when no model is kept', unit: 'ms', ours: walls(first), peer: { name: 'conf', values: walls(conf) } },
    { what: '  its processor time', unit: 'ms', ours: cpu(first), peer: { name: 'conf', values: cpu(conf) } },
    { what: '  its peak memory', unit: 'MiB', ours: rss(first), peer: { name: 'conf', values: rss(conf) } },
  ];
  const notes = [
    'conf: popen(3) answered from memory, no sandbox, nothing written but .config',
    'depbot keeps the model of a tree that it has read: then every file is read and compared, but not parsed',
  ];
  if (kconfiglib === undefined)
    return { rows, notes: [...notes, 'Kconfiglib: skipped, python3-kconfiglib is not installed'] };
  rows.push(
    {
      what,
      unit: 'ms',
      ours: walls(again),
      peer: { name: 'Kconfiglib', values: walls(old) },
      aim: { text: '3 times as fast as Kconfiglib', reached: (mine, theirs) => mine * 3 <= theirs },
    },
    { what: '  its processor time', unit: 'ms', ours: cpu(again), peer: { name: 'Kconfiglib', values: cpu(old) } },
    {
      what: '  when no model is kept',
      unit: 'ms',
      ours: walls(first),
      peer: { name: 'Kconfiglib', values: walls(old) },
    },
  );
  notes.push('Kconfiglib: shell answers recorded, newer words of Kconfig put into older ones beforehand');
  return { rows, notes };
}

/** A second configuration, where the tree has been read already. */
export async function benchSecond(setting: Setting): Promise<Findings> {
  const { tree, scratch, cacheDir, rounds } = setting;
  const recorded = await record(tree, ARCH, cacheDir);
  const peers = await Peers.open(tree, scratch, cacheDir);
  const ours = node('test/bench/second.ts', [tree, ARCH, cacheDir, CONFIG, OTHER], setting);
  const measured = inTurns({ ours, conf: peers.conf(ARCH, recorded, OTHER) }, rounds, scratch);
  const peer = { name: 'conf', values: walls(measured.conf) };
  const aim = { text: 'below 50 ms', reached: (mine: number) => mine < 50 };
  return {
    rows: [
      {
        what: 'second x86_64 configuration, warm process',
        unit: 'ms',
        ours: said(measured.ours, 'secondMs'),
        peer,
        aim,
      },
      { what: 'twentieth', unit: 'ms', ours: said(measured.ours, 'warmMs'), peer },
    ],
    notes: [],
  };
}

/** One reading of the Kconfig files for many configurations, beside one for each, both in the sandbox. */
export async function benchServer(setting: Setting): Promise<Findings> {
  const { tree, scratch, cacheDir, rounds } = setting;
  const rows: Row[] = [];
  const rates: string[] = [];
  for (const arch of ['x86', 'arm', 'powerpc', 'mips', 'sh']) {
    const { both } = inTurns({ both: node('test/bench/served.ts', [tree, arch, cacheDir], setting) }, rounds, scratch);
    const served = said(both, 'servedMs');
    const peer = { name: 'a run each', values: said(both, 'plainMs') };
    rows.push({ what: `conf on a configuration of ${arch}, served`, unit: 'ms', ours: served, peer });
    rates.push(`${arch} ${(1000 / median(served)).toFixed(0)}`);
  }
  return { rows, notes: [`configurations that a server of conf completes in a second: ${rates.join(', ')}`] };
}

/** Whether any select can be unmet, asked exactly; the peer only evaluates one configuration. */
export async function benchSelects(setting: Setting): Promise<Findings> {
  const { tree, scratch, cacheDir, rounds } = setting;
  const recorded = await record(tree, ARCH, cacheDir);
  const peers = await Peers.open(tree, scratch, cacheDir);
  const ours = node('test/bench/select-edges.ts', [tree, ARCH, cacheDir], setting);
  const measured = inTurns({ ours, conf: peers.conf(ARCH, recorded, CONFIG) }, rounds, scratch);
  const { selects, unmet, gaveUp } = JSON.parse(measured.ours.at(-1)!.stdout) as Record<string, number>;
  return {
    rows: [
      {
        what: `all ${selects} selects of x86_64, each over all configurations`,
        unit: 's',
        ours: seconds(walls(measured.ours)),
        peer: { name: 'conf, one configuration', values: seconds(walls(measured.conf)) },
        aim: { text: 'below 30 s', reached: (mine) => mine < 30 },
      },
      { what: '  of that solving', unit: 's', ours: seconds(said(measured.ours, 'solveMs')) },
      { what: '  its peak memory', unit: 'MiB', ours: rss(measured.ours) },
    ],
    notes: [
      `selects: ${unmet} can be unmet, ${gaveUp} given up; kismet, which answers the same question, has no Debian or npm package and was not run`,
    ],
  };
}

/** All defconfigs of all architectures in one process; conf in a loop. */
export async function benchDefconfigs(setting: Setting): Promise<Findings> {
  const { tree, scratch, rounds } = setting;
  const ours = node('test/bench/every-defconfig.ts', [tree, setting.cacheDir, ...archsOf(tree)], setting);
  const { loop, total, sampled } = await confLoop(setting);
  const measured = inTurns<string>({ ours, ...loop }, rounds, scratch);
  const rounded = Array.from({ length: rounds }, (_, round) => {
    const sum = Object.keys(loop).reduce((ms, name) => ms + measured[name]![round]!.wallMs, 0);
    return (sum / sampled) * total;
  });
  const per = (name: string): string => (median(said(measured['ours']!, name)) / 1000).toFixed(1);
  return {
    rows: [
      {
        what: `${total} defconfigs of all architectures, one process`,
        unit: 's',
        ours: seconds(walls(measured['ours']!)),
        peer: { name: `conf, ${total} times`, values: seconds(rounded) },
      },
      { what: '  its peak memory', unit: 'MiB', ours: rss(measured['ours']!) },
    ],
    notes: [
      `all defconfigs: ${per('readMs')} s of reading and ${per('evaluateMs')} s of evaluating and writing; conf was run on ${sampled} of the ${total} and its time extrapolated`,
    ],
  };
}

/** Programs of conf on every SAMPLE-th defconfig of the tree. */
async function confLoop({
  tree,
  scratch,
  cacheDir,
}: Setting): Promise<{ loop: Record<string, Program>; total: number; sampled: number }> {
  const peers = await Peers.open(tree, scratch, cacheDir);
  const all = archsOf(tree).flatMap((arch) => defconfigsOf(tree, arch).map(({ path }) => ({ arch, path })));
  const loop: Record<string, Program> = {};
  const recorded = new Map<string, Recorded>();
  for (const { arch, path } of all.filter((_, i) => i % SAMPLE === 0)) {
    recorded.set(arch, recorded.get(arch) ?? (await record(tree, arch, cacheDir)));
    loop[`conf ${path}`] = peers.conf(arch, recorded.get(arch)!, path);
  }
  return { loop, total: all.length, sampled: Object.keys(loop).length };
}

/** What check-twice.ts prints, as far as it is no figure to compare. */
interface CheckTwice {
  readonly configs: number;
  readonly archs: number;
  readonly findings: number;
  readonly stages: Readonly<Record<string, number>>;
}

/** A Kconfig patch, from mail to reply, over all architectures. */
export async function benchCheck(setting: Setting): Promise<Findings> {
  const { tree, scratch, cacheDir, rounds } = setting;
  const series = join(scratch, 'one-patch.mbox');
  writeFileSync(series, onePatch(readFileSync(join(ROOT, 'test/fixtures/example/config-upgrade.mbox'), 'utf8'), 2));
  const recorded = await record(tree, ARCH, cacheDir);
  const peers = await Peers.open(tree, scratch, cacheDir);
  const programs = {
    // 1: it has findings
    command: node('bot/depbot.mjs', ['check', series, '--tree', tree], setting, [0, 1]),
    twice: node('test/bench/check-twice.ts', [tree, cacheDir, join(scratch, 'state'), series], setting),
    conf: peers.conf(ARCH, recorded, CONFIG),
  };
  const { command, twice, conf } = inTurns(programs, rounds, scratch);
  const { configs, archs, findings, stages } = JSON.parse(twice.at(-1)!.stdout) as CheckTwice;
  const runs = 2 * configs;
  const shares = Object.entries(stages).map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`);
  const peer = { name: `conf, ${runs} times`, values: seconds(walls(conf)).map((one) => one * runs) };
  return {
    rows: [
      { what: 'check of a one-patch series, whole process', unit: 's', ours: seconds(walls(command)), peer },
      {
        what: '  its peak memory',
        unit: 'MiB',
        ours: rss(command),
        aim: { text: 'below 1 GiB', reached: (mine) => mine < 1024 },
      },
      { what: 'check, first in a process', unit: 's', ours: seconds(said(twice, 'coldMs')), peer },
      {
        what: 'check, second in a process',
        unit: 's',
        ours: seconds(said(twice, 'warmMs')),
        peer,
        aim: { text: 'below 5 s', reached: (mine) => mine < 5 },
      },
      {
        what: '  peak memory of both',
        unit: 'MiB',
        ours: rss(twice),
        aim: { text: 'below 1 GiB', reached: (mine) => mine < 1024 },
      },
    ],
    notes: [
      `check: ${archs} architectures, ${configs} configurations, ${findings} finding(s), each confirmed by conf in the sandbox; disk caches warm`,
      `the last second check: ${shares.join(', ')}`,
      `the peer of check is the time that conf would need for these configurations before and after, from its median on x86_64`,
    ],
  };
}

/** What questions.ts prints, as far as it is no figure to compare. */
interface Questions {
  readonly questions: number;
  readonly impossible: number;
  readonly unknown: number;
}

/** Questions about all configurations, on models that are there. */
export async function benchQuestions(setting: Setting): Promise<Findings> {
  const { tree, scratch, cacheDir, rounds } = setting;
  const archs = archsOf(tree);
  const ours = node('test/bench/questions.ts', [tree, cacheDir, ARCH, 'PCI_P2PDMA', ...archs], setting);
  const { ours: measured } = inTurns({ ours }, rounds, scratch);
  const { questions, impossible, unknown } = JSON.parse(measured.at(-1)!.stdout) as Questions;
  return {
    rows: [
      {
        what: `solve on a warm ${ARCH} model, median of ${questions}`,
        unit: 'ms',
        ours: said(measured, 'solveMs'),
        aim: { text: 'below 50 ms', reached: (mine) => mine < 50 },
      },
      { what: '  its processor time', unit: 'ms', ours: said(measured, 'solveCpuMs') },
      { what: '  the slowest tenth takes more than', unit: 'ms', ours: said(measured, 'slowMs') },
      {
        what: `needs PCI_P2PDMA --arch all, ${archs.length} architectures`,
        unit: 's',
        ours: seconds(said(measured, 'needsMs')),
        aim: { text: 'below 3 s', reached: (mine) => mine < 3 },
      },
      { what: '  its processor time', unit: 's', ours: seconds(said(measured, 'needsCpuMs')) },
      { what: '  reading their models before', unit: 's', ours: seconds(said(measured, 'readMs')) },
      { what: '  peak memory', unit: 'MiB', ours: rss(measured) },
    ],
    notes: [
      `questions: ${questions} pairs of symbols, each new, ${impossible} impossible and explained, ${unknown} not known; without conf`,
      'klocalizer was not run here: on Linux 7.1 x86_64 it took 22.6 s for one query with its formulas at hand (228 s without), on another machine',
    ],
  };
}
