/** What a survey of a finding is: data for a page. Types only. */

import type { Arch, SymbolName } from './types.ts';

/** What one architecture makes of a symbol. */
export interface ArchRow {
  readonly arch: Arch;
  /** The most that it can be in any configuration without the series, and with it; `none`: it is not declared. */
  readonly before: 'y' | 'm' | 'n' | 'none';
  readonly after: 'y' | 'm' | 'n' | 'none';
  /** Existing configurations of the architecture, and those of them in which a symbol of the finding changes. */
  readonly configs: number;
  readonly changed: number;
}

/** More about a finding than a mail has room for. */
export interface Survey {
  readonly symbol: SymbolName;
  /** Architectures that declare the symbol, as far as they were compared. */
  readonly archs: readonly ArchRow[];
  /** What stands around its symbols in the witness configuration, with the series. */
  readonly picture?: Picture;
}

/** A symbol of a picture. */
export interface PictureNode {
  readonly symbol: SymbolName;
  readonly type: 'unknown' | 'bool' | 'tristate' | 'int' | 'hex' | 'string';
  /** In the configuration: `y`, `m`, `n` or a text. */
  readonly value: string;
  readonly hasPrompt: boolean;
  /** One of those that the picture is about. */
  readonly isFocus: boolean;
  /** Of its first declaration; absent where nothing declares it. */
  readonly path?: string;
  readonly line?: number;
}

export type LinkKind =
  | 'depends on'
  | 'selects'
  | 'implies'
  | 'no longer depends on'
  | 'no longer selects'
  | 'no longer implies'
  | 'has code that needs';

/** From the symbol whose entry, or code, says so to the one named there. */
export interface PictureLink {
  readonly from: SymbolName;
  readonly to: SymbolName;
  readonly kind: LinkKind;
  /** Where that stands; of what is no longer so, before the series. */
  readonly path: string;
  readonly line: number;
  /** `to` is what keeps `from` off, or low, there. */
  readonly isBlocking: boolean;
}

export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly links: readonly PictureLink[];
  /** Neighbours of the symbols that it is about for which there was no room. */
  readonly left: number;
}
