/** What the picture of a finding shows of the series itself. */
import { expect, test } from 'vitest';
import type { Rule } from '../../rules/rule.ts';
import { Surveyor } from '../../rules/survey.ts';
import type { Survey } from '../../rules/survey-types.ts';
import type { Finding } from '../../rules/types.ts';
import { runRule } from '../support/rule-run.ts';

type Files = Readonly<Record<string, string>>;

async function surveyOf(finding: Finding, before: Files, after: Files): Promise<Survey> {
  let surveyor: Surveyor | undefined;
  const begin: Rule['begin'] = (change) => {
    surveyor = new Surveyor(change, [finding]);
    return { onArch: async (pair) => surveyor?.onArch(pair), finish: () => [] };
  };
  await runRule({ begin } as Rule, before, after);
  return surveyor!.surveys()[finding.key]!;
}

const tree = (lines: string): Files => ({
  Kconfig: `config X86\n\tdef_bool y\n\nconfig REEF\n\tbool "Reef"\n${lines}\nconfig CRC\n\tbool\n\nconfig BUS\n\tbool "Bus"\n`,
});

const finding = {
  key: 'missing-dependency REEF CRC',
  symbols: ['REEF', 'CRC'],
  claim: { owner: 'REEF', needed: ['CRC'], uses: [{ path: 'reef.c', line: 7 }] },
  witness: { arch: 'x86', from: 'empty', settings: [{ symbol: 'REEF', value: 'y' }] },
} as unknown as Finding;

test('lines that the series takes away are drawn, and what code needs', async () => {
  const { picture } = await surveyOf(finding, tree('\tdepends on BUS\n\tselect CRC\n'), tree('\tdepends on BUS\n'));
  expect(picture!.links.map(({ from, kind, to, path, line }) => `${from} ${kind} ${to} ${path}:${line}`)).toEqual([
    'REEF depends on BUS Kconfig:6',
    'REEF no longer selects CRC Kconfig:7',
    'REEF has code that needs CRC reef.c:7',
  ]);
});

test('what is only said in other words is not gone', async () => {
  const { picture } = await surveyOf(finding, tree('\tselect CRC if BUS\n'), tree('\tselect CRC\n'));
  expect(picture!.links.map(({ kind }) => kind)).toEqual(['selects', 'has code that needs']);
});
