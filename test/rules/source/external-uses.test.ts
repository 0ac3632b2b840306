import { describe, expect, it } from 'vitest';
import { openTreeSitter } from '../../../queue/tree-sitter.ts';
import { CTree } from '../../../rules/source/c-definitions.ts';
import { parseC } from '../../../rules/source/c-file.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { ExportedNames } from '../../../rules/source/exported-names.ts';
import { externalUses } from '../../../rules/source/external-uses.ts';
import { HeaderReach } from '../../../rules/source/header-reach.ts';
import { mapTree } from '../../support/dir-tree.ts';

const treeSitter = await openTreeSitter();

const DEFINED = 'EXPORT_SYMBOL(led_bus);\n';

/** `callee > name` of all uses in drivers/reef.c, with `beside` as drivers/reef.h. */
async function usesIn(code: string, beside = ''): Promise<readonly string[]> {
  const tree = mapTree({
    'drivers/reef.c': `#include "reef.h"\n${code}`,
    'drivers/reef.h': `extern struct bus led_bus;\nextern struct ops reef_ops;\nint reef_add(void);\n${beside}`,
    'drivers/led.c': DEFINED,
  });
  const c = new CTree(tree, new CFileCache(async (text) => parseC(treeSitter.parse, text)));
  const exported = await ExportedNames.of(tree);
  const found = await externalUses(c, 'drivers/reef.c', exported, new HeaderReach(tree, c.words));
  return (found?.uses ?? []).flatMap(({ callee, name, when }) => (when === true ? [`${callee} > ${name}`] : []));
}

describe('uses of other files', () => {
  it.each([
    ['in a list', 'struct x a = { .bus = &led_bus };'],
    ['in a list that is pointed to', 'struct x a = { .init = &(struct y){ .buses = (struct bus *[]) { &led_bus } } };'],
    ['of which a member is pointed to', 'struct x a = { .bus = &led_bus.dev };'],
    ['behind a cast, without a list', 'void *a = (void *)&led_bus;'],
  ])('are variables %s', async (_, code) => {
    expect(await usesIn(`${code}\n`)).toEqual(['led_bus > led_bus']);
  });

  it('are none where a list names a parameter, a number, or is dropped', async () => {
    expect(await usesIn('#define NUMBER 4\nstruct x a = { .led_bus = NUMBER };\n')).toEqual([]);
    expect(await usesIn('struct x a = { .name = NAME(led_bus) };\n', '#define NAME(x) { #x }\n')).toEqual([]);
    expect(await usesIn('struct x a = { .bus = ANY(&led_bus) };\n', '#define ANY(x) CHOOSE(x)\n')).toEqual([]);
  });

  it('are none where an own macro drops what it is given, or names a member or a place', async () => {
    const macros = `#define trace(x) do { } while (0)
#define check(r) trace(&reef_ops)
#define assert(r) do { } while (0 && led_add(&reef_ops))
#define MODE(field, value) { .field = value }
#define AT(place) { [place] = 1, .p = &base->place }
`;
    const code = 'int a(void)\n{\n\tcheck(1);\n\tassert(1);\n\treturn 0;\n}\n';
    expect(await usesIn(`${code}struct x m = MODE(led_bus, 1);\nstruct x n = AT(led_bus);\n`, macros)).toEqual([]);
  });

  it('are none where the file has the variable itself', async () => {
    expect(await usesIn('static struct bus led_bus = { .name = name };\nstruct x a = { .bus = &led_bus };\n')).toEqual(
      [],
    );
  });

  it('are what the own macros lead to, each once', async () => {
    const macros = '#define OPS(n) { .name = n, .ops = &reef_ops }\n#define PORT(p) struct port p = OPS("p")\n';
    expect(await usesIn('PORT(reef);\n', macros)).toEqual(['PORT > reef_ops']);
  });

  it('are looked for in bounded time in macros that name each other in every way', async () => {
    const level = (n: number): string[] => Array.from({ length: 20 }, (_, i) => `M${n}_${i}`);
    const macros = [0, 1, 2, 3, 4].flatMap((n) =>
      level(n).map(
        (name) =>
          `#define ${name}(x) ${level(n + 1)
            .map((next) => `${next}(x)`)
            .join(' + ')}\n`,
      ),
    );
    const last = level(5).map((name) => `#define ${name}(x) reef_add() + led_add(&reef_ops)\n`);
    const found = await usesIn('int a(void)\n{\n\treturn M0_0(1);\n}\n', [...macros, ...last].join(''));
    expect(found).toEqual([]);
    const listed = await usesIn('M0_0(1);\n', [...macros, ...last].join(''));
    expect(new Set(listed)).toEqual(new Set(['M0_0 > reef_ops']));
  });
});
