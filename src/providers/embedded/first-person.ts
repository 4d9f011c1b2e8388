import { isAdverb } from "./agreement";
import { plain } from "./english";
import { isAdjacent, type Token } from "./rules-text";

const WORDS: ReadonlySet<string> = new Set(
  "i i'm i've i'll i'd me my mine myself we we're we've we'll we'd us our ours ourselves".split(" "),
);
const MY_EXCLAMATIONS: ReadonlySet<string> = new Set("god goodness gosh word bad oh".split(" "));
const ME_FORMULAS: ReadonlySet<string> = new Set("excuse pardon believe trust bless".split(" "));
const REQUESTS: ReadonlySet<string> = new Set(
  "let tell show give call text remind ask send help join forgive wish keep count let's".split(" "),
);
const BEFORE_MINE: ReadonlySet<string> = new Set(
  "of is was are were as than like be and or with not isn't wasn't aren't weren't".split(" "),
);

/** Whether the token speaks of the one who tells, and may be moved. */
export function isFirstPerson(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  if (token === undefined || token.isFixed || token.isName || !WORDS.has(plain(token.text))) {
    return false;
  }
  const word = plain(token.text);
  const before = plain(tokens[index - 1]?.text ?? "");
  const after = plain(tokens[index + 1]?.text ?? "");
  if (word === "i") {
    return !isNumeral(tokens, index);
  }
  if (word === "my") {
    return !MY_EXCLAMATIONS.has(after) && !(before === "oh" && !isAdjacent(tokens[index + 1]));
  }
  if (word === "me") {
    return !ME_FORMULAS.has(before);
  }
  if (word === "mine") {
    return (token.opensSentence || BEFORE_MINE.has(before)) && !tokens[index + 1]?.tags.has("Noun");
  }
  return !(word === "us" && (token.text === "US" || before === "let"));
}

/** "Let me know", "Thanks for telling me": said to somebody, and no memory of "you". */
export function isRequest(tokens: readonly Token[], index: number): boolean {
  const word = plain(tokens[index]?.text ?? "");
  const before = tokens[index - 1];
  if ((word !== "me" && word !== "us") || before === undefined) {
    return false;
  }
  if (!REQUESTS.has(plain(before.text))) {
    return /^thanks?$/u.test(plain(sentenceStart(tokens, index)?.text ?? ""));
  }
  const earlier = plain(tokens[index - 2]?.text ?? "");
  return (
    before.opensSentence ||
    before.gap.trim() !== "" ||
    ["please", "just", "and", "so"].includes(earlier) ||
    (earlier === "to" && plain(before.text) === "let")
  );
}

/** "Henry I", "Part I": a numeral, not the one who tells. */
function isNumeral(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  const before = tokens[index - 1];
  const next = tokens[index + 1];
  if (token?.text !== "I" || before === undefined || token.opensSentence || !isAdjacent(token) || !before.isName) {
    return false;
  }
  const isFollowed = next !== undefined && isAdjacent(next) && (next.tags.has("Verb") || isAdverb(next));
  return !isFollowed;
}

function sentenceStart(tokens: readonly Token[], index: number): Token | undefined {
  return tokens.slice(0, index + 1).findLast((token) => token.opensSentence);
}
