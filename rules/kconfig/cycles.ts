/**
 * Recursive dependencies, found as conf does (scripts/kconfig/symbol.c, sym_check_deps), in its words and in ours.
 *
 * Three kinds of node: symbols, choices, and members of a choice, which stand for their whole choice.
 * conf walks depth first in file order, over simplified dependencies; after an error it goes on with
 * the next declaration, but never back into what it has walked. So the first of two entangled
 * circles can hide the second, here as there.
 * Only what cycle-suspects.ts lets through is looked at.
 */

import { type Node, suspectsOf } from './cycle-suspects.ts';
import { KconfigError } from './error.ts';
import type { ExprId, ExprPool, SymbolId } from './expr.ts';
import type { Choice, Declaration, Default, Edge, KconfigModel, KSymbol, Prompt, Range } from './model.ts';
import { levelOrder, Simplifier } from './simplify.ts';

/**
 * What makes a step, between its symbol and the next one. conf's words are others, and not always true: it says
 * `is selected by` of a symbol that only stands in the condition of a select, and `unknown` where there is no property.
 */
export type Relation =
  | 'depends on'
  | `is ${'selected' | 'implied'} by`
  | `is ${'selected' | 'implied'} under a condition on`
  | `has a ${'prompt' | 'default' | 'range'} that depends on`
  | 'takes its default from'
  | 'is a member of'
  | 'has the member';

export interface CycleStep {
  /** `<choice>` for a choice. */
  readonly symbol: string;
  readonly relation: Relation;
  readonly next: string;
  /** Where the property that makes this step stands: for a select its line in the selector's block. */
  readonly path: string;
  readonly line: number;
  /** `path:line` of the choice, where the symbol or the next one is a choice. */
  readonly choice?: string;
}

export interface Cycle {
  /** Each step's `next` is the following step's `symbol`, and the last one's the first one's. */
  readonly steps: readonly CycleStep[];
  /** What conf prints for it, byte for byte. */
  readonly stderr: string;
}

/**
 * All circles that conf reports, in its order; none means that conf accepts the dependencies.
 * Throws KconfigError where they are nested too deep or are too many to simplify.
 */
export function findCycles(pool: ExprPool, model: KconfigModel): Cycle[] {
  if (model.isAcyclic) return [];
  const suspects = suspectsOf(pool, model);
  try {
    const cycles = suspects.size === 0 ? [] : new CycleFinder(pool, model, suspects).run();
    model.isAcyclic = cycles.length === 0;
    return cycles;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KconfigError(model.files[0] ?? 'Kconfig', 0, 'dependencies are nested too deep to check');
  }
}

/**
 * As findCycles, of a model that differs from another in what `changed` symbols have, all that any circle which the
 * other lacks leads through.
 */
export function findCyclesSince(
  before: KconfigModel,
  pool: ExprPool,
  model: KconfigModel,
  changed: Iterable<SymbolId>,
): Cycle[] {
  const isClean = findCycles(pool, before).length === 0 && suspectsOf(pool, model, changed).size === 0;
  return isClean ? [] : findCycles(pool, model);
}

/** The property that makes a step. */
type Reason = Pick<CycleStep, 'relation' | 'path' | 'line'>;

interface Task {
  readonly node: Node;
  /** Walk the node's own dependencies, without asking whether it was walked before. */
  readonly isInner: boolean;
  /** What conf calls it. */
  readonly words: string;
  readonly reason: () => Reason;
}

interface Frame {
  readonly node: Node;
  readonly tasks: readonly Task[];
  /** Nodes that are no longer on the way once the frame is done. */
  readonly closes: readonly Node[];
  /** Tasks begun. */
  begun: number;
}

const isChoice = (node: Node): node is Choice => 'members' in node;
const placeOf = ({ declaration: { path, line } }: Choice): string => `${path}:${line}`;
const nameOf = (node: Node): string => (isChoice(node) ? '<choice>' : node.name);

const ADVICE =
  'For a resolution refer to Documentation/kbuild/kconfig-language.rst\nsubsection "Kconfig recursive dependency limitations"\n\n';
/** conf's wording where no property makes the step. */
const NO_PROPERTY = 'unknown is visible depending on';

class CycleFinder {
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;
  readonly #simplifier: Simplifier;
  readonly #suspects: ReadonlySet<Node>;
  readonly #isWalked = new Set<Node>();
  readonly #isOpen = new Set<Node>();
  readonly #frames: Frame[] = [];
  readonly #readingOrder: readonly number[];

