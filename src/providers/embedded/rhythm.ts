import { plain } from "./english";
import type { Manner } from "./manner";
import { isAdjacent, type RuleText, type Token } from "./rules-text";
import { isClauseStart, lowered, raised, sentencesOf, type Sentence } from "./sentences";

/** A coordination is cut only where both halves have at least so many words. */
const HALF_WORDS_MIN = 4;
/** Two sentences run together only when neither has more words than this. */
const MERGE_WORDS_MAX = 9;
/** Behind one of these the second half may depend on the first. */
const SUBORDINATES =
  /^(?:if|when|whenever|that|because|since|while|whether|though|although|unless|until|till|as|who|which|whose|what|how|why|where|both|either|neither|between|hope|wish|think|thought|believe|know|knew|say|said|told|so|such|reckon|feel|felt)$/u;
const COORDINATORS: ReadonlySet<string> = new Set(["and", "but", "so", "yet"]);
const EXCLAIMED = /^!+(?=\s|$)/u;
/** What people put before a sentence that another one answers, or that is no statement. */
const NO_STATEMENT =
  /^(?:hey|hi|hello|yes|yeah|yep|no|nope|wow|oh|ah|thanks|thank|please|sorry|bye|ok|okay|well|what|who|how|why|when|where|which|let's|let|and|but|so|or|good|greetings|indeed|certainly|goodness)$/u;

/** Gives the sentences the length and the pitch of a manner: cut short, or led on; calm, or as they were. */
export function setRhythm(text: RuleText, { families }: Manner): void {
  const [first] = families;
  if (first === "blunt") {
    splitSentences(text);
    calm(text);
  } else if (first === "formal") {
    calm(text);
    mergeSentences(text, ";");
  } else if (first === "warm" || first === "wistful") {
    mergeSentences(text, " and");
  } else if (first === "cautious") {
    calm(text);
  }
}

/** "…, and it was hot." becomes two sentences, where no word before ties the halves. */
function splitSentences(text: RuleText): void {
  const { tokens } = text;
  for (const { start, end, marks } of sentencesOf(text)) {
    if (marks.includes("?") || NO_STATEMENT.test(plain(tokens[start]?.text ?? ""))) {
      continue;
    }
    let clauseStart = start;
    for (let at = start + HALF_WORDS_MIN; at <= end - HALF_WORDS_MIN; at += 1) {
      const joiner = tokens[at];
      if (joiner === undefined || !isSafeJoint(tokens, at) || at - clauseStart < HALF_WORDS_MIN) {
        continue;
      }
      if (hasSubordinate(tokens, clauseStart, at) || !hasVerb(tokens, clauseStart, at)) {
        break;
      }
      cutAt(tokens, at);
      clauseStart = at;
    }
  }
  text.tokens = tokens.filter((token) => token.text !== "");
}

function isSafeJoint(tokens: readonly Token[], at: number): boolean {
  const joiner = tokens[at];
  const word = plain(joiner?.text ?? "");
  if (joiner === undefined || joiner.isFixed || !/^,? $/u.test(joiner.gap) || !COORDINATORS.has(word)) {
    return false;
  }
  // "so" without a comma says what for.
  const isApart = joiner.gap.startsWith(",") || word === "and";
  return isApart && isAdjacent(tokens[at + 1]) && isClauseStart(tokens, at + 1);
}

function cutAt(tokens: Token[], at: number): void {
  const joiner = tokens[at];
  const next = tokens[at + 1];
  if (joiner === undefined || next === undefined) {
    return;
  }
  if (plain(joiner.text) === "and") {
    tokens[at] = { ...joiner, text: "" };
    tokens[at + 1] = { ...next, gap: ". ", text: raised(next), opensSentence: true, isName: false };
  } else {
    tokens[at] = { ...joiner, gap: ". ", text: raised(joiner), opensSentence: true, isName: false };
  }
}

function hasSubordinate(tokens: readonly Token[], start: number, end: number): boolean {
  return tokens.slice(start, end).some((token) => token.isFixed || SUBORDINATES.test(plain(token.text)));
}

function hasVerb(tokens: readonly Token[], start: number, end: number): boolean {
  return tokens.slice(start, end).some((token, step) => token.tags.has("Verb") || isClauseStart(tokens, start + step));
}

/** Two short statements of which the second begins with a pronoun become one. */
function mergeSentences(text: RuleText, join: ";" | " and"): void {
  const sentences = sentencesOf(text);
  for (let at = 1; at < sentences.length; at += 1) {
    const before = sentences[at - 1];
    const sentence = sentences[at];
    const first = text.tokens[sentence?.start ?? 0];
    if (before === undefined || sentence === undefined || first === undefined) {
      return;
    }
    if (first.gap === ". " && isShortStatement(text.tokens, before) && isShortStatement(text.tokens, sentence)) {
      text.tokens[sentence.start] = {
        ...first,
        gap: join === ";" ? "; " : ", and ",
        text: lowered(first),
        opensSentence: false,
      };
      // Two are enough.
      at += 1;
    }
  }
}

function isShortStatement(tokens: readonly Token[], { start, end, marks }: Sentence): boolean {
  return (
    (marks === "." || marks === ".]") &&
    end - start <= MERGE_WORDS_MAX &&
    end - start >= 3 &&
    isClauseStart(tokens, start) &&
    tokens
      .slice(start, end)
      .every(
        (token, step) => !token.isFixed && (step === 0 || !/[;:,—–()]/u.test(token.gap)) && plain(token.text) !== "and",
      )
  );
}

/** "Great!" without the shout. What asks, smiles or stands in quotation marks stays. */
function calm(text: RuleText): void {
  for (const { end } of sentencesOf(text)) {
    const next = text.tokens[end];
    if (next !== undefined && !next.isFixed) {
      text.tokens[end] = { ...next, gap: next.gap.replace(EXCLAIMED, ".") };
    } else if (next !== undefined) {
      next.gap = next.gap.replace(EXCLAIMED, ".");
    }
  }
  text.tail = text.tail.replace(EXCLAIMED, ".");
}
