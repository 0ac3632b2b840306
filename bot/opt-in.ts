/**
 * People who asked by mail: `#depbot start` from an address that MAINTAINERS names makes a token, which goes to that
 * address alone; the mail that brings it back makes an entry in mode draft. One file, small enough to be written whole.
 */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Outcome } from '../rules/types.ts';
import { readJson, writeDurably } from './durable.ts';
import type { Section } from './maintainers.ts';
import type { Maintainer } from './policy.ts';

const Request = z.strictObject({
  /** In lower case. */
  address: z.string(),
  sections: z.array(z.string()).min(1),
  lists: z.array(z.string()).min(1),
  token: z.string(),
  at: z.iso.datetime(),
});
const Requests = z.strictObject({ asked: z.array(Request), confirmed: z.array(Request) });
type Request = Readonly<z.infer<typeof Request>>;

/** Days that a token is good for. */
const TOKEN_DAYS = 7;
const DAY_MS = 86_400_000;
/** Requests that wait for their tokens, of all addresses; the oldest goes. */
const MAX_ASKED = 1000;
/** As `[[maintainer]]` has them where nothing is set, but that the folder of drafts is not theirs: they get previews. */
const DEFAULTS = {
  byMail: true,
  mode: 'draft',
  preview: true,
  paths: [],
  least_rung: 1,
  embargo_hours: 0,
  max_per_day: 20,
} as const;

export class OptIns {
  readonly #path: string;
  readonly #now: () => Date;
  #requests: z.infer<typeof Requests>;

  /** Throws DamagedFileError. */
  constructor(path: string, now: () => Date) {
    this.#path = path;
    this.#now = now;
    const then = 'whoever asked by mail has to ask again';
    this.#requests = readJson(path, (value) => Requests.parse(value), then) ?? { asked: [], confirmed: [] };
  }

  /** As entries of the configuration. */
  get entries(): readonly Maintainer[] {
    return this.#requests.confirmed.map(({ address, sections, lists, at }) => ({
      ...DEFAULTS,
      paths: [],
      address,
      sections,
      lists,
      from: `asked for by mail, ${at.slice(0, 10)}`,
    }));
  }

  /** The token that has to come back; the same as long as it is good, however often the same is asked for. */
  ask(address: string, sections: readonly Section[], lists: readonly string[]): string {
    const who = address.toLowerCase();
    const names = sections.map(({ name }) => name);
    const known = this.#asked().find((one) => one.address === who && one.sections.join('\n') === names.join('\n'));
    if (known) return known.token;
    const token = randomBytes(16).toString('hex');
    const request = { address: who, sections: names, lists: [...lists], token, at: this.#now().toISOString() };
    this.#write({ asked: [...this.#asked(), request].slice(-MAX_ASKED) });
    return token;
  }

  /** Makes the entry; once more changes nothing. */
  confirm(address: string, token: string): Outcome<{ readonly entry: Request }, { readonly why: string }> {
    const isIt = (one: Request): boolean => one.address === address.toLowerCase() && one.token === token;
    const done = this.#requests.confirmed.find(isIt);
    if (done) return { ok: true, entry: done };
    const entry = this.#asked().find(isIt);
    if (!entry) return { ok: false, why: `nothing of yours waits for that token; it is good for ${TOKEN_DAYS} days` };
    const others = this.#requests.confirmed.filter(
      (one) => one.sections.join('\n') !== entry.sections.join('\n') || one.address !== entry.address,
    );
    this.#write({ asked: this.#asked().filter((one) => one !== entry), confirmed: [...others, entry] });
    return { ok: true, entry };
  }

  /** Ends all that the address asked for. */
  remove(address: string): void {
    const others = (one: Request): boolean => one.address !== address.toLowerCase();
    const { asked, confirmed } = this.#requests;
    if (asked.every(others) && confirmed.every(others)) return;
    this.#write({ asked: asked.filter(others), confirmed: confirmed.filter(others) });
  }

  #asked(): Request[] {
    const oldest = this.#now().getTime() - TOKEN_DAYS * DAY_MS;
    return this.#requests.asked.filter(({ at }) => Date.parse(at) >= oldest);
  }

  #write(part: Partial<z.infer<typeof Requests>>): void {
    const requests = { ...this.#requests, ...part };
    writeDurably(this.#path, `${JSON.stringify(requests, null, 2)}\n`);
    this.#requests = requests;
  }
}
