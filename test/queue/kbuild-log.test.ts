import { describe, expect, test } from 'vitest';
import { countMade, objectsFailed, objectsMade, readDiagnostics } from '../../queue/kbuild-log.ts';
import { newDiagnostics, printDiagnostic } from '../../rules/diagnostic.ts';

const GCC = `/src/lib/reef.c: In function 'reef':
/src/lib/reef.c:9:16: error: implicit declaration of function 'reef_depth'; did you mean 'reef'? [-Werror=implicit-function-declaration]
    9 |         return reef_depth();
      |                ^~~~~~~~~~
/src/lib/reef.c: At top level:
/src/lib/reef.c:12:12: warning: 'unused' defined but not used [-Wunused-function]
./include/linux/foo.h:3:10: fatal error: linux/bar.h: No such file or directory
make[3]: *** [/src/scripts/Makefile.build:229: lib/reef.o] Error 1
make[2]: *** No rule to make target 'lib/none.o'.  Stop.
`;

describe('diagnostics', () => {
  test('of gcc are read with file, line, function and option', () => {
    expect(readDiagnostics(GCC)).toEqual([
      {
        ...{ severity: 'error', file: 'lib/reef.c', line: 9, function: 'reef' },
        ...{ option: '-Wimplicit-function-declaration' },
        text: "implicit declaration of function 'reef_depth'; did you mean 'reef'?",
        source: 'return reef_depth();',
      },
      {
        ...{ severity: 'warning', file: 'lib/reef.c', line: 12, option: '-Wunused-function' },
        text: "'unused' defined but not used",
      },
      { severity: 'error', file: 'include/linux/foo.h', line: 3, text: 'linux/bar.h: No such file or directory' },
      { severity: 'error', file: '', text: "No rule to make target 'lib/none.o'.  Stop." },
    ]);
  });

  test('say which macro they come from, the outermost one, and the line of code', () => {
    const output = `In file included from /src/include/linux/bug.h:5,
                 from drivers/reef.c:3:
include/linux/build_bug.h:78:41: error: static assertion failed: "0"
   78 | #define __static_assert(expr, msg, ...) _Static_assert(expr, msg)
      |                                         ^~~~~~~~~~~~~~
include/linux/build_bug.h:77:34: note: in expansion of macro ‘__static_assert’
   77 | #define static_assert(expr, ...) __static_assert(expr, ##__VA_ARGS__, #expr)
drivers/reef.c:6:1: note: in expansion of macro 'static_assert'
    6 | static_assert(0);
drivers/reef.c: In function ‘reef_init’:
include/linux/build_bug.h:78:41: error: static assertion failed: "1 == 2"
drivers/reef.c:9:9: note: in expansion of macro ‘static_assert’
drivers/reef.c:10:9: error: ‘a’ undeclared (first use in this function)
   10 |         return  a;
drivers/reef.c:2:8: error: redefinition of 'struct reef_ops'
include/linux/reef.h:6:30: note: originally defined here
    6 | #define DEFTYPE(x) struct x { int a; }
include/linux/reef.h:7:1: note: in expansion of macro 'DEFTYPE'
    2 | DEFTYPE(reef_ops)
`;
    const found = readDiagnostics(output);
    expect(found.map(({ line, macro, function: name, source }) => ({ line, macro, name, source }))).toMatchObject([
      { line: 78, macro: { name: 'static_assert', file: 'drivers/reef.c', line: 6, source: 'static_assert(0);' } },
      { line: 78, macro: { name: 'static_assert', file: 'drivers/reef.c', line: 9 }, name: 'reef_init' },
      { line: 10, macro: undefined, name: 'reef_init', source: 'return a;' },
      { line: 2, macro: undefined, source: undefined },
    ]);
  });

  test.each([
    ['ERROR: modpost: "reef_crc" [drivers/reef.ko] undefined!', '', '"reef_crc" [drivers/reef.ko] undefined!'],
    [
      "ld: lib/reef.o: in function `reef': reef.c:(.text+0x5): undefined reference to `crc7_be'",
      'lib/reef.o',
      "undefined reference to `crc7_be'",
    ],
  ])('of %s', (line, file, text) => {
    expect(readDiagnostics(line)).toEqual([{ severity: 'error', file, text }]);
  });

  test('of clang, which names the option that made an error of it', () => {
    const line =
      "/src/lib/reef.c:9:16: error: call to undeclared function 'reef_depth' [-Werror,-Wimplicit-function-declaration]";
    expect(readDiagnostics(line)).toEqual([
      {
        ...{ severity: 'error', file: 'lib/reef.c', line: 9, option: '-Wimplicit-function-declaration' },
        text: "call to undeclared function 'reef_depth'",
      },
    ]);
  });

  test('are none in what make says of its work', () => {
    expect(readDiagnostics("  CC      lib/error.o\nmake[1]: Entering directory '/out'\n  note: warning: no\n")).toEqual(
      [],
    );
  });

  test('are printed as a compiler does', () => {
    expect(readDiagnostics(GCC).map(printDiagnostic).slice(1, 3)).toEqual([
      "lib/reef.c:12: warning: 'unused' defined but not used [-Wunused-function]",
      'include/linux/foo.h:3: error: linux/bar.h: No such file or directory',
    ]);
  });

  test('of a header name the file that was compiled', () => {
    const output = `In file included from /src/include/linux/reef.h:4,
                 from /src/lib/reef.c:3:
./include/linux/wreck.h:7:5: warning: no previous prototype for 'wreck' [-Wmissing-prototypes]
/src/lib/reef.c:9:1: error: expected ';' before 'int'
`;
    expect(readDiagnostics(output).map(({ file, unit }) => [file, unit])).toEqual([
      ['include/linux/wreck.h', 'lib/reef.c'],
      ['lib/reef.c', undefined],
    ]);
  });

  test('of a makefile have its line', () => {
    expect(readDiagnostics('/src/lib/Makefile:3: *** missing separator.  Stop.')).toEqual([
      { severity: 'error', file: 'lib/Makefile', line: 3, text: 'missing separator' },
    ]);
  });

  test('of code that was inlined name no function, which would be the one before', () => {
    const output = `/src/lib/reef.c: In function 'first':
/src/lib/reef.c:3:5: warning: unused variable 'x' [-Wunused-variable]
In function 'helper',
    inlined from 'second' at /src/lib/reef.c:20:3:
/src/lib/reef.c:9:4: warning: array subscript 9 is above array bounds [-Warray-bounds=]
`;
    expect(readDiagnostics(output).map((one) => one.function)).toEqual(['first', undefined]);
  });

  test.each([
    ['/src/lib/reef.S:12: Error: no such instruction', 'lib/reef.S', 'no such instruction'],
    ['{standard input}:12: Error: unknown pseudo-op', '', 'unknown pseudo-op'],
    [
      'drivers/Kconfig:12: can\'t open file "drivers/reef/Kconfig"',
      'drivers/Kconfig',
      'can\'t open file "drivers/reef/Kconfig"',
    ],
    ['Kconfig:1:error: recursive dependency detected!', 'Kconfig', 'recursive dependency detected!'],
  ])('of the assembler and of conf are read: %s', (line, file, text) => {
    expect(readDiagnostics(line)).toMatchObject([{ severity: 'error', file, text }]);
  });

  test('of lines without end are read, and compared, in no time to speak of', () => {
    const output = ['a.'.repeat(65_536), ' [-W'.repeat(32_768), 'No rule to make target '.repeat(5_000)]
      .map((text) => `a.c:1:1: error: ${text}\n`)
      .join('');
    const found = readDiagnostics(output);
    expect(found.map(({ text }) => text.length < 2048)).toEqual([true, true, true]);
    expect(objectsFailed(output).size).toBe(0);
    expect(newDiagnostics([], found)).toHaveLength(3);
  });

  test('of an endless output are bounded', () => {
    const output = `${'a.c:1:1: error: x\n'.repeat(5000)}b.c:1:1: error: x\n`;
    expect(readDiagnostics(output).map(({ file }) => file)).toEqual([...Array<string>(1000).fill('a.c'), 'b.c']);
  });
});

