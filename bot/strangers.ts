/**
 * How many commands of strangers are looked up: their name servers and their number are their own choice, and neither
 * may keep us from those who have an entry. What is authentic and what is not are counted apart. What is authentic and
 * over waits for the next hour; what is forged slows its domain down, and no more, since before the lookup nobody knows
 * which is which: else whoever forges a domain's mails would silence its people. Counted in memory; a restart begins anew.
 */

/** Mails of one domain that were looked up: of those that were authentic, and of the others. */
const MAILS_AN_HOUR = 30;
/** Mails that are obeyed, of one address. */
const MAILS_OF_ONE_AN_HOUR = 30;
const HOUR_MS = 60 * 60 * 1000;
/** Between two lookups for a domain of which so many mails were forged. */
const SLOWED_MS = 20 * 1000;
/** Strangers who are told that they are strangers, of all domains. */
const TOLD_A_DAY = 50;
const DAY_MS = 24 * HOUR_MS;

type Count = Record<'authentic' | 'forged', number>;

export class Strangers {
  /** Mails looked up since `#hourMs`, by domain. */
  readonly #lookedUp = new Map<string, Count>();
  /** Of domains that are slowed down, the moment of the next lookup. */
  readonly #slowed = new Map<string, number>();
  /** Domains whose operator line is written since `#hourMs`. */
  readonly #named = new Set<string>();
  #hourMs = 0;
  #told = 0;
  #dayMs = 0;

  /**
   * Until when a mail from that address has to wait, undefined when it may be looked up now, and is. `isNews`: the first
   * of the domain that waits in this hour. `nowMs` is a clock that never goes back.
   */
  wait(address: string, nowMs: number): { readonly untilMs: number; readonly isNews: boolean } | undefined {
    if (nowMs - this.#hourMs >= HOUR_MS) {
      this.#hourMs = nowMs;
      this.#lookedUp.clear();
      this.#slowed.clear();
      this.#named.clear();
    }
    const domain = domainOf(address);
    const { authentic, forged } = this.#countOf(domain);
    const untilMs = authentic < MAILS_AN_HOUR ? (this.#slowed.get(domain) ?? nowMs) : this.#hourMs + HOUR_MS;
    if (untilMs <= nowMs) {
      if (forged >= MAILS_AN_HOUR) this.#slowed.set(domain, nowMs + SLOWED_MS);
      return undefined;
    }
    const isNews = !this.#named.has(domain);
    this.#named.add(domain);
    return { untilMs, isNews };
  }

  /** Counts a mail from that address, for which a name server was asked. */
  count(address: string, what: keyof Count): void {
    const domain = domainOf(address);
    const count = this.#countOf(domain);
    this.#lookedUp.set(domain, { ...count, [what]: count[what] + 1 });
  }

  /** Whether one more may be told; it counts then. */
  tell(nowMs: number): boolean {
    if (nowMs - this.#dayMs >= DAY_MS) [this.#dayMs, this.#told] = [nowMs, 0];
    if (this.#told >= TOLD_A_DAY) return false;
    this.#told += 1;
    return true;
  }

  #countOf(domain: string): Readonly<Count> {
    return this.#lookedUp.get(domain) ?? { authentic: 0, forged: 0 };
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
