/**
 * How many commands of strangers are looked at: their name servers and their number are their own choice, and neither
 * may keep us from those who have an entry. Counted in memory; a restart begins anew.
 */

/** Mails that are looked at, of one domain. */
const MAILS_AN_HOUR = 30;
/** Mails that are obeyed, of one address. */
const MAILS_OF_ONE_AN_HOUR = 30;
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

  /** Whether one more may be told; it counts then. */
  tell(): boolean {
    if (this.#told >= TOLD_A_DAY) return false;
    this.#told += 1;
    return true;
  }
}

/** How many mails with commands of one sender are obeyed, known or not. Counted in memory, too. */
export class SenderRate {
  readonly #obeyed = new Map<string, number>();
  #hourMs = 0;

  /** Counts a mail; false for one too many within the hour. */
  admit(address: string, nowMs: number): boolean {
    if (nowMs - this.#hourMs >= HOUR_MS) {
      this.#hourMs = nowMs;
      this.#obeyed.clear();
    }
    const count = this.#obeyed.get(address) ?? 0;
    this.#obeyed.set(address, count + 1);
    return count < MAILS_OF_ONE_AN_HOUR;
  }
}

/** What is right of the last `@`. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
