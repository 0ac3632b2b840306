import { describe, expect, it } from 'vitest';
import { parseBaseInfo, splitTrailers } from '../../bot/trailers.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const NONE = { prerequisites: [], oddities: [] };

describe('parseBaseInfo', () => {
  it.each([
    [`base-commit: ${SHA}`, SHA],
    [`base-commit:\t${SHA}`, SHA],
    [`base-commit:${SHA}`, SHA],
    [`base-commit: ${SHA.slice(0, 12)}`, SHA.slice(0, 12)],
    [`base-commit: ${SHA}${SHA.slice(0, 24)}`, `${SHA}${SHA.slice(0, 24)}`],
    [`Base-Commit: ${SHA.toUpperCase()}  `, SHA],
  ])('takes the base of "%s"', (line, baseCommit) => {
    expect(parseBaseInfo(`log\n---\n${line}\n-- \n2.47\n`)).toEqual({ ...NONE, baseCommit });
  });

  it.each(['v6.1 (deadbeef)', 'next-20260101', 'linux/master 1234abcd', SHA.slice(0, 11), `${SHA} (v6.12)`, ''])(
    'does not take "%s" for a base, and says so',
    (value) => {
      const info = parseBaseInfo(`base-commit: ${value}\n`);
      expect(info.baseCommit).toBeUndefined();
      expect(info.oddities).toEqual([`base-commit "${value}" is not an object name and was ignored`]);
    },
  );

  it.each([
    `prerequisite-base-commit: ${SHA}`,
    `> base-commit: ${SHA}`,
    `+base-commit: ${SHA}`,
    ` base-commit: ${SHA}`,
    `my-base-commit: ${SHA}`,
  ])('does not take "%s" for a base', (line) => {
    expect(parseBaseInfo(`${line}\n`)).toEqual(NONE);
  });

  it('keeps prerequisites in order, and no other key beginning alike', () => {
    const second = SHA.replace('0', 'f');
    const info = parseBaseInfo(
      `prerequisite-patch-id: ${second}\nprerequisite-change-id: 20260101-x:v1\nprerequisite-patch-id: ${SHA}\nprerequisite-patch-id: junk\n`,
    );
    expect(info.prerequisites).toEqual([second, SHA]);
    expect(info.changeId).toBeUndefined();
    expect(info.oddities).toEqual(['prerequisite-patch-id "junk" is not an object name and was ignored']);
  });

  it('takes the change-id', () => {
    expect(parseBaseInfo('change-id: 20260302-foo-1234abcd5678\n').changeId).toBe('20260302-foo-1234abcd5678');
  });

  it('takes a full object name from prose only when there is no base-commit line, and reports it', () => {
    const prose = `This series is based on ${SHA} of the foo tree.\n`;
    expect(parseBaseInfo(prose)).toMatchObject({ baseCommit: SHA, oddities: [expect.stringContaining('prose')] });
    expect(parseBaseInfo(`> ${prose}`).baseCommit).toBeUndefined();
    expect(parseBaseInfo(`based on ${SHA.slice(0, 12)}\n`).baseCommit).toBeUndefined();
    expect(parseBaseInfo(`${prose}base-commit: v6.12\n`).baseCommit).toBeUndefined();
  });

  it('reports two different bases', () => {
    const info = parseBaseInfo(`base-commit: ${SHA}\nbase-commit: ${SHA.slice(0, 12)}\n`);
    expect(info.baseCommit).toBe(SHA);
    expect(info.oddities).toHaveLength(1);
  });
});

describe('splitTrailers', () => {
  it('splits the last paragraph off', () => {
    expect(
      splitTrailers(
        'Why.\n\nMore: prose here\nand more.\n\nFixes: 0123456789ab ("foo: add")\nCc: stable@vger.kernel.org # 6.12\n[ada: reworded]\nSigned-off-by: Ada Penn\n <ada@example.org>\n',
      ),
    ).toEqual({
      log: 'Why.\n\nMore: prose here\nand more.',
      trailers: [
        { key: 'Fixes', value: '0123456789ab ("foo: add")' },
        { key: 'Cc', value: 'stable@vger.kernel.org # 6.12' },
        { key: 'Signed-off-by', value: 'Ada Penn <ada@example.org>' },
      ],
    });
  });

  it('takes trailers that an empty line sets apart', () => {
    const { log, trailers } = splitTrailers('Why.\n\nFixes: 0123456789ab ("foo")\n\nSigned-off-by: A <a@b>');
    expect(log).toBe('Why.');
    expect(trailers.map((trailer) => trailer.key)).toEqual(['Fixes', 'Signed-off-by']);
  });

  it.each(['Why: because.\nAnd so on.', 'See:\nhttps://example.org/x', 'https://example.org/x', ''])(
    'leaves "%s" in the log',
    (text) => {
      expect(splitTrailers(text)).toEqual({ log: text, trailers: [] });
    },
  );
});
