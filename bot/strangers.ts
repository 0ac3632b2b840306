/**
 * How many commands of strangers are looked at: their name servers and their number are their own choice, and neither
 * may keep us from those who have an entry. Counted in memory; a restart begins anew.
 */

/** Mails that are looked at, of one domain. */
const MAILS_AN_HOUR = 30;
const HOUR_MS = 60 * 60 * 1000;
/** Strangers who are told that they are strangers, of all domains. */
const TOLD_A_DAY = 50;
const DAY_MS = 24 * HOUR_MS;

export class Strangers {
  /** Mails looked at since `#hourMs`, by domain. */
  readonly #looked = new Map<string, number>();
  /** Domains whose operator line is written since `#hourMs`. */
  readonly #named = new Set<string>();
  #hourMs = 0;
  #told = 0;
  #dayMs = 0;

  /**
   * Whether a mail from that address may be looked at now; it counts then. `onlyTold`: nothing can come of the
   * mail but that answer. `isNews`: the first refusal of the domain in this hour. `nowMs` is a clock that never goes back.
   */
  admit(address: string, onlyTold: boolean, nowMs: number): { readonly ok: boolean; readonly isNews: boolean } {
    if (nowMs - this.#hourMs >= HOUR_MS) {
      this.#hourMs = nowMs;
      this.#looked.clear();
      this.#named.clear();
    }
    if (nowMs - this.#dayMs >= DAY_MS) [this.#dayMs, this.#told] = [nowMs, 0];
    const domain = domainOf(address);
    const looked = this.#looked.get(domain) ?? 0;
    if (looked < MAILS_AN_HOUR && !(onlyTold && this.#told >= TOLD_A_DAY)) {
      this.#looked.set(domain, looked + 1);
      return { ok: true, isNews: false };
    }
    const isNews = !this.#named.has(domain);
    this.#named.add(domain);
    return { ok: false, isNews };
  }

  /** One more was told. */
  told(): void {
    this.#told += 1;
  }
}

/** What is right of the last `@`. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
