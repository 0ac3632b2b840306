/** The page of a report, in a real browser: what it shows, that it obeys nobody, and that everybody can read it. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPage } from '../../bot/page.ts';
import type { Survey } from '../../rules/survey-types.ts';
import type { Finding, Report, Series } from '../../rules/types.ts';
import { openBrowser, watchedPage } from '../support/browser.ts';
import * as sample from '../support/sample-report.ts';

const { sampleSeries: series, sampleFooter: footer, sampleReport } = sample;
const ALL = [sample.recursion, sample.undefinedInC, sample.configUpgrade, sample.undefinedSelect];
const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`;

const survey: Survey = {
  symbol: 'SENSORS_FOO',
  archs: [
    { arch: 'arm', before: 'y', after: 'n', configs: 70, changed: 3 },
    { arch: 'x86', before: 'y', after: 'y', configs: 5, changed: 0 },
  ],
  picture: {
    nodes: Array.from({ length: 24 }, (_, i) => ({
      symbol: i === 0 ? 'SENSORS_FOO' : `SYMBOL_WITH_A_NAME_${i}`,
      type: 'tristate' as const,
      value: i % 3 === 0 ? 'n' : 'y',
      hasPrompt: i % 2 === 0,
      isFocus: i === 0,
      path: 'drivers/hwmon/Kconfig',
      line: 10 + i,
    })),
    links: Array.from({ length: 23 }, (_, i) => ({
      from: i % 4 === 0 ? 'SENSORS_FOO' : `SYMBOL_WITH_A_NAME_${i}`,
      to: `SYMBOL_WITH_A_NAME_${i + 1}`,
      kind: (['depends on', 'selects', 'implies'] as const)[i % 3]!,
      path: 'drivers/hwmon/Kconfig',
      line: 10 + i,
      isBlocking: i === 0,
    })),
    left: 7,
  },
};

const surveyed = (findings: readonly Finding[]): Report => ({
  ...sampleReport(findings),
  surveys: Object.fromEntries(findings.map(({ key }) => [key, survey])),
});
const pageOf = (report: Report, of: Series = series): string => renderPage({ series: of, report, footer });

describe('in a browser', () => {
  let browser: Browser;
  /** What pages complained of. */
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function open(html: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await watchedPage(browser, 'http://depbot.test/', complaints, options);
    await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: html }));
    await page.goto('http://depbot.test/');
    return page;
  }

  test.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('at %i pixels, %s: nothing sticks out, nothing complains, axe finds no fault', async (width, scheme) => {
    const page = await open(pageOf(surveyed(ALL)), { viewport: { width, height: 900 }, colorScheme: scheme });
    expect(await page.locator('article').count()).toBe(4);
    for (const details of await page.locator('details').all())
      await details.evaluate((one) => one.setAttribute('open', ''));
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.locator('svg.graph g').count()).toBe(4 * 24);
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string; nodes: object[] }[] };
    expect(violations.map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes.slice(0, 2))}`)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test.each([
    ['screen', 390],
    ['print', 700],
  ] as const)('on %s, at %i pixels, no table and no text is cut off at the side', async (media, width) => {
    const sources = ['before', 'after'].map((side, i) => ({
      ...({ kind: 'source', side, commit: 'a'.repeat(40), line: 1234 + i } as const),
      path: 'drivers/gpu/drm/amd/display/dc/resource/dcn401/dcn401_resource.c',
      text: `static const struct dc_plane_cap plane_cap = ${'PIPE_WITH_A_LONG_NAME | '.repeat(4)}${'X'.repeat(60)};`,
    })) as unknown as Finding['evidence'];
    const findings = [...ALL, { ...sample.configUpgrade, evidence: sources }];
    const page = await open(pageOf(surveyed(findings)), { viewport: { width, height: 900 } });
    await page.emulateMedia({ media, colorScheme: 'dark' });
    for (const details of await page.locator('details').all())
      await details.evaluate((one) => one.setAttribute('open', ''));
    expect(await page.locator('table.sources td').count()).toBe(6);
    const cut = await page.evaluate(
      '[...document.querySelectorAll("pre, table, td, th, code")].filter((one) => (one.closest(".scroll, pre") ?? one).scrollWidth > (one.closest(".scroll, pre") ?? one).clientWidth + 1 || one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 80))',
    );
    expect(cut).toEqual([]);
    const [paper, box] = (await page.evaluate(
      '[document.body, document.querySelector("pre")].map((one) => getComputedStyle(one).backgroundColor)',
    )) as [string, string];
    // who reads in the dark prints on white paper
    if (media === 'print') expect([paper, box]).toEqual(['rgb(255, 255, 255)', 'rgb(246, 248, 250)']);
    else expect(paper).toBe('rgb(15, 20, 25)');
    await page.close();
  });

  test('shows the quoted lines, the comment, the configurations and how it was proved', async () => {
    const page = await open(pageOf(surveyed([sample.configUpgrade])));
    const article = page.getByRole('article');
    await expect.poll(() => article.locator('.hunk .add').count()).toBeGreaterThan(0);
    expect(await article.locator('.comment').textContent()).toContain(String(sample.configUpgrade.claim['symbol']));
    expect(await article.locator('.matrix tr.changed').allTextContents()).toEqual(['armyn only3 of 70']);
    expect(await article.locator('path.link.blocking').count()).toBe(1);
    expect(await article.getByText('(not met)').count()).toBe(1);
    expect(await article.locator('.matrix thead th').allTextContents()).toContain('Configurations in which it changes');
    const proofs = sample.configUpgrade.verification.attempts.length;
    expect(await article.locator('summary', { hasText: /^Rung/ }).count()).toBe(proofs);
    await page.close();
  });

  test('tells of each run what it was and in which configuration, and shows the one that proves most', async () => {
    const run = { exitCode: 0, agrees: true, excerpt: 'foo.c:3: error: no bar' } as const;
    const conf = { ...run, rung: 2, argv: ['ARCH=x86', 'scripts/kconfig/conf', '--olddefconfig', 'Kconfig'] } as const;
    const make = { ...run, rung: 3, argv: ['make', 'ARCH=x86', 'drivers/foo.o'], config: 'CONFIG_FOO=y\n' } as const;
    const finding: Finding = {
      ...sample.undefinedSelect,
      witness: { arch: 'x86', from: 'empty', settings: [{ symbol: 'FOO', value: 'y' }] },
      verification: {
        rung: 3,
        attempts: [
          { ...conf, side: 'before', config: 'CONFIG_BAR=y\n' },
          { ...make, side: 'before' },
          { ...make, side: 'after' },
        ],
      },
    };
    const page = await open(pageOf(sampleReport([finding])));
    const rows = page.locator('article details', { hasText: 'Rung' });
    expect(await rows.locator('summary').allTextContents()).toEqual([
      'Rung 2: scripts/kconfig/conf, without the series, in another configuration: as claimed',
      'Rung 3: make drivers/foo.o, without the series: as claimed',
      'Rung 3: make drivers/foo.o, with the series: as claimed',
    ]);
    expect(await page.locator('article details[open] summary').allTextContents()).toEqual([
      'Rung 3: make drivers/foo.o, with the series: as claimed',
    ]);
    expect(await rows.first().textContent()).toContain('CONFIG_BAR=y');
    expect(await rows.last().textContent()).toContain('in the configuration above');
    await page.close();
    // of a defconfig the name alone is known
    const named = { ...finding, witness: { ...finding.witness!, from: 'arch/x86/configs/tiny_defconfig' } };
    const other = await open(pageOf(sampleReport([named])));
    expect(await other.locator('article').first().textContent()).not.toMatch(
      /in another configuration|the configuration above/,
    );
    await other.close();
  });

  test('counts no configurations where none changes, and names a commit of a range as such', async () => {
    const same = { ...survey, archs: survey.archs.map((row) => ({ ...row, changed: 0 })) };
    const finding = sample.configUpgrade;
    const report: Report = { ...sampleReport([finding]), surveys: { [finding.key]: same } };
    const patches = report.series.patches.map((patch) => ({
      ...patch,
      messageId: `${'a'.repeat(40)}@range.depbot.invalid`,
    })) as unknown as Report['series']['patches'];
    const page = await open(pageOf({ ...report, series: { ...report.series, patches } }));
    expect(await page.locator('.matrix thead th').allTextContents()).toEqual([
      'Architecture',
      'Highest value before',
      'after',
    ]);
    expect(await page.getByText('commit aaaaaaaaaaaa', { exact: true }).count()).toBe(patches.length);
    expect(await page.getByText('depbot.invalid').count()).toBe(0);
    await page.close();
  });

  test('without JavaScript everything is there but the buttons that copy', async () => {
    const page = await open(pageOf(surveyed([sample.configUpgrade])), { javaScriptEnabled: false });
    expect(await page.getByRole('heading', { level: 2 }).count()).toBeGreaterThan(2);
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0);
    await page.close();
  });

  test('a button copies the settings, also with the keyboard', async () => {
    const page = await open(pageOf(surveyed([sample.configUpgrade])));
    // The clipboard is only there on pages that came by TLS: this one gets a small one.
    await page.evaluate(
      'Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text; } } })',
    );
    await page.evaluate(/<script>([\s\S]*)<\/script>/.exec(pageOf(surveyed([sample.configUpgrade])))![1]!);
    const button = page.getByRole('button', { name: 'Copy' }).first();
    await button.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('window.copied')).toBe(await page.locator('.copy pre').first().textContent());
    expect(await page.getByRole('button', { name: 'Copied' }).count()).toBe(1);
    await page.close();
  });

  test('what a sender wrote is text, wherever it stands', async () => {
    const [finding] = surveyed([sample.configUpgrade]).findings as [Finding];
    const report: Report = {
      ...surveyed([
        { ...finding, claim: { ...finding.claim, cause: { ...(finding.claim['cause'] as object), text: HOSTILE } } },
      ]),
      series: {
        ...sampleReport([]).series,
        subject: HOSTILE,
        oddities: [HOSTILE],
        author: { name: HOSTILE, address: 'a@b' },
      },
      dropped: [{ rule: 'config-upgrade', key: HOSTILE, why: HOSTILE }],
      undecided: [{ rule: 'stubbed-path', key: HOSTILE, why: HOSTILE }],
      surveys: {
        [finding.key]: {
          ...survey,
          picture: { nodes: [{ ...survey.picture!.nodes[0]!, symbol: HOSTILE, path: HOSTILE }], links: [], left: 0 },
        },
      },
    };
    const page = await open(pageOf(report));
    expect(await page.locator('h1').textContent()).toBe(HOSTILE);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
    expect(complaints).toEqual([]);
    // Even if it were not: no other script runs, and nothing is fetched.
    await page.evaluate(
      'document.body.append(Object.assign(document.createElement("script"), { textContent: "window.owned = 1" }))',
    );
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(complaints.join()).toMatch(/Content Security Policy/);
    await page.close();
  });
});

describe('a report', () => {
  test('without findings says so', () => {
    const html = pageOf(sampleReport([]));
    expect(html).toContain('Nothing found: no mail is sent.');
    expect(html).not.toContain('<article');
  });

  test('says what was left open, as the command does', () => {
    expect(pageOf(sampleReport([]))).not.toContain('What was left open');
    const { checked, ...rest } = sampleReport([]);
    const html = pageOf({
      ...rest,
      checked: { ...checked, cutShort: [{ rule: 'unmet-select', archs: ['arm', 'x86'] }] },
      undecided: [{ rule: 'stubbed-path', key: 'foo_probe', why: 'before' }],
    });
    expect(html).toContain(
      '<li>undecided stubbed-path (foo_probe): it may have failed without the series as well</li>',
    );
    expect(html).toContain('<li>cut short: unmet-select, on arm and x86</li>');
  });

  test('of what could not be checked says why, also without a series', () => {
    const report: Report = {
      ...sampleReport([]),
      cannotCheck: { stage: 'apply', why: 'patch 2 does not <apply>', patch: 2 },
    };
    const html = renderPage({ report, footer });
    expect(html).toContain('The series could not be checked (apply).');
    expect(html).toContain('patch 2 does not &lt;apply&gt;');
  });
});
