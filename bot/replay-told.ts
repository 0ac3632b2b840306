/**
 * What the service would have said: reports go through the same announce.ts, by a clock that stands at the moment when
 * each series was posted, into an outbox that nobody takes mails from.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Series } from '../rules/types.ts';
import { announce } from './announce.ts';
import type { Config } from './config.ts';
import { Dismissed } from './dismissed.ts';
import { footerOf } from './footer.ts';
import type { Maintainers } from './maintainers.ts';
import { Outbox } from './outbox.ts';
import type { Outgoing } from './outgoing.ts';
import type { Maintainer, Policy } from './policy.ts';
import type { Result } from './replay-results.ts';

export interface Told {
  readonly mail: Outgoing;
  readonly eml: Uint8Array;
}

export interface Telling {
  readonly config: Config;
  readonly maintainers: Maintainers;
  /** Tells findings about code without the proof of a build. */
  readonly sendUnbuilt: boolean;
  /** Folder for the outbox; it goes when the replay ends. */
  readonly dir: string;
}

const NOBODY_ASKED = 'nobody yet: no [[maintainer]] is set, so it is as if one wanted replies to all';

/** Takes series with findings in the order in which they were posted. */
export class Teller {
  readonly #telling: Telling;
  readonly #outbox: Outbox;
  readonly #dismissed: Dismissed;
  #now = new Date(0);
  /** Why something was kept, since the last series. */
  #kept: string[] = [];

  constructor(telling: Telling) {
    this.#telling = telling;
    rmSync(telling.dir, { recursive: true, force: true });
    const note = (text: string): void => void this.#kept.push(text);
    this.#outbox = new Outbox(join(telling.dir, 'outbox'), { info: note, warn: note });
    this.#dismissed = new Dismissed(join(telling.dir, 'dismissed.json'), () => this.#now);
  }

  /** The mails that a report would have caused, and what would have been kept back, and why. */
  async tell(
    series: Series,
    { report, postedMs, key }: Result,
  ): Promise<{ told: readonly Told[]; kept: readonly string[] }> {
    const { config, maintainers, sendUnbuilt } = this.#telling;
    this.#now = new Date(postedMs);
    this.#kept = [];
    const note = (text: string): void => void this.#kept.push(text);
    const policy: Policy = {
      entries: config.maintainer.length > 0 ? config.maintainer : [whoeverGotIt(series)],
      maintainers,
      stoppedAddresses: new Set(),
      stoppedEntries: new Set(),
      stoppedSections: new Set(),
    };
    const { templates_dir: templatesDir, address, auto_submitted: isAutoSubmitted } = config.bot;
    await announce(series, report, key, {
      outbox: this.#outbox,
      sendUnbuilt,
      policy: async () => policy,
      dismissed: this.#dismissed,
      isCurrent: () => true,
      isAutoSubmitted,
      bot: address,
      footer: footerOf(config.bot),
      ...(templatesDir !== undefined && { templatesDir }),
      log: { info: note, warn: note },
      now: () => this.#now,
    });
    return {
      told: this.#taken(config.maintainer.length > 0),
      kept: this.#kept.filter((line) => /\bkept\b|: private, not /.test(line)),
    };
  }

  /** What the outbox holds now. Mails count as sent, so that a later revision is told as one; drafts wait for a person. */
  #taken(isAsked: boolean): Told[] {
    const outbox = this.#outbox;
    const take = (from: 'to-draft' | 'to-send', to: 'drafting' | 'accepted'): Told[] =>
      outbox.list(from).map((mail) => {
        const eml = outbox.read(mail.id);
        outbox.move(mail.id, from, to);
        return { mail: isAsked ? mail : { ...mail, allowedBy: NOBODY_ASKED }, eml };
      });
    return [...take('to-draft', 'drafting'), ...take('to-send', 'accepted')];
  }

  close(): void {
    rmSync(this.#telling.dir, { recursive: true, force: true });
  }
}

/** Where nobody has asked: a maintainer who would have every reply go to all who got the patch. */
function whoeverGotIt({ patches }: Series): Maintainer {
  const lists = patches.flatMap(({ message: { to, cc } }) => [...to, ...cc].map(({ address }) => address));
  return {
    address: 'maintainer@localhost.localdomain',
    lists: lists.length > 0 ? lists : ['nobody@localhost.localdomain'],
    sections: [],
    paths: ['*', '*/'],
    mode: 'list',
    preview: false,
    least_rung: 1,
    embargo_hours: 0,
    max_per_day: 1000,
    from: NOBODY_ASKED,
  };
}
