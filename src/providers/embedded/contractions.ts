import { lookUp, plain, withCaseOf } from "./english";
import { isParticiple } from "./irregular-verbs";
import { isAdjacent, type RuleText, type Token } from "./rules-text";

const WHOLE: Readonly<Record<string, string>> = {
  "can't": "cannot",
  "won't": "will not",
  "shan't": "shall not",
  "i'm": "I am",
  gonna: "going to",
  wanna: "want to",
  gotta: "have got to",
  kinda: "kind of",
  sorta: "sort of",
  lemme: "let me",
  gimme: "give me",
  dunno: "do not know",
};
const HOSTS_IS: ReadonlySet<string> = new Set("it that he she there what who here where how this".split(" "));
const PRONOUNS: ReadonlySet<string> = new Set("i you he she it we they".split(" "));
const ENDINGS: Readonly<Record<string, string>> = { "'re": "are", "'ve": "have", "'ll": "will" };
const NEGATIVE = /^(is|are|was|were|do|does|did|have|has|had|could|would|should|must|need)n't$/u;
const OBJECTS = /^(?:me|you|him|her|us|them|it|a|an|the|my|your|our|such|everything|things|life)$/u;
const ENDING_HOSTS = /^(?:there|that|what|how|where|who|must|should|could|would|might)$/u;
const ASKS = /^(?:what|how|where|why|when)$/u;
const BEFORE_QUESTION = /^(?:why|how|what|when|where|who|and|but|so|or)$/u;

/** Pairs that a casual voice runs together. The last word goes; the first takes the ending. */
const SHORT: Readonly<Record<string, string>> = {
  "i am": "'m",
  "you are": "'re",
  "we are": "'re",
  "they are": "'re",
  "he is": "'s",
  "she is": "'s",
  "it is": "'s",
  "that is": "'s",
  "there is": "'s",
  "i will": "'ll",
  "you will": "'ll",
  "we will": "'ll",
  "they will": "'ll",
  "it will": "'ll",
};
const SHORT_NOT: ReadonlySet<string> = new Set(
  "is are was were do does did have has had could would should".split(" "),
);
/** Behind anything else "I am" may end a clause ("how happy I am today") and can't be shortened. */
const SAFE_BEFORE: ReadonlySet<string> = new Set("and but so because".split(" "));

/** "don't" to "do not", "I'm" to "I am", "gonna" to "going to". Run it before the change of person. */
export function expandContractions(text: RuleText): void {
  const result: Token[] = [];
  for (let index = 0; index < text.tokens.length; index += 1) {
    const token = text.tokens[index];
    if (token === undefined) {
      break;
    }
    const next = text.tokens[index + 1];
    const word = plain(token.text);
    const auxiliary = NEGATIVE.exec(word)?.[1] ?? lookUp({ "can't": "can", "won't": "will" }, word);
    if (auxiliary === undefined || token.isFixed || token.isName) {
      result.push(...expanded(token, next, text.tokens[index + 2]));
    } else if (next !== undefined && !next.isFixed && isQuestion(token, next, text.tokens[index - 1])) {
      result.push({ ...token, text: withCaseOf(token.text, auxiliary) }, next, inserted(next, "not"));
      index += 1;
    } else if (token.opensSentence && auxiliary !== "do" && !(next?.tags.has("Infinitive") ?? false)) {
      // "Isn't Tom coming": the order is not safe to change, so it stays.
      result.push(token);
    } else {
      result.push(...expanded(token, next, text.tokens[index + 2]));
    }
  }
  text.tokens = result;
}

/** "I am" to "I'm", "do not" to "don't", where English allows it. Run it after the change of person. */
export function contractWords(text: RuleText): void {
  const result: Token[] = [];
  for (const [index, token] of text.tokens.entries()) {
    const before = result.at(-1);
    const next = text.tokens[index + 1];
    const pair = before === undefined ? "" : `${plain(before.text)} ${plain(token.text)}`;
    if (
      before === undefined ||
      before.isFixed ||
      token.isFixed ||
      token.isName ||
      !isAdjacent(token) ||
      token.gap !== " " ||
      isShouted(token)
    ) {
      result.push(token);
    } else if (
      plain(token.text) === "not" &&
      SHORT_NOT.has(plain(before.text)) &&
      goesOn(next) &&
      !PRONOUNS.has(plain(next?.text ?? ""))
    ) {
      before.text += "n't";
    } else if (plain(token.text) === "not" && pair === "will not") {
      before.text = withCaseOf(before.text, "won't");
    } else if (plain(token.text) === "cannot") {
      result.push({ ...token, text: withCaseOf(token.text, "can't") });
    } else if (
      SHORT[pair] !== undefined &&
      goesOn(next) &&
      mayShorten(before, result.at(-2)) &&
      plain(next?.text ?? "") !== "not"
    ) {
      before.text += SHORT[pair] ?? "";
    } else {
      result.push(token);
    }
  }
  text.tokens = result;
}

