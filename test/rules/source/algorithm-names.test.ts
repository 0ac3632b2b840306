import { describe, expect, test } from 'vitest';
import { AlgorithmNames, partsOfName } from '../../../rules/source/algorithm-names.ts';
import { mapTree } from '../../support/dir-tree.ts';

describe('a name', () => {
  test.each([
    ['sha256', ['sha256']],
    ['hmac(sha256)', ['hmac', 'sha256']],
    ['rfc4106(gcm(aes))', ['rfc4106']],
    ['ecb(%s)', ['ecb']],
    ['%s(%s)', []],
  ])('%s needs %j', (whole, parts) => {
    expect(partsOfName(whole)).toEqual(parts.map((part) => ({ part, whole })));
  });
});

describe('who may provide', async () => {
  const names = await AlgorithmNames.of(
    mapTree({
      'crypto/cbc.c': 'MODULE_ALIAS_CRYPTO("cbc");\n',
      'crypto/aes_generic.c':
        '\t.cra_name\t=\t"aes",\n\t.cra_driver_name = "aes-generic",\nMODULE_ALIAS_CRYPTO("aes");\n',
      'crypto/sha.c': 'MODULE_ALIAS_CRYPTO("sha256");\n',
      'crypto/ctr.c': '\tsnprintf(inst->alg.base.cra_name, CRYPTO_MAX_ALG_NAME, "ctr(%s)", name);\n',
      'arch/arm/crypto/aes.c': '\t.base.cra_name = "__cbc(aes)",\n',
      'arch/s390/crypto/hmac.c': '\t.cra_name = "hmac(sha" #x ")",\n',
      'drivers/crypto/engine.c': '\tsnprintf(alg->base.cra_name, CRYPTO_MAX_ALG_NAME, "%s", def->name);\n',
      'drivers/crypto/other.c': '\tdev_err(dev, "no %s\\n", alg->base.cra_name);\n',
      'drivers/crypto/own.c': '\t.cra_name = "own",\n',
    }),
  );
  const paths = (part: string, whole: string, arch: string): string[] => [
    ...new Set(names.providing({ part, whole }, arch).map(({ path }) => path)),
  ];

  test('those that say the part, then the whole, then those that say no name', () => {
    expect(paths('cbc', 'cbc(aes)', 'arm')).toEqual([
      'crypto/cbc.c',
      'arch/arm/crypto/aes.c',
      'drivers/crypto/engine.c',
    ]);
    expect(paths('aes', 'aes', 'arm')).toEqual(['crypto/aes_generic.c', 'drivers/crypto/engine.c']);
  });

  test('not those of another architecture', () => {
    expect(paths('cbc', 'cbc(aes)', 'x86')).toEqual(['crypto/cbc.c', 'drivers/crypto/engine.c']);
    expect(paths('sha256', 'hmac(sha256)', 's390')).toContain('arch/s390/crypto/hmac.c');
    expect(paths('sha256', 'hmac(sha256)', 'x86')).not.toContain('arch/s390/crypto/hmac.c');
  });

  test('nobody, of a name that only hardware has, or nothing', () => {
    expect(paths('own', 'own', 'x86')).toEqual([]);
    expect(paths('seqiv', 'seqiv', 'x86')).toEqual([]);
  });
});
