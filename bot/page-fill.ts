/** What all pages share: how their templates are filled in, and what a browser may do with them. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Liquid } from 'liquidjs';
import { escapeHtml } from './page-escape.ts';
import { few, plural } from './template.ts';

const FOLDER = new URL('../templates/page/', import.meta.url);
/** Of a page; what needs longer is broken. */
const RENDER_LIMIT_MS = 10_000;

/** The page of a template of templates/page/, as the text of an HTML file. All that the context holds is escaped. */
export function fillPage(template: string, context: object): string {
  return String(engine().renderFileSync(template, { style: style(), ...context }));
}

/** Made once: `depbot serve` fills pages as often as it is asked. */
const engine = once((): Liquid => {
  const liquid = new Liquid({
    root: fileURLToPath(FOLDER),
    extname: '.html',
    cache: true,
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    renderLimit: RENDER_LIMIT_MS,
    outputEscape: escapeHtml,
  });
  liquid.registerFilter('few', few);
  liquid.registerFilter('plural', plural);
  return liquid;
});

/** A Content-Security-Policy: nothing is loaded, no script runs but that one, a form goes home or nowhere. */
export function contentPolicy({ script, hasForm = false }: { script?: string; hasForm?: boolean }): string {
  return [
    "default-src 'none'",
    `style-src '${hashOf(style())}'`,
    `script-src ${script === undefined ? "'none'" : `'${hashOf(script)}'`}`,
    "base-uri 'none'",
    `form-action ${hasForm ? "'self'" : "'none'"}`,
  ].join('; ');
}

const style = once((): string => readFileSync(new URL('page.css', FOLDER), 'utf8'));

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
