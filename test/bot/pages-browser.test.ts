/** The pages of the service in a real browser: from a search to a report, readable by everybody, obeying nobody. */

import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBrowser, watchedPage } from '../support/browser.ts';
import * as sample from '../support/sample-report.ts';
import { came, ServedPages } from '../support/served-pages.ts';

const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`;

let served: ServedPages;
beforeEach(async () => {
  served = new ServedPages();
  await served.serve();
});
afterEach(async () => {
  await served.remove();
});

let browser: Browser;
const complaints: string[] = [];
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
});

async function visit(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const origin = `http://127.0.0.1:${served.port}`;
  const page = await watchedPage(browser, `${origin}/`, complaints, options);
  await page.goto(`${origin}${path}`);
  return page;
}

test.each([
  [1280, 'light'],
  [390, 'dark'],
] as const)(
  'at %i pixels, %s: nothing sticks out, nothing complains, axe finds no fault',
  async (width, colorScheme) => {
    const key = served.keep(0, [sample.undefinedSelect], {}, `[PATCH] ${HOSTILE}`);
    served.keep(1, [], {}, `[PATCH] ${'A_LONG_NAME_'.repeat(20)}`);
    served.keep(2, [], { cannotCheck: { stage: 'apply', why: 'no' } });
    const waiting = Array.from({ length: 57 }, (_, i) => served.open(came(3 + i)));
    const running = waiting
      .slice(0, 2)
      .map((one, i) => ({ key: one, subject: HOSTILE, attempt: 1, worker: `host-${i}` }));
    const errors = [{ at: 0, subject: HOSTILE, worker: 'host-1', why: HOSTILE.repeat(5) }];
    const status = async () => ({ running, workers: ['host-0', 'host-1'], doneLastHour: 1, errors });
    await served.serve({ queue: { ...served.parts().queue, status } });
    for (const path of ['/', '/?q=nothing+like+it', `/series/${key}`, '/nowhere']) {
      const page = await visit(path, { viewport: { width, height: 900 }, colorScheme });
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, width]);
      expect(await page.locator('img').count()).toBe(0);
      // The browser's own line about the status is no complaint of the page.
      const own = complaints.filter((one) => path !== '/nowhere' || !/status of 404/.test(one));
      // Whatever the policy of the page, the checker is brought in from outside.
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string; nodes: object[] }[] };
      expect(violations.map(({ id, nodes }) => `${path} ${id}: ${JSON.stringify(nodes.slice(0, 2))}`)).toEqual([]);
      expect(own).toEqual([]);
      await page.close();
    }
  },
);

test('a search leads to the report, with the keyboard alone and without JavaScript', async () => {
  served.keep(0, [sample.undefinedSelect], {}, '[PATCH] found one');
  served.keep(1, [], {}, '[PATCH] silent one');
  const page = await visit('/', { javaScriptEnabled: false });
  await page.getByLabel(/^Subject/).focus();
  await page.keyboard.type('REGMAP_I2CC');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=REGMAP_I2CC/);
  const links = page.getByRole('list').getByRole('link');
  expect(await links.allTextContents()).toEqual(['[PATCH] found one']);
  await links.first().focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/series\//);
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('[PATCH] found one');
  await page.getByRole('link', { name: 'all series' }).click();
  await page.waitForURL(/:\d+\/$/);
  expect(await page.getByRole('list').getByRole('link').count()).toBe(2);
  expect(complaints).toEqual([]);
  await page.close();
});

test('what a sender wrote, or whoever made a link, is text', async () => {
  served.keep(0, [], {}, HOSTILE);
  const page = await visit(`/?q=${encodeURIComponent(`"'><img src=x onerror=alert(2)>`)}`);
  expect(await page.getByRole('list').getByRole('link').textContent()).toBe(HOSTILE);
  expect(await page.getByLabel(/^Subject/).inputValue()).toBe(`"'><img src=x onerror=alert(2)>`);
  expect(await page.locator('img, script').count()).toBe(0);
  expect(complaints).toEqual([]);
  await page.close();
});
