import { describe, expect, it } from "vitest";
import { MODEL_CALLS_PER_MEMORY_MAX } from "../../../src/domain/tasks/budget";
import { DEFAULT_MEMORY_SETTINGS } from "../../../src/domain/recall/memory-settings";
import type { ReVoiceCommand } from "../../../src/domain/tasks/operations";
import { DEFAULT_VOICE } from "../../../src/domain/agents/voice";
import { ServiceError } from "../../../src/services/errors/errors";
import type { ReVoiceRequest, ReVoiceResult, TextGenerator } from "../../../src/services/ports/ports";
import { type CallMeter, reVoiceMemory, UNMETERED } from "../../../src/services/operations/re-voicing/re-voice-memory";

const command: ReVoiceCommand = {
  operation: "re-voice",
  agent: { id: "agent_1", name: "Mara", description: null, persona: null, voice: DEFAULT_VOICE },
  collectionId: "collection_1",
  target: { collectionId: "collection_2", newName: "retold" },
  boundCollectionIds: [],
  sourceMemorySettings: DEFAULT_MEMORY_SETTINGS,
  agentMemorySettings: DEFAULT_MEMORY_SETTINGS,
  instructions: "Be brief.",
  onItemError: "continue",
};

const SOURCE = "I paid Anna 40 euros in Lisbon.";

/** A generator that answers what it is told, one answer a call, and keeps what it was asked. */
function scripted(
  ...answers: (string | Error | Extract<ReVoiceResult, { text: null }>)[]
): TextGenerator & { readonly asked: ReVoiceRequest[] } {
  const asked: ReVoiceRequest[] = [];
  return {
    id: "scripted",
    asked,
    reVoice: async (request) => {
      asked.push(request);
      const answer = answers[asked.length - 1] ?? new Error("No more answers.");
      if (answer instanceof Error) throw answer;
      if (typeof answer !== "string") return answer;
      return { text: answer, usage: { inputTokens: 10, outputTokens: 5 } };
    },
  };
}

function reVoice(
  generator: TextGenerator,
  signal = new AbortController().signal,
  position = 0,
  calls: CallMeter = UNMETERED,
) {
  const item = {
    position,
    sourceMemoryId: "memory_1",
    strikes: 0,
    unanswered: 0,
    source: { text: SOURCE, occurredAtMs: 0, childMemoryIds: ["memory_2"] },
  };
  const input = {
    taskId: "task_1",
    command,
    item,
    sourceContext: [],
    agentContext: [],
    modelTimeoutSeconds: 60,
    calls,
    signal,
  };
  return reVoiceMemory(generator, input);
}

