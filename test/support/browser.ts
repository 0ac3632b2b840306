/** A real browser, and what pages complain of in it. */

import { type Browser, chromium, type Page } from 'playwright-core';

export function openBrowser(): Promise<Browser> {
  // Its own sandbox does not work for root, and what it shows is ours.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/**
 * A page whose console, errors, dialogs and requests to anywhere else than `origin` (`http://host:port/`) are added to
 * `complaints`, which is emptied.
 */
export async function watchedPage(
  browser: Browser,
  origin: string,
  complaints: string[],
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Page> {
  complaints.length = 0;
  const page = await browser.newPage(options);
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`asks for ${request.url()}`);
  });
  return page;
}
