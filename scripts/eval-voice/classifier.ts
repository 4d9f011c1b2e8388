import { wordsOf } from "./words.ts";

/** Added to every count: a word that only one agent says is no proof by itself. */
const SMOOTHING = 0.5;

interface Counts {
  readonly words: Map<string, number>;
  total: number;
}

/**
 * How often multinomial naive Bayes over words tells which of two agents told a text: it learns from the memories at even
 * places and is asked about those at odd ones, so that it never saw the memory. Half is chance.
 */
export function tellApart(first: readonly string[], second: readonly string[]): number {
  const counts = [first, second].map((texts) => countWords(texts.filter((_, index) => index % 2 === 0)));
  const vocabulary = new Set(counts.flatMap(({ words }) => [...words.keys()])).size;
  const asked = [first, second].flatMap((texts, agent) =>
    texts.filter((_, index) => index % 2 === 1).map((text) => ({ agent, text })),
  );
  const right = asked.filter(({ agent, text }) => guess(text, counts, vocabulary) === agent).length;
  return right / asked.length;
}

function countWords(texts: readonly string[]): Counts {
  const words = new Map<string, number>();
  let total = 0;
  for (const word of texts.flatMap(wordsOf)) {
    words.set(word, (words.get(word) ?? 0) + 1);
    total += 1;
  }
  return { words, total };
}

/** The agent whose words these are; the same likelihood for both counts for nobody. */
function guess(text: string, counts: readonly Counts[], vocabulary: number): number {
  const words = wordsOf(text);
  const [first = 0, second = 0] = counts.map((agent) =>
    words.reduce(
      (sum, word) =>
        sum + Math.log(((agent.words.get(word) ?? 0) + SMOOTHING) / (agent.total + SMOOTHING * vocabulary)),
      0,
    ),
  );
  if (first === second) return -1;
  return first > second ? 0 : 1;
}
