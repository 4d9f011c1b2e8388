import { seedOf } from "./seed";

/** No two memories of so many in a row begin alike. */
export const OPENER_WINDOW = 5;
/** Slots of a round, at the least: the same phrase is never nearer than one less. */
const ROUND_MIN = 8;

/**
 * The phrase that a memory gets by its place in the task, or undefined. The phrases, in an order of the agent's own, are
 * spread over a round of slots, so that they need no memory of what was told before: the same one never comes twice
 * within `OPENER_WINDOW` places.
 * @param slotsEach how many places a phrase has for itself; the more, the fewer memories get one. At least 2.
 */
export function phraseAt(
  phrases: readonly string[],
  position: number,
  { seed, slotsEach }: { readonly seed: string; readonly slotsEach: number },
): string | undefined {
  const order = phrases.toSorted((a, b) => seedOf(`${seed} ${a}`) - seedOf(`${seed} ${b}`) || (a < b ? -1 : 1));
  const round = Math.max(Math.ceil(ROUND_MIN / slotsEach) * slotsEach, slotsEach * order.length);
  const slot = position % round;
  const index = Math.floor(slot / slotsEach);
  // Which of its places a phrase takes differs from phrase to phrase, so that the ear finds no beat; the first takes
  // the first, so that every voice is heard at once.
  const place = index === 0 ? 0 : seedOf(`${seed} place ${index}`) % slotsEach;
  return slot % slotsEach === place ? order[index] : undefined;
}
