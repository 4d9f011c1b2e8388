import { isAdverb } from "./agreement";
import { lookUp, pastOf, plain, withCaseOf } from "./english";
import { isParticiple, isPastForm, isTenseless } from "./irregular-verbs";
import type { Manner } from "./manner";
import { isAdjacent, type RuleText, type Token } from "./rules-text";
import { ownToken, sentencesOf, type Sentence } from "./sentences";

const PAST: Readonly<Record<string, string>> = {
  am: "was",
  is: "was",
  are: "were",
  have: "had",
  has: "had",
  do: "did",
  does: "did",
  "isn't": "wasn't",
  "aren't": "weren't",
  "haven't": "hadn't",
  "hasn't": "hadn't",
  "don't": "didn't",
  "doesn't": "didn't",
};
const CONTRACTED: Readonly<Record<string, string>> = {
  "i'm": "I was",
  "you're": "you were",
  "we're": "we were",
  "they're": "they were",
  "it's": "it was",
  "that's": "that was",
  "he's": "he was",
  "she's": "she was",
  "there's": "there was",
};
const SUBJECTS = /^(?:i|you|we|they|it|that|this|he|she|there|these|those)$/u;
const PLURALS = /^(?:i|you|we|they)$/u;
/**
 * What is said of now, of always, of what is to come, or to somebody: there the past would be another message. Modals
 * have no certain past, and a clause that begins with these words may have its own time.
 */
const KEEPS_TENSE =
  /^(?:now|today|tonight|tomorrow|currently|always|every|usually|often|still|ever|never|yet|already|nowadays|next|soon|going|gonna|will|won't|can|can't|cannot|could|would|should|must|may|might|shall|been|since|lately|recently|these|name|call|called|if|when|whenever|that|who|which|what|how|why|where|because|hope|think|thinks|know|guess|wish|mean|believe|thank|thanks|please|bet|suppose|feel|sure|need|needs|want|wants|plan|plans|try|agree|agrees|promise|recommend|suggest|admit|born|live|lives|old|years|let|let's)$|'(?:ve|ll|d)$/u;

/**
 * Tells in the past what the source tells in the present, for a manner that looks back. Only whole sentences whose every
 * verb has a certain form: what is said of now, of habits, of somebody's home or age, and questions stay.
 */
export function lookBack(text: RuleText, { families }: Manner): void {
  if (families[0] !== "wistful") {
    return;
  }
  const result: Token[] = [];
  for (const sentence of sentencesOf(text)) {
    const tokens = text.tokens.slice(sentence.start, sentence.end);
    const changed = isCertain(text.tokens, sentence)
      ? tokens.flatMap((token, at) => pastTokens(tokens, token, at))
      : tokens;
    result.push(...changed);
  }
  text.tokens = result;
}

function isCertain(tokens: readonly Token[], { start, end, marks }: Sentence): boolean {
  if (marks.includes("?")) {
    return false;
  }
  const words = tokens.slice(start, end);
  return words.every((token, at) => {
    const word = plain(token.text);
    // "that" as a subject says nothing of time; as a joiner it opens a clause with its own.
    const isSubject = at === 0 && /^(?:that|that's|these)$/u.test(word);
    if (token.isFixed || (KEEPS_TENSE.test(word) && !isSubject)) {
      return false;
    }
    // "it's got" has another verb in it than "it's good".
    if (lookUp(CONTRACTED, word) !== undefined && isParticiple(plain(words[at + 1]?.text ?? ""))) {
      return false;
    }
    return !token.tags.has("Verb") || isToldAlready(words, at) || pastOfVerb(words, at) !== undefined;
  });
}

/** Not finite, or past. */
function isToldAlready(words: readonly Token[], at: number): boolean {
  const token = words[at];
  const word = plain(token?.text ?? "");
  return (
    token?.tags.has("Gerund") === true ||
    word.endsWith("ing") ||
    (isPastForm(word) && !isTenseless(word)) ||
    plain(words[at - 1]?.text ?? "") === "to"
  );
}

function pastOfVerb(words: readonly Token[], at: number): string | undefined {
  const subjectAt = words.findLastIndex((token, index) => index < at && !isAdverb(token));
  const subject = plain(words[subjectAt]?.text ?? "");
  const word = plain(words[at]?.text ?? "");
  if (!SUBJECTS.test(subject) || !words.slice(subjectAt + 1, at + 1).every((token) => isAdjacent(token))) {
    return undefined;
  }
  const known = lookUp(PAST, word);
  if (known !== undefined) {
    return subject === "i" && word === "are" ? undefined : known;
  }
  const isBase = words[at]?.tags.has("PresentTense") === true && PLURALS.test(subject) && !isTenseless(word);
  return isBase && /^[a-z]+$/u.test(word) && !word.endsWith("s") ? pastOf(word) : undefined;
}

function pastTokens(words: readonly Token[], token: Token, at: number): Token[] {
  const contracted = lookUp(CONTRACTED, plain(token.text));
  if (contracted !== undefined) {
    const [host = "", verb = ""] = contracted.split(" ");
    const model = host === "I" ? "I" : withCaseOf(token.text, host);
    return [
      { ...token, text: model },
      { ...ownToken(" ", verb), isOwn: false },
    ];
  }
  const past = token.tags.has("Verb") && !isToldAlready(words, at) ? pastOfVerb(words, at) : undefined;
  return [past === undefined ? token : { ...token, text: withCaseOf(token.text, past) }];
}
