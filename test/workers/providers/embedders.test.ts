import { describe, expect, it } from "vitest";
import { openAiCompatibleEmbedder } from "../../../src/providers/openai-compatible/embeddings-embedder";
import { workersAiEmbedder } from "../../../src/providers/workers-ai/workers-ai-embedder";
import { openServices } from "../../../src/runtime/composition";
import { EMBEDDED_TEXTS_MAX } from "../../../src/services/ports/ports";
import { envWith } from "../../support/env-with";
import {
  type EmbedderAct,
  EMBEDDER_DIMENSIONS,
  embeds,
  embedsAs,
  isSilent,
  refuses,
  scriptedEmbedder,
  vectorOf,
} from "../../support/scripted-embedder";
import { errorOf } from "../../support/service-error";

/*
 * The providers alone: what they send, and what they make of an answer. What becomes of memories is in dense-search.
 */

const never = new AbortController().signal;

function embedderOn(server: { readonly fetch: typeof fetch }, more: object = {}, dimensions = EMBEDDER_DIMENSIONS) {
  const endpoint = {
    baseUrl: "http://embedder.test/v1",
    apiKey: "the-key",
    timeoutSeconds: 5,
    settings: "EMBEDDER_NAME",
    fetch: server.fetch,
    ...more,
  };
  return openAiCompatibleEmbedder({ endpoint, model: "scripted-embedder", dimensions });
}

function embed(texts: readonly string[], ...acts: readonly EmbedderAct[]) {
  const server = scriptedEmbedder(...acts);
  return { server, result: embedderOn(server).embed(texts, { signal: never }) };
}

const lengthOf = (vector: Float32Array | undefined) => Math.hypot(...(vector ?? []));

function unitOf(text: string): Float32Array {
  const vector = vectorOf(text);
  return Float32Array.from(vector, (each) => each / Math.hypot(...vector));
}

/** A model with dimensions of its own, which can give others. */
const hasOwnDimensions: EmbedderAct = (asked) => embeds(undefined, asked.body.dimensions ?? 16)(asked);

const refusesLong: EmbedderAct = (asked) =>
  asked.body.input.some((text: string) => text.length > 1_000) ? refuses(400)(asked) : embeds()(asked);

/** As Workers AI answers. */
const answers = ({ text }: any) => ({ shape: [text.length, 8], data: text.map((each: string) => vectorOf(each)) });

const refusesWhole = ({ text }: any) => {
  if (text[0].length > 1_000) throw new Error("3006: Request is too large");
  return answers({ text });
};

describe("a server with OpenAI's /embeddings", () => {
  it("is sent the texts and the key, and asked for no dimensions", async () => {
    const { server, result } = embed(["a walrus", "a quay"]);
    await result;
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]?.url).toBe("http://embedder.test/v1/embeddings");
    expect(server.asked[0]?.headers.get("authorization")).toBe("Bearer the-key");
    expect(server.asked[0]?.body).toEqual({ model: "scripted-embedder", input: ["a walrus", "a quay"] });
  });

  it("gives vectors of unit length, and its count of tokens", async () => {
    const { vectors, usage } = await embed(["a walrus", "a quay"]).result;
    expect(vectors).toEqual([unitOf("a walrus"), unitOf("a quay")]);
    expect(vectors.map(lengthOf)).toEqual([expect.closeTo(1, 6), expect.closeTo(1, 6)]);
    expect(usage).toMatchObject({ inputTokens: 7 });
  });

  it("may answer in any order, or without saying which is which", async () => {
    const texts = ["a walrus", "a quay", "a storm"];
    const expected = texts.map(unitOf);
    expect(
      (
        await embed(
          texts,
          embeds((data) => data.toReversed()),
        ).result
      ).vectors,
    ).toEqual(expected);
    const unnumbered = embeds((data) => data.map(({ embedding }) => ({ embedding })));
    expect((await embed(texts, unnumbered).result).vectors).toEqual(expected);
  });

  it("is asked for many texts in lots that any server takes, which come back in order", async () => {
    const texts = Array.from({ length: EMBEDDED_TEXTS_MAX }, (_, at) => `${"x".repeat(at % 7)} ${at}`);
    const { server, result } = embed(texts);
    expect((await result).vectors).toEqual(texts.map(unitOf));
    expect(server.asked.map(({ body }) => body.input.length)).toEqual([32, 32, 32, 4]);
  });

  it("that answers other dimensions is asked for those that are wanted, once and from then on", async () => {
    const server = scriptedEmbedder(hasOwnDimensions);
    const embedder = embedderOn(server);
    for (const _ of [1, 2]) {
      const { vectors } = await embedder.embed(["a walrus"], { signal: never });
      expect(vectors[0]).toHaveLength(EMBEDDER_DIMENSIONS);
    }
    expect(server.asked.map(({ body }) => body.dimensions)).toEqual([
      undefined,
      EMBEDDER_DIMENSIONS,
      EMBEDDER_DIMENSIONS,
    ]);
  });

  it("that refuses long texts gets the beginning of each, in whole characters", async () => {
    const { server, result } = embed([`a${"🦭".repeat(3_000)}`, "a quay"], refusesLong);
    expect((await result).vectors).toHaveLength(2);
    const [cut, other] = server.asked.at(-1)?.body.input ?? [];
    expect([cut.length, cut.isWellFormed(), other]).toEqual([1_000, true, "a quay"]);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    ["429", refuses(429, { "retry-after": "30" }), { retryAfterSeconds: 30 }],
    ["500", refuses(500), {}],
    ["404", refuses(404), {}],
    ["400 to texts of any length", refuses(400), {}],
    ["no JSON", () => new Response("<html>"), {}],
    ["no vectors", () => Response.json({ object: "list" }), {}],
    ["an error with status 200", () => Response.json({ error: { message: "x" } }), {}],
    ["one vector too few", embeds((data) => data.slice(1)), {}],
    ["one twice, and another not", embeds((data) => data.map((entry) => ({ ...entry, index: 0 }))), {}],
    [
      "one that is not numbered as the texts are",
      embeds((data) => data.map((e) => ({ ...e, index: e.index + 1 }))),
      {},
    ],
    ["null for a component", embedsAs((vector) => [null, ...vector.slice(1)]), {}],
    ["what is too great for a number", () => new Response(`{"data":[{"embedding":[1e999]},{"embedding":[1]}]}`), {}],
    ["vectors without a direction", embedsAs((vector) => vector.map(() => 0)), {}],
    ["vectors as text", embedsAs(() => "AACAPw=="), {}],
    ["other dimensions, whatever it is asked for", embeds(undefined, 5), {}],
  ])("that answers %s is unavailable", async (_, act, more) => {
    const error = await errorOf(embed(["a walrus", "a quay"], act).result);
    expect(error).toMatchObject({ kind: "unavailable", code: "model-unavailable", ...more });
    expect(error.message).not.toContain("secret");
  });

  it("that says nothing is given up after its time", async () => {
    const server = scriptedEmbedder(isSilent);
    const error = await errorOf(embedderOn(server, { timeoutSeconds: 0.2 }).embed(["a"], { signal: never }));
    expect(error).toMatchObject({ kind: "unavailable" });
    expect(server.asked[0]?.signal?.aborted).toBe(true);
  });

  it("is named with its model, and what it cannot do names the variables", async () => {
    expect(embedderOn(scriptedEmbedder())).toMatchObject({ id: "openai-compatible:scripted-embedder", dimensions: 8 });
    expect((await errorOf(embed(["a"], refuses(401)).result)).message).toContain("EMBEDDER_NAME");
    expect((await errorOf(embed(["a"], embeds(undefined, 5)).result)).message).toContain("EMBEDDER_DIMENSIONS");
  });
});

