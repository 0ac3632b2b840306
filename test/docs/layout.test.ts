/** The layout of CONTRIBUTING.md names every file of the rooms that it lists. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RULES } from '../../rules/index.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Names in the first cells of the tables that are headed so, `page*` for several. */
function namedIn(head: string): RegExp[] {
  const layout = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const tables = layout.split(/\n\n/).filter((part) => part.startsWith(head));
  const cells = tables.flatMap((table) => [...table.matchAll(/^\|(.*?)\|/gm)].map(([, cell]) => cell!));
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  return names.map((name) => new RegExp(`^${name.replaceAll('*', '.*')}(\\.\\w+)?$`));
}

test.each([
  ['bot', '| room of `bot/`'],
  ['queue', '| room of `queue/`'],
  ['rules', '| room of `rules/`'],
])('files of %s/', (folder, head) => {
  const named = namedIn(head);
  const rules = folder === 'rules' ? RULES.map(({ id }) => `${id}.ts`) : [];
  const files = readdirSync(join(ROOT, folder)).filter((name) => /\.\w+$/.test(name) && !rules.includes(name));
  expect(files.filter((name) => !named.some((one) => one.test(name)))).toEqual([]);
});
