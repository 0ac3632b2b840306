/**
 * glibc's srand() and rand(): the additive generator r[i] = r[i-3] + r[i-31], seeded by a linear one,
 * of which the first 310 numbers are thrown away (glibc manual, "BSD Random"; random(3)).
 */
export function glibcRand(seed: number): () => number {
  const state: number[] = [seed === 0 ? 1 : seed | 0];
  for (let i = 1; i < 31; i++) {
    const last = BigInt(state[i - 1]!);
    // The C code works with a signed word, so that a negative remainder is lifted.
    const next = Number((16807n * last) % 2147483647n);
    state.push(next < 0 ? next + 2147483647 : next);
  }
  for (let i = 31; i < 34; i++) state.push(state[i - 31]!);
  const draw = (): number => {
    const n = state.length;
    const sum = (state[n - 3]! + state[n - 31]!) | 0;
    state.push(sum);
    if (state.length > 4096) state.splice(0, state.length - 64);
    return sum >>> 1;
  };
  for (let i = 0; i < 310; i++) draw();
  return draw;
}
