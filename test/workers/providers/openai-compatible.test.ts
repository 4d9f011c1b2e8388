import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ServiceError } from "../../../src/services/errors/errors";
import { generatorOn } from "../../support/model-consumer";
import { RE_VOICE_REQUEST } from "../../support/re-voice-request";
import {
  type Act,
  fails,
  retells,
  says,
  saysNothing,
  scriptedModel,
  sends,
  stalls,
} from "../../support/scripted-model";

/*
 * The provider alone: what it sends, and what it makes of an answer. What becomes of a task is in model-outcomes.
 */

const never = new AbortController().signal;

function ask(act: Act | readonly Act[], options: Parameters<typeof generatorOn>[1] = {}, request = RE_VOICE_REQUEST) {
  const model = scriptedModel(...(typeof act === "function" ? [act] : act));
  return { model, result: generatorOn(model, options).reVoice(request, { signal: never }) };
}

async function askedOf(act: Act, options: Parameters<typeof generatorOn>[1] = {}) {
  const { model, result } = ask(act, options);
  await result;
  return model.asked[0];
}

const TEXT = '{"text": "The sea, I saw it."}';
const whole: Act = (asked) => says(TEXT)({ ...asked, body: { ...asked.body, stream: false } });
const streamed: Act = (asked) => says(TEXT)({ ...asked, body: { ...asked.body, stream: true } });

/** By a clock that the test sets. */
const late: Act = async (asked) => {
  await new Promise((resolve) => setTimeout(resolve, 7_000));
  return says(TEXT)(asked);
};

/** Finds something wrong with whatever it is sent. */
const refusesAll: Act = ({ body }) => {
  const names = ["temperature", "seed", "max_tokens", "max_completion_tokens", "stream_options"];
  const param = names.find((name) => name in body) ?? "model";
  return Response.json({ error: { param } }, { status: 400 });
};

function errorOf(act: Act, timeoutSeconds = 0.4): Promise<ServiceError["value"]> {
  const { result } = ask(act, { timeoutSeconds });
  return result.then(
    () => expect.fail("It answered."),
    (error: ServiceError) => error.value,
  );
}

describe("what a server is sent", () => {
  it("is OpenAI's call, with the key and an idempotency key", async () => {
    const asked = await askedOf(retells());
    expect(asked?.url).toBe("http://model.test/v1/chat/completions");
    expect(asked?.headers.get("authorization")).toBe("Bearer the-key");
    expect(asked?.headers.get("content-type")).toBe("application/json");
    expect(asked?.headers.get("idempotency-key")).toBe("task_1:memory_1");
    expect(asked?.body).toMatchObject({ model: "scripted-1", stream: true, stream_options: { include_usage: true } });
    expect(asked?.body.temperature).toBeLessThan(0.5);
    expect(asked?.body.max_tokens).toBeGreaterThan(100);
  });

  it("has no key where none is set", async () => {
    expect((await askedOf(retells(), { apiKey: null }))?.headers.has("authorization")).toBe(false);
  });

  it("asks for no stream where it is off", async () => {
    const asked = await askedOf(retells(), { stream: false });
    expect(asked?.body.stream).toBe(false);
    expect(asked?.body.stream_options).toBeUndefined();
  });

  it("has the same seed for the same question, and another for another", async () => {
    const seeds: number[] = [];
    for (const idempotencyKey of ["a", "a", "b"]) {
      const { model, result } = ask(retells(), {}, { ...RE_VOICE_REQUEST, idempotencyKey });
      await result;
      seeds.push(model.asked[0]?.body.seed);
    }
    expect(seeds[0]).toBe(seeds[1]);
    expect(seeds[0]).not.toBe(seeds[2]);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true);
  });

  it("leaves out what the model does not take, at once and from then on", async () => {
    const model = scriptedModel(
      fails(400, {}, { param: "temperature", code: "unsupported_value" }),
      fails(400, {}, { param: "max_tokens", code: "unsupported_parameter" }),
      retells(),
    );
    const generator = generatorOn(model);
    expect(await generator.reVoice(RE_VOICE_REQUEST, { signal: never })).toMatchObject({ text: "Aye: I saw the sea." });
    await generator.reVoice(RE_VOICE_REQUEST, { signal: never });
    const sent = model.asked.map(({ body }) =>
      ["temperature", "max_tokens", "max_completion_tokens"].map((name) => name in body),
    );
    expect(sent).toEqual([
      [true, true, false],
      [false, true, false],
      [false, false, true],
      [false, false, true],
    ]);
  });

  it("is not changed for ever: a server that refuses whatever is left out is taken at its word", async () => {
    const { model, result } = ask(refusesAll);
    expect(await result).toMatchObject({ text: null, again: false });
    expect(model.asked).toHaveLength(6);
  });
});