describe("re-voicing a memory", () => {
  it("keeps a text that has every fact, in one call", async () => {
    const generator = scripted("To Anna I gave 40 euros, in Lisbon.");
    const result = await reVoice(generator);
    expect(result).toMatchObject({ verdict: "re_voiced", problem: null });
    expect(result.memory?.text).toBe("To Anna I gave 40 euros, in Lisbon.");
    expect(result.usage).toEqual({ modelCalls: 1, inputTokens: 10, outputTokens: 5 });
  });

  it("keeps no half of a character, and no U+0000, which no file could give back", async () => {
    const result = await reVoice(scripted("To Anna I gave\0 40 euros, in Lisbon. \ud83d"));
    expect(result.memory?.text).toBe("To Anna I gave 40 euros, in Lisbon. \ufffd");
  });

  it("tells the generator the memory's place in its task", async () => {
    const generator = scripted(SOURCE);
    await reVoice(generator, undefined, 7);
    expect(generator.asked.map(({ position }) => position)).toEqual([7]);
  });

  it("derives the ids of the memory and of its links from the task, so that a repeat makes the same", async () => {
    const [a, b] = [await reVoice(scripted(SOURCE)), await reVoice(scripted(SOURCE))];
    expect(a.memory?.id).toMatch(/^memory_[0-9a-f]{32}$/);
    expect(a.memory?.id).toBe(b.memory?.id);
    expect(a.memory?.childMemoryIds).toEqual(b.memory?.childMemoryIds);
    expect(a.memory?.childMemoryIds).toHaveLength(1);
  });

  it("gives the provider one idempotency key for the memory, and the instructions", async () => {
    const generator = scripted(SOURCE);
    await reVoice(generator);
    expect(generator.asked[0]).toMatchObject({ idempotencyKey: "task_1:memory_1", instructions: "Be brief." });
    expect(generator.asked[0]?.repair).toBeNull();
  });

  it("asks once more when a fact is lost, and names it", async () => {
    const generator = scripted("I paid Anna in Lisbon.", "I paid Anna 40 euros, Lisbon way.");
    const result = await reVoice(generator);
    expect(generator.asked[1]?.repair).toMatchObject({ text: "I paid Anna in Lisbon." });
    expect(generator.asked[1]?.repair?.missing.join()).toContain("40");
    expect(result).toMatchObject({ verdict: "re_voiced", usage: { modelCalls: 2, inputTokens: 20, outputTokens: 10 } });
  });

  it("flags what fails the guard twice, says what is lost, and keeps the text", async () => {
    const result = await reVoice(scripted("I paid Anna.", "I paid Anna in Lisbon."));
    expect(result).toMatchObject({ verdict: "flagged", problem: { code: "facts-lost" } });
    expect(result.problem?.missing?.join()).toContain("40");
    expect(result.memory?.text).toBe("I paid Anna in Lisbon.");
  });

  it.each([
    ["the second", "I paid Anna.", "I paid Anna in Lisbon.", "I paid Anna in Lisbon."],
    ["the first", "I paid Anna in Lisbon.", "I paid Anna.", "I paid Anna in Lisbon."],
    ["the first of equal ones", "I paid Anna in Lisbon.", "I paid Anna 40 euros.", "I paid Anna in Lisbon."],
  ])("keeps %s of two texts that fail the guard, and counts both calls", async (_, first, second, kept) => {
    const result = await reVoice(scripted(first, second));
    expect(result).toMatchObject({ verdict: "flagged", memory: { text: kept } });
    expect(result.usage).toEqual({ modelCalls: 2, inputTokens: 20, outputTokens: 10 });
  });

  it.each([
    [true, 2],
    [false, 1],
  ])("asks again for a text that is not there only when that may help (%s)", async (again, calls) => {
    const none = { text: null, detail: "No form.", again, usage: { inputTokens: 10, outputTokens: 5 } } as const;
    const generator = scripted(none, SOURCE);
    const result = await reVoice(generator);
    expect(generator.asked).toHaveLength(calls);
    expect(generator.asked.map(({ repair }) => repair)).toEqual(Array(calls).fill(null));
    expect(result.verdict).toBe(again ? "re_voiced" : "failed");
    expect(result.usage).toEqual({ modelCalls: calls, inputTokens: 10 * calls, outputTokens: 5 * calls });
  });

  it("never makes more than two calls, whatever comes", async () => {
    const none = { text: null, detail: "No form.", again: true, usage: { inputTokens: 1, outputTokens: 1 } } as const;
    for (const answers of [
      [none, none],
      [none, "I paid Anna."],
      ["I paid Anna.", none],
    ]) {
      const generator = scripted(...answers);
      expect((await reVoice(generator)).usage.modelCalls).toBe(MODEL_CALLS_PER_MEMORY_MAX);
      expect(generator.asked).toHaveLength(2);
    }
  });

  it("fails the memory when the generator refuses in words", async () => {
    const result = await reVoice(scripted("I'm sorry, but I can't help with that."));
    expect(result).toMatchObject({ verdict: "failed", memory: null, problem: { code: "generation-failed" } });
  });

  it("flags a fact that was added", async () => {
    const added = "I paid Anna and Roberto 40 euros in Lisbon.";
    const result = await reVoice(scripted(added, added));
    expect(result.verdict).toBe("flagged");
    expect(result.problem?.added?.join()).toContain("Roberto");
  });

  it("does not take the agent's own name for an added fact", async () => {
    const result = await reVoice(scripted("I, Mara, paid Anna 40 euros in Lisbon."));
    expect(result.verdict).toBe("re_voiced");
  });

  it.each([
    ["nothing", "  "],
    ["too much", "x".repeat(8_001)],
  ])("fails the memory when the generator answers %s", async (_, text) => {
    const result = await reVoice(scripted(text));
    expect(result).toMatchObject({ verdict: "failed", memory: null, problem: { code: "generation-failed" } });
    expect(result.usage.modelCalls).toBe(1);
  });

  it("fails the memory, and tells no internals, when the generator throws", async () => {
    const result = await reVoice(scripted(new TypeError("secret internals")));
    expect(result.verdict).toBe("failed");
    expect(result.problem?.detail).not.toContain("secret");
  });

  it("keeps the first text, flagged, when the repair fails", async () => {
    const result = await reVoice(scripted("I paid Anna in Lisbon.", new Error("broken")));
    expect(result).toMatchObject({ verdict: "flagged", memory: { text: "I paid Anna in Lisbon." } });
    expect(result.usage.modelCalls).toBe(2);
  });

  it("lets an unavailable generator be tried again later, rather than fail the memory", async () => {
    const busy = new ServiceError("unavailable", "model-unavailable", "Busy.");
    await expect(reVoice(scripted(busy))).rejects.toBe(busy);
  });

  it("stops with the lease: the reason of the signal is thrown", async () => {
    const controller = new AbortController();
    const generator: TextGenerator = {
      id: "hanging",
      reVoice: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    };
    const result = reVoice(generator, controller.signal);
    const reason = new Error("lease lost");
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
  });

  it("mends half a surrogate pair, so that the text can be stored", async () => {
    const result = await reVoice(scripted(`${SOURCE} \ud83d`));
    expect(result.memory?.text.isWellFormed()).toBe(true);
  });

  it("skips a memory whose source is gone, without a call", async () => {
    const generator = scripted();
    const item = { position: 0, sourceMemoryId: "memory_1", strikes: 0, unanswered: 0, source: null };
    const { signal } = new AbortController();
    const context = { sourceContext: [], agentContext: [], modelTimeoutSeconds: 60, calls: UNMETERED };
    const input = { taskId: "task_1", command, item, ...context, signal };
    const result = await reVoiceMemory(generator, input);
    expect(result).toMatchObject({ verdict: "skipped", memory: null, usage: { modelCalls: 0 } });
    expect(generator.asked).toEqual([]);
  });
});
