import { irregularForms } from "./irregular-verbs";

const SIBILANT_END = /(?:s|x|z|ch|sh)$/u;
const CONSONANT_Y = /[^aeiou]y$/u;
const CONSONANT_O = /[^aeiou]o$/u;
const SHORT_SYLLABLE = /^[^aeiou]*[aeiou][bdgklmnprt]$/u;
const VOWEL_SOUND = /^(?:[aeiou]|8|11|18|hour|honest|honou?r|heir)/iu;
const CONSONANT_SOUND = /^(?:uni(?:[^nm]|$)|us(?:e|u|a)|eu|one\b|once\b|ewe|ubiq|util|u-)/iu;
const ACRONYM = /^\p{Lu}{2,}/u;
const VOWEL_LETTER_NAME = /^[AEFHILMNORSX]/u;
const LETTER = /\p{L}/u;
const UPPER = /\p{Lu}/u;

const IRREGULAR_PLURALS: Readonly<Record<string, string>> = {
  child: "children",
  foot: "feet",
  goose: "geese",
  knife: "knives",
  leaf: "leaves",
  life: "lives",
  loaf: "loaves",
  man: "men",
  mouse: "mice",
  person: "people",
  shelf: "shelves",
  thief: "thieves",
  tooth: "teeth",
  wife: "wives",
  wolf: "wolves",
  woman: "women",
  fish: "fish",
  sheep: "sheep",
  deer: "deer",
  potato: "potatoes",
  tomato: "tomatoes",
  hero: "heroes",
  echo: "echoes",
};

/** "she ___s": has, does, goes, watches, tries, sees. */
export function thirdPersonForm(base: string): string {
  if (base === "have") {
    return "has";
  }
  if (base === "be") {
    return "is";
  }
  if (SIBILANT_END.test(base) || CONSONANT_O.test(base)) {
    return `${base}es`;
  }
  return CONSONANT_Y.test(base) ? `${base.slice(0, -1)}ies` : `${base}s`;
}

/** The plural of a noun, or of the last word of a phrase. */
export function pluralOf(noun: string): string {
  const split = noun.lastIndexOf(" ") + 1;
  const head = noun.slice(split);
  const compound = Object.keys(IRREGULAR_PLURALS).find(
    (ending) => ["man", "woman", "child", "fish"].includes(ending) && head.endsWith(ending) && head !== "human",
  );
  const irregular = lookUp(IRREGULAR_PLURALS, head);
  if (irregular !== undefined) {
    return noun.slice(0, split) + irregular;
  }
  if (compound !== undefined) {
    return noun.slice(0, split) + head.slice(0, -compound.length) + (IRREGULAR_PLURALS[compound] ?? compound);
  }
  if (SIBILANT_END.test(head)) {
    return `${noun}es`;
  }
  return CONSONANT_Y.test(head) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/** Whether a noun's plural does not end in "-s", so that the word can hardly be a verb. */
export function hasIrregularPlural(noun: string): boolean {
  return lookUp(IRREGULAR_PLURALS, noun.slice(noun.lastIndexOf(" ") + 1)) !== undefined;
}

/** The past tense of a base form: went, walked, tried, stopped. */
export function pastOf(base: string): string {
  return irregularForms(base)?.past ?? `${edStem(base)}ed`;
}

/** The past participle of a base form: gone, walked. */
export function participleOf(base: string): string {
  return irregularForms(base)?.participle ?? `${edStem(base)}ed`;
}

/** The "-ing" form of a base form: going, making, stopping. */
export function gerundOf(base: string): string {
  if (base.endsWith("ie")) {
    return `${base.slice(0, -2)}ying`;
  }
  if (base.endsWith("e") && !base.endsWith("ee") && base !== "be") {
    return `${base.slice(0, -1)}ing`;
  }
  return `${doubled(base)}ing`;
}

/** Whether "an" goes before the word. */
export function takesAn(word: string): boolean {
  if (ACRONYM.test(word)) {
    return VOWEL_LETTER_NAME.test(word);
  }
  return VOWEL_SOUND.test(word) && !CONSONANT_SOUND.test(word);
}

/** "kids' rooms" with another word are "children's rooms". */
export function mendPossessive(word: { readonly text: string } | undefined, next: { gap: string } | undefined): void {
  if (word !== undefined && next !== undefined && !word.text.endsWith("s")) {
    next.gap = next.gap.replace(/^(['’])(?=\s)/u, "$1s");
  }
}

/** The first letter in upper case, wherever it stands. */
export function capitalise(text: string): string {
  const at = text.search(LETTER);
  return at < 0 ? text : text.slice(0, at) + text.charAt(at).toUpperCase() + text.slice(at + 1);
}

/** The first letter in lower case. */
export function uncapitalise(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Writes `word` with the capitals of `model`: dog, Dog, DOG. */
export function withCaseOf(model: string, word: string): string {
  if (model.length > 1 && model === model.toUpperCase() && model !== model.toLowerCase()) {
    return word.toUpperCase();
  }
  return UPPER.test(model.charAt(0)) ? capitalise(word) : word;
}

/** Lower case with straight apostrophes: what the tables of words are written in. */
export function plain(word: string): string {
  return word.replaceAll("’", "'").toLowerCase();
}

function edStem(base: string): string {
  if (base.endsWith("e")) {
    return base.slice(0, -1);
  }
  return CONSONANT_Y.test(base) ? `${base.slice(0, -1)}i` : doubled(base);
}

/** "stop" doubles its last letter, "visit" and "look" do not. */
function doubled(base: string): string {
  return SHORT_SYLLABLE.test(base) ? base + base.slice(-1) : base;
}

/** What a table has of its own under a word of the text: "constructor" is no entry of any. */
export function lookUp(table: Readonly<Record<string, string>>, word: string): string | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
