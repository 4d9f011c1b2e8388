import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readMemories } from "../../scripts/demo/input.ts";

const textsOf = (path: string, content: string) =>
  readMemories(path, content).collections.map((collection) => collection.memories.map((memory) => memory.body.text));

const lineOf = (text: string) => JSON.stringify({ text });

describe("demo input, plain text", () => {
  it("takes one memory a line and names the collection after the file", () => {
    const input = readMemories("some/notes.txt", "I moved to Porto.\r\n  I met Ana.  \n");

    expect(input.collections).toEqual([
      {
        name: "notes.txt",
        memories: [
          { where: "some/notes.txt, line 1", body: { text: "I moved to Porto.", external_id: "line-1" } },
          { where: "some/notes.txt, line 2", body: { text: "I met Ana.", external_id: "line-2" } },
        ],
      },
    ]);
  });

  it("leaves blank lines out, counts them, and keeps the numbers of the others", () => {
    const input = readMemories("notes.txt", "one\n\n \t\ntwo\n");

    expect(input.blankLines).toBe(2);
    expect(input.collections[0]?.memories.map((memory) => memory.where)).toEqual([
      "notes.txt, line 1",
      "notes.txt, line 4",
    ]);
  });

  it("keeps equal lines as memories of their own", () => {
    const input = readMemories("notes.txt", "yes\nyes");

    expect(new Set(input.collections[0]?.memories.map((memory) => memory.body.external_id)).size).toBe(2);
  });

  it("takes lines that only look like JSON as they are", () => {
    for (const content of ['"Yes," she said.\nplain', '"quoted"\nplain', "[photo] of a dog\nplain", "2019\n2020"]) {
      expect(textsOf("notes.txt", content)).toEqual([content.split("\n")]);
    }
  });

  it("gives every filled line back, whatever it says", () => {
    const word = fc.stringMatching(/^[a-z,.!?' ]*[a-z][a-z,.!?' ]*$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.constantFrom("\n", "\r\n"), (lines, lineBreak) => {
        expect(textsOf("notes.txt", lines.join(lineBreak))).toEqual([lines.map((line) => line.trim())]);
      }),
    );
  });
});

describe("demo input, NDJSON", () => {
  it("takes an object a line, with the fields that a memory has", () => {
    const memory = {
      text: "I signed the lease.",
      occurred_at: "2019-03-12T10:00:00+01:00",
      importance: 8,
      type: "observation",
      memo: "from the diary",
      metadata: { page: 3 },
      external_id: "diary-3",
    };

    const input = readMemories("diary.ndjson", JSON.stringify(memory));

    expect(input.collections[0]?.memories[0]?.body).toEqual({ ...memory, occurred_at: "2019-03-12T09:00:00.000Z" });
  });

  it("takes a string a line", () => {
    expect(textsOf("notes.txt", '"one"\n"two"')).toEqual([["one", "two"]]);
  });

  it("knows it by its first line, whatever the file is called", () => {
    for (const path of ["notes", "notes.txt", "notes.json"]) {
      expect(textsOf(path, '{"text":"one"}\n{"text":"two"}')).toEqual([["one", "two"]]);
    }
  });

  it("takes absent fields and nulls for the same, as an export of a collection has them", () => {
    const line =
      '{"text":"one","memo":null,"occurred_at":null,"memory_id":"memory_1","created_at":"2024-01-01T00:00:00Z"}';
    const input = readMemories("export.ndjson", line);

    expect(input.collections[0]?.memories[0]?.body).toEqual({ text: "one", external_id: "line-1" });
    expect(input.unusedFields).toEqual(["memory_id", "created_at"]);
  });

  it("gives every text back", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }).filter((value) => value.trim() !== "");
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (texts) => {
        const content = texts.map((value) => JSON.stringify({ text: value })).join("\n");
        expect(textsOf("notes.ndjson", content)).toEqual([texts]);
      }),
    );
  });
});

