/** The counts of the service for Prometheus: of its reports since the start, and of what lies there now. */

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Report } from '../rules/types.ts';
import type { Outbox } from './outbox.ts';
import { verdictOf } from './page.ts';
import type { SeriesState } from './series-index.ts';

/** Upper bounds of what a stage takes. */
const STAGE_SECONDS = [0.1, 1, 10, 60, 300, 1800, 7200];

/** What lies there when somebody asks. */
export interface Stock {
  readonly series: Readonly<Record<SeriesState, number>>;
  /** Undefined while Redis does not answer. */
  readonly queue: Readonly<Record<string, number>> | undefined;
  readonly mails: ReturnType<Outbox['counts']>;
  /** False alarms by rule. */
  readonly invalid: readonly (readonly [rule: string, count: number])[];
  readonly isHalted: boolean;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #reports = this.#counter('reports', 'Reports since the start.', 'verdict');
  readonly #findings = this.#counter(
    'findings',
    'Findings since the start, by how far they were proved.',
    'rule',
    'rung',
  );
  readonly #dropped = this.#counter('dropped', 'Candidates since the start that were not confirmed.', 'rule');
  readonly #undecided = this.#counter('undecided', 'Questions since the start that a rule left open.', 'rule');
  readonly #stages = new Histogram({
    name: 'depbot_stage_seconds',
    help: 'Time that a stage of a check took, of reports since the start.',
    labelNames: ['stage'],
    buckets: STAGE_SECONDS,
    registers: [this.#registry],
  });
  readonly #series = this.#gauge('series', 'Series that are kept.', 'state');
  readonly #queueUp = this.#gauge('queue_up', '1 while Redis answers.');
  readonly #queue = this.#gauge('queue_jobs', 'Jobs in the queue.', 'state');
  readonly #mails = this.#gauge('mails', 'Mails in the outbox, sent ones and all others.', 'state');
  readonly #halted = this.#gauge('stopped', '1 while nothing leaves: depbot stop, or serve.stop.');
  readonly #invalid = this.#gauge('invalid', 'Findings that maintainers called false alarms.', 'rule');

  /** Media type of what `text` gives. */
  readonly contentType = this.#registry.contentType;

  /** Counts a report in. */
  add(report: Report): void {
    this.#reports.inc({ verdict: verdictOf(report).kind });
    for (const { rule, verification } of report.findings) this.#findings.inc({ rule, rung: verification.rung });
    for (const { rule } of report.dropped) this.#dropped.inc({ rule });
    for (const { rule } of report.undecided) this.#undecided.inc({ rule });
    for (const [stage, ms] of Object.entries(report.tookMs)) this.#stages.observe({ stage }, ms / 1000);
  }

  /** In Prometheus' text format. */
  text({ series, queue, mails, invalid, isHalted }: Stock): Promise<string> {
    for (const [state, count] of Object.entries(series)) this.#series.set({ state }, count);
    this.#halted.set(isHalted ? 1 : 0);
    this.#queueUp.set(queue ? 1 : 0);
    this.#queue.reset();
    for (const [state, count] of Object.entries(queue ?? {})) this.#queue.set({ state }, count);
    for (const [state, count] of Object.entries(mails)) this.#mails.set({ state }, count);
    this.#invalid.reset();
    for (const [rule, count] of invalid) this.#invalid.set({ rule }, count);
    return this.#registry.metrics();
  }

  #counter<L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> {
    return new Counter({ name: `depbot_${name}_total`, help, labelNames, registers: [this.#registry] });
  }

  #gauge<L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> {
    return new Gauge({ name: `depbot_${name}`, help, labelNames, registers: [this.#registry] });
  }
}
