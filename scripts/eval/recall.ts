import { performance } from "node:perf_hooks";

import { z } from "zod";

import { type Client, createClient } from "../demo/client.ts";
import type { Service } from "../demo/service.ts";
import { storeCollection } from "../demo/storing.ts";
import { type Figures, figuresOf, type Ranking } from "./figures.ts";
import type { Conversation, Question } from "./questions.ts";

/** By relevance alone: what is measured is the finding. */
const BY_RELEVANCE = { importance_alpha: 0, recency_alpha: 0 };
/** So far down the list the first that holds an answer is looked for. */
const DEPTH = 100;

const SearchAnswer = z.object({
  filtered_memories: z.array(z.object({ memory: z.object({ external_id: z.string() }) })),
  degraded: z.boolean(),
});

export interface Contender {
  readonly embedder: string;
  readonly service: Service;
}

interface Loaded {
  readonly embedder: string;
  readonly client: Client;
  /** A question, and the collection that it is asked of. */
  readonly asked: readonly (Question & { readonly collectionId: string })[];
}

export interface Step {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
}

/**
 * Asks all questions of all contenders: once for what is found, then `rounds` times for how long it takes, with the
 * default settings and the contenders in turns, question by question.
 */
export async function measureRecall(
  contenders: readonly Contender[],
  conversations: readonly Conversation[],
  { rounds, signal, onStep }: { rounds: number; signal: AbortSignal; onStep: (step: Step) => void },
): Promise<readonly Figures[]> {
  const loaded: Loaded[] = [];
  for (const contender of contenders) loaded.push(await load(contender, conversations, signal, onStep));
  const rankings = await rankAll(loaded, onStep);
  const times = await timeAll(loaded, rounds, onStep);
  return loaded.map((each) =>
    figuresOf(
      each.embedder,
      rankings.get(each) ?? [],
      times.map((round) => round.get(each) ?? []),
    ),
  );
}

async function load(
  { embedder, service }: Contender,
  conversations: readonly Conversation[],
  signal: AbortSignal,
  onStep: (step: Step) => void,
): Promise<Loaded> {
  const client = createClient(service.address, service.key, AbortSignal.any([signal, service.lost]));
  const asked: Loaded["asked"][number][] = [];
  const step = stepper(`storing, ${embedder}`, conversations.length, onStep);
  for (const { collection, questions } of conversations) {
    const { collectionId } = await storeCollection(client, collection, () => undefined);
    asked.push(...questions.map((question) => ({ ...question, collectionId })));
    step();
  }
  return { embedder, client, asked };
}

async function rankAll(
  loaded: readonly Loaded[],
  onStep: (step: Step) => void,
): Promise<ReadonlyMap<Loaded, readonly Ranking[]>> {
  const rankings = new Map<Loaded, readonly Ranking[]>();
  const step = stepper("finding", loaded.length * (loaded[0]?.asked.length ?? 0), onStep);
  for (const each of loaded) {
    const found: Ranking[] = [];
    for (const question of each.asked) {
      const settings = { ...BY_RELEVANCE, top_k_vectors: DEPTH, max_memories: DEPTH };
      found.push({ evidence: question.evidence, found: await ask(each, question, settings) });
      step();
    }
    rankings.set(each, found);
  }
  return rankings;
}

async function timeAll(loaded: readonly Loaded[], rounds: number, onStep: (step: Step) => void) {
  const questions = loaded[0]?.asked.length ?? 0;
  const step = stepper("timing", rounds * questions * loaded.length, onStep);
  const times: Map<Loaded, number[]>[] = [];
  for (let round = 0; round < rounds; round++) {
    const ofRound = new Map(loaded.map((each): [Loaded, number[]] => [each, []]));
    for (let index = 0; index < questions; index++) {
      // Who comes first changes with every question and round: the first may find the machine colder.
      for (const each of (index + round) % 2 === 0 ? loaded : loaded.toReversed()) {
        const question = each.asked[index];
        if (question === undefined) continue;
        const startedAtMs = performance.now();
        await ask(each, question, BY_RELEVANCE);
        ofRound.get(each)?.push(performance.now() - startedAtMs);
        step();
      }
    }
    times.push(ofRound);
  }
  return times;
}

/** The external ids of what is found, best first. */
async function ask(
  { client, embedder }: Loaded,
  { question, collectionId }: Loaded["asked"][number],
  settings: object,
): Promise<readonly string[]> {
  const { body } = await client.call("POST", `/v1/collections/${collectionId}/search`, {
    schema: SearchAnswer,
    body: { query: question, memory_settings: settings, update_access: false },
  });
  if (body.degraded) throw new Error(`The embedder ${embedder} could not answer; what is measured would be another.`);
  return body.filtered_memories.map(({ memory }) => memory.external_id);
}

function stepper(what: string, total: number, onStep: (step: Step) => void): () => void {
  const startedAtMs = performance.now();
  let done = 0;
  return () => {
    done += 1;
    onStep({ what, done, total, perSecond: done / ((performance.now() - startedAtMs) / 1000) });
  };
}