  constructor(pool: ExprPool, model: KconfigModel, suspects: ReadonlySet<Node>) {
    this.#pool = pool;
    this.#model = model;
    this.#suspects = suspects;
    this.#simplifier = new Simplifier(pool, model);
    this.#readingOrder = levelOrder(model.declarations);
  }

  run(): Cycle[] {
    const cycles: Cycle[] = [];
    for (const { symbol, choice } of this.#model.declarations) {
      const node = symbol ?? choice;
      const cycle = node && this.#suspects.has(node) && this.#walk(node);
      if (cycle) cycles.push(cycle);
    }
    return cycles;
  }

  /** Walks all that `start` depends on; the circle that ends the walk, if any. */
  #walk(start: Node): Cycle | undefined {
    const frames = this.#frames;
    frames.length = 0;
    let cycle = this.#enter(start, false);
    while (!cycle && frames.length > 0) {
      const frame = frames.at(-1)!;
      const task = frame.tasks[frame.begun++];
      if (task) cycle = this.#enter(task.node, task.isInner);
      else for (const node of frames.pop()!.closes) this.#isOpen.delete(node);
    }
    if (cycle) this.#isOpen.clear();
    return cycle;
  }

  #enter(node: Node, isInner: boolean): Cycle | undefined {
    if (isInner) {
      this.#push(node, this.#innerTasks(node), []);
    } else if (this.#isOpen.has(node)) {
      return this.#describe(node as KSymbol);
    } else if (!this.#isWalked.has(node)) {
      if (isChoice(node)) {
        const all = [node, ...this.#contents(node)];
        this.#open(all);
        this.#push(
          node,
          all.map((inner) => this.#task(inner, true)),
          all,
        );
      } else if (node.choice) {
        // A member is walked as part of its choice.
        this.#push(node, [this.#task(node.choice, false)], []);
      } else {
        this.#open([node]);
        this.#push(node, this.#innerTasks(node), [node]);
      }
    }
    return undefined;
  }

  #open(nodes: readonly Node[]): void {
    for (const node of nodes) {
      this.#isOpen.add(node);
      this.#isWalked.add(node);
    }
  }

  #push(node: Node, tasks: readonly Task[], closes: readonly Node[]): void {
    this.#frames.push({ node, tasks, closes, begun: 0 });
  }

  /** From a choice to what is walked in its name, or from a member to it. */
  #task(node: Node, isInner: boolean): Task {
    return { node, isInner, words: NO_PROPERTY, reason: () => at('has the member', ownPlace(node)) };
  }

  /** Symbols declared in a choice, in file order, repeats included. */
  #contents(choice: Choice): KSymbol[] {
    const { index, end } = choice.declaration;
    return this.#model.declarations.slice(index + 1, end).flatMap(({ symbol }) => symbol ?? []);
  }

  // ------------------------------------------------------------ what a node depends on

  /** The nodes that conf looks at, in its order (sym_check_sym_deps); only the first mention of each counts. */
  #innerTasks(node: Node): Task[] {
    const tasks = new Map<Node, Task>();
    const add = (target: KSymbol | undefined, words: string, reason: (target: KSymbol) => Reason): void => {
      if (target && this.#suspects.has(target) && !tasks.has(target))
        tasks.set(target, { node: target, isInner: false, words, reason: () => reason(target) });
    };
    const addAll = (e: ExprId, words: string, reason: (target: KSymbol) => Reason): void =>
      this.#pool.symbolsOf(e, (id) => add(this.#model.symbols[id], words, reason));
    const condition = (property: Prompt | Default | Range | Edge): ExprId => this.#simplifier.condition(property);

    if (!isChoice(node)) {
      for (const declaration of node.declarations) {
        if (declaration.parent?.kind === 'choice') continue;
        addAll(this.#simplifier.dependency(declaration), 'depends on', (target) =>
          at('depends on', this.#dependsLine(declaration, target)),
        );
      }
      for (const edges of [node.selectedBy, node.impliedBy]) {
        for (const edge of this.#inReadingOrder(edges)) {
          const verb = edge.kind === 'select' ? 'selected' : 'implied';
          add(edge.from, `is ${verb} by`, () => at(`is ${verb} by`, lineOf(edge)));
          addAll(condition(edge), `is ${verb} by`, (target) => {
            const place = this.#mentions(edge.cond, target) ? lineOf(edge) : this.#dependsLine(edge.in, target);
            return at(`is ${verb} under a condition on`, place);
          });
        }
      }
    }
    for (const { property, kind, word } of propertiesOf(node)) {
      addAll(condition(property), `${word} is visible depending on`, (target) =>
        this.#isOwnCondition(property, target)
          ? at(`has a ${kind} that depends on`, lineOf(property))
          : at('depends on', this.#dependsLine(property.in, target)),
      );
      if ('value' in property && !isChoice(node))
        addAll(property.value, `${word} value contains`, () => at('takes its default from', lineOf(property)));
    }
    return [...tasks.values()];
  }

  #inReadingOrder(edges: readonly Edge[]): readonly Edge[] {
    const order = this.#readingOrder;
    return edges.toSorted((a, b) => order[a.in.index]! - order[b.in.index]! || a.line - b.line);
  }

  #mentions(e: ExprId, target: KSymbol): boolean {
    let isFound = false;
    this.#pool.symbolsOf(this.#simplifier.normalize(e), (id) => {
      isFound ||= id === target.id;
    });
    return isFound;
  }

  /** The innermost `depends on` or `if` that mentions the target. */
  #dependsLine(declaration: Declaration, target: KSymbol): Place {
    for (let d: Declaration | undefined = declaration; d; d = d.parent) {
      const found = d.dependencies.find(({ expr }) => this.#mentions(expr, target));
      if (found) return { path: d.path, line: found.line };
    }
    return declaration;
  }

  #isOwnCondition(property: Prompt | Default | Range, target: KSymbol): boolean {
    return (
      this.#mentions(property.cond, target) ||
      ('menusVisible' in property && this.#mentions(property.menusVisible, target))
    );
  }

  // ------------------------------------------------------------ wording

  /** The circle that closes at `target`, which is on the stack (sym_check_print_recursive). */
  #describe(target: KSymbol): Cycle {
    const stack = this.#frames.map(({ node, tasks, begun }) => ({ node, task: tasks[begun - 1] }));
    if (target.choice) stack.push({ node: target, task: undefined });
    const last = target.choice ?? target;
    const from = stack.findLastIndex(({ node }) => node === last);
    if (from < 0) return { steps: [], stderr: 'unexpected recursive dependency error\n' };
    const circle = stack.slice(from).map((step, i, all) => ({ ...step, next: all[i + 1]?.node ?? last }));
    const steps = circle.map(({ node, task, next }): CycleStep => {
      const choice = [node, next].find(isChoice);
      return {
        symbol: nameOf(node),
        // Only the step from a member to its choice may lack a task.
        ...(isChoice(next) ? at('is a member of', ownPlace(node)) : task!.reason()),
        next: nameOf(next),
        ...(choice && { choice: placeOf(choice) }),
      };
    });
    const lines = circle.map(({ node, task, next }) =>
      isChoice(next)
        ? `\tsymbol ${nameOf(node)} is part of choice block at ${placeOf(next)}\n`
        : `\tsymbol ${nameOf(node)} ${task!.words} ${nameOf(next)}\n`,
    );
    return { steps, stderr: `error: recursive dependency detected!\n${lines.join('')}${ADVICE}` };
  }
}

