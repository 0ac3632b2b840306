/** Whether the files that give a name are the only ones that provide it, by all that the tree says of the name. */

import type { Arch } from '../types.ts';
import type { Definitions } from './c-definitions.ts';
import { archOf, isOf } from './exported-names.ts';
import type { Need } from './file-gaps.ts';

export function isSoleProvider(need: Need & { readonly kind: 'link' }, known: Definitions, arch: Arch): boolean {
  if (known.isCut || known.failures.length > 0) return false;
  const giving = need.use.isInternal ? need.providers.exports : known.exports;
  const providing = new Set(giving.map(({ path }) => path));
  if (need.use.isVariable) {
    const isOther = (path: string): boolean => archOf(path) === undefined || isOf(path, arch);
    const others = [
      ...known.definitions.filter(({ kind }) => kind !== 'declared').map(({ path }) => path),
      ...known.assembly,
    ];
    return (
      known.variables.some((path) => providing.has(path)) &&
      ![...known.variables, ...others].some((path) => !providing.has(path) && isOther(path))
    );
  }
  const headers = new Set(need.uses.headersOf(need.name));
  const bodies = known.definitions.filter(
    (one) =>
      one.kind !== 'declared' &&
      (one.arch === undefined || one.arch === arch || arch === 'um') &&
      !(one.path.endsWith('.c') && (one.static || one.kind === 'macro')),
  );
  const isElsewhere = bodies.some(({ path }) => (path.endsWith('.c') ? !providing.has(path) : !headers.has(path)));
  const isAssembly = known.assembly.some((path) => {
    const of = archOf(path);
    return of === undefined || of === arch || arch === 'um';
  });
  if (isElsewhere || isAssembly) return false;
  const isBody = (path: string): boolean => bodies.some((one) => one.path === path);
  return need.use.isInternal ? [...providing].every(isBody) : [...providing].some(isBody);
}