describe("an answer", () => {
  it.each([
    ["the object alone", TEXT],
    ["white space around it", `\n\n ${TEXT} \n`],
    ["a fence around it", `\`\`\`json\n${TEXT}\n\`\`\``],
    ["a preface and a remark", `Here is the JSON you asked for:\n${TEXT}\nI hope this helps!`],
    ["thoughts before it", `<think>{"text": "no"} Hm, {braces}.</think>${TEXT}`],
    ["more members", '{"text": "The sea, I saw it.", "confidence": 0.9}'],
    ["quotes around the text", '{"text": "\\"The sea, I saw it.\\""}'],
    ["curly quotes around the text", '{"text": "“The sea, I saw it.”"}'],
  ])("is read with %s", async (_, content) => {
    for (const stream of [true, false])
      expect(await ask(says(content), { stream }).result).toMatchObject({ text: "The sea, I saw it." });
  });

  it("keeps quotes that the memory has, and those inside of it", async () => {
    const quoted = { ...RE_VOICE_REQUEST, memory: { ...RE_VOICE_REQUEST.memory, text: '"Ahoy!"' } };
    expect(await ask(says('{"text": "\\"Ahoy!\\""}'), {}, quoted).result).toMatchObject({ text: '"Ahoy!"' });
    const inside = '{"text": "\\"Ahoy\\", I said, \\"the sea!\\""}';
    expect(await ask(says(inside)).result).toMatchObject({ text: '"Ahoy", I said, "the sea!"' });
  });

  it.each([
    ["plain text", "The sea, I saw it."],
    ["nothing", ""],
    ["another object", '{"memory": "The sea."}'],
    ["a list", '["The sea."]'],
    ["a text that is none", '{"text": 7}'],
    ["half an object", '{"text": "The sea'],
  ])("that is %s has no text, and may be asked for again", async (_, content) => {
    expect(await ask(says(content)).result).toMatchObject({ text: null, again: true });
  });

  it("is counted by the server", async () => {
    for (const stream of [true, false])
      expect(await ask(says(TEXT), { stream }).result).toMatchObject({ usage: { inputTokens: 70, outputTokens: 30 } });
  });

  it("is estimated at four characters a token where the server does not count, and marked so", async () => {
    for (const usage of [null, { prompt_tokens: -1 }, { prompt_tokens: "many", completion_tokens: 1 }]) {
      const { model, result } = ask(says(TEXT, { usage }));
      const { usage: counted } = await result;
      const prompt: readonly { content: string }[] = model.asked[0]?.body.messages;
      const characters = prompt.reduce((sum, { content }) => sum + content.length, 0);
      expect(counted).toEqual({
        inputTokens: Math.ceil(characters / 4),
        outputTokens: Math.ceil(TEXT.length / 4),
        estimated: true,
      });
    }
  });

  it("may be whole where a stream was asked for, and streamed where it was not", async () => {
    expect(await ask(whole).result).toMatchObject({ text: "The sea, I saw it." });
    expect(await ask(streamed, { stream: false }).result).toMatchObject({ text: "The sea, I saw it." });
  });

  it("may take all the time when it comes as a whole, and half of it to begin when it is streamed", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const [whole, streamed] = [false, true].map((stream) => ask(late, { stream, timeoutSeconds: 10 }).result);
    const outcomes = Promise.allSettled([whole, streamed]);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(await outcomes).toMatchObject([
      { status: "fulfilled", value: { text: "The sea, I saw it." } },
      { status: "rejected", reason: { value: { code: "model-unavailable" } } },
    ]);
  });

  it("is complete when it has said its reason to end, though the stream stays open", async () => {
    const events = [
      { choices: [{ delta: { content: TEXT }, finish_reason: null }] },
      { choices: [{ delta: {}, finish_reason: "stop" }] },
    ];
    const open: Act = () =>
      new Response(
        new ReadableStream({
          start: (controller) => {
            for (const event of events)
              controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      );
    const { result } = ask(open, { timeoutSeconds: 1 });
    expect(await result).toMatchObject({ text: "The sea, I saw it.", usage: { estimated: true } });
  });

  it("is read whatever the ends of lines, comments and event names between", async () => {
    const events = [": warming up", `event: x\r\ndata: ${JSON.stringify({ choices: [{ delta: { content: TEXT } }] })}`];
    const body = `${events.join("\r\n\r\n")}\r\n\r\ndata: ${JSON.stringify({ choices: [{ finish_reason: "stop" }] })}`;
    expect(await ask(sends(body, "text/event-stream")).result).toMatchObject({ text: "The sea, I saw it." });
  });
});

describe("a server that is unavailable", () => {
  it.each([
    ["says nothing", saysNothing, "did not answer in time"],
    ["stops in the middle", stalls, "did not answer in time"],
    ["cannot be reached", () => Promise.reject(new TypeError("fetch failed")), "could not be reached"],
    ["answers 500", fails(500), "answered 500"],
  ])("because it %s, is unavailable and says so in our own words", async (_, act, words) => {
    const error = await errorOf(act);
    expect(error).toMatchObject({ kind: "unavailable", code: "model-unavailable" });
    expect(error.message).toContain(words);
    expect(error.message).not.toMatch(/secret|fetch failed/);
    expect(error.retryAfterSeconds).toBeUndefined();
  });

  it.each([429, 503])("with a Retry-After (%i) says when to come again", async (status) => {
    expect(await errorOf(fails(status, { "retry-after": "17" }))).toMatchObject({ retryAfterSeconds: 17 });
  });

  it.each(["0", "Wed, 21 Oct 2015 07:28:00 GMT"])(
    "with a Retry-After of %s is left alone for a second",
    async (when) => {
      expect(await errorOf(fails(429, { "retry-after": when }))).toMatchObject({ retryAfterSeconds: 1 });
    },
  );

  it("is told to stop when nobody wants its answer any more", async () => {
    const controller = new AbortController();
    const model = scriptedModel(saysNothing);
    const result = generatorOn(model).reVoice(RE_VOICE_REQUEST, { signal: controller.signal });
    await expect.poll(() => model.asked.length).toBe(1);
    const reason = new Error("lease lost");
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(model.asked[0]?.signal.aborted).toBe(true);
  });

  it("is told to stop when it took too long", async () => {
    const model = scriptedModel(saysNothing);
    const result = generatorOn(model, { timeoutSeconds: 0.2 }).reVoice(RE_VOICE_REQUEST, { signal: never });
    await expect(result).rejects.toThrow("did not answer in time");
    expect(model.asked[0]?.signal.aborted).toBe(true);
  });
});
