import { z } from "@hono/zod-openapi";
import type { Agent } from "../../domain/agents/agent";
import { DEFAULT_VOICE, type Person, type Voice } from "../../domain/agents/voice";
import type { AgentDraft, AgentPatch } from "../../services/agents/agents";
import {
  DescriptionV1,
  MemorySettingsV1,
  MetadataV1,
  TimestampV1,
  toMemorySettings,
  toMemorySettingsV1,
  toTimestamp,
  withoutUndefined,
} from "./common.dto";
import { searchFieldsV1 } from "./search.dto";

const AGENT_NAME_MAX_CHARACTERS = 100;
const PERSONA_MAX_CHARACTERS = 8_000;
const TONE_MAX_CHARACTERS = 60;
const TRAITS_MAX = 20;
const TRAIT_MAX_CHARACTERS = 60;
const LEXICON_MAX = 200;
const LEXICON_MAX_CHARACTERS = 60;
const PHRASES_MAX = 50;
const PHRASE_MAX_CHARACTERS = 120;
const EXAMPLES_MAX = 20;
const EXAMPLE_MAX_CHARACTERS = 500;

/** Wire words of the grammatical persons, and what each is inside. */
const PERSONS = { first: "first", second: "second", third: "third" } as const satisfies Record<Person, Person>;

const texts = (max: number, characters: number) => z.array(z.string().min(1).max(characters)).max(max);
const word = z.string().min(1).max(LEXICON_MAX_CHARACTERS);

const VoiceV1 = z
  .strictObject({
    person: z.enum(PERSONS).openapi({ description: "In which the agent tells its memories.", example: "first" }),
    tone: z.string().min(1).max(TONE_MAX_CHARACTERS).nullable().openapi({ description: "Or null.", example: "dry" }),
    traits: texts(TRAITS_MAX, TRAIT_MAX_CHARACTERS).openapi({ example: ["cautious", "loyal"] }),
    lexicon: z
      .record(word, word)
      .refine((lexicon) => Object.keys(lexicon).length <= LEXICON_MAX, {
        error: `Must have at most ${LEXICON_MAX} entries.`,
      })
      .openapi({
        description: "Words of the source to the agent's own words.",
        maxProperties: LEXICON_MAX,
        example: { dog: "hound" },
      }),
    openers: texts(PHRASES_MAX, PHRASE_MAX_CHARACTERS).openapi({
      description: "Phrases that may begin a memory.",
      example: ["Mark this:"],
    }),
    closers: texts(PHRASES_MAX, PHRASE_MAX_CHARACTERS).openapi({
      description: "Phrases that may end a memory.",
      example: ["And that was that."],
    }),
    examples: texts(EXAMPLES_MAX, EXAMPLE_MAX_CHARACTERS).openapi({
      description: "Sentences in the agent's own words, shown to a language model.",
      example: ["The sea keeps what it is told."],
    }),
  })
  .openapi("VoiceV1");

const VoiceInputV1 = VoiceV1.partial().openapi("VoiceInputV1", {
  description: "Any subset of the fields. At first: first person, no tone, and nothing in the lists.",
});

const AgentNameV1 = z
  .string()
  .min(1)
  .max(AGENT_NAME_MAX_CHARACTERS)
  .openapi({ description: "Unique in its namespace.", example: "Old Captain" });
const PersonaV1 = z
  .string()
  .max(PERSONA_MAX_CHARACTERS)
  .nullable()
  .openapi({ description: "Who the agent is, shown to a language model.", example: "A retired captain of a trawler." });
const AgentDescriptionV1 = DescriptionV1.openapi({ example: "Tells what happened as a sailor would." });
const EnabledV1 = z.boolean().openapi({ description: "A disabled agent starts no new task.", example: true });

export const AgentCreateV1 = z
  .strictObject({
    name: AgentNameV1,
    description: AgentDescriptionV1.optional(),
    persona: PersonaV1.optional(),
    voice: VoiceInputV1.optional(),
    memory_settings: MemorySettingsV1.optional(),
    enabled: EnabledV1.optional(),
    metadata: MetadataV1.optional(),
  })
  .openapi("AgentCreateV1");

