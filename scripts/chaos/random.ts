/** Numbers by chance that a seed decides. */
export interface Random {
  /** 0 to below 1. */
  next(): number;
  /** From `least` to below `most`. */
  between(least: number, most: number): number;
  pick<T>(of: readonly [T, ...T[]]): T;
}

/** The same seed, the same numbers. Source: mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    pick: (of) => of[Math.floor(next() * of.length)] ?? of[0],
  };
}
