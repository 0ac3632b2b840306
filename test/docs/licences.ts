/** docs/licences.md: every package that package-lock.json names, and under which licence it is. */

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
}

/** As SPDX names them. All may be used by, and distributed with, what is under Apache-2.0. */
const FOR_ALL = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0', '(MIT OR EUPL-1.1+)'];
/** Of tools alone, which are not distributed: theirs holds for changes to their own files. */
const FOR_TOOLS = ['MPL-2.0', 'MIT OR Apache-2.0'];

export interface Package {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly isTool: boolean;
}

/** Sorted by name, then version; each once. */
export function packagesOf(lockFile: string): Package[] {
  const { packages } = JSON.parse(lockFile) as { packages: Record<string, Locked> };
  const all = Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { version, license = 'none named', dev = false }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      licence: license,
      isTool: dev,
    }));
  const byName = new Map(all.map((one) => [`${one.name} ${one.version} ${one.isTool}`, one]));
  return [...byName.values()].sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

/** Packages whose licence does not go with depbot's. */
export function unfit(packages: readonly Package[]): Package[] {
  return packages.filter(
    ({ licence, isTool }) => !FOR_ALL.includes(licence) && !(isTool && FOR_TOOLS.includes(licence)),
  );
}

export function licencesText(packages: readonly Package[]): string {
  const table = (some: readonly Package[]): string =>
    `| package | version | licence |\n|---|---|---|\n${some.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |\n`).join('')}`;
  return `# Licences of what depbot uses

depbot is under Apache-2.0. Made from package-lock.json; \`npm test -- test/docs -u\` makes it anew, and the test refuses a
licence that does not go with it.

## Installed with depbot

${table(packages.filter(({ isTool }) => !isTool))}
## Only for those who change it

${table(packages.filter(({ isTool }) => isTool))}`;
}
