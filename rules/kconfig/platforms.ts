/**
 * Which symbols say on what machine a kernel runs: what the tree itself names as an alternative to compile testing,
 * `depends on ARCH_FOO_VENDOR || COMPILE_TEST` (Documentation/kbuild/kconfig-language.rst, "Architecture and platform
 * dependencies"). What a machine can (MMU, 64BIT) is declared by most architectures, and is none.
 */

import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import { type KconfigFile, Kind, SymbolType } from './parse.ts';

/** Architectures that declare one platform: ARCH_RENESAS is of arm, arm64 and riscv. */
const MOST_ARCHS = 3;

/** Where architectures and machines are described. */
const MACHINES = /^(?:arch\/[^/]+|drivers\/soc|drivers\/platform)\//;

interface Machine {
  /** Folders that declare it, such as `arch/arm`. */
  readonly folders: Set<string>;
  isBool: boolean;
}

export class Platforms {
  readonly #pool: ExprPool;
  readonly #machines = new Map<SymbolId, Machine>();
  /** Named as an alternative to compile testing. */
  readonly #alternatives = new Set<SymbolId>();
  /** Declared elsewhere, for whatever architecture (as well). */
  readonly #general = new Set<SymbolId>();

  /** Reads the files of one tree, by path. */
  constructor(pool: ExprPool, files: ReadonlyMap<string, KconfigFile>) {
    this.#pool = pool;
    const compileTest = pool.findSymbol('COMPILE_TEST');
    const seen = new Set<ExprId>();
    for (const [path, file] of files) {
      this.#declare(MACHINES.exec(path)?.[0], file);
      if (compileTest === undefined) continue;
      for (const { kind, expr, cond } of file.statements) {
        const condition = kind === Kind.depends || kind === Kind.if ? expr : cond;
        if (condition === NONE || seen.has(condition)) continue;
        seen.add(condition);
        this.#collect(condition, compileTest);
      }
    }
  }

  /** A bool that stands for an architecture or a platform. */
  isPlatform(symbol: SymbolId): boolean {
    const machine = this.#machines.get(symbol);
    if (!machine?.isBool || machine.folders.size > MOST_ARCHS) return false;
    return this.#alternatives.has(symbol) && !this.#general.has(symbol);
  }

  /** Whatever is declared where machines are: it may restrict a driver to some of them. */
  isOfMachines(symbol: SymbolId): boolean {
    return this.#machines.has(symbol);
  }

  #declare(folder: string | undefined, { statements }: KconfigFile): void {
    let at: Machine | undefined;
    for (const { kind, symbol, type } of statements) {
      if (kind === Kind.config || kind === Kind.menuconfig) {
        if (folder === undefined) {
          this.#general.add(symbol);
          continue;
        }
        at = this.#machines.get(symbol) ?? { folders: new Set(), isBool: false };
        at.folders.add(folder);
        this.#machines.set(symbol, at);
      } else if ((kind === Kind.type || kind === Kind.default) && at) {
        at.isBool ||= type === SymbolType.bool;
      }
    }
  }

  /** Of each `||` with COMPILE_TEST in one operand, the symbols that the others need. */
  #collect(e: ExprId, compileTest: SymbolId): void {
    const op = this.#pool.ops[e];
    if (op === Op.and) for (const part of this.#parts(Op.and, e)) this.#collect(part, compileTest);
    if (op !== Op.or) return;
    const operands = this.#parts(Op.or, e).map((part) => this.#needed(part));
    if (!operands.some((needed) => needed.includes(compileTest))) return;
    for (const needed of operands)
      if (!needed.includes(compileTest)) for (const symbol of needed) this.#alternatives.add(symbol);
  }

  #needed(e: ExprId): SymbolId[] {
    const { ops, lefts } = this.#pool;
    return this.#parts(Op.and, e).flatMap((part) => {
      if (ops[part] === Op.or) return this.#parts(Op.or, part).flatMap((one) => this.#needed(one));
      return ops[part] === Op.symbol ? [lefts[part]!] : [];
    });
  }

  /** Operands of nested `op`s. */
  #parts(op: Op, e: ExprId): ExprId[] {
    const { ops, lefts, rights } = this.#pool;
    return ops[e] === op ? [...this.#parts(op, lefts[e]!), ...this.#parts(op, rights[e]!)] : [e];
  }
}
