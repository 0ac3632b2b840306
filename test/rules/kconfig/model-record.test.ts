import { describe, expect, test } from 'vitest';
import { openDirectory } from '../../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../../queue/kconfig-side.ts';
import { cacheDir } from '../../../queue/provision.ts';
import { findCycles } from '../../../rules/kconfig/cycles.ts';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import type { KconfigModel } from '../../../rules/kconfig/model.ts';
import { recordModel, restoreModel } from '../../../rules/kconfig/model-record.ts';
import { applyMode, MODES, renderMode } from '../../../rules/kconfig/modes.ts';
import { Values } from '../../../rules/kconfig/values.ts';
import { type Surroundings, Tiny } from './tiny-kconfig.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];

/** All that the language has, each with what is odd about it. */
const FILES = {
  Kconfig: `mainmenu "Sample \xe9"
$(info,read $(ARCH))
FLAG := $(shell,flag)
source "sub"
config MODULES
	bool "modules"
	modules
	default y
menu "menu"
	depends on A
	visible if B || m
comment "comment"
	depends on !A
config C
	tristate "  C" if A
	default m if B
	default FLAG_IS_$(FLAG)
	select D if A && m
	imply E
	imply UNDECLARED
	help
	  Two
	  lines.
choice
	prompt "choice"
	default TWO if A
	default ONE
	depends on B
	help
	  Of the choice.
config ONE
	bool "one"
if A
config TWO
	bool "two"
endif
endchoice
endmenu
config C
	bool "again"
	depends on B != n
	select D
config D
	tristate
config E
	def_tristate A = B && (A < 2 || !B)
config NUMBER
	int "number"
	range 1 MAX if A
	range LOW 0x7
	default 5
config MAX
	hex
	default 0x10
config TEXT
	string "text"
	default "quo\\"ted" if MAX = "y"
config OLD
	bool
	transitional
config TWO
	int
`,
  sub: `config A
	bool "a"
config B
	tristate "b"
	depends on A || m
`,
};

const AROUND: Surroundings = { env: { ARCH: 'x86' }, shell: () => 'y' };

function accepted(files: ConstructorParameters<typeof Tiny>[0], around: Surroundings = AROUND): Tiny {
  const tiny = new Tiny(files, around);
  expect(tiny.cycles()).toEqual([]);
  return tiny;
}

/**
 * The first place where two graphs differ, undefined where they are alike: the same values, and the same objects
 * wherever one of them has the same. Texts of files are left out.
 */
function difference(a: unknown, b: unknown): string | undefined {
  const met = new Map<object, object>();
  const open: [unknown, unknown, string][] = [[a, b, 'model']];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [one, other, place] = next;
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
      if (one !== other) return `${place}: ${String(one)} and ${String(other)}`;
      continue;
    }
    const before = met.get(one);
    if (before !== undefined) {
      if (before !== other && !(Array.isArray(one) && one.length === 0)) return `${place}: another object`;
      continue;
    }
    met.set(one, other);
    if (one instanceof Set) {
      open.push([[...one], [...(other as Set<unknown>)], place]);
      continue;
    }
    const [names, others] = [Object.keys(one), Object.keys(other)];
    if (names.sort().join() !== others.sort().join()) return `${place}: ${names.join()} and ${others.join()}`;
    for (const name of names) {
      if (name === 'file' || name === 'help') continue;
      open.push([one[name as never], other[name as never], `${place.slice(-200)}.${name}`]);
    }
  }
  return undefined;
}

function help({ declarations }: KconfigModel): unknown[] {
  return declarations.map(({ file, help: it }) => [file.text, it?.start, it?.end]);
}

/** As if it had been kept in a file. */
function throughJson<T extends object>(record: T): T {
  const columns = (value: unknown): unknown =>
    typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value as object).map(([name, of]) => [name, Int32Array.from(of)]))
      : JSON.parse(JSON.stringify(value));
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, columns(value)])) as T;
}

describe('a restored model', () => {
  const sources = (path: string): { text: string } => ({ text: FILES[path as keyof typeof FILES] });

  test('is the one recorded: every symbol, declaration and property, in the same order, in the same pool', () => {
    const { pool, model } = accepted(FILES);
    expect(model.warnings.length).toBeGreaterThan(2);
    expect(model.messages).toHaveLength(1);
    const restored = restoreModel(pool, throughJson(recordModel(pool, model)), sources);
    expect(difference(restored, model)).toBeUndefined();
    expect(help(restored)).toEqual(help(model));
  });

  test('writes the same in every mode from a pool of its own, and from one that is in use', () => {
    const { pool, model } = accepted(FILES);
    const record = recordModel(pool, model);
    const used = new Tiny('config E\n\tdef_bool y\nconfig Z\n\tbool "z" if E && A = "y"\n').pool;
    for (const mode of MODES) {
      const config = 'CONFIG_A=y\nCONFIG_B=m\nCONFIG_TWO=y\nCONFIG_NUMBER=3\nCONFIG_OLD=y\n';
      const write = (of: Values): unknown => [applyMode(of, mode, { config }), renderMode(of, mode)];
      const expected = write(new Values(pool, model));
      for (const other of [new ExprPool(), used])
        expect(write(new Values(other, restoreModel(other, record, sources)))).toEqual(expected);
    }
  });

  test('is not made of what conf refuses, or of what is provisional', () => {
    const circle = new Tiny('config A\n\tbool\n\tdepends on B\nconfig B\n\tbool\n\tdepends on A\n');
    expect(circle.cycles()).toHaveLength(1);
    expect(() => recordModel(circle.pool, circle.model)).toThrow(RangeError);
    const open = accepted('config A\n\tdef_bool $(shell,unknown)\n', { shell: () => undefined });
    expect(() => recordModel(open.pool, open.model)).toThrow(RangeError);
    const unseen = new Tiny('config A\n\tbool\n');
    expect(() => recordModel(unseen.pool, unseen.model)).toThrow(RangeError);
  });
});

describe.skipIf(TREE === undefined && !process.env['CI'])('a restored model of Linux', () => {
  for (const arch of ['x86', 'um', 'm68k']) {
    test(`is the one recorded: ${arch}`, { timeout: 120_000 }, async () => {
      const source = openDirectory(TREE!);
      const side = await KconfigSide.open(source, { cacheDir: cacheDir() });
      const model = await side.model(arch);
      expect(findCycles(source.pool, model)).toEqual([]);
      const record = recordModel(source.pool, model);
      const restored = restoreModel(source.pool, record, (path) => ({ text: path }));
      expect(model.declared.length).toBeGreaterThan(5000);
      expect(difference(restored, model)).toBeUndefined();
      const pool = new ExprPool();
      expect(
        recordModel(
          pool,
          restoreModel(pool, record, (path) => ({ text: path })),
        ),
      ).toEqual(record);
    });
  }
});
