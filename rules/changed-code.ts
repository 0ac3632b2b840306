/** Whether a patch changes code, and not Kconfig alone. */

import { dirname } from 'node:path/posix';
import type { Anchor, Series } from './types.ts';

/** The anchor's patch changes code beside the anchor's Kconfig file, or in folders below. */
export function changesCode(series: Series, { patch, file }: Anchor): boolean {
  const folder = `${dirname(file)}/`;
  const files = series.patches.find(({ n }) => n === patch)?.diff ?? [];
  return files.some(({ oldPath, newPath }) => {
    const path = newPath ?? oldPath ?? '';
    return path.startsWith(folder) && /\.(?:[chS]|rs)$/.test(path);
  });
}
