import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/runtime/config/config";
import { openServices } from "../../../src/runtime/composition";
import { envWith } from "../../support/env-with";

const embedderOf = (variables: object) => readConfig({ ADMIN_KEY: "a-key-of-eight", ...variables }).embedder;
const COMPATIBLE = {
  EMBEDDER: "openai-compatible",
  EMBEDDER_BASE_URL: "http://127.0.0.1:11434/v1",
  EMBEDDER_NAME: "nomic-embed-text",
  EMBEDDER_DIMENSIONS: "768",
};
const SHARED = { MODEL_BASE_URL: "https://api.openai.com/v1", MODEL_API_KEY: "sk-model" };

const open = (more: object) => openServices(envWith({ ...COMPATIBLE, ...more }));

describe("the variables of the embedder", () => {
  it("are the embedded words where nothing is said, and where all are empty", () => {
    const empty = { EMBEDDER_NAME: "", EMBEDDER_BASE_URL: "", EMBEDDER_API_KEY: "", EMBEDDER_DIMENSIONS: "" };
    expect([embedderOf({}), embedderOf(empty)]).toEqual([{ provider: "embedded" }, { provider: "embedded" }]);
    expect(embedderOf({ EMBEDDER: "none" })).toEqual({ provider: "none" });
  });

  it("give Workers AI a model, whose dimensions are known", () => {
    expect(embedderOf({ EMBEDDER: "workers-ai" })).toEqual({
      provider: "workers-ai",
      name: "@cf/baai/bge-base-en-v1.5",
      dimensions: 768,
      timeoutSeconds: 10,
      index: "d1",
    });
    const small = { EMBEDDER: "workers-ai", EMBEDDER_NAME: "@cf/baai/bge-small-en-v1.5" };
    expect(embedderOf(small)).toMatchObject({ dimensions: 384 });
    const other = { EMBEDDER: "workers-ai", EMBEDDER_NAME: "@cf/x/y" };
    expect(() => embedderOf(other)).toThrow("EMBEDDER_DIMENSIONS");
    expect(embedderOf({ ...other, EMBEDDER_DIMENSIONS: "12" })).toMatchObject({ name: "@cf/x/y", dimensions: 12 });
  });

  it("give a compatible server all that it needs", () => {
    const more = { EMBEDDER_API_KEY: "sk-1", EMBEDDER_TIMEOUT_SECONDS: "3", VECTOR_INDEX: "vectorize" };
    expect(embedderOf({ ...COMPATIBLE, ...more })).toEqual({
      provider: "openai-compatible",
      name: "nomic-embed-text",
      dimensions: 768,
      baseUrl: "http://127.0.0.1:11434/v1",
      apiKey: "sk-1",
      timeoutSeconds: 3,
      index: "vectorize",
    });
  });

  it("fall back to the model's server and its key", () => {
    const { EMBEDDER_BASE_URL: _, ...rest } = COMPATIBLE;
    expect(embedderOf({ ...rest, ...SHARED })).toMatchObject({
      baseUrl: SHARED.MODEL_BASE_URL,
      apiKey: SHARED.MODEL_API_KEY,
    });
    expect(embedderOf({ ...rest, ...SHARED, EMBEDDER_API_KEY: "sk-own" })).toMatchObject({ apiKey: "sk-own" });
  });

  it("never give the model's key to another server", () => {
    expect(embedderOf({ ...COMPATIBLE, ...SHARED })).toMatchObject({ apiKey: null });
  });

  it.each(["EMBEDDER_BASE_URL", "EMBEDDER_NAME", "EMBEDDER_DIMENSIONS"])(
    "name %s when it is missing or empty",
    (name) => {
      for (const value of [undefined, ""]) {
        const read = () => embedderOf({ ...COMPATIBLE, [name]: value });
        expect(read).toThrow(name);
        expect(read).toThrow("EMBEDDER=openai-compatible needs it");
      }
    },
  );

  it("name all that is missing at once", () => {
    expect(() => embedderOf({ EMBEDDER: "openai-compatible" })).toThrow(
      /EMBEDDER_BASE_URL[^]*EMBEDDER_NAME[^]*EMBEDDER_DIMENSIONS/,
    );
  });

  it.each([
    ["EMBEDDER", "magic"],
    ["EMBEDDER_BASE_URL", "localhost:11434"],
    ["EMBEDDER_API_KEY", "two words"],
    ["EMBEDDER_DIMENSIONS", "0"],
    ["EMBEDDER_DIMENSIONS", "768.5"],
    ["EMBEDDER_DIMENSIONS", "5000"],
    ["EMBEDDER_TIMEOUT_SECONDS", "61"],
    ["VECTOR_INDEX", "pinecone"],
  ])("refuse %s=%j and name it", (name, value) => {
    expect(() => embedderOf({ ...COMPATIBLE, [name]: value })).toThrow(name);
  });

  it("refuse more dimensions than Vectorize takes", () => {
    const large = { ...COMPATIBLE, EMBEDDER_DIMENSIONS: "3072" };
    expect(embedderOf(large)).toMatchObject({ dimensions: 3_072 });
    expect(() => embedderOf({ ...large, VECTOR_INDEX: "vectorize" })).toThrow("EMBEDDER_DIMENSIONS");
  });

  it("say that Vectorize needs its binding, and where that stands", () => {
    expect(() => open({ VECTOR_INDEX: "vectorize" })).toThrow("VECTORIZE");
    expect(() => open({ VECTOR_INDEX: "vectorize" })).toThrow("wrangler.toml");
    expect(open({ VECTOR_INDEX: "vectorize", VECTORIZE: {} }).dense?.index.name).toBe("vectorize");
    expect(open({ VECTORIZE: {} }).dense?.index.name).toBe("d1");
  });
});
