/**
 * The solver in the hands of those who know better: our evaluator, which knows nothing of clauses, and the tree's conf.
 *
 * - A question that is answered "possible" comes with a fragment of a .config: conf, given that and nothing else, must
 *   write what was asked for; without any one line it must not.
 * - What is called "impossible" must show up in no random configuration.
 * - A random configuration as a whole must be a solution of the clauses.
 * - The statements that are named as the reason of "impossible" must be enough, and each of them needed.
 */

import { Encoding } from '../../rules/kconfig/cnf.ts';
import { readConfig } from '../../rules/kconfig/dotconfig.ts';
import type { ExprPool } from '../../rules/kconfig/expr.ts';
import type { KconfigModel } from '../../rules/kconfig/model.ts';
import { applyMode } from '../../rules/kconfig/modes.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import { type Lit, not } from '../../rules/kconfig/sat.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { fragment } from '../../rules/kconfig/witness.ts';
import type { ConfRun } from '../../rules/rule.ts';
import { checkReasons } from './core-check.ts';
import { glibcRand } from './glibc-rand.ts';
import { type Fact, goalsOf, isSwitch, type Question, words } from './solver-questions.ts';

/** What was checked, in the order of the table. */
export const CHECKS = [
  'answered',
  'witness',
  'fewest',
  'conf',
  'conf, a line less',
  'reasons',
  'dice',
  'whole config',
  'seen',
] as const;
type Check = (typeof CHECKS)[number];

/** What was checked, how often, and each time that it was not so. */
export class Tally {
  readonly counts = new Map<Check, { good: number; all: number }>();
  readonly faults: string[] = [];

  check(column: Check, isGood: boolean, fault: () => string): void {
    const count = this.counts.get(column) ?? { good: 0, all: 0 };
    count.all += 1;
    if (isGood) count.good += 1;
    else this.faults.push(`${column}: ${fault()}`);
    this.counts.set(column, count);
  }
}

export type AskOlddefconfig = (config: string) => Promise<ConfRun>;

/** One architecture of one tree. */
export class SolverOracle {
  readonly tally = new Tally();
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;
  readonly #solver: Solver;
  readonly #values: Values;
  readonly #whole: Encoding;
  readonly #conf: AskOlddefconfig;

  constructor(pool: ExprPool, model: KconfigModel, conf: AskOlddefconfig) {
    this.#pool = pool;
    this.#model = model;
    this.#solver = new Solver(pool, model);
    this.#values = new Values(pool, model);
    this.#whole = new Encoding(pool, model);
    this.#conf = conf;
  }

  /** Asks the solver, and the evaluator about its answer; conf too where wanted, and once more without each line. */
  async ask(question: Question, conf: 'no conf' | 'conf' | 'conf, each line'): Promise<void> {
    const answer = this.#solver.solve(question.goals);
    const name = words(question);
    this.tally.check('answered', answer.verdict !== 'gave-up', () => `${name}: ${'why' in answer ? answer.why : ''}`);
    if (answer.verdict === 'impossible') {
      const reasons = this.#solver.whyNot(question.goals);
      const fault = checkReasons(this.#pool, this.#model, question.goals, reasons);
      this.tally.check('reasons', fault === undefined, () => `${name}: ${fault}`);
    }
    if (answer.verdict !== 'possible') return;
    const { settings } = answer;
    this.tally.check('witness', this.#evaluates(question, fragment(settings)), () => `${name}: ${fragment(settings)}`);
    const fewer = settings.map((_, i) => settings.toSpliced(i, 1));
    const isFewest = fewer.every((some) => !this.#evaluates(question, fragment(some)));
    this.tally.check('fewest', isFewest, () => `${name}: ${fragment(settings)}`);
    if (conf === 'no conf') return;
    const missing = await this.#confLacks(question, fragment(settings));
    this.tally.check('conf', missing === undefined, () => `${name}: ${missing} after\n${fragment(settings)}`);
    for (const some of conf === 'conf' ? [] : fewer) {
      const isLost = (await this.#confLacks(question, fragment(some))) !== undefined;
      this.tally.check('conf, a line less', isLost, () => `${name}: conf is content with\n${fragment(some)}`);
    }
  }

  /** A configuration of conf's: a solution as a whole, and nothing in it is called impossible. */
  randconfig(config: string, name: string, seed: number, facts: number): void {
    applyMode(this.#values, 'olddefconfig', { config });
    const symbols = this.#model.declared.filter(isSwitch);
    const all = symbols.map((symbol): Fact => ({ symbol, is: this.#is(symbol) }));
    const blamed = this.#contradiction(all);
    this.tally.check('whole config', blamed === undefined, () => `${name}: ${blamed}`);
    const rand = glibcRand(seed);
    const on = all.filter(({ is }) => is !== 'off');
    const draw = (from: readonly Fact[]): Fact => from[rand() % from.length]!;
    for (let i = 0; i < facts; i++) {
      const some = [draw(on), draw(i % 2 === 0 ? on : all), ...(i % 3 === 0 ? [draw(all)] : [])];
      const isPossible = this.#solver.isPossible(some.flatMap((fact) => goalsOf(this.#pool, fact)));
      this.tally.check('seen', isPossible === true, () => `${name}: ${words({ facts: some })}: ${isPossible}`);
    }
  }

  #is(symbol: Fact['symbol']): Fact['is'] {
    const value = this.#values.tristate(symbol);
    if (value === 0) return 'off';
    if (symbol.type === SymbolType.bool) return 'on';
    return value === 1 ? 'm' : 'y';
  }

  /** Facts of a whole configuration that the clauses exclude. */
  #contradiction(all: readonly Fact[]): string | undefined {
    const { sat } = this.#whole;
    const byLiteral = new Map<Lit, Fact>();
    for (const fact of all) {
      for (const { expr, level, holds } of goalsOf(this.#pool, fact)) {
        const lit = this.#whole.atLeast(expr, level);
        byLiteral.set(holds ? lit : not(lit), fact);
      }
    }
    const literals = [...byLiteral.keys()];
    this.#whole.demand(literals);
    const verdict = sat.solve(literals);
    return verdict === 'sat' ? undefined : words({ facts: sat.failed.map((lit) => byLiteral.get(lit)!) });
  }

  #evaluates(question: Question, config: string): boolean {
    readConfig(this.#values, config, 'fragment');
    this.#values.restart();
    return question.goals.every(({ expr, level, holds }) => this.#values.expr(expr) >= level === holds);
  }

  /** What was asked for and is not there in what conf makes of `config`, in words. */
  async #confLacks(question: Question, config: string): Promise<string | undefined> {
    const run = await this.#conf(config);
    if (run.config === undefined) return `conf exited with ${run.exitCode}: ${run.stderr.slice(0, 200)}`;
    const lines = new Set(run.config.split('\n'));
    for (const { symbol, is } of question.facts) {
      const [isM, isY] = [lines.has(`CONFIG_${symbol.name}=m`), lines.has(`CONFIG_${symbol.name}=y`)];
      const found = { on: isM || isY, off: !isM && !isY, m: isM, y: isY }[is];
      if (!found) return `${symbol.name} is not ${is}`;
    }
    const unmet = question.unmet?.name;
    if (unmet === undefined || run.stderr.includes(`unmet direct dependencies detected for ${unmet}\n`))
      return undefined;
    return `conf does not warn of ${unmet}`;
  }
}
