import { plain } from "./english";
import type { Token } from "./rules-text";

/** How far the telling has come: whether "they" would still be understood as the agent. */
export interface Telling {
  readonly name: string;
  /** What a name of several words is cut to once it was given in full: "Mara" for "Mara Voss". */
  readonly shortName: string;
  /** The agent was named, so that a pronoun may stand for it. */
  isNamed: boolean;
  /** Since then somebody else came up whom "they" and "their" could mean. */
  hasRivals: boolean;
  /** Since then something plural came up that could be the subject "they". */
  hasPlurals: boolean;
}

const RIVALS: ReadonlySet<string> = new Set(
  "they they're they've they'll they'd them their theirs themselves".split(" "),
);
const PEOPLE =
  /^(?:kids|children|friends|parents|people|guys|girls|boys|sons|daughters|brothers|sisters|siblings|neighbou?rs|colleagues|students|men|women|folks|dogs|cats|pets|grandchildren|grandparents|cousins|nephews|nieces|twins|couple|family|team|crew|others|everyone|families|workers|players|pups|puppies|sailors|guests|teachers|nurses|doctors)$/u;
const TITLE =
  /^(?:the|a|an|captain|capt|doctor|dr|mr|mrs|ms|miss|sir|lady|lord|dame|professor|prof|aunt|uncle|old|big|little|saint|st|king|queen|prince|princess|sister|brother|father|mother|madame|madam|agent|inspector|major|colonel|general|sergeant|chef|coach|judge|grandma|grandpa|granny)$/iu;
const CAPITALISED = /^\p{Lu}\p{L}*$/u;

/** The start of a telling: nobody was named yet. */
export function startTelling(name: string): Telling {
  return { name, shortName: shortNameOf(name), isNamed: false, hasRivals: false, hasPlurals: false };
}

/** Whether "they" would not be understood as the agent here. */
export function needsName(telling: Telling, isAmbiguous: boolean): boolean {
  return !telling.isNamed || telling.hasRivals || isAmbiguous;
}

/** The name to write now: in full the first time. Writing it settles who "they" are. */
export function takeName(telling: Telling): string {
  const name = telling.isNamed ? telling.shortName : telling.name;
  telling.isNamed = true;
  telling.hasRivals = false;
  telling.hasPlurals = false;
  return name;
}

/** Notes whom else "they" could mean from this word on. */
export function watchRivals(tokens: readonly Token[], index: number, telling: Telling): void {
  const token = tokens[index];
  if (token === undefined || token.isFixed) {
    return;
  }
  const word = plain(token.text);
  const isPairOfNames = token.isName && tokens[index - 1]?.text === "and" && isCapitalised(tokens[index - 2]);
  telling.hasRivals ||= RIVALS.has(word) || PEOPLE.test(word) || isPairOfNames;
  telling.hasPlurals ||= token.tags.has("Plural");
}

/** "Captain Brandt" and "the Archivist" can't be cut; "Nadia Orlova" can. */
function shortNameOf(name: string): string {
  const [first = name, ...rest] = name.split(/\s+/u);
  return rest.length > 0 && CAPITALISED.test(first) && !TITLE.test(first) ? first : name;
}

function isCapitalised(token: Token | undefined): boolean {
  return token !== undefined && CAPITALISED.test(token.text) && !token.isFixed;
}
