import { capitalise, plain, uncapitalise } from "./english";
import { isPastForm, isTenseless } from "./irregular-verbs";
import type { Manner } from "./manner";
import { isAdjacent, type RuleText, type Token } from "./rules-text";
import { ownToken, sentencesOf, type Sentence } from "./sentences";
import { seedOf } from "./seed";

/** Of a hundred sentences that begin with "I", a log leaves it out in so many. */
const LOG_PERCENT = 60;
const GERUND_LED = /^(?:looking|hoping|thinking|planning|wishing|missing|feeling)$/u;
const FEELINGS =
  /^(?:glad|happy|sorry|excited|thrilled|proud|grateful|thankful|delighted|pleased|sure|keen|honou?red)$/u;
const AFTER_FEELING = /^(?:to|that|for|you|we|i|it|they|he|she|it's|you're|about|of)$/u;
const JUDGED = /^(?:good|great|nice|lovely|so)$/u;
const AFTER_LOOKS = /^(?:like|as)$/u;
const WISHES = /^(?:hope|wish|appreciate|guess|bet)$/u;

/** What stands in front of a sentence that leaves its subject out, or "" when nothing is missing. */
function missingSubject(tokens: readonly Token[], { start, end, marks }: Sentence): string {
  const word = plain(tokens[start]?.text ?? "");
  const next = tokens[start + 1];
  const after = plain(next?.text ?? "");
  if (end - start < 2 || !isAdjacent(next)) {
    return "";
  }
  if (marks.includes("?")) {
    return word === "any" &&
      tokens
        .slice(start + 1, end)
        .at(-1)
        ?.tags.has("Plural") === true
      ? "Are there"
      : "";
  }
  if (JUDGED.test(word) && after === "to" && tokens[start + 2]?.tags.has("Infinitive") === true) {
    return "It is";
  }
  if ((word === "sounds" || word === "looks" || word === "seems") && (!AFTER_LOOKS.test(after) || word === "sounds")) {
    return next.tags.has("Adjective") || AFTER_LOOKS.test(after) ? "That" : "";
  }
  if (word === "looks" && AFTER_LOOKS.test(after)) {
    return "It";
  }
  if (FEELINGS.test(word) && AFTER_FEELING.test(after)) {
    return "I am";
  }
  if (GERUND_LED.test(word) && /^(?:forward|to|about|of|that|you|for)$/u.test(after)) {
    return "I am";
  }
  if (/^(?:really|truly|just|definitely|totally)$/u.test(word) && WISHES.test(after)) {
    return "I";
  }
  return WISHES.test(word) ||
    word === "can't" ||
    word === "gotta" ||
    (word === "love" && /^(?:this|that|the|your|how|it)$/u.test(after))
    ? "I"
    : "";
}

/** Completes sentences for a formal voice: "Glad to hear it" to "I am glad to hear it". */
export function completeSentences(text: RuleText): void {
  const before = new Map<number, string>();
  for (const sentence of sentencesOf(text)) {
    const first = text.tokens[sentence.start];
    const words = first === undefined || first.isFixed ? "" : missingSubject(text.tokens, sentence);
    if (words !== "") {
      before.set(sentence.start, words);
    }
  }
  text.tokens = text.tokens.flatMap((token, index) => {
    const words = before.get(index)?.split(" ");
    if (words === undefined) {
      return [token];
    }
    const [first = "", ...rest] = words;
    return [
      { ...ownToken(token.gap, first), isOwn: false, opensSentence: true },
      ...rest.map((word) => ({ ...ownToken(" ", word), isOwn: false })),
      { ...token, gap: " ", text: uncapitalise(token.text), opensSentence: false },
    ];
  });
}

/** A log's sentences: "I went home" to "Went home". Only in the first person, and never twice in a row. */
export function leaveSubjectsOut(text: RuleText, { families }: Manner, seed: string): void {
  if (families[0] !== "blunt") {
    return;
  }
  let last = -2;
  const gone = new Set<Token>();
  for (const [at, sentence] of sentencesOf(text).entries()) {
    const token = text.tokens[sentence.start];
    const next = text.tokens[sentence.start + 1];
    const isChosen = seedOf(`${seed} log ${at}`) % 100 < LOG_PERCENT;
    if (token === undefined || next === undefined || !isChosen || last === at - 1 || !mayDrop(text, sentence)) {
      continue;
    }
    last = at;
    gone.add(token);
    text.tokens[sentence.start + 1] = { ...next, gap: token.gap, text: capitalise(next.text), opensSentence: true };
  }
  text.tokens = text.tokens.filter((token) => !gone.has(token));
}

function mayDrop({ tokens }: RuleText, { start, end, marks }: Sentence): boolean {
  const next = tokens[start + 1];
  return (
    tokens[start]?.text === "I" &&
    marks === "." &&
    end - start >= 4 &&
    next?.gap === " " &&
    !next.isFixed &&
    // "Like it." and "See you." would be said to somebody: only a past form is the teller's own.
    isPastForm(plain(next.text)) &&
    !isTenseless(plain(next.text)) &&
    !/^(?:was|had|did)$/u.test(plain(next.text))
  );
}