export const AgentsSearchV1 = z
  .strictObject({
    ...searchFieldsV1,
    enabled: z.boolean().openapi({ description: "Only agents that are, or are not.", example: true }),
    managed: z.boolean().openapi({ description: "Only agents that are, or are not.", example: false }),
  })
  .partial()
  .openapi("AgentsSearchV1", { example: { query: "capt", enabled: true } });

export const AgentUpdateV1 = z
  .strictObject({
    name: AgentNameV1,
    description: AgentDescriptionV1,
    persona: PersonaV1,
    // Unions, because the generator loses the null of a nullable schema that has a name.
    voice: z.union([VoiceInputV1, z.null()]).openapi({
      description: "Changes the fields that are given, each as a whole; null sets the voice back.",
    }),
    memory_settings: z.union([MemorySettingsV1, z.null()]).openapi({
      description: "Changes the fields that are given; null sets all of them back.",
    }),
    enabled: EnabledV1,
    metadata: MetadataV1.openapi({ description: "Replaces the metadata as a whole." }),
  })
  .partial()
  .openapi("AgentUpdateV1", { description: "What is not given stays; null clears." });

export const AgentV1 = z
  .object({
    agent_id: z.string().openapi({ example: "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11" }),
    name: AgentNameV1,
    description: AgentDescriptionV1,
    persona: PersonaV1,
    voice: VoiceV1,
    memory_settings: MemorySettingsV1.openapi({
      description: "What the agent's recalls use where a call gives nothing: only the fields that were set.",
    }),
    enabled: EnabledV1,
    managed: z.boolean().openapi({ description: "Owned by the system: cannot be changed.", example: false }),
    deleted: z.boolean().openapi({ example: false }),
    metadata: MetadataV1,
    created_at: TimestampV1,
    updated_at: TimestampV1,
  })
  .openapi("AgentV1");

export const AgentRemovalV1 = z
  .object({
    agents: z.number().int().openapi({ example: 1 }),
    bindings: z.number().int().openapi({ description: "Bindings that would go with it.", example: 2 }),
    collections: z.number().int().openapi({ description: "Collections that would lose their owner.", example: 1 }),
  })
  .openapi("AgentRemovalV1");

export function toAgentDraft(given: z.output<typeof AgentCreateV1>): AgentDraft {
  return {
    name: given.name,
    description: given.description ?? null,
    persona: given.persona ?? null,
    voice: { ...DEFAULT_VOICE, ...withoutUndefined(given.voice ?? {}) },
    memorySettings: toMemorySettings(given.memory_settings ?? {}),
    enabled: given.enabled ?? true,
    metadata: given.metadata ?? {},
  };
}

export function toAgentFilters({ enabled, managed }: z.output<typeof AgentsSearchV1>) {
  return withoutUndefined({ enabled, managed });
}

export function toAgentPatch(given: z.output<typeof AgentUpdateV1>): AgentPatch {
  const { voice, memory_settings, ...fields } = given;
  return withoutUndefined({
    ...fields,
    voice: voice && withoutUndefined(voice),
    memorySettings: memory_settings && toMemorySettings(memory_settings),
  });
}

export function toAgentV1(agent: Agent): z.output<typeof AgentV1> {
  return {
    agent_id: agent.id,
    name: agent.name,
    description: agent.description,
    persona: agent.persona,
    voice: toVoiceV1(agent.voice),
    memory_settings: toMemorySettingsV1(agent.memorySettings),
    enabled: agent.enabled,
    managed: agent.managed,
    deleted: agent.deletedAtMs !== null,
    metadata: agent.metadata,
    created_at: toTimestamp(agent.createdAtMs),
    updated_at: toTimestamp(agent.updatedAtMs),
  };
}

function toVoiceV1(voice: Voice): z.output<typeof VoiceV1> {
  return {
    person: PERSONS[voice.person],
    tone: voice.tone,
    traits: [...voice.traits],
    lexicon: voice.lexicon,
    openers: [...voice.openers],
    closers: [...voice.closers],
    examples: [...voice.examples],
  };
}
