/**
 * Work on many things, a few at a time.
 */

/**
 * A gate through which `limit` pieces of work go at a time, in the order they come. Once one has failed, those
 * that wait fail with its error, without being begun.
 */
export function gate(limit: number): <R>(work: () => Promise<R>) => Promise<R> {
  let room = limit;
  let failed: { readonly error: unknown } | undefined;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (room > 0) room -= 1;
    else await new Promise<void>((enter) => waiting.push(enter));
    try {
      if (failed) throw failed.error;
      return await work();
    } catch (error) {
      failed ??= { error };
      throw error;
    } finally {
      const enter = waiting.shift();
      if (enter) enter();
      else room += 1;
    }
  };
}

/** The results of `work` on all items, in their order, `limit` at a time. Rejects as soon as one does. */
export function inParallel<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const enter = gate(limit);
  return Promise.all(items.map((item) => enter(() => work(item))));
}
