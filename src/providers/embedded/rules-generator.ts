import { allowedByVoice, checkFacts } from "../../domain/facts/fact-guard";
import type { AgentProfile, ReVoiceRequest, TextGenerator } from "../../services/ports/ports";
import { contractWords, expandContractions } from "./contractions";
import { completeSentences, leaveSubjectsOut } from "./ellipsis";
import { readLexicon, swapWords, type SwapTable } from "./lexicon";
import { mannerOf, type Manner } from "./manner";
import { endsAsStatement, takesOpener, withCloser, withOpener } from "./openers";
import { shiftPerson } from "./person";
import { phraseAt } from "./phrase-walk";
import { setRhythm } from "./rhythm";
import { joinText, splitText, type RuleText } from "./rules-text";
import { chooseStance, putStance, type StancePhrase } from "./stance";
import { findSites } from "./stance-sites";
import { tagWords, type TagsAt } from "./tagging";
import { lookBack } from "./tense";
import { chooseWords, mendArticles } from "./word-choice";

/** The longest text a memory may have, in UTF-16 units. */
const TEXT_LENGTH_MAX = 8000;
/** Of so many memories one gets an opener, and one a closer, if the voice has enough of them and the text takes it. */
const OPENER_SLOTS = 2;
const CLOSER_SLOTS = 5;
const NO_USAGE = { inputTokens: 0, outputTokens: 0 };

/** What of the voice is put to use: less on each further try. */
interface Use {
  readonly words: boolean;
  readonly phrases: boolean;
  /** Sentences with one of these stay as the source has them. */
  readonly verbatim: readonly string[];
}

/** What was read of the memory and of the voice before the rules start. */
interface Reading {
  readonly tagsAt: TagsAt;
  readonly table: SwapTable;
  readonly manner: Manner;
}

/**
 * Re-words by rules: grammatical person, the voice's own words, openers and closers, and contractions.
 * No model: it follows no instructions, adds nothing the voice does not have, and uses no tokens.
 * The same memory and agent always give the same text; only the agent's recalled memories may change its opener.
 * @throws what `signal` was aborted with.
 */
export function embeddedRulesGenerator(): TextGenerator {
  // A task sends one agent with every memory: its lexicon is read once.
  const tables = new WeakMap<object, SwapTable>();
  return {
    id: "embedded-rules",
    async reVoice(request, { signal }) {
      signal.throwIfAborted();
      const { agent, memory } = request;
      const manner = mannerOf(agent.voice);
      if (!hasWork(agent, manner)) {
        return { text: memory.text, usage: NO_USAGE };
      }
      const table = tables.get(agent.voice.lexicon) ?? readLexicon(agent.voice.lexicon);
      tables.set(agent.voice.lexicon, table);
      const tagsAt = await tagWords(memory.text);
      signal.throwIfAborted();
      return { text: bestRewording(request, { tagsAt, table, manner }), usage: NO_USAGE };
    },
  };
}

function hasWork({ voice }: AgentProfile, { register, families }: Manner): boolean {
  return (
    voice.person !== "first" ||
    Object.keys(voice.lexicon).length > 0 ||
    voice.openers.length > 0 ||
    voice.closers.length > 0 ||
    register !== "as-is" ||
    families.length > 0
  );
}

/** The boldest re-wording that keeps every fact and fits; the source when none does. */
function bestRewording(request: ReVoiceRequest, reading: Reading): string {
  const { agent, memory, repair } = request;
  const allowed = allowedByVoice(agent.name, agent.voice);
  const uses: Use[] = [
    ...(repair === null ? [{ words: true, phrases: true, verbatim: [] }] : []),
    { words: false, phrases: true, verbatim: repair?.missing ?? [] },
    { words: false, phrases: false, verbatim: repair?.missing ?? [] },
  ];
  let missing: readonly string[] = [];
  for (const use of uses) {
    const text = reword(request, reading, { ...use, verbatim: [...use.verbatim, ...missing] });
    const verdict = checkFacts(memory.text, text, allowed);
    if (text.length <= TEXT_LENGTH_MAX && verdict.missing.length === 0 && verdict.added.length === 0) {
      return text;
    }
    missing = verdict.missing;
  }
  return memory.text;
}