function expanded(token: Token, next: Token | undefined, afterNext: Token | undefined): Token[] {
  if (token.isFixed || (token.isName && !/^(?:I['’])/u.test(token.text))) {
    return [token];
  }
  const word = plain(token.text);
  const whole = lookUp(WHOLE, word);
  if (whole !== undefined) {
    return split(token, whole);
  }
  const negative = NEGATIVE.exec(word)?.[1];
  if (negative !== undefined) {
    return split(token, `${negative} not`);
  }
  const at = word.lastIndexOf("'");
  const host = token.text.slice(0, at);
  const ending = word.slice(at);
  if (at > 0 && ENDINGS[ending] !== undefined && (PRONOUNS.has(plain(host)) || ENDING_HOSTS.test(plain(host)))) {
    return split(token, `${host} ${ENDINGS[ending] ?? ""}`);
  }
  if (ending === "'s" && HOSTS_IS.has(plain(host))) {
    return split(token, `${host} ${isPerfect(next, afterNext) ? "has" : "is"}`);
  }
  if (ending === "'d" && ASKS.test(plain(host)) && PRONOUNS.has(plain(next?.text ?? ""))) {
    return split(token, `${host} did`);
  }
  if (ending === "'d" && PRONOUNS.has(plain(host))) {
    const verb = plain(next?.text ?? "");
    const past = verb === "better" || isPerfect(next, afterNext);
    return split(token, `${host} ${past ? "had" : "would"}`);
  }
  return [token];
}

/** "it's been", "she'd already gone". "it's broken" stays "is": only these participles always mean "has". */
function isPerfect(next: Token | undefined, afterNext: Token | undefined): boolean {
  const first = plain(next?.text ?? "");
  const isSkipped = /^(?:always|already|never|just|ever|only|also|really|it|he|she|that|this)$/u.test(first);
  const word = isSkipped ? plain(afterNext?.text ?? "") : first;
  // "it's made me think", but "it's made of wood".
  if (first === "made" && OBJECTS.test(plain(afterNext?.text ?? ""))) {
    return true;
  }
  if (PRONOUNS.has(first)) {
    return /^(?:done|been|got|had|happened|become|taken)$/u.test(word);
  }
  return (
    /^(?:been|had|got|gotten|gone|become|taken|given|seen|come|happened|helped|brought|started|known|felt|met|heard|thought)$/u.test(
      word,
    ) ||
    (first !== word && isParticiple(word))
  );
}

/** "Don't you" and ", isn't it": the pronoun goes between. */
function isQuestion(token: Token, next: Token, before: Token | undefined): boolean {
  const mayInvert = token.opensSentence || token.gap.includes(",") || BEFORE_QUESTION.test(plain(before?.text ?? ""));
  return mayInvert && isAdjacent(next) && PRONOUNS.has(plain(next.text));
}

function split(token: Token, words: string): Token[] {
  const [first = "", ...rest] = words.split(" ");
  // "I" is a capital for itself, and says nothing about the words that replace it.
  const model = plain(token.text).startsWith("i'") ? "i" : token.text;
  return [{ ...token, text: withCaseOf(model, first) }, ...rest.map((word) => inserted(token, word))];
}

function inserted(token: Token, word: string): Token {
  return { ...token, gap: " ", text: word, opensSentence: false };
}

function goesOn(next: Token | undefined): boolean {
  return next !== undefined && isAdjacent(next) && !next.opensSentence;
}

function mayShorten(host: Token, before: Token | undefined): boolean {
  return host.opensSentence || host.gap.trim() === "," || SAFE_BEFORE.has(plain(before?.text ?? ""));
}

function isShouted(token: Token): boolean {
  return token.text.length > 1 && token.text === token.text.toUpperCase();
}
