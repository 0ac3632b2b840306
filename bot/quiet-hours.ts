/** Hours of the day in which a maintainer wants no mail of ours: `22:00-06:30`, in UTC, over midnight or not. */

const FORM = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Whether it is such a span. From a time to itself would be always or never, so that it is none. */
export function isQuietHours(text: string): boolean {
  const span = spanOf(text);
  return span !== undefined && span.from !== span.to;
}

/** The first moment from `at` on that lies in none of the spans; undefined when they leave none of the day. */
export function afterQuietHours(at: Date, spans: readonly string[]): Date | undefined {
  const all = spans.map((text) => spanOf(text)!);
  let moment = at;
  // Each step ends in a minute outside one span; more than two for each means that they cover the day together.
  for (let step = 0; step <= 2 * all.length; step++) {
    const minute = moment.getUTCHours() * 60 + moment.getUTCMinutes();
    const span = all.find(({ from, to }) =>
      from < to ? minute >= from && minute < to : minute >= from || minute < to,
    );
    if (span === undefined) return moment;
    const left = (span.to - minute + DAY_MINUTES) % DAY_MINUTES;
    moment = new Date(Math.floor(moment.getTime() / MINUTE_MS) * MINUTE_MS + left * MINUTE_MS);
  }
  return undefined;
}

/** Minutes of the day. */
function spanOf(text: string): { readonly from: number; readonly to: number } | undefined {
  const [fromHour, fromMinute, toHour, toMinute] = (FORM.exec(text) ?? []).slice(1).map(Number);
  if (toMinute === undefined) return undefined;
  return { from: fromHour! * 60 + fromMinute!, to: toHour! * 60 + toMinute };
}
