/** Kconfig texts -> models and configurations, for tests of rules/kconfig. */

import { readFileSync } from 'node:fs';
import { buildModel } from '../../../rules/kconfig/build-model.ts';
import { findCycles } from '../../../rules/kconfig/cycles.ts';
import type { Dialect } from '../../../rules/kconfig/dialect.ts';
import { KconfigError } from '../../../rules/kconfig/error.ts';
import { type ExprId, ExprPool } from '../../../rules/kconfig/expr.ts';
import type { KconfigModel, KSymbol } from '../../../rules/kconfig/model.ts';
import { applyMode, type Mode, renderMode } from '../../../rules/kconfig/modes.ts';
import { KconfigParser, Kind } from '../../../rules/kconfig/parse.ts';
import { Values } from '../../../rules/kconfig/values.ts';

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly shell?: (command: string) => string | undefined;
  readonly refuseRepeatedSource?: boolean;
  readonly dialect?: Dialect;
}

export class Tiny {
  readonly pool = new ExprPool();
  readonly model: KconfigModel;

  /** One text is the file `Kconfig`. Throws KconfigError as buildModel does. */
  constructor(files: string | Readonly<Record<string, string>>, around: Surroundings = {}) {
    const texts = typeof files === 'string' ? { Kconfig: files } : files;
    const parser = new KconfigParser(this.pool);
    this.model = buildModel({
      pool: this.pool,
      file: (path) => (Object.hasOwn(texts, path) ? parser.parseFile(texts[path]!) : undefined),
      world: { env: around.env ?? {}, shell: around.shell ?? (() => undefined) },
      refuseRepeatedSource: around.refuseRepeatedSource ?? false,
      ...(around.dialect && { dialect: around.dialect }),
    });
  }

  symbol(name: string): KSymbol {
    const id = this.pool.findSymbol(name);
    const symbol = id === undefined ? undefined : this.model.symbols[id];
    if (!symbol) throw new Error(`no symbol ${name}`);
    return symbol;
  }

  /** The expression that the words say. */
  expr(text: string): ExprId {
    const [statement] = new KconfigParser(this.pool).parseFile(`if ${text}\n`).statements;
    if (statement?.kind !== Kind.if) throw new Error(`not an expression: ${text}`);
    return statement.expr;
  }

  values(mode: Mode = 'alldefconfig', config?: string): Values {
    const values = new Values(this.pool, this.model);
    applyMode(values, mode, config === undefined ? {} : { config });
    return values;
  }

  /** What the mode writes, without the heading of a .config. */
  output(mode: Mode, config?: string): string {
    return renderMode(this.values(mode, config), mode).replace(/^(#.*\n){4}/, '');
  }

  cycles(): ReturnType<typeof findCycles> {
    return findCycles(this.pool, this.model);
  }
}

/** The message of the KconfigError that reading ends with; undefined where it does not. */
export function complaint(
  files: string | Readonly<Record<string, string>>,
  around: Surroundings = {},
): string | undefined {
  try {
    new Tiny(files, around);
    return undefined;
  } catch (error) {
    if (error instanceof KconfigError) return error.message;
    throw error;
  }
}

export function fixture(path: string): string {
  return readFileSync(new URL(`../../fixtures/kconfig/${path}`, import.meta.url), 'latin1');
}
