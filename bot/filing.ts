/** Drafts in the folder where people find them: each filed once, known as ours or as edited since, taken away again. */

import type { MessageId } from '../rules/types.ts';
import type { Log } from './log.ts';
import type { Outbox } from './outbox.ts';
import { NOTHING_YET, nameOf, type Outgoing, type Progress, reachedOf } from './outgoing.ts';
import type { Waits } from './waits.ts';

/** The Drafts folder. Each may throw when its server does not answer. */
export interface Drafts {
  append(eml: Uint8Array, date: Date): Promise<unknown>;
  find(messageId: MessageId): Promise<Uint8Array | undefined>;
  /** False where there was none. */
  remove(messageId: MessageId): Promise<boolean>;
}

export interface FilingParts {
  readonly outbox: Outbox;
  readonly drafts: Drafts | undefined;
  /** Told of a draft that lies in the folder, before that is on disk: after a crash perhaps again. */
  readonly onFiled: (meta: Outgoing) => void;
  readonly waits: Waits;
  readonly now: () => Date;
  readonly log: Log;
}

export class Filing {
  readonly #parts: FilingParts;
  #isFolderMissed = false;

  constructor(parts: FilingParts) {
    this.#parts = parts;
  }

  /** There is a folder. */
  get isPossible(): boolean {
    return this.#parts.drafts !== undefined;
  }

  /**
   * `to-draft` or `drafting` -> `drafted`. After a crash it may lie there, or have been sent from there by a person,
   * as `hasArrived` says. `mayGo` throws where nothing may leave the house now. Throws what `Drafts` throws.
   */
  async file(mail: Outgoing, hasArrived: () => boolean, mayGo: () => void): Promise<void> {
    const { outbox, drafts, onFiled, waits, now, log } = this.#parts;
    const { id, messageId } = mail;
    if (drafts === undefined) {
      if (!this.#isFolderMissed) {
        log.warn(`outbox: ${nameOf(mail)} waits for a Drafts folder: set drafts.account in the configuration`);
      }
      this.#isFolderMissed = true;
      return;
    }
    const isNew = outbox.find(messageId)?.state === 'to-draft';
    if (isNew) outbox.move(id, 'to-draft', 'drafting');
    const isThere = !isNew && (hasArrived() || (await drafts.find(messageId)) !== undefined);
    if (!isThere) {
      mayGo();
      await drafts.append(outbox.read(id), now());
    }
    onFiled(mail);
    outbox.move(id, 'drafting', 'drafted');
    waits.worked('drafts', id);
    log.info(`outbox: ${nameOf(mail)} lies in the Drafts folder, for ${mail.maintainers.join(', ')}`);
  }

  /** Whether a draft lies in the folder as we put it there; true where it need not. Throws what `Drafts` throws. */
  async isAsFiled(mail: Outgoing, progress: Progress = NOTHING_YET): Promise<boolean> {
    // Once some have it the others get the same.
    if (mail.via !== 'draft' || !this.isPossible || reachedOf(mail, progress).length > 0) return true;
    return (await this.#look(mail)) === 'ours';
  }

  /** Takes our draft out of the folder; false for one that a person has edited, which is theirs. Throws what `Drafts` throws. */
  async takeBack(mail: Outgoing): Promise<boolean> {
    const found = mail.via === 'draft' ? await this.#look(mail) : 'missing';
    if (found === 'ours') await this.#parts.drafts!.remove(mail.messageId);
    return found !== 'edited';
  }

  async #look({ id, messageId }: Outgoing): Promise<'ours' | 'edited' | 'missing'> {
    const { outbox, drafts } = this.#parts;
    const found = await drafts?.find(messageId);
    if (found === undefined) return 'missing';
    return Buffer.compare(found, outbox.read(id)) === 0 ? 'ours' : 'edited';
  }
}
