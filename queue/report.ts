/** A report before anything is known but the series. */

import type { Assembled, CannotCheck, Report } from '../rules/types.ts';

/** Of a series that was not checked, and why; without a reason, for a check that is about to begin. */
export function uncheckedReport(series: Assembled, cannotCheck?: CannotCheck): Report {
  const { id, revision, subject, author, oddities } = series;
  const patches = (series.complete ? series.patches : series.have).map(({ n, title, message }) => ({
    n,
    title,
    messageId: message.messageId,
  }));
  return {
    schema: 1,
    series: { id, revision, subject, author, patches, oddities },
    ...(cannotCheck && { cannotCheck }),
    findings: [],
    checked: { rules: [], archs: [], configs: 0, changedFiles: [], changedSymbols: [] },
    dropped: [],
    undecided: [],
    tookMs: {},
  };
}