describe("an embedder of Workers AI", () => {
  const MODEL = "@cf/baai/bge-base-en-v1.5";

  function ask(run: (inputs: any) => unknown, texts: readonly string[] = ["a walrus", "a quay"]) {
    const asked: any[] = [];
    const binding = {
      run: async (model: string, inputs: any) => {
        asked.push({ model, inputs });
        return run(inputs);
      },
    };
    return { asked, result: workersAiEmbedder(binding, MODEL, 8).embed(texts, { signal: never }) };
  }

  it("is sent the texts, and gives vectors of unit length", async () => {
    const { asked, result } = ask(answers);
    expect((await result).vectors).toEqual([unitOf("a walrus"), unitOf("a quay")]);
    expect(asked).toEqual([{ model: MODEL, inputs: { text: ["a walrus", "a quay"] } }]);
  });

  it.each([
    ["throws that it has no capacity", "3040: Capacity temporarily exceeded", {}],
    ["throws that the day's allowance is used up", "3036: You have used up", { retryAfterSeconds: 3_600 }],
    ["throws that it does not take the texts", "3006: Request is too large", {}],
    [
      "throws that there is no such model",
      "5007: No such model",
      { message: expect.stringContaining("EMBEDDER_NAME") },
    ],
  ])("that %s is unavailable", async (_, message, more) => {
    const { result } = ask(() => {
      throw new Error(message);
    });
    expect(await errorOf(result)).toMatchObject({ kind: "unavailable", ...more });
  });

  it.each([
    ["too few vectors", () => ({ data: [vectorOf("a")] })],
    ["other dimensions", () => ({ data: [[1], [1]] })],
    ["no numbers", () => ({ data: [["x"], ["y"]] })],
    ["another form", () => ({ request_id: "1" })],
  ])("that answers %s is unavailable", async (_, answer) => {
    expect(await errorOf(ask(answer).result)).toMatchObject({ kind: "unavailable" });
  });

  it("gets the beginnings of texts that it refuses", async () => {
    const { asked, result } = ask(refusesWhole, ["x".repeat(5_000), "a quay"]);
    expect((await result).vectors).toHaveLength(2);
    expect(asked.map(({ inputs }) => inputs.text[0].length)).toEqual([5_000, 1_000]);
  });

  it("is unavailable where it has no network or no account", async () => {
    const { dense } = openServices(envWith({ EMBEDDER: "workers-ai" }));
    expect(dense?.embedder).toMatchObject({ id: `workers-ai:${MODEL}`, dimensions: 768 });
    expect(await errorOf(dense?.embedder.embed(["a"], { signal: never }) ?? Promise.resolve())).toMatchObject({
      kind: "unavailable",
    });
  });
});
