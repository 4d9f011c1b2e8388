import { readFileSync } from "node:fs";

import { z } from "zod";

import { DemoFault } from "../demo/demo-fault.ts";
import type { InputCollection } from "../demo/input.ts";

/** A question, and the ids of the memories that hold its answer. */
export interface Question {
  readonly question: string;
  readonly evidence: readonly string[];
}

export interface Conversation {
  readonly collection: InputCollection;
  readonly questions: readonly Question[];
}

const Conversations = z
  .array(
    z.object({
      sample_id: z.string(),
      memories: z
        .array(z.object({ id: z.string(), speaker: z.string(), text: z.string(), occurred_at: z.string().nullish() }))
        .min(1),
      questions: z.array(z.object({ question: z.string().min(1), evidence: z.array(z.string()) })),
    }),
  )
  .min(1);

/**
 * Reads conversations with questions: [{ sample_id, memories: [{ id, speaker, text, occurred_at }], questions:
 * [{ question, evidence }] }]. Who speaks is part of what a memory says: "Speaker: text". A question without evidence
 * among the memories is left out.
 * @throws DemoFault with one sentence.
 */
export function readConversations(path: string, name: string): readonly Conversation[] {
  const parsed = Conversations.safeParse(parse(path, name));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DemoFault(
      `${name} is no file of conversations with questions: ${issue?.path.join(".")} ${issue?.message}.`,
    );
  }
  return parsed.data.map(({ sample_id, memories, questions }) => {
    const ids = new Set(memories.map(({ id }) => id));
    return {
      collection: {
        name: sample_id,
        memories: memories.map(({ id, speaker, text, occurred_at }) => ({
          where: `${name}, ${sample_id}, ${id}`,
          body: { text: `${speaker}: ${text}`, external_id: id, ...(occurred_at ? { occurred_at } : {}) },
        })),
      },
      questions: questions
        .map(({ question, evidence }) => ({ question, evidence: [...new Set(evidence)].filter((id) => ids.has(id)) }))
        .filter(({ evidence }) => evidence.length > 0),
    };
  });
}

function parse(path: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new DemoFault(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
