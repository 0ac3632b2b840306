/** The pages of the service over HTTP: what they show, and that nobody can do anything by them. */

import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPages } from '../../bot/pages.ts';
import * as sample from '../support/sample-report.ts';
import { came, ServedPages } from '../support/served-pages.ts';

const UNKNOWN = '0'.repeat(32);
const never = new Promise<never>(() => undefined);

let served: ServedPages;
beforeEach(async () => {
  served = new ServedPages();
  await served.serve();
});
afterEach(async () => {
  await served.remove();
});

const subjects = (html: string): string[] =>
  [...html.matchAll(/<li><a href="\/series\/[0-9a-f]{32}">(.*?)<\/a>/g)].map((one) => one[1]!);

/** As it stands, which fetch would mend: path, Host and all. */
function rawly(path: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: served.port, path, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject).end();
  });
}

describe('the list of series', () => {
  test('says so when none has come', async () => {
    expect(await served.text('/')).toContain('No series has come yet.');
  });

  test('says what the queue has and what its workers do, and when they do not', async () => {
    const html = await served.text('/');
    expect(html).toContain('3 waiting, 1 being checked, 0 failed, 7 done in the last hour.');
    expect(html).toContain('\n2 workers: host-1 and host-2.');
    const now = new Date('2026-01-01T00:02:05Z');
    const key = served.open(came(0, '[PATCH] one under way'));
    const { counts } = served.parts().queue;
    const running = [
      {
        key,
        subject: '[PATCH] <one> under way',
        worker: 'host-1',
        since: new Date('2026-01-01'),
        progress: 'building',
        attempt: 2,
      },
    ];
    const errors = [{ at: now.getTime(), subject: '[PATCH] odd', worker: 'host-1', why: 'no room in <cache>' }];
    await served.serve({
      now: () => now,
      queue: { counts, status: async () => ({ running, workers: [], doneLastHour: 0, errors }) },
    });
    const busy = await served.text('/');
    expect(busy).toContain('As of <time datetime="2026-01-01T00:02:05.000Z">2026-01-01 00:02 UTC</time>');
    expect(busy).toContain(`<a href="/series/${key}">[PATCH] &lt;one&gt; under way</a>`);
    expect(busy).toContain('at host-1, for 2 min 5 s, attempt 2: building');
    expect(busy).toContain('No worker: nothing is checked until one is started.');
    expect(busy).toContain('host-1, [PATCH] odd: no room in &lt;cache&gt;');
    for (const broken of [{ counts: () => Promise.reject(new Error('gone')) }, { status: () => never }]) {
      await served.serve({ queue: { ...served.parts().queue, ...broken } });
      expect(await served.text('/')).toContain('The queue does not answer.');
    }
  });

  test('is by state and by list, and searched by subject, Message-ID and symbol', async () => {
    served.keep(0, [sample.undefinedSelect], {}, '[PATCH] found one');
    served.keep(1, [], {}, '[PATCH] silent one');
    const cannotCheck = { stage: 'apply', why: 'no' } as const;
    served.keep(
      2,
      [],
      { cannotCheck, checked: { ...sample.sampleReport([]).checked, changedSymbols: [] } },
      '[PATCH] odd one',
    );
    served.open(came(3, '[PATCH] waiting one'));
    served.docket.fail(served.open(came(4, '[PATCH] failed one')), 'out of memory');
    expect(subjects(await served.text('/'))).toHaveLength(5);
    for (const [query, expected] of [
      ['state=found', ['found']],
      ['state=silent', ['silent']],
      ['state=unchecked', ['odd']],
      ['state=waiting', ['waiting']],
      ['state=failed', ['failed']],
      ['q=SILENT', ['silent']],
      ['q=CONFIG_REGMAP_I2CC', ['found']],
      ['q=%3C20260706081112.102-1-jane@example.org%3E', ['odd']],
      ['q=20260706081112.100-3', ['found']],
      ['list=linux-list-1.vger.kernel.org&state=silent', ['silent']],
      ['list=linux-list-1.vger.kernel.org&state=found', []],
      ['q=nothing+like+it', []],
    ] as const) {
      const found = subjects(await served.text(`/?${query}`));
      expect([query, found]).toEqual([query, expected.map((one) => `[PATCH] ${one} one`)]);
    }
    // The list that To: names is known from the settings.
    expect(subjects(await served.text('/?list=kim.example.net'))).toHaveLength(5);
  });

  test('follows what the docket does', async () => {
    const series = came(0);
    const key = served.open(series);
    expect(await served.text('/')).toContain('waits for a worker');
    served.docket.fail(key, 'out of memory');
    expect(await served.text('/')).toContain('no worker got through it');
    expect(await served.text(`/series/${key}`)).toContain('out of memory');
    served.docket.keepReport(key, sample.sampleReport([], series));
    expect(await served.text('/')).toContain('nothing found');
    served.docket.close(key);
    served.docket.sweep('2999-01-01', '2999-01-01');
    expect(subjects(await served.text('/'))).toEqual([]);
    expect((await served.at(`/series/${key}`)).status).toBe(404);
  });

  test('has pages of 50, the newest first', async () => {
    for (let i = 0; i < 52; i++) {
      const key = served.keep(i, [], {}, `[PATCH] number ${i}`);
      utimesSync(join(served.state, 'jobs', 'reports', `${key}.json`), 1.79e9 + i, 1.79e9 + i);
    }
    const first = await served.text('/?state=silent');
    expect(subjects(first)).toHaveLength(50);
    expect(subjects(first)[0]).toBe('[PATCH] number 51');
    const older = /rel="next" href="([^"]*)"/.exec(first)![1]!.replaceAll('&amp;', '&');
    expect(subjects(await served.text(older))).toEqual(['[PATCH] number 1', '[PATCH] number 0']);
    expect(subjects(await served.text('/?page=999'))).toHaveLength(2);
    for (const page of ['-1', '0', 'x', '1e9']) expect(subjects(await served.text(`/?page=${page}`))).toHaveLength(50);
  });

  test('leaves out a report that is damaged, and the log says why', async () => {
    const key = served.keep(0, []);
    writeFileSync(join(served.state, 'jobs', 'reports', `${key}.json`), '{');
    expect(subjects(await served.text('/'))).toEqual([]);
    expect(served.warnings).toEqual([expect.stringMatching(/it is set aside/)]);
  });
});

