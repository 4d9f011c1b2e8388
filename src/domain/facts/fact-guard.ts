import { factsOf, vocabularyOf, type Fact } from "./facts";
import { foldWord, splitFactWords, type FactWord } from "./fact-words";
import type { Voice } from "../agents/voice";

/** What the guard found, as the texts write it. Both empty: the result kept every fact and made up none. */
export interface FactVerdict {
  /** Facts of the source that the result lost. */
  readonly missing: readonly string[];
  /** Names, numbers and dates of the result that neither the source nor the agent's voice has. */
  readonly added: readonly string[];
}

const ENDINGS = ["", "s", "es", "ed", "ing"];
const UPPER_START = /^\p{Lu}/u;
const ANY_UNIT = "any";

/**
 * Compares names, numbers and dates of a source with those of its re-wording, whatever model wrote it.
 * Numbers count by value ("1,200" is "1200", "twelve" is "12"), names by their letters without case,
 * diacritics and possessive; how often a fact is told does not count.
 * @param allowed words and phrases that the agent's voice may add: see `allowedByVoice`.
 */
export function checkFacts(source: string, result: string, allowed: readonly string[]): FactVerdict {
  const sourceWords = splitFactWords(source);
  const resultWords = splitFactWords(result);
  const allowedWords = allowed.map((phrase) => splitFactWords(phrase));
  const vocabulary = vocabularyOf([sourceWords, resultWords]);
  const sourceFacts = factsOf(sourceWords, vocabulary);
  const resultFacts = factsOf(resultWords, vocabulary);
  const allowedFacts = allowedWords.flatMap((words) => factsOf(words, vocabularyOf([words])));

  const inResult = indexOf(resultFacts, resultWords, []);
  const inSource = indexOf([...sourceFacts, ...allowedFacts], sourceWords, inflected(allowedWords.flat()));
  return {
    missing: textsOf(sourceFacts.filter((fact) => isAsked(fact) && !isKept(fact, inResult))),
    added: textsOf(resultFacts.filter((fact) => fact.certain && !isKept(fact, inSource))),
  };
}

/** The words a voice may add to what it tells: its name, its lexicon's values, openers and closers. */
export function allowedByVoice(name: string, voice: Voice): string[] {
  return [name, ...Object.values(voice.lexicon), ...voice.openers, ...voice.closers];
}

/** What a text can answer for: its facts by key and unit, and all its words. */
interface FactIndex {
  readonly units: ReadonlyMap<string, ReadonlySet<string>>;
  readonly words: ReadonlySet<string>;
  readonly capitals: ReadonlySet<string>;
}

function indexOf(facts: readonly Fact[], words: readonly FactWord[], moreKeys: readonly string[]): FactIndex {
  const units = new Map<string, Set<string>>();
  for (const fact of facts) {
    for (const key of fact.kind === "name" ? [] : fact.keys) {
      const known = units.get(key) ?? new Set<string>();
      units.set(key, known.add(fact.unit ?? ANY_UNIT));
    }
  }
  return {
    units,
    words: new Set([...words.map((word) => word.key), ...moreKeys]),
    capitals: new Set(words.filter((word) => UPPER_START.test(word.text)).map((word) => word.key)),
  };
}

/** An uncertain number is a word like "one"; an uncertain name is still asked for. */
function isAsked(fact: Fact): boolean {
  return fact.certain || fact.kind === "name";
}

function isKept(fact: Fact, index: FactIndex): boolean {
  if (fact.kind === "name") {
    return fact.keys.some((key) => hasName(key, index));
  }
  return fact.keys.some((key) => {
    const known = index.units.get(key);
    return known !== undefined && (fact.unit === null || known.has(ANY_UNIT) || known.has(fact.unit));
  });
}

/** "Will" is not answered for by "will"; every other name may have changed its case or its plural. */
function hasName(key: string, index: FactIndex): boolean {
  if (key === "will") {
    return index.capitals.has(key);
  }
  return index.words.has(key) || index.words.has(`${key}s`) || (key.endsWith("s") && index.words.has(key.slice(0, -1)));
}

/** A voice may bend its own words: "hound" allows "Hounds". */
function inflected(words: readonly FactWord[]): string[] {
  return words.flatMap((word) => ENDINGS.map((ending) => foldWord(word.text + ending)));
}

function textsOf(facts: readonly Fact[]): string[] {
  const seen = new Map<string, string>();
  for (const fact of facts) {
    const key = `${fact.keys[0] ?? ""} ${fact.unit ?? ""}`;
    seen.set(key, seen.get(key) ?? fact.text);
  }
  return [...seen.values()];
}
