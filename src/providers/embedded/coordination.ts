import { plain } from "./english";
import { isAdjacent, type Token } from "./rules-text";

const JOINERS: ReadonlySet<string> = new Set(["and", "or", "nor", "&"]);

/** "Tom and I", "me and Tom": a pronoun would sound wrong there. */
export function isCoordinated(tokens: readonly Token[], index: number): boolean {
  return (
    isNounCoordinated(tokens, index) ||
    (JOINERS.has(plain(tokens[index - 1]?.text ?? "")) &&
      isAdjacent(tokens[index]) &&
      !isClauseBefore(tokens, index - 1))
  );
}

/** "Tom and I were" has a plural verb; "Tom left and I was" has not. */
export function isNounCoordinated(tokens: readonly Token[], index: number): boolean {
  const next = tokens[index + 1];
  const afterNext = tokens[index + 2];
  if (
    next !== undefined &&
    JOINERS.has(plain(next.text)) &&
    isAdjacent(next) &&
    afterNext !== undefined &&
    !afterNext.tags.has("Verb")
  ) {
    return plain(tokens[index]?.text ?? "") !== "me" || afterNext.isName || afterNext.tags.has("Possessive");
  }
  const before = tokens[index - 1];
  if (
    before === undefined ||
    !JOINERS.has(plain(before.text)) ||
    !isAdjacent(before) ||
    !isAdjacent(tokens[index]) ||
    before.opensSentence
  ) {
    return false;
  }
  return !/^(?:am|was|wasn't)$/u.test(plain(next?.text ?? "")) && !isClauseBefore(tokens, index - 1);
}

/** Whether a verb stands between the start of the clause and `end`. */
function isClauseBefore(tokens: readonly Token[], end: number): boolean {
  for (let at = end - 1; at >= 0; at -= 1) {
    const token = tokens[at];
    if (token === undefined) {
      return false;
    }
    if (token.tags.has("Verb") && !token.tags.has("Gerund")) {
      return true;
    }
    if (
      token.opensSentence ||
      token.gap.trim() !== "" ||
      /^(?:when|that|because|if|while|where|so|but|then)$/u.test(plain(token.text))
    ) {
      return false;
    }
  }
  return false;
}
