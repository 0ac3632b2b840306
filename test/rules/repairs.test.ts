/** Each repair of a reply, put into the tree of its fixture: the finding is gone, and no other one comes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import missingDependency from '../../rules/missing-dependency.ts';
import recursiveDependency from '../../rules/recursive-dependency.ts';
import type { Candidate } from '../../rules/rule.ts';
import undefinedSymbol from '../../rules/undefined-symbol.ts';
import unmetSelect from '../../rules/unmet-select.ts';
import { type Fixture, filesBelow, fixtures, treeOf } from '../support/fixture.ts';
import { runRule } from '../support/rule-run.ts';
import { tinyRepo } from '../support/tiny-repo.ts';

type Files = Readonly<Record<string, string>>;

interface Repair {
  readonly kind: string;
  readonly symbol: string;
  readonly text: string;
}

/** Rules that name repairs, and those that a line could wake. */
const RULES = [missingDependency, recursiveDependency, undefinedSymbol, unmetSelect];

const texts = (files: Readonly<Record<string, Buffer>>): Files =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, bytes.toString()]));

/** The tree with all patches of the series. */
function treeAfter(fixture: Fixture): Files {
  const user = tinyRepo(treeOf(fixture));
  try {
    user.git('am', '--quiet', join(fixture.dir, 'series.mbox'));
    const all = Object.entries(texts(filesBelow(user.dir)));
    return Object.fromEntries(all.filter(([path]) => !path.startsWith('.git/')));
  } finally {
    user.remove();
  }
}

async function candidates(before: Files, after: Files): Promise<Candidate[]> {
  const archs = Object.keys(after).flatMap((path) => /^arch\/(\w+)\/Kconfig$/.exec(path)?.[1] ?? []);
  // as they are gone through: what people know first
  const inOrder = archs.toSorted((a, b) => Number(b === 'x86') - Number(a === 'x86'));
  const found: Candidate[] = [];
  for (const rule of RULES) found.push(...(await runRule(rule, before, after, inOrder)));
  return found;
}

/** With the line below the type of the entry, wherever it is declared; an imply in place of its select. */
function repaired(files: Files, { kind, symbol, text }: Repair): Files {
  const entry = new RegExp(`^((?:menu)?config ${symbol}\\n.*\\n)((?:[ \\t].*\\n|\\n(?=[ \\t]))*)`, 'gm');
  return Object.fromEntries(
    Object.entries(files).map(([path, old]) => [
      path,
      /(?:^|\/)Kconfig/.test(path)
        ? old.replace(entry, (_, head: string, rest: string) =>
            kind === 'select if'
              ? head + rest.replace(new RegExp(`\\bselect ${text.replace(/ if .*/, '')}\\b.*`), `select ${text}`)
              : kind === 'imply'
                ? head + rest.replace(new RegExp(`\\bselect ${text}\\b`), `imply ${text}`)
                : `${head}\t${kind} ${text}\n${rest}`,
          )
        : old,
    ]),
  );
}

const cases = fixtures().filter(
  ({ rule, outcome }) => outcome === 'reply' && ['missing-dependency', 'unmet-select'].includes(rule),
);
let tried = 0;

describe('repairs', () => {
  test.each(cases)('$rule/$name', async (fixture) => {
    const before = texts(treeOf(fixture));
    const after = treeAfter(fixture);
    const found = await candidates(before, after);
    const reply = readFileSync(join(fixture.dir, 'reply.txt'), 'utf8');
    for (const { key, claim } of found) {
      for (const repair of (claim['repairs'] ?? []) as readonly Repair[]) {
        expect(reply).toContain(`    ${repair.symbol}: ${repair.kind.replace(' if', '')} ${repair.text}`);
        const all = claim['isTogether'] ? (claim['repairs'] as readonly Repair[]) : [repair];
        const mended = all.reduce(repaired, after);
        expect(mended).not.toEqual(after);
        const left = (await candidates(before, mended)).map((one) => one.key);
        const line = `${repair.symbol}: ${repair.kind} ${repair.text}`;
        expect(left, line).not.toContain(key);
        expect(
          found.map((one) => one.key),
          line,
        ).toEqual(expect.arrayContaining(left));
        tried++;
      }
    }
  });

  afterAll(() => {
    expect(tried).toBeGreaterThan(15);
  });
});
