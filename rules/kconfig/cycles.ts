/**
 * Recursive dependencies, found and worded as conf does (scripts/kconfig/symbol.c, sym_check_deps).
 *
 * Three kinds of node: symbols, choices, and members of a choice, which stand for their whole choice.
 * conf walks depth first in file order, over simplified dependencies; after an error it goes on with
 * the next declaration, but never back into what it has walked. So the first of two entangled
 * circles can hide the second, here as there.
 *
 * That costs as much as reading the tree, so a screen comes first: simplified dependencies are some of
 * those written, so only what leads into a circle of the latter is looked at closely.
 */

import { KconfigError } from './error.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Choice, Declaration, Default, Edge, KconfigModel, KSymbol, Prompt, Range } from './model.ts';
import { levelOrder, Simplifier } from './simplify.ts';

export interface CycleStep {
  /** `<choice>` for a choice. */
  readonly symbol: string;
  /** As conf words it: `depends on`, `is selected by`, `is implied by`, `is part of choice block`, `prompt is visible depending on`, `default value contains` … */
  readonly relation: string;
  readonly next: string;
  /** Where the property that makes this step stands: for a select its line in the selector's block. */
  readonly path: string;
  readonly line: number;
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
  const suspects = screen(pool, model);
  if (suspects.size === 0) return [];
  try {
    return new CycleFinder(pool, model, suspects).run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KconfigError(model.files[0] ?? 'Kconfig', 0, 'dependencies are nested too deep to check');
  }
}

type Node = KSymbol | Choice;

interface Place {
  readonly path: string;
  readonly line: number;
}

interface Task {
  readonly node: Node;
  /** Walk the node's own dependencies, without asking whether it was walked before. */
  readonly isInner: boolean;
  readonly relation: string;
  readonly place: (target: KSymbol) => Place;
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

