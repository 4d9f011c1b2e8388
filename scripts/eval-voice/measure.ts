import type { InputCollection } from "../demo/input.ts";
import type { SampleAgent } from "../sample/agents.ts";
import { median } from "../bench/statistics.ts";
import { tellApart } from "./classifier.ts";
import { cutPhrases } from "./cutting.ts";
import { countKept } from "./facts.ts";
import { newFaults } from "./grammar.ts";
import type { Teller, Told } from "./telling.ts";
import { wordsOf } from "./words.ts";

/** So many memories in a row must not begin with the same opener. */
const OPENER_WINDOW = 5;

/** What one agent's telling of a whole file came to. */
export interface AgentFigures {
  readonly agent: string;
  readonly memories: number;
  readonly facts_kept: number;
  readonly facts: number;
  /** Share of memories whose words changed, without openers and closers. */
  readonly changed: number;
  readonly faults: number;
  readonly openers: number;
  readonly opener_repeats: number;
  /** Memories with another number of question marks than their source. */
  readonly questions_changed: number;
  readonly flagged: number;
  readonly ms_median: number;
}

export interface PairFigures {
  readonly agents: string;
  /** Share of unseen memories whose teller the classifier names. */
  readonly told_apart: number;
}

export interface Example {
  readonly agent: string;
  readonly source: string;
  readonly text: string;
}

export interface Figures {
  readonly agents: readonly AgentFigures[];
  readonly pairs: readonly PairFigures[];
  readonly examples: readonly Example[];
  /** Faults with the words around, at most `FAULTS_SHOWN_MAX` an agent. */
  readonly faults: readonly { readonly agent: string; readonly kind: string; readonly where: string }[];
}

const FAULTS_SHOWN_MAX = 20;

interface Telling {
  readonly agent: SampleAgent;
  readonly told: readonly Told[];
  readonly openers: readonly (string | null)[][];
  readonly cut: readonly string[];
}

/** Lets every agent tell every memory, and measures it. */
export async function measure(
  agents: readonly SampleAgent[],
  collections: readonly InputCollection[],
  {
    teller,
    examples,
    signal,
    onTold,
  }: {
    readonly teller: Teller;
    /** How many memories to show from each agent, spread over the file. */
    readonly examples: number;
    readonly signal: AbortSignal;
    readonly onTold: (done: number) => void;
  },
): Promise<Figures> {
  const tellings: Telling[] = [];
  let done = 0;
  for (const agent of agents) {
    const told: Told[] = [];
    const openers: (string | null)[][] = [];
    const cut: string[] = [];
    for (const { memories } of collections) {
      const begun: (string | null)[] = [];
      for (const [position, memory] of memories.entries()) {
        signal.throwIfAborted();
        const one = await teller.tell(agent, memory, position);
        const parts = cutPhrases(one.text, agent.voice);
        told.push(one);
        cut.push(parts.text);
        begun.push(startsAlready(one.source, parts.opener, agent) ? null : parts.opener);
        done += 1;
        onTold(done);
      }
      openers.push(begun);
    }
    tellings.push({ agent, told, openers, cut });
  }
  return {
    agents: tellings.map(figuresOf),
    pairs: pairsOf(tellings),
    examples: tellings.flatMap((telling) => examplesOf(telling, examples)),
    faults: tellings.flatMap((telling) => faultsOf(telling).slice(0, FAULTS_SHOWN_MAX)),
  };
}

function startsAlready(source: string, opener: string | null, { voice }: SampleAgent): boolean {
  return opener !== null && cutPhrases(source, { ...voice, openers: [opener] }).opener !== null;
}

function figuresOf(telling: Telling): AgentFigures {
  const { agent, told, cut, openers } = telling;
  const kept = told.map(({ source, text }) => countKept(source, text));
  const changed = told.filter(({ source }, index) => wordsOf(source).join(" ") !== wordsOf(cut[index] ?? "").join(" "));
  return {
    agent: agent.name,
    memories: told.length,
    facts_kept: sum(kept.map((each) => each.kept)),
    facts: sum(kept.map((each) => each.total)),
    changed: changed.length / told.length,
    faults: faultsOf(telling).length,
    openers: openers.flat().filter((opener) => opener !== null).length,
    opener_repeats: sum(openers.map(repeats)),
    questions_changed: told.filter(({ source, text }) => questionMarks(source) !== questionMarks(text)).length,
    flagged: told.filter(({ isFlagged }) => isFlagged).length,
    ms_median: median(told.map(({ ms }) => ms)),
  };
}

function faultsOf({ agent, told }: Telling): readonly { agent: string; kind: string; where: string }[] {
  return told.flatMap(({ source, text }) => newFaults(source, text).map((fault) => ({ agent: agent.name, ...fault })));
}

function pairsOf(tellings: readonly Telling[]): readonly PairFigures[] {
  return tellings.flatMap((first, at) =>
    tellings.slice(at + 1).map((second) => ({
      agents: `${first.agent.name} / ${second.agent.name}`,
      told_apart: tellApart(withoutName(first), withoutName(second)),
    })),
  );
}

/** An agent that tells in the third person names itself: that would be no voice, but a signature. */
function withoutName({ agent, cut }: Telling): readonly string[] {
  const parts = agent.name.split(" ");
  return cut.map((text) => parts.reduce((rest, part) => rest.replaceAll(part, ""), text));
}

function repeats(openers: readonly (string | null)[]): number {
  return openers.filter(
    (opener, index) => opener !== null && openers.slice(Math.max(0, index - OPENER_WINDOW + 1), index).includes(opener),
  ).length;
}

function examplesOf({ agent, told }: Telling, wanted: number): readonly Example[] {
  const step = Math.max(1, Math.floor(told.length / Math.max(1, wanted)));
  return told
    .filter((_, index) => index % step === step - 1)
    .slice(0, wanted)
    .map(({ source, text }) => ({ agent: agent.name, source, text }));
}

function questionMarks(text: string): number {
  return text.split("?").length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
