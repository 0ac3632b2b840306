/** Wakes everybody who waits. */
export class Bell {
  #ring = Promise.withResolvers<void>();

  /** Resolves at the next ring after this call. */
  next(): Promise<void> {
    return this.#ring.promise;
  }

  ring(): void {
    this.#ring.resolve();
    this.#ring = Promise.withResolvers<void>();
  }
}