  #task(node: Node, isInner: boolean): Task {
    return {
      node,
      isInner,
      relation: NO_PROPERTY,
      place: () => (isChoice(node) ? node.declaration : node.declarations[0]!),
    };
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
    const add = (target: KSymbol | undefined, relation: string, place: Task['place']): void => {
      if (target && this.#suspects.has(target) && !tasks.has(target))
        tasks.set(target, { node: target, isInner: false, relation, place });
    };
    const addAll = (e: ExprId, relation: string, place: Task['place']): void =>
      this.#pool.symbolsOf(e, (id) => add(this.#model.symbols[id], relation, place));
    const condition = (property: Prompt | Default | Range | Edge): ExprId => this.#simplifier.condition(property);

    if (!isChoice(node)) {
      for (const declaration of node.declarations) {
        if (declaration.parent?.kind === 'choice') continue;
        addAll(this.#simplifier.dependency(declaration), 'depends on', (target) =>
          this.#dependsLine(declaration, target),
        );
      }
      for (const edges of [node.selectedBy, node.impliedBy]) {
        for (const edge of this.#inReadingOrder(edges)) {
          const relation = edge.kind === 'select' ? 'is selected by' : 'is implied by';
          const place = (): Place => ({ path: edge.in.path, line: edge.line });
          add(edge.from, relation, place);
          addAll(condition(edge), relation, place);
        }
      }
    }
    for (const { property, word } of propertiesOf(node)) {
      addAll(condition(property), `${word} is visible depending on`, (target) => this.#conditionLine(property, target));
      if ('value' in property && !isChoice(node)) {
        addAll(property.value, `${word} value contains`, () => ({ path: property.in.path, line: property.line }));
      }
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

  #conditionLine(property: Prompt | Default | Range, target: KSymbol): Place {
    const place = { path: property.in.path, line: property.line };
    if (this.#mentions(property.cond, target)) return place;
    if ('menusVisible' in property && this.#mentions(property.menusVisible, target)) return place;
    return this.#dependsLine(property.in, target);
  }

  // ------------------------------------------------------------ wording

  /** The circle that closes at `target`, which is on the stack (sym_check_print_recursive). */
  #describe(target: KSymbol): Cycle {
    const stack = this.#frames.map(({ node, tasks, begun }) => ({ node, task: tasks[begun - 1] }));
    if (target.choice) stack.push({ node: target, task: undefined });
    const last = target.choice ?? target;
    const from = stack.findLastIndex(({ node }) => node === last);
    if (from < 0) return { steps: [], stderr: 'unexpected recursive dependency error\n' };
    const steps = stack.slice(from).map(({ node, task }, i, circle): CycleStep => {
      const next = circle[i + 1]?.node ?? last;
      const own = isChoice(node) ? node.declaration : node.declarations[0]!;
      const place = isChoice(next) ? next.declaration : (task?.place(next) ?? own);
      return {
        symbol: nameOf(node),
        relation: isChoice(next) ? 'is part of choice block' : (task?.relation ?? NO_PROPERTY),
        next: nameOf(next),
        path: place.path,
        line: place.line,
      };
    });
    const lines = steps.map(({ symbol, relation, next, path, line }) =>
      next === '<choice>'
        ? `\tsymbol ${symbol} ${relation} at ${path}:${line}\n`
        : `\tsymbol ${symbol} ${relation} ${next}\n`,
    );
    return { steps, stderr: `error: recursive dependency detected!\n${lines.join('')}${ADVICE}` };
  }
}

/** Prompts, defaults and ranges in the order they were read, with the words conf has for them. */
function propertiesOf(node: Node): { property: Prompt | Default | Range; word: string }[] {
  const prompts = isChoice(node) ? [node.declaration.prompt].filter((p) => p !== undefined) : node.prompts;
  const ranges = isChoice(node) ? [] : node.ranges;
  return [
    ...prompts.map((property) => ({ property, word: property.in.kind === 'menuconfig' ? 'menu' : 'prompt' })),
    ...node.defaults.map((property) => ({ property, word: 'default' })),
    ...ranges.map((property) => ({ property, word: 'range' })),
  ].sort((a, b) => a.property.in.index - b.property.in.index || a.property.line - b.property.line);
}

const WHITE = 0;
const OPEN = 1;
const DONE = 2;
/** Done, and leads into a circle. */
const SUSPECT = 3;

/**
 * Symbols and choices that lead into a circle of the dependencies as written. A choice and its
 * members are one node; so are each declaration's dependency and each expression, which many share.
 */
function screen(pool: ExprPool, model: KconfigModel): ReadonlySet<Node> {
  const { symbols, declarations, choices } = model;
  const firstChoice = symbols.length;
  const firstDeclaration = firstChoice + choices.length;
  const firstExpr = firstDeclaration + declarations.length;
  const nodeOf = new Int32Array(symbols.length).map((_, id) => id);
  for (const choice of choices) {
    for (const member of choice.members) {
      // In two choices: too odd for a screen.
      if (nodeOf[member.id] !== member.id) return new Set([...symbols.filter((s) => s !== undefined), ...choices]);
      nodeOf[member.id] = firstChoice + choice.index;
    }
  }
  const state = new Uint8Array(firstExpr + pool.size);
  const stack: number[] = [];
  /** From the start to the node in hand. */
  const way: number[] = [];
  const leadsOn = new Uint8Array(state.length);
  const to = (node: number): void => {
    if (state[node] === WHITE) stack.push(node);
    else if (state[node] !== DONE) leadsOn[way.at(-1)!] = 1;
  };
  const toSymbol = (id: SymbolId): void => {
    if (!pool.constant[id] && symbols[id]) to(nodeOf[id]!);
  };
  const toExpr = (e: ExprId): void => {
    if (e !== NONE) to(firstExpr + e);
  };
  const toDeclaration = (declaration: Declaration): void => {
    if (declaration.hasDep) to(firstDeclaration + declaration.index);
  };
  const ofProperties = (properties: readonly (Prompt | Default | Range)[]): void => {
    for (const property of properties) {
      toExpr(property.cond);
      if ('value' in property) toExpr(property.value);
      else if ('menusVisible' in property) toExpr(property.menusVisible);
    }
  };
  const ofSymbol = (symbol: KSymbol): void => {
    symbol.declarations.forEach(toDeclaration);
    ofProperties(symbol.prompts);
    ofProperties(symbol.defaults);
    ofProperties(symbol.ranges);
    for (const edges of [symbol.selectedBy, symbol.impliedBy]) {
      for (const edge of edges) {
        to(nodeOf[edge.from.id]!);
        toExpr(edge.cond);
        toDeclaration(edge.in);
      }
    }
  };
  const ofChoice = ({ declaration, defaults, members }: Choice): void => {
    toDeclaration(declaration);
    if (declaration.prompt) ofProperties([declaration.prompt]);
    for (const property of defaults) toExpr(property.cond);
    members.forEach(ofSymbol);
  };
  const ofExpr = (e: ExprId): void => {
    const op = pool.ops[e]!;
    if (op === Op.modules) {
      if (model.modules) toSymbol(model.modules.id);
    } else if (op === Op.and || op === Op.or || op === Op.not) {
      toExpr(pool.lefts[e]!);
      if (op !== Op.not) toExpr(pool.rights[e]!);
    } else {
      toSymbol(pool.lefts[e]!);
      if (op !== Op.symbol) toSymbol(pool.rights[e]!);
    }
  };
  for (const symbol of symbols) {
    if (symbol) stack.push(nodeOf[symbol.id]!);
    while (stack.length > 0) {
      const node = stack.pop()!;
      if (node < 0) {
        way.pop();
        state[~node] = leadsOn[~node] === 1 ? SUSPECT : DONE;
        if (leadsOn[~node] === 1 && way.length > 0) leadsOn[way.at(-1)!] = 1;
      } else if (state[node] !== WHITE) {
        // Reached by another way since it was put on the stack.
        if (way.length > 0) to(node);
      } else {
        state[node] = OPEN;
        way.push(node);
        stack.push(~node);
        if (node < firstChoice) ofSymbol(symbols[node]!);
        else if (node < firstDeclaration) ofChoice(choices[node - firstChoice]!);
        else if (node >= firstExpr) ofExpr(node - firstExpr);
        else {
          const { dep, parent } = declarations[node - firstDeclaration]!;
          toExpr(dep);
          if (parent) toDeclaration(parent);
        }
      }
    }
  }
  const suspects = new Set<Node>(
    symbols.filter((s) => s !== undefined && state[nodeOf[s.id]!] === SUSPECT) as KSymbol[],
  );
  for (const choice of choices) if (state[firstChoice + choice.index] === SUSPECT) suspects.add(choice);
  return suspects;
}
