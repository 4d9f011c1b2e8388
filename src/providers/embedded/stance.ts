import type { Person } from "../../domain/agents/voice";
import type { Family, Manner } from "./manner";
import type { RuleText, Token } from "./rules-text";
import { lowered, ownToken, raised } from "./sentences";
import { seedOf } from "./seed";
import type { Site } from "./stance-sites";
import { STANCE_WORDS } from "./stance-words";

/** At most so many phrases of stance in one memory. */
const PHRASES_MAX = 4;
/** Of a hundred memories with a question, so many may end one with a phrase. */
const TAG_PERCENT = 40;
/** A phrase for each so many sentences, and always one where there is a place. */
const SENTENCES_EACH = 2;

/** How far back in the order a place behind the sentence, and a second family, stand. */
const LATE = 2;
const OTHER_FAMILY = 4;

export interface StancePhrase {
  readonly site: Site;
  readonly text: string;
  /** The first of an agent's families speaks before the others. */
  readonly familyRank: number;
}

interface Telling {
  /** Differs from memory to memory; the agent's name is in it. */
  readonly seed: string;
  readonly person: Person;
  readonly agent: string;
  /** The text so far, in lower case: what it says already is not said again. */
  readonly said: string;
}

/**
 * Chooses which places get a phrase, and which: at most one a sentence, none twice in a memory.
 */
export function chooseStance(
  sites: readonly Site[],
  manner: Manner,
  { seed, person, agent, said }: Telling,
): StancePhrase[] {
  const bySentence = Map.groupBy(sites, (site) => site.sentence);
  const chosen: StancePhrase[] = [];
  const used = new Set<string>();
  const wanted = Math.min(PHRASES_MAX, Math.ceil(bySentence.size / SENTENCES_EACH));
  const order = [...bySentence.keys()].toSorted((a, b) => seedOf(`${seed} ${a}`) - seedOf(`${seed} ${b}`));
  const heard = ` ${said.replace(/[^a-z' ]/gu, " ")} `;
  for (const sentence of order) {
    if (chosen.length >= wanted) {
      break;
    }
    const options = (bySentence.get(sentence) ?? [])
      .flatMap((site) => phrasesFor(site, manner.families, person))
      .filter(({ text, site }) => !used.has(bare(text)) && !isSaid(text, heard) && !stammers(text, site))
      .filter(({ site }) => site.place !== "tag" || seedOf(`${seed} tag`) % 100 < TAG_PERCENT)
      .toSorted((a, b) => rank(a, agent) - rank(b, agent) || seedOf(`${seed} ${a.text}`) - seedOf(`${seed} ${b.text}`));
    const [phrase] = options;
    if (phrase !== undefined) {
      chosen.push(phrase);
      used.add(bare(phrase.text));
    }
  }
  return chosen;
}

/** Puts the phrases where they belong. */
export function putStance(text: RuleText, phrases: readonly StancePhrase[]): void {
  const bySite = new Map(phrases.map((phrase) => [phrase.site.token, phrase]));
  const result: Token[] = [];
  let closesAside = false;
  for (const token of text.tokens) {
    const current = closesAside ? { ...token, gap: `,${token.gap}` } : token;
    closesAside = false;
    const phrase = bySite.get(token);
    if (phrase === undefined) {
      result.push(current);
    } else if (phrase.site.place === "lead" || phrase.site.place === "joined") {
      result.push(...led(current, phrase.text));
    } else {
      const isApart = ["aside", "wh", "tag", "trail"].includes(phrase.site.place);
      const words = phrase.text.split(" ");
      result.push(current, ...words.map((word, step) => ownToken(step === 0 && isApart ? ", " : " ", word)));
      closesAside = isApart && !["tag", "trail"].includes(phrase.site.place);
    }
  }
  text.tokens = result;
}

/** Half of the phrases of a place are an agent's favourites, so that two of one manner still differ. */
function rank({ text, site, familyRank }: StancePhrase, agent: string): number {
  // What stands behind a sentence is soon too much.
  const isLate = site.place === "tag" || site.place === "trail";
  return (seedOf(`${agent} ${site.place} ${text}`) % 2) + (isLate ? LATE : 0) + familyRank * OTHER_FAMILY;
}

function phrasesFor(site: Site, families: readonly Family[], person: Person): StancePhrase[] {
  return families.flatMap((family, familyRank) =>
    (STANCE_WORDS[family][site.place] ?? "")
      .split("|")
      .map((phrase) => phrase.trim())
      .filter((phrase) => phrase !== "" && (person === "first" || !phrase.endsWith(" 1")))
      .map((phrase) => ({ site, familyRank, text: phrase.replace(/ 1$/u, "") })),
  );
}

/** "it seems it was" */
function stammers(text: string, { token }: Site): boolean {
  return text.startsWith("it ") && token.text.toLowerCase().startsWith("it");
}

/** Whether the text already has one of the phrase's own words: "I was wondering, one wonders". */
function isSaid(text: string, heard: string): boolean {
  const phrase = bare(text).toLowerCase();
  if (heard.includes(` ${phrase} `)) {
    return true;
  }
  return (phrase.match(/[a-z]{5,}/gu) ?? []).some((word) => heard.includes(word.slice(0, 5)));
}

function bare(text: string): string {
  return text.replace(/,$/u, "");
}

/** "it was" to "I think it was", "frankly, it was". */
function led(token: Token, text: string): Token[] {
  const hasComma = text.endsWith(",");
  const words = bare(text).split(" ");
  const first = { ...ownToken(token.gap, words[0] ?? ""), opensSentence: token.opensSentence };
  return [
    { ...first, text: token.opensSentence ? raised(first) : first.text },
    ...words.slice(1).map((word) => ownToken(" ", word)),
    {
      ...token,
      gap: hasComma ? ", " : " ",
      text: token.opensSentence ? lowered(token) : token.text,
      opensSentence: false,
    },
  ];
}
