import type { Person } from "../../domain/agents/voice";
import { shiftAddressee } from "./addressee";
import { agreeAfterContraction, agreeInverted, agreeVerbs, isAdverb, type SubjectForm } from "./agreement";
import { isCoordinated, isNounCoordinated } from "./coordination";
import { capitalise, lookUp, plain } from "./english";
import { isFirstPerson, isRequest } from "./first-person";
import { isParticiple, isTenseless } from "./irregular-verbs";
import { isAdjacent, type RuleText, type Token } from "./rules-text";
import { needsName, startTelling, takeName, watchRivals, type Telling } from "./telling";

const SECOND: Readonly<Record<string, string>> = {
  i: "you",
  "i'm": "you're",
  "i've": "you've",
  "i'll": "you'll",
  "i'd": "you'd",
  me: "you",
  my: "your",
  mine: "yours",
  myself: "yourself",
  we: "you",
  "we're": "you're",
  "we've": "you've",
  "we'll": "you'll",
  "we'd": "you'd",
  us: "you",
  our: "your",
  ours: "yours",
  ourselves: "yourselves",
};
const THIRD_PLURAL: Readonly<Record<string, string>> = {
  we: "they",
  "we're": "they're",
  "we've": "they've",
  "we'll": "they'll",
  "we'd": "they'd",
  us: "them",
  our: "their",
  ours: "theirs",
  ourselves: "themselves",
};
const THIRD_CONTRACTIONS: Readonly<Record<string, string>> = {
  "i'm": "they're",
  "i've": "they've",
  "i'll": "they'll",
  "i'd": "they'd",
};
const INVERTED: ReadonlySet<string> = new Set("am was do have don't wasn't haven't aren't".split(" "));
const MODALS =
  /^(?:can|could|will|would|shall|should|may|might|must|did|can't|couldn't|won't|wouldn't|shouldn't|didn't|cannot)$/u;
const BEFORE_INVERSION: ReadonlySet<string> = new Set(
  "what who where when why how so neither nor never only rarely seldom and but or not which as than since".split(" "),
);

/** Moves a text told in the first person to the person of the voice. First: nothing changes. */
export function shiftPerson(text: RuleText, person: Person, name: string): void {
  if (person === "second") {
    shiftAddressee(text.tokens, isFirstPerson);
    shiftToSecond(text.tokens);
  } else if (person === "third") {
    shiftToThird(text.tokens, name);
  }
}

function shiftToSecond(tokens: readonly Token[]): void {
  for (const [index, token] of tokens.entries()) {
    const word = plain(token.text);
    if (!isFirstPerson(tokens, index) || isRequest(tokens, index)) {
      continue;
    }
    if (word === "i") {
      agree(tokens, index, "plural");
    } else if (word.startsWith("i'")) {
      agreeAfterContraction(tokens, index, "plural", word);
    }
    write(token, lookUp(SECOND, word) ?? token.text);
  }
}

function shiftToThird(tokens: readonly Token[], name: string): void {
  const telling = startTelling(name);
  for (const [index, token] of tokens.entries()) {
    const word = plain(token.text);
    if (!isFirstPerson(tokens, index)) {
      watchRivals(tokens, index, telling);
      continue;
    }
    const plural = lookUp(THIRD_PLURAL, word);
    if (plural !== undefined) {
      write(token, plural);
      telling.hasRivals = true;
    } else if (word.startsWith("i")) {
      shiftSubject(tokens, index, telling);
    } else {
      write(token, thirdObject(tokens, index, telling));
    }
  }
}

function shiftSubject(tokens: readonly Token[], index: number, telling: Telling): void {
  const token = tokens[index];
  if (token === undefined) {
    return;
  }
  const word = plain(token.text);
  const isNamed = needsName(telling, telling.hasPlurals && opensClause(tokens, index)) || isCoordinated(tokens, index);
  const form = isNamed ? "named" : "plural";
  const subject = isNamed ? takeName(telling) : "they";
  if (word === "i") {
    agree(tokens, index, form);
    write(token, subject);
  } else {
    agreeAfterContraction(tokens, index, form, word);
    write(
      token,
      isNamed ? `${subject} ${spelledOut(tokens, index, word)}` : (lookUp(THIRD_CONTRACTIONS, word) ?? subject),
    );
  }
}

/** "Mara's" could be a possessive: behind a name the auxiliary is written out. */
function spelledOut(tokens: readonly Token[], index: number, word: string): string {
  if (word === "i'm") {
    return "is";
  }
  if (word === "i've") {
    return "has";
  }
  if (word === "i'll") {
    return "will";
  }
  const verb = plain(tokens.slice(index + 1, index + 5).find((next) => !isAdverb(next))?.text ?? "");
  // "I'd come" and "I'd put" could be either: "would" is far more frequent.
  return verb === "better" || (isParticiple(verb) && !isTenseless(verb) && !verb.endsWith("come")) ? "had" : "would";
}

function agree(tokens: readonly Token[], index: number, form: SubjectForm): void {
  if (isNounCoordinated(tokens, index)) {
    return;
  }
  const before = tokens[index - 1];
  // "Can I help?": behind a modal the verb has one form for everybody.
  if (before !== undefined && isAdjacent(tokens[index]) && MODALS.test(plain(before.text))) {
    return;
  }
  if (before !== undefined && isInverted(tokens, index)) {
    agreeInverted(before, form);
  } else {
    agreeVerbs(tokens, index, form);
  }
}

function isInverted(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  if (before === undefined || before.isFixed || !isAdjacent(tokens[index]) || !INVERTED.has(plain(before.text))) {
    return false;
  }
  const earlier = tokens[index - 2];
  return (
    before.opensSentence ||
    before.gap.trim() !== "" ||
    /^(?:am|aren't)$/u.test(plain(before.text)) ||
    BEFORE_INVERSION.has(plain(earlier?.text ?? ""))
  );
}

function thirdObject(tokens: readonly Token[], index: number, telling: Telling): string {
  const token = tokens[index];
  const word = plain(token?.text ?? "");
  const startsAlone = word === "me" && token?.opensSentence === true;
  const isNamed = needsName(telling, false) || startsAlone || (word === "me" && isCoordinated(tokens, index));
  if (word === "myself") {
    return "themself";
  }
  if (isNamed) {
    const name = takeName(telling);
    return word === "me" ? name : `${name}'s`;
  }
  return lookUp({ me: "them", my: "their", mine: "theirs" }, word) ?? word;
}

/** In "the things I dropped" nobody takes "they" for the things; in "…, and I left" they might. */
function opensClause(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  const before = plain(tokens[index - 1]?.text ?? "");
  return (
    token?.opensSentence === true ||
    token?.gap.trim() !== "" ||
    /^(?:and|but|so|then|because|when|while|if|as|or)$/u.test(before)
  );
}

function write(token: Token, text: string): void {
  token.text = token.opensSentence ? capitalise(text) : text;
}