describe('new diagnostics', () => {
  const before = readDiagnostics(GCC);

  test('are none where only lines move', () => {
    expect(newDiagnostics(before, readDiagnostics(GCC.replaceAll(':9:16:', ':109:16:')))).toEqual([]);
  });

  test.each([
    ["'__UNIQUE_ID_reef741' defined but not used", "'__UNIQUE_ID_reef742' defined but not used"],
    ["call to '__compiletime_assert_8' declared", "call to '__compiletime_assert_12' declared"],
    ['the frame size of 1040 bytes is larger', 'the frame size of 1072 bytes is larger'],
  ])('are none where a number changes that macros or the compiler count: %s', (was, is) => {
    const of = (text: string) => readDiagnostics(`lib/reef.c:9:16: warning: ${text} [-Wreef]\n`);
    expect(newDiagnostics(of(was), of(is))).toEqual([]);
    expect(newDiagnostics(of(was), of(is.replace(/\w+$/, 'else')))).toHaveLength(1);
  });

  test('are told though as many went as came, each once', () => {
    const after = readDiagnostics(GCC.replace("'unused'", "'other'").repeat(2));
    expect(newDiagnostics(before, after).map(({ text }) => text)).toEqual(["'other' defined but not used"]);
  });

  test('are told where a warning becomes an error, or another function has it', () => {
    expect(newDiagnostics(before, readDiagnostics(GCC.replace('warning:', 'error:')))).toHaveLength(1);
    expect(newDiagnostics(before, readDiagnostics(GCC.replace("'reef':", "'reef_2':")))).toHaveLength(1);
  });
});

test('objects that make made, and that it could not make', () => {
  const stdout = `  CALL    /src/scripts/checksyscalls.sh
  CC      lib/reef.o
  CC [M]  drivers/wreck.o
  AS      arch/x86/lib/copy.o
  HOSTCC  scripts/mod/modpost.o
`;
  expect([...objectsMade(stdout)]).toEqual(['lib/reef.o', 'drivers/wreck.o', 'arch/x86/lib/copy.o']);
  const stderr = `make[3]: *** [/src/scripts/Makefile.build:229: lib/reef.o] Error 1
make[2]: *** [/src/scripts/Makefile.build:478: lib] Error 2
make[3]: *** No rule to make target '/src/include/gone.h', needed by 'drivers/wreck.o'.
`;
  expect([...objectsFailed(stderr)]).toEqual(['lib/reef.o', 'drivers/wreck.o']);
});

test('objects are counted while make prints, in whatever pieces that comes', () => {
  const told: number[] = [];
  const watch = countMade(['a.o', 'lib/b.o', 'c.o'], (made) => told.push(made));
  for (const chunk of [
    '  CC      a.',
    'o\n  CC [M]  lib/b.o\n  CC      other.o\n',
    '  CC      a.o\n',
    '  CC      c.o\n',
  ])
    watch(Buffer.from(chunk));
  expect(told).toEqual([2, 3]);
});