describe('a series', () => {
  test('has the page of its report, with the quoted lines while its mails are kept', async () => {
    const key = served.keep(0, [sample.undefinedSelect]);
    const html = await served.text(`/series/${key}`);
    expect(served.warnings).toEqual([]);
    expect(html).toContain('<span class="line add">+	select REGMAP_I2CC</span>');
    expect(html).toContain('<a href="/">depbot: all series</a>');
    rmSync(join(served.state, 'jobs', 'closed', `${key}.json`));
    const later = await served.text(`/series/${key}`);
    expect(later).toContain('undefined-symbol: REGMAP_I2CC');
    expect(later).not.toContain('class="add"');
    expect(served.warnings).toEqual([]);
  });

  test('that is not known, or no key, has none', async () => {
    served.keep(0, []);
    for (const path of [
      UNKNOWN,
      UNKNOWN.slice(1),
      'x',
      '',
      UNKNOWN.replace('0', 'A'),
      `${UNKNOWN}.json`,
      `${UNKNOWN}/x`,
    ])
      expect([path, (await served.at(`/series/${path}`)).status]).toEqual([path, 404]);
  });
});

describe('nobody can', () => {
  test('leave the pages by a path', async () => {
    writeFileSync(join(served.state, 'secret.json'), '{}');
    for (const path of [
      '/../secret.json',
      '/series/../../secret.json',
      '/series/..%2f..%2fsecret',
      '/series/%2e%2e/%2e%2e/secret.json',
      `/series/${UNKNOWN}%00`,
      '/templates/page/page.css',
      '//etc/passwd',
      '/%',
      '/etc/passwd',
    ])
      expect([path, await rawly(path, 'localhost')]).toEqual([path, 404]);
  });

  test('change anything', async () => {
    const key = served.keep(0, []);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const path of ['/', `/series/${key}`, '/metrics']) {
        const answer = await served.at(path, { method });
        expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([method, path, 405, 'GET, HEAD']);
      }
    }
    expect((await served.at('/', { method: 'HEAD' })).status).toBe(200);
    expect(served.docket.report(key)).toBeDefined();
  });

  test('come by another name, unless the operator opened the pages to others', async () => {
    const hosts = [
      ['localhost', true],
      [`127.0.0.1:${served.port}`, true],
      ['[::1]:1', true],
      ['evil.example', false],
      ['localhost.evil.example', false],
      ['10.0.0.1', false],
    ] as const;
    for (const [host, isFine] of hosts) expect([host, await rawly('/', host)]).toEqual([host, isFine ? 200 : 421]);
    await served.serve({ listen: { host: '127.0.0.1', port: 0, beyondLoopback: true } });
    expect(await rawly('/', 'depbot.example.org')).toBe(200);
  });

  test('find a page without its policy, or a cookie', async () => {
    const key = served.keep(0, [sample.undefinedSelect]);
    for (const path of ['/', `/series/${key}`, '/nowhere', '/metrics']) {
      const { headers } = await served.at(path);
      expect(headers.get('set-cookie')).toBeNull();
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      if (path === '/metrics') continue;
      const policy = headers.get('content-security-policy');
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src '/);
      expect(policy).toMatch(/; base-uri 'none'; form-action '(none|self)'; frame-ancestors 'none'$/);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
    }
  });

  test('keep it from ending', async () => {
    const idle = connect(served.port, '127.0.0.1');
    idle.on('error', () => undefined);
    idle.write('GET / HTTP/1.1\r\n');
    const home = `http://127.0.0.1:${served.port}/`;
    await served.close();
    await expect(fetch(home)).rejects.toThrow();
  });
});

