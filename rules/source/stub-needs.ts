/** What the probe of a driver, or what its module runs first, needs to be more than a stub, or else can only fail. */

import type { Presence } from '../kbuild/presence.ts';
import type { KernelChange } from '../rule.ts';
import { Customs, isCustomary } from './custom.ts';
import { EntryCode, isOfOneBus, type StubCall } from './failing-entries.ts';
import { driverGaps, driverNeeds, type FileNeeds, type Gap, type Need, type Place, Subject } from './file-gaps.ts';
import type { Builds } from './link-gap.ts';
import { Unit } from './meanings.ts';
import type { SideCode } from './side-code.ts';

type StubNeed = Extract<Need, { readonly kind: 'stub' }>;

export class StubNeeds extends Subject {
  override readonly isOfKconfig = true;
  readonly #customs: Customs;
  readonly #entries = new Map<string, Promise<EntryCode | undefined>>();

  constructor(change: KernelChange, code: SideCode) {
    super(change, code);
    this.#customs = new Customs(change);
  }

  override async isConcerned(): Promise<boolean> {
    return true;
  }

  override async needs(path: string): Promise<FileNeeds> {
    return driverNeeds('stub', await this.#needsOf(path));
  }

  override async gaps(_builds: Builds, path: string, object: Presence): Promise<readonly Gap[]> {
    return driverGaps(this.conditions, object, (await this.#needsOf(path)) ?? []);
  }

  override async exact(gap: Gap, { path, object }: Place): Promise<Gap | undefined> {
    const { need } = gap;
    if (need.kind !== 'stub') return gap;
    const use = await this.#fatal(path, need.use, object);
    return use && { ...gap, need: { ...need, use } };
  }

  /** A new driver may do without, as many do, unless nearly nobody does. */
  override async ofNew(gap: Gap, at: Parameters<Subject['ofNew']>[1]): Promise<Gap | undefined> {
    const { need } = gap;
    if (need.kind !== 'stub') return gap;
    const custom = await this.#customs.of(need.use, at);
    return custom && isCustomary(custom) ? { ...gap, need: { ...need, custom } } : undefined;
  }

  override async isGiven(): Promise<boolean> {
    return false;
  }

  /**
   * The call by which what it comes from can only fail with the stub; undefined where that can do better, or another part
   * of the module can.
   */
  async #fatal(path: string, call: StubCall, { ways }: Presence): Promise<StubCall | undefined> {
    const fatal = await (await this.#entryCode(path))?.fatal(call);
    const isPart = fatal !== undefined && ways.some(({ composite }) => composite !== undefined);
    return isPart && isOfOneBus(call, await this.code.beside(path)) ? undefined : fatal;
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  async #needsOf(path: string): Promise<readonly StubNeed[] | undefined> {
    const calls = await (await this.#entryCode(path))?.stubCalls();
    // a probe and another may hang on the same stub
    return calls?.map((use) => ({ kind: 'stub', name: `${use.entry} ${use.name}`, use }));
  }

  #entryCode(path: string): Promise<EntryCode | undefined> {
    const read = async (): Promise<EntryCode | undefined> => {
      const unit = await Unit.open(this.code.side.c, path, this.code.reach);
      return unit && new EntryCode(unit);
    };
    const known = this.#entries.get(path) ?? read();
    this.#entries.set(path, known);
    return known;
  }
}