type Place = Pick<CycleStep, 'path' | 'line'>;

function at(relation: Relation, { path, line }: Place): Reason {
  return { relation, path, line };
}

function lineOf(property: Prompt | Default | Range | Edge): Place {
  return { path: property.in.path, line: property.line };
}

function ownPlace(node: Node): Place {
  return isChoice(node) ? node.declaration : node.declarations[0]!;
}

interface Property {
  readonly property: Prompt | Default | Range;
  readonly kind: 'prompt' | 'default' | 'range';
  /** What conf calls it. */
  readonly word: string;
}

/** Prompts, defaults and ranges in the order they were read. */
function propertiesOf(node: Node): Property[] {
  const prompts = isChoice(node) ? [node.declaration.prompt].filter((p) => p !== undefined) : node.prompts;
  const ranges = isChoice(node) ? [] : node.ranges;
  return [
    ...prompts.map((property) => {
      return { property, kind: 'prompt' as const, word: property.in.kind === 'menuconfig' ? 'menu' : 'prompt' };
    }),
    ...node.defaults.map((property) => ({ property, kind: 'default' as const, word: 'default' })),
    ...ranges.map((property) => ({ property, kind: 'range' as const, word: 'range' })),
  ].sort((a, b) => a.property.in.index - b.property.in.index || a.property.line - b.property.line);
}
