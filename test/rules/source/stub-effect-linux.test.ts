/**
 * Functions of a real kernel tree as what a series leaves, without one of their calls as what was there before,
 * and that call as a stub: none is too much, each loss can be told, and what is told stands in the file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Constant } from '../../../rules/source/c-constant.ts';
import type { StubEffect } from '../../../rules/source/stub-effect.ts';
import { effectOfStub } from '../../../rules/source/stub-effect.ts';
import { readC } from '../../support/c-source.ts';
import { removableCalls } from '../../support/removed-call.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const FOLDERS = ['drivers/vfio/pci', 'drivers/base/regmap', 'drivers/iio/dac'];
const CONSTANTS: Readonly<Record<string, Constant>> = {
  errno: { k: 'errno', errno: 'ENODEV' },
  pointer: { k: 'err-ptr', errno: 'ENODEV' },
  zero: { k: 'int', value: 0 },
};

interface Answer {
  readonly where: string;
  readonly lines: readonly string[];
  readonly callee: string;
  /** As the kernel writes a check that 0 passes. */
  readonly isErrnoCheck: boolean;
  readonly effects: Readonly<Record<string, StubEffect>>;
}

describe.skipIf(TREE === undefined && !process.env['CI'])('stubs in Linux', () => {
  const answers: Answer[] = [];

  beforeAll(() => {
    for (const folder of FOLDERS) {
      for (const name of readdirSync(join(TREE ?? '', folder), { encoding: 'utf8' })) {
        if (!name.endsWith('.c')) continue;
        const text = readFileSync(join(TREE ?? '', folder, name), 'utf8');
        const file = readC(text);
        const path = `${folder}/${name}`;
        for (const one of file.functions)
          for (const { callee, check, without } of removableCalls(one).slice(0, 2)) {
            const ask = (stub: Constant): StubEffect =>
              effectOfStub({
                before: { of: { path, file, function: without }, helpers: new Map(), stubs: new Map() },
                after: { of: { path, file, function: one }, helpers: new Map(), stubs: new Map([[callee, stub]]) },
              });
            answers.push({
              where: `${path}:${one.line} ${one.name}() ${callee}()`,
              lines: text.split('\n'),
              callee,
              isErrnoCheck: check === 'errno',
              effects: Object.fromEntries(Object.entries(CONSTANTS).map(([kind, stub]) => [kind, ask(stub)])),
            });
          }
      }
    }
  });

  it('are decided but for few', () => {
    const all = answers.flatMap(({ effects }) => Object.values(effects));
    expect(all.length).toBeGreaterThan(1000);
    const given = all.filter((one) => one.verdict === 'undecided' && /unread|too-many/.test(one.why));
    expect(given.length / all.length).toBeLessThan(0.05);
  });

  it('are told by lines of the file that say so', () => {
    let told = 0;
    for (const { where, lines, callee, effects } of answers) {
      for (const effect of Object.values(effects)) {
        if (effect.verdict !== 'lost') continue;
        told += 1;
        expect(effect.trail.at(-1)?.kind, where).toBe('return');
        expect(
          effect.trail.some(({ kind, text }) => kind === 'call' && text === callee),
          where,
        ).toBe(true);
        for (const { kind, line, text } of effect.trail) {
          const word = kind === 'call' ? text : kind === 'return' ? 'return' : (/\w+/.exec(text)?.[0] ?? '');
          // an expression may begin a line or two above
          expect(lines.slice(line - 1, line + 4).join('\n'), `${where} line ${line}`).toContain(word);
        }
      }
    }
    expect(told).toBeGreaterThan(250);
  });

  it('lose nothing by 0 where a negative number is what is asked for, and mostly something by that', () => {
    const checks = answers.filter(({ isErrnoCheck }) => isErrnoCheck);
    expect(checks.length).toBeGreaterThan(60);
    expect(checks.filter(({ effects }) => effects['zero']!.verdict === 'lost').map(({ where }) => where)).toEqual([]);
    const lost = checks.filter(({ effects }) => effects['errno']!.verdict === 'lost');
    expect(lost.length / checks.length).toBeGreaterThan(0.7);
  });

  it('does not tell a negative errno from its error pointer', () => {
    for (const { where, effects } of answers) expect(effects['pointer'], where).toEqual(effects['errno']);
  });
});
