import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Docket } from '../../bot/docket.ts';
import { DamagedFileError } from '../../bot/durable.ts';
import { type CheckJob, jobOf } from '../../queue/jobs.ts';
import type { Report } from '../../rules/types.ts';
import { sampleReport } from '../support/sample-report.ts';
import { mail, tinySeries } from '../support/tiny-series.ts';

let dir: string;
let docket: Docket;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'docket-'));
  docket = new Docket(dir);
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** The job of a series of so many patches. */
function job(patches = 1): CheckJob {
  const made = jobOf(tinySeries(Array.from({ length: patches }, () => mail(''))));
  if (!made.ok) throw new Error(made.why);
  return made.job;
}
const ONE = job(1);
const TWO = job(2);
const REPORT: Report = sampleReport([]);

describe('a job', () => {
  test('is opened once, and is there after a restart', () => {
    expect(docket.open(ONE)).toBe(true);
    expect(docket.open({ ...ONE, subject: 'again' })).toBe(false);
    for (const each of [docket, new Docket(dir)]) {
      expect(each.openKeys()).toEqual([ONE.key]);
      expect(each.job(ONE.key)).toEqual(ONE);
      expect(each.isClosed(ONE.key)).toBe(false);
    }
  });

  test('that was closed is known, no more open, and never opened again', () => {
    docket.open(ONE);
    docket.open(TWO);
    docket.close(ONE.key);
    for (const each of [docket, new Docket(dir)]) {
      expect(each.open(ONE)).toBe(false);
      expect(each.openKeys()).toEqual([TWO.key]);
      expect(each.job(ONE.key)).toEqual(ONE);
      expect([each.isClosed(ONE.key), each.isClosed(TWO.key)]).toEqual([true, false]);
    }
  });

  test('that nobody opened is none, and cannot be closed', () => {
    expect(docket.job(ONE.key)).toBeUndefined();
    expect(docket.isClosed(ONE.key)).toBe(false);
    expect(() => docket.close(ONE.key)).toThrow(/ENOENT/);
  });

  test('half written by a killed process is none', () => {
    writeFileSync(join(dir, 'open', `${ONE.key}.json.17.partial`), '{"schema"');
    expect(docket.openKeys()).toEqual([]);
    expect(docket.open(ONE)).toBe(true);
  });

  test.each(['', '../reports/x', 'A'.repeat(32), `${'a'.repeat(32)}\n`])('has no key such as %j', (key) => {
    expect(() => docket.job(key)).toThrow(/is not the key of a job/);
  });
});

describe('a report', () => {
  test('is kept as it was first kept', () => {
    expect(docket.report(ONE.key)).toBeUndefined();
    docket.keepReport(ONE.key, REPORT);
    docket.keepReport(ONE.key, { ...REPORT, tookMs: { again: 1 } });
    expect(docket.report(ONE.key)).toEqual(REPORT);
    expect(new Docket(dir).report(ONE.key)).toEqual(REPORT);
    expect(docket.report(TWO.key)).toBeUndefined();
  });
});

describe('a failure', () => {
  test('is the last one, is no report, leaves the job open, and ends with a report', () => {
    docket.open(ONE);
    expect(docket.failure(ONE.key)).toBeUndefined();
    docket.fail(ONE.key, 'out of memory');
    docket.fail(ONE.key, 'disk full', false);
    for (const each of [docket, new Docket(dir)]) {
      expect(each.failure(ONE.key)).toEqual({ why: 'disk full', isOfMachine: false, at: expect.any(Date) });
      expect(Math.abs(each.failure(ONE.key)!.at.getTime() - Date.now())).toBeLessThan(60_000);
      expect([each.report(ONE.key), each.openKeys()]).toEqual([undefined, [ONE.key]]);
      expect(each.failure(TWO.key)).toBeUndefined();
    }
    docket.keepReport(ONE.key, REPORT);
    expect(docket.failure(ONE.key)).toBeUndefined();
    expect(docket.report(ONE.key)).toEqual(REPORT);
  });
});

