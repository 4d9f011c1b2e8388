import type { SampleAgent } from "../sample/agents.ts";

/** A told text without what every memory could have, and what was cut. */
export interface CutText {
  readonly text: string;
  /** The opener as the voice writes it; null when there was none. */
  readonly opener: string | null;
}

const NOTE = /\s*\[[^\]\n]*\]\s*$/u;
const RUNS_ON = /\s+(?:that|how|when|because|and|but|so|as|if|where|to|of)$/iu;

/** Cuts the voice's own openers and closers off, wherever a text begins or ends with one. */
export function cutPhrases(told: string, { openers, closers }: SampleAgent["voice"]): CutText {
  const opener = openers.find((phrase) => variants(phrase).some((words) => startsWith(told, words))) ?? null;
  const start =
    opener === null ? 0 : Math.max(...variants(opener).map((words) => (startsWith(told, words) ? words.length : 0)));
  const body = told.slice(start).replace(start > 0 ? /^[\s,:;.!?–—-]+/u : /^/u, "");
  const note = NOTE.exec(body)?.[0] ?? "";
  const kept = body.slice(0, body.length - note.length).replace(/[\s.!?]+$/u, (end) => end.trim());
  const bare = kept.replace(/[\s.!?]+$/u, "").toLowerCase();
  const closer = closers.map(bareWords).find((words) => words !== "" && bare.endsWith(` ${words}`));
  const cut = closer === undefined ? kept : kept.slice(0, bare.length - closer.length).replace(/[\s,;–—-]+$/u, "");
  return { text: `${cut}${note}`, opener };
}

/** "I remember how" is "I remember" before a sentence that it cannot run into. */
function variants(phrase: string): readonly string[] {
  const words = bareWords(phrase);
  return [words, words.replace(RUNS_ON, "")].filter((variant) => variant !== "");
}

function startsWith(text: string, words: string): boolean {
  const start = text.slice(0, words.length + 1).toLowerCase();
  return start.startsWith(words) && !/[\p{L}\p{N}]/u.test(start.slice(words.length));
}

function bareWords(phrase: string): string {
  return phrase
    .trim()
    .replace(/[\p{P}\s]+$/u, "")
    .toLowerCase();
}
