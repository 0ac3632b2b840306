/**
 * `make`, remembered for each list given: trees of which none adds a file to another have one list of paths, and
 * what it takes long to make of 80,000 paths is made once.
 */
export function perList<T>(make: (paths: readonly string[]) => T): (paths: readonly string[]) => T {
  const made = new WeakMap<readonly string[], T>();
  return (paths) => {
    let one = made.get(paths);
    if (one === undefined) {
      one = make(paths);
      made.set(paths, one);
    }
    return one;
  };
}
