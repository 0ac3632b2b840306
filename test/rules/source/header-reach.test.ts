import { expect, test } from 'vitest';
import { HeaderReach, WordStore } from '../../../rules/source/header-reach.ts';
import { mapTree } from '../../support/dir-tree.ts';

test.each([
  ['a header that another architecture has', '#include <asm/a.h>\n', true],
  ['where it is asked for under a condition', '#ifdef CONFIG_X\n#include <asm/a.h>\n#endif\n', false],
  ['a header of its own', '#include <asm/b.h>\n', false],
  ['one that asm-generic has', '#include <asm/c.h>\n', false],
  ['one that is made there', '#include <asm/d.h>\n', false],
  ['one that nobody has as a file', '#include <asm/e.h>\n', false],
])('a file is for other architectures: %s', async (_, text, is) => {
  const tree = mapTree({
    'a.c': text,
    'arch/x86/include/asm/a.h': '',
    'arch/x86/include/asm/d.h': '',
    'arch/arm/include/asm/Kbuild': 'generated-y += d.h\n',
    'arch/arm/include/asm/b.h': '',
    'arch/x86/include/asm/b.h': '',
    'arch/x86/include/asm/c.h': '',
    'include/asm-generic/c.h': '',
  });
  const reach = new HeaderReach(tree, new WordStore());
  expect(await reach.isForOthers('a.c', 'arm')).toBe(is);
  expect(await reach.isForOthers('a.c', 'x86')).toBe(false);
});