test('an address that is taken is named', async () => {
  const listen = { host: '127.0.0.1', port: served.port, beyondLoopback: false };
  await expect(openPages(served.parts({ listen }))).rejects.toThrow(
    /^page\.listen: cannot listen at 127\.0\.0\.1, port \d+: /,
  );
});

describe('/metrics', () => {
  const value = (text: string, name: string): number =>
    Number(
      text
        .split('\n')
        .find((one) => one.startsWith(`${name} `))
        ?.split(' ')
        .at(-1),
    );

  test('counts what came since the start, each report once, and what lies there', async () => {
    const tookMs = { apply: 500, kconfig: 20_000 };
    served.keep(0, [sample.undefinedSelect, sample.configUpgrade], {
      tookMs,
      dropped: [{ rule: 'lost-symbol', key: 'k', why: 'w' }],
    });
    const old = served.keep(1, [sample.undefinedSelect]);
    utimesSync(join(served.state, 'jobs', 'reports', `${old}.json`), 1e9, 1e9);
    served.open(came(2));
    await served.text('/metrics');
    const answer = await served.at('/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    const rung = sample.configUpgrade.verification.rung;
    for (const [name, expected] of [
      ['depbot_reports_total{verdict="found"}', 1],
      [`depbot_findings_total{rule="config-upgrade",rung="${rung}"}`, 1],
      ['depbot_dropped_total{rule="lost-symbol"}', 1],
      ['depbot_stage_seconds_sum{stage="kconfig"}', 20],
      ['depbot_stage_seconds_bucket{le="60",stage="kconfig"}', 1],
      ['depbot_stage_seconds_bucket{le="10",stage="kconfig"}', 0],
      ['depbot_series{state="found"}', 2],
      ['depbot_series{state="waiting"}', 1],
      ['depbot_queue_up', 1],
      ['depbot_stopped', 0],
      ['depbot_queue_jobs{state="waiting"}', 3],
      ['depbot_mails{state="sent"}', 0],
    ] as const)
      expect([name, value(text, name)]).toEqual([name, expected]);
    // Each line is a comment or a sample, as Prometheus reads them.
    for (const line of text.trimEnd().split('\n').filter(Boolean))
      expect(line).toMatch(
        /^(# (HELP|TYPE) depbot_\w+ .+|depbot_\w+(\{(\w+="[^"\\]*",?)+\})? \d+(\.\d+)?(e[+-]?\d+)?)$/,
      );
  });

  test('says that nothing leaves, and so does the index', async () => {
    await served.serve({ halted: () => 'nothing is sent: emergency stop by <x>' });
    expect(value(await served.text('/metrics'), 'depbot_stopped')).toBe(1);
    expect(await served.text('/')).toContain(
      '<p role="alert"><strong>nothing is sent: emergency stop by &lt;x&gt;</strong></p>',
    );
    await served.serve();
    expect(await served.text('/')).not.toContain('role="alert"');
  });

  test('says when Redis does not answer', async () => {
    await served.serve({ queue: { ...served.parts().queue, counts: () => never } });
    const text = await served.text('/metrics');
    expect(value(text, 'depbot_queue_up')).toBe(0);
    expect(text).not.toContain('depbot_queue_jobs{');
  });
});