function reword(request: ReVoiceRequest, reading: Reading, use: Use): string {
  const { agent, memory } = request;
  const { voice } = agent;
  const name = agent.name.trim();
  const parsed = splitText(memory.text, reading.tagsAt);
  const isOpenable = use.phrases && takesOpener(parsed);
  keepVerbatim(parsed, use.verbatim);
  const stance = use.words ? useManner(request, reading, parsed) : [];
  shiftPerson(parsed, voice.person, name);
  putStance(parsed, stance);
  mendArticles(parsed);
  if (use.words && reading.manner.register === "casual") {
    contractWords(parsed);
  }
  return use.phrases ? addPhrases(request, parsed, isOpenable) : joinText(parsed);
}

/**
 * The agent's words, its contractions, the rhythm and the tense of its sentences.
 * @returns the phrases of stance and their places: they go in behind the change of person, which reads clauses.
 */
function useManner(request: ReVoiceRequest, { manner, table }: Reading, parsed: RuleText): readonly StancePhrase[] {
  const { agent, memory } = request;
  const { person } = agent.voice;
  const seed = `${agent.name} ${memory.memoryId}`;
  swapWords(parsed, table);
  if (manner.register === "formal") {
    completeSentences(parsed);
  }
  chooseWords(parsed, manner.families, agent.name);
  if (manner.register === "formal") {
    expandContractions(parsed);
  }
  setRhythm(parsed, manner);
  lookBack(parsed, manner);
  const stance = chooseStance(manner.families.length === 0 ? [] : findSites(parsed), manner, {
    seed,
    person,
    agent: agent.name,
    said: joinText(parsed).toLowerCase(),
  });
  if (person === "first") {
    leaveSubjectsOut(parsed, manner, seed);
  }
  return stance;
}

/** Fixes every token of the sentences that hold a fact which a first try lost. */
function keepVerbatim(parsed: RuleText, facts: readonly string[]): void {
  if (facts.length === 0) {
    return;
  }
  let start = 0;
  for (let end = 1; end <= parsed.tokens.length; end += 1) {
    if (end < parsed.tokens.length && parsed.tokens[end]?.opensSentence !== true) {
      continue;
    }
    const sentence = parsed.tokens.slice(start, end);
    const written = sentence.map((token) => token.gap + token.text).join("");
    if (facts.some((fact) => written.includes(fact))) {
      for (const token of sentence) {
        token.isFixed = true;
      }
    }
    start = end;
  }
}

/** @param isOpenable the source begins with a statement: no greeting, exclamation, request or question. */
function addPhrases(request: ReVoiceRequest, parsed: RuleText, isOpenable: boolean): string {
  const text = joinText(parsed);
  const opener = isOpenable ? openerOf(request) : undefined;
  // Behind "no less" a closer would be one phrase too many.
  const closer = parsed.tokens.at(-1)?.isOwn === true ? undefined : closerOf(request, text);
  const opened = opener === undefined ? text : withOpener(opener, text, parsed);
  const withBoth = closer === undefined ? opened : withCloser(closer, opened);
  return [withBoth, opened].find((result) => result.length <= TEXT_LENGTH_MAX) ?? text;
}

/** None where the text begins with one of the agent's already, or where a recalled memory begins with this one. */
function openerOf({ agent, memory, agentContext, position }: ReVoiceRequest): string | undefined {
  const openers = distinct(agent.voice.openers);
  const opener = phraseAt(openers, position, { seed: `opener ${agent.name}`, slotsEach: OPENER_SLOTS });
  if (opener === undefined || openers.some((other) => begins(memory.text, other))) {
    return undefined;
  }
  return agentContext.some((other) => begins(other.text, opener)) ? undefined : opener;
}

function closerOf({ agent, position }: ReVoiceRequest, text: string): string | undefined {
  const closers = distinct(agent.voice.closers);
  return endsAsStatement(text)
    ? phraseAt(closers, position, { seed: `closer ${agent.name}`, slotsEach: CLOSER_SLOTS })
    : undefined;
}

/** Without empty ones and those that differ in their punctuation alone. */
function distinct(phrases: readonly string[]): readonly string[] {
  const byWords = new Map(
    phrases.filter((phrase) => phrase.trim() !== "").map((phrase) => [bareWords(phrase), phrase]),
  );
  return [...byWords.values()];
}

function begins(text: string, opener: string): boolean {
  const phrase = bareWords(opener);
  // Only the beginning is compared; a memory may be long, and openers many. Case may change the length of a text.
  const start = text.trimStart().slice(0, 2 * phrase.length + 8);
  return phrase !== "" && start.toLowerCase().startsWith(phrase) && !/[\p{L}\p{N}]/u.test(start.charAt(phrase.length));
}

function bareWords(phrase: string): string {
  return phrase
    .trim()
    .replace(/[\p{P}\s]+$/u, "")
    .toLowerCase();
}
