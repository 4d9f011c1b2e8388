import { allowedByVoice, checkFacts } from "../../domain/fact-guard";
import type { AgentProfile, ReVoiceRequest, TextGenerator } from "../../services/ports";
import { contractWords, expandContractions, registerOf } from "./contractions";
import { readLexicon, swapWords, type SwapTable } from "./lexicon";
import { endsAsStatement, withCloser, withOpener } from "./openers";
import { shiftPerson } from "./person";
import { joinText, splitText, type RuleText } from "./rules-text";
import { tagWords, type TagsAt } from "./tagging";

/** The longest text a memory may have, in UTF-16 units. */
const TEXT_LENGTH_MAX = 8000;
/** How many memories of a hundred get an opener or a closer when they are changed anyway. */
const OPENER_PERCENT = 50;
const CLOSER_PERCENT = 20;
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
      if (!hasWork(agent)) {
        return { text: memory.text, usage: NO_USAGE };
      }
      const table = tables.get(agent.voice.lexicon) ?? readLexicon(agent.voice.lexicon);
      tables.set(agent.voice.lexicon, table);
      const tagsAt = await tagWords(memory.text);
      signal.throwIfAborted();
      return { text: bestRewording(request, { tagsAt, table }), usage: NO_USAGE };
    },
  };
}

function hasWork({ voice }: AgentProfile): boolean {
  return (
    voice.person !== "first" ||
    Object.keys(voice.lexicon).length > 0 ||
    voice.openers.length > 0 ||
    voice.closers.length > 0 ||
    registerOf(voice) !== "as-is"
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
  const register = use.words ? registerOf(voice) : "as-is";
  const parsed = splitText(memory.text, reading.tagsAt);
  keepVerbatim(parsed, use.verbatim);
  if (use.words) {
    swapWords(parsed, reading.table);
  }
  if (register === "formal") {
    expandContractions(parsed);
  }
  shiftPerson(parsed, voice.person, agent.name.trim());
  if (register === "casual") {
    contractWords(parsed);
  }
  return use.phrases ? addPhrases(request, parsed) : joinText(parsed);
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

function addPhrases(request: ReVoiceRequest, parsed: RuleText): string {
  const { agent, memory } = request;
  const text = joinText(parsed);
  const isChanged = text !== memory.text;
  const opener = pickOpener(request, isChanged);
  const closer = pickCloser(request, isChanged || opener !== undefined, endsAsStatement(text));
  const opened = opener === undefined ? text : withOpener(opener, text, parsed);
  const withBoth = closer === undefined ? opened : withCloser(closer, opened);
  if (withBoth.length <= TEXT_LENGTH_MAX) {
    return withBoth;
  }
  return opened.length <= TEXT_LENGTH_MAX && agent.voice.openers.length > 0 ? opened : text;
}

function pickOpener(request: ReVoiceRequest, isChanged: boolean): string | undefined {
  const { agent, memory, agentContext } = request;
  const openers = agent.voice.openers.filter((opener) => opener.trim() !== "" && !begins(memory.text, opener));
  const seed = hash(`opener ${memory.memoryId} ${agent.name}`);
  if (isChanged && seed % 100 >= OPENER_PERCENT) {
    return undefined;
  }
  const fresh = openers.filter((opener) => !agentContext.some((other) => begins(other.text, opener)));
  // An opener heard before is better than a memory without the agent's voice.
  const choice = fresh.length > 0 || isChanged ? fresh : openers;
  return choice[Math.floor(seed / 100) % Math.max(1, choice.length)];
}

function pickCloser(request: ReVoiceRequest, isChanged: boolean, endsPlainly: boolean): string | undefined {
  const { agent, memory } = request;
  const closers = agent.voice.closers.filter((closer) => closer.trim() !== "");
  const seed = hash(`closer ${memory.memoryId} ${agent.name}`);
  const isWanted = isChanged ? endsPlainly && seed % 100 < CLOSER_PERCENT : true;
  return isWanted ? closers[Math.floor(seed / 100) % Math.max(1, closers.length)] : undefined;
}

function begins(text: string, opener: string): boolean {
  const phrase = opener
    .trim()
    .replace(/[\p{P}\s]+$/u, "")
    .toLowerCase();
  // Only the beginning is compared; a memory may be long, and openers many. Case may change the length of a text.
  const start = text.trimStart().slice(0, 2 * phrase.length + 8);
  return phrase !== "" && start.toLowerCase().startsWith(phrase);
}

/** FNV-1a, 32 bits: the same choice for the same memory and agent on every run. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
