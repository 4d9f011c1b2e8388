import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/runtime/config/config";

const modelOf = (variables: object) => readConfig({ ADMIN_KEY: "a-key-of-eight", ...variables }).model;
const gateOf = (variables: object) => readConfig({ ADMIN_KEY: "a-key-of-eight", ...variables }).gate;
const COMPATIBLE = {
  MODEL_PROVIDER: "openai-compatible",
  MODEL_BASE_URL: "http://127.0.0.1:11434/v1",
  MODEL_NAME: "llama3.2",
};

describe("the variables of the model", () => {
  it("are the embedded rules where nothing is said, and where all are empty", () => {
    expect(modelOf({})).toEqual({ provider: "embedded", name: null, timeoutSeconds: 60 });
    expect(modelOf({ MODEL_NAME: "", MODEL_BASE_URL: "", MODEL_API_KEY: "" }).provider).toBe("embedded");
  });

  it("give Workers AI a model, which may be another", () => {
    expect(modelOf({ MODEL_PROVIDER: "workers-ai" })).toMatchObject({ provider: "workers-ai" });
    expect(modelOf({ MODEL_PROVIDER: "workers-ai", MODEL_NAME: "" }).name).toMatch(/^@cf\//);
    expect(modelOf({ MODEL_PROVIDER: "workers-ai", MODEL_NAME: "@cf/x/y" }).name).toBe("@cf/x/y");
  });

  it("give a compatible server its address, its model, and a key where it needs one", () => {
    expect(modelOf(COMPATIBLE)).toEqual({
      provider: "openai-compatible",
      name: "llama3.2",
      baseUrl: "http://127.0.0.1:11434/v1",
      apiKey: null,
      stream: true,
      timeoutSeconds: 60,
    });
    const more = { MODEL_API_KEY: "sk-1", MODEL_STREAM: "off", MODEL_TIMEOUT_SECONDS: "120" };
    expect(modelOf({ ...COMPATIBLE, ...more })).toMatchObject({ apiKey: "sk-1", stream: false, timeoutSeconds: 120 });
  });

  it.each(["MODEL_BASE_URL", "MODEL_NAME"])("name %s when it is missing or empty, and who needs it", (name) => {
    for (const value of [undefined, ""]) {
      const read = () => modelOf({ ...COMPATIBLE, [name]: value });
      expect(read).toThrow(name);
      expect(read).toThrow("MODEL_PROVIDER=openai-compatible needs it.");
    }
  });

  it("name all that is missing at once", () => {
    expect(() => modelOf({ MODEL_PROVIDER: "openai-compatible" })).toThrow(/MODEL_BASE_URL[^]*MODEL_NAME/);
  });

  it.each([
    ["MODEL_PROVIDER", "magic"],
    ["MODEL_BASE_URL", "localhost:11434"],
    ["MODEL_BASE_URL", "ftp://models.example"],
    ["MODEL_API_KEY", "two words"],
    ["MODEL_API_KEY", "line\nbreak"],
    ["MODEL_TIMEOUT_SECONDS", "0"],
    ["MODEL_TIMEOUT_SECONDS", "121"],
    ["MODEL_STREAM", "yes"],
    ["MODEL_CONCURRENCY", "0"],
    ["MODEL_REQUESTS_PER_MINUTE", "1"],
    ["MODEL_TOKENS_PER_MINUTE", "many"],
  ])("refuse %s=%j and name it", (name, value) => {
    expect(() => modelOf({ ...COMPATIBLE, [name]: value })).toThrow(name);
  });

  it("never say the key in an error", () => {
    expect(() => modelOf({ ...COMPATIBLE, MODEL_API_KEY: "my secret" })).not.toThrow("my secret");
  });
});

describe("the variables of the model's gate", () => {
  it("are 16 calls at once and no limit a minute where nothing is said, or all are empty", () => {
    const gate = { concurrency: 16, requestsPerMinute: null, tokensPerMinute: null };
    expect(gateOf({})).toEqual(gate);
    expect(gateOf({ MODEL_REQUESTS_PER_MINUTE: "", MODEL_TOKENS_PER_MINUTE: "" })).toEqual(gate);
  });

  it("are numbers", () => {
    const given = { MODEL_CONCURRENCY: "40", MODEL_REQUESTS_PER_MINUTE: "500", MODEL_TOKENS_PER_MINUTE: "200000" };
    expect(gateOf(given)).toEqual({ concurrency: 40, requestsPerMinute: 500, tokensPerMinute: 200_000 });
  });
});