describe("demo input, conversations", () => {
  const conversations = [
    {
      sample_id: "conv-1",
      speakers: ["Ana", "Ben"],
      questions: [],
      memories: [
        { id: "D1:1", speaker: "Ana", text: "Hello.", occurred_at: "2023-05-08T13:56:00Z" },
        { id: "D1:2", speaker: "Ben", text: "Hello!", occurred_at: "2023-05-08T13:57:00Z" },
      ],
    },
    { sample_id: "conv-2", memories: [{ id: "D1:1", text: "Good day." }] },
  ];

  it("makes a collection of each, although their ids repeat", () => {
    const input = readMemories("talks.json", JSON.stringify(conversations, null, 2));

    expect(input.collections.map((collection) => collection.name)).toEqual(["conv-1", "conv-2"]);
    expect(input.collections[0]?.memories[0]?.body).toEqual({
      text: "Hello.",
      external_id: "D1:1",
      occurred_at: "2023-05-08T13:56:00.000Z",
      metadata: { speaker: "Ana" },
    });
    expect(input.collections[1]?.memories[0]?.body).toEqual({ text: "Good day.", external_id: "D1:1" });
    expect(input.unusedFields).toEqual([]);
  });

  it("takes a single conversation too", () => {
    expect(textsOf("talk.json", JSON.stringify(conversations[1]))).toEqual([["Good day."]]);
  });
});

describe("demo input, broken files", () => {
  it.each([
    ["notes.txt", "", "notes.txt holds no memory: it is empty."],
    ["notes.txt", " \n\n", "notes.txt holds no memory: it is empty."],
    ["talks.json", "[]", "talks.json holds no memory: its array is empty."],
    ["notes.txt", "a\0b", "notes.txt holds binary data, not text."],
    ["notes.txt", `one\n${"x".repeat(8_001)}`, "notes.txt, line 2: text has 8,001 characters, and 8,000 is the most."],
    ["a.ndjson", `${lineOf("one")}\n\n${lineOf("  ")}`, "a.ndjson, line 3: text is empty."],
    ["a.ndjson", `${lineOf("one")}\n{"text": "two"`, "a.ndjson, line 2: this is not valid JSON."],
    ["a.ndjson", `${lineOf("one")}\n{"text": 2}`, "a.ndjson, line 2: text must be a string."],
    ["a.ndjson", `${lineOf("one")}\n{}`, "a.ndjson, line 2: text must be a string."],
    ["a.ndjson", `${lineOf("one")}\n[1]`, "a.ndjson, line 2: a memory must be an object with a text."],
    ["a.ndjson", '"\\ud800"', "a.ndjson, line 1: text holds half of a surrogate pair, which is no character."],
    ["a.ndjson", '{"text":"a","importance":11}', "a.ndjson, line 1: importance must be a whole number from 1 to 10."],
    ["a.ndjson", '{"text":"a","importance":0}', "a.ndjson, line 1: importance must be a whole number from 1 to 10."],
    ["a.ndjson", '{"text":"a","type":"dream"}', 'a.ndjson, line 1: type must be "observation" or "integration".'],
    [
      "a.ndjson",
      '{"text":"a","occurred_at":"May 2023"}',
      "a.ndjson, line 1: occurred_at must be a time such as 2024-05-08T13:56:00Z.",
    ],
    [
      "a.ndjson",
      '{"text":"a","external_id":"x"}\n{"text":"b","external_id":"x"}',
      'a.ndjson, line 2: the id "x" is that of a.ndjson, line 1 too.',
    ],
    ["talks.json", '[\n{"sample_id": "a",\n"memories" [] }]', "talks.json, line 3: this is not valid JSON."],
    ["talks", '[{"sample_id": "a", "memories": [', "talks, line 1: this is not valid JSON."],
    ["talks.json", "[1]", "talks.json, entry 1: a conversation must be { sample_id, memories: [at least one] }."],
    [
      "talks.json",
      '[{"sample_id":"a","memories":[{"text":"one"},{"text":""}]}]',
      "talks.json, a, memory 2: text is empty.",
    ],
  ])("says in one sentence what is wrong: %s %j", (path, content, sentence) => {
    expect(() => readMemories(path, content)).toThrow(new Error(sentence));
  });

  it("takes a text of exactly 8,000 characters", () => {
    expect(textsOf("notes.txt", "x".repeat(8_000))).toEqual([["x".repeat(8_000)]]);
  });
});