describe('a sweep', () => {
  const [JOB, REPORTS] = ['2026-11-01', '2026-08-24'];
  const age = (folder: string, key: string, day: string): void => {
    utimesSync(join(dir, folder, `${key}.json`), new Date(`${day}T00:00:00Z`), new Date(`${day}T23:59:59Z`));
  };

  test('removes closed jobs and reports of days before theirs, and none of later days', () => {
    for (const { job, closed, report } of [
      { job: ONE, closed: '2026-10-31', report: '2026-08-24' },
      { job: TWO, closed: '2026-11-01', report: '2026-08-23' },
    ]) {
      docket.open(job);
      docket.keepReport(job.key, REPORT);
      docket.close(job.key);
      age('closed', job.key, closed);
      age('reports', job.key, report);
    }
    docket.sweep(JOB, REPORTS);
    expect([docket.isClosed(ONE.key), docket.isClosed(TWO.key)]).toEqual([false, true]);
    expect([docket.report(ONE.key), docket.report(TWO.key)]).toEqual([REPORT, undefined]);
    expect(docket.open(ONE)).toBe(true);
  });

  test('leaves what belongs to an open job, however old', () => {
    docket.open(ONE);
    docket.fail(ONE.key, 'why');
    docket.fail(TWO.key, 'why');
    for (const [folder, key] of [
      ['open', ONE.key],
      ['failures', ONE.key],
      ['failures', TWO.key],
    ] as const)
      age(folder, key, '2026-01-01');
    docket.sweep(JOB, REPORTS);
    expect(docket.openKeys()).toEqual([ONE.key]);
    expect([docket.failure(ONE.key)?.why, docket.failure(TWO.key)]).toEqual(['why', undefined]);
  });
});

describe('a damaged file', () => {
  const damage = (folder: string, text: string): string => {
    const path = join(dir, folder, `${ONE.key}.json`);
    writeFileSync(path, text);
    return path;
  };

  test.each([
    ['cut short', JSON.stringify(ONE).slice(0, -20), /JSON/],
    ['of another version', JSON.stringify({ ...ONE, schema: 2 }), /not a job: schema/],
    ['of another job', JSON.stringify(TWO), new RegExp(TWO.key)],
  ])('of an open job, %s, stops its reader once; the other jobs go on, and it may be opened again', (_, text, why) => {
    docket.open(ONE);
    docket.open(TWO);
    const path = damage('open', text);
    const read = (): unknown => docket.job(ONE.key);
    expect(read).toThrow(why);
    damage('open', text);
    expect(read).toThrow(`${path}: `);
    expect(docket.openKeys()).toEqual([TWO.key]);
    expect(read()).toBeUndefined();
    expect(readdirSync(join(dir, 'open'))).toContain(`${ONE.key}.json.damaged`);
    expect(docket.open(ONE)).toBe(true);
    expect(docket.job(ONE.key)).toEqual(ONE);
  });

  test.each([
    ['cut short', '{"schema":1,'],
    ['of something else', '{"schema":1}'],
  ])('of the report of an open job, %s, stops its reader once; there may be another', (_, text) => {
    docket.open(ONE);
    docket.keepReport(ONE.key, REPORT);
    const path = damage('reports', text);
    const read = (): unknown => docket.report(ONE.key);
    expect(read).toThrow(DamagedFileError);
    damage('reports', text);
    expect(read).toThrow(`${path}: `);
    expect(read()).toBeUndefined();
    docket.keepReport(ONE.key, REPORT);
    expect(read()).toEqual(REPORT);
  });

  test('of the report of a closed job says what to remove for another check; nothing is checked by itself', () => {
    docket.open(ONE);
    docket.keepReport(ONE.key, REPORT);
    docket.close(ONE.key);
    damage('reports', '');
    expect(() => docket.report(ONE.key)).toThrow(join(dir, 'closed', `${ONE.key}.json`));
    expect(docket.openKeys()).toEqual([]);
    expect(docket.open(ONE)).toBe(false);
  });
});
