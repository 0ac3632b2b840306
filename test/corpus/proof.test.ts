import { describe, expect, it } from 'vitest';
import { Solver } from '../../rules/kconfig/solve.ts';
import { kconfigPair, sides } from '../support/kconfig-pair.ts';
import { isHarmless } from './proof.ts';

/** Whether the proof goes through that owner FOO does no harm; what stands in `{before/after}` is what changes. */
async function proved(cls: string, text: string): Promise<boolean> {
  const { store, before, after } = await kconfigPair(...sides(text));
  return isHarmless(cls, new Set(['FOO']), {
    before: new Solver(store.pool, before),
    after: new Solver(store.pool, after),
  });
}

const SELECTS = (own: string, rest = ''): string =>
  `config FOO\n\tbool "Foo"\n\tselect BAR\n${own}\nconfig BAR\n\tbool\n\tdepends on BAZ\n\nconfig BAZ\n\tbool "Baz"\n${rest}`;

describe('an unmet dependency', () => {
  const cls = 'unmet-direct-dependency';

  it('is proved away where another line keeps it met', async () => {
    expect(
      await proved(
        cls,
        SELECTS('{\tdepends on BAZ\n/}\tdepends on QUX\n', 'config QUX\n\tbool "Qux"\n\tdepends on BAZ\n'),
      ),
    ).toBe(true);
  });

  it.each([
    ['it can be unmet', SELECTS('{\tdepends on BAZ\n/}')],
    [
      'that goes for what the target selects',
      'config FOO\n\tbool "Foo"\n\tselect BAR\n\nconfig BAR\n\tbool\n\tselect BAZ\n\nconfig BAZ\n\tbool\n\tdepends on QUX\n\nconfig QUX\n\tbool "Qux"\n',
    ],
    [
      'somebody selects the symbol itself',
      'config FOO\n\tbool "Foo"\n{/\tdepends on BAZ\n}\nconfig BAZ\n\tbool "Baz"\n\nconfig BAR\n\tbool "Bar"\n\tselect FOO\n',
    ],
  ])('is not where %s', async (_, text) => {
    expect(await proved(cls, text)).toBe(false);
  });
});

describe('an option out of reach', () => {
  const cls = 'unreachable-option';
  const HIDDEN =
    'config FOO\n\ttristate "Foo"\n{\tselect REGMAP\n/\tdepends on REGMAP\n}\tdepends on MFD\n\nconfig REGMAP\n\ttristate\n\n';

  it('is proved away where what it needs comes with what it depends on anyway', async () => {
    expect(await proved(cls, `${HIDDEN}config MFD\n\tbool "MFD"\n\tselect REGMAP\n`)).toBe(true);
  });

  it.each([
    ['a stranger has to select it', `${HIDDEN}config MFD\n\tbool "MFD"\n`],
    [
      'only m is left of it',
      'config FOO\n\ttristate "Foo"\n{/\tdepends on m\n}\nconfig MODULES\n\tbool "Modules"\n\tmodules\n',
    ],
    ['it has no prompt, so that nobody sets it', 'config FOO\n\tbool\n{\tdefault y\n/}'],
  ])('is not where %s', async (_, text) => {
    expect(await proved(cls, text)).toBe(false);
  });
});

describe.each(['link-error', 'compile-error', 'runtime-or-stub'])('%s', (cls) => {
  const PLATFORMS = 'config ARM\n\tbool "ARM"\n\tselect PM\n\nconfig TEST\n\tbool "Test"\n\n';
  const NEEDS = (line: string): string =>
    `config FOO\n\ttristate "Foo"\n\tdepends on ARM || TEST\n{\tdepends on ${line}\n/}\nconfig PM\n\tbool "PM"\n\n${PLATFORMS}`;

  it('is proved away where a dependency says nothing that others do not', async () => {
    expect(await proved(cls, NEEDS('PM || TEST'))).toBe(true);
  });

  it('is proved away where another selects the same', async () => {
    expect(
      await proved(
        cls,
        'config FOO\n\ttristate "Foo"\n\tselect BAR\n{\tselect BAZ\n/}\nconfig BAR\n\ttristate\n\tselect BAZ\n\nconfig BAZ\n\ttristate\n',
      ),
    ).toBe(true);
  });

  it.each([
    ['the dependency can be off', NEEDS('PM')],
    ['what it selected can be off', 'config FOO\n\ttristate "Foo"\n{\tselect BAZ\n/}\nconfig BAZ\n\ttristate\n'],
    [
      'what it selected can be less',
      'config FOO\n\tbool "Foo"\n\tdepends on BAR != n\n{\tselect BAZ\n/}\nconfig BAR\n\ttristate "Bar"\n\tselect BAZ\n\nconfig BAZ\n\ttristate\n\nconfig MODULES\n\tbool "Modules"\n\tmodules\n',
    ],
    ['the dependency is new', 'config FOO\n\ttristate "Foo"\n{/\tdepends on BAR\n}\nconfig BAR\n\tbool "Bar"\n'],
    ['the type changes', 'config FOO\n{\ttristate/\tbool} "Foo"\n'],
    ['it is new', '{/config FOO\n\ttristate "Foo"\n}\nconfig BAR\n\tbool "Bar"\n'],
  ])('is not where %s', async (_, text) => {
    expect(await proved(cls, text)).toBe(false);
  });
});
