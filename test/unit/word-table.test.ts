import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readWordTable } from "../../src/providers/embedded/word-table";
import { embeddedWordVectors, WORD_VECTORS_PATH } from "../../src/providers/embedded/word-vectors";

const bytes = new Uint8Array(readFileSync(`public${WORD_VECTORS_PATH}`)).buffer;
const table = readWordTable(bytes);

describe("word-table", () => {
  it("knows what words are near, the nearest first, and no word of itself", () => {
    const near = table.neighboursOf("boat");
    expect(near).toContain("ship");
    expect(near).not.toContain("boat");
    const similarities = near.map((word) => table.similarity("boat", word));
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
  });

  it("says how alike two words are: 1 for the same, and the same both ways", () => {
    expect(table.similarity("boat", "boat")).toBeCloseTo(1, 6);
    expect(table.similarity("boat", "ship")).toBe(table.similarity("ship", "boat"));
    expect(table.similarity("boat", "ship")).toBeGreaterThan(0.6);
    expect(table.similarity("boat", "algebra")).toBeLessThan(0.45);
  });

  it("knows nothing of a word that it does not have", () => {
    expect(table.neighboursOf("zzyzx")).toEqual([]);
    expect(table.similarity("zzyzx", "boat")).toBe(0);
  });

  it.each([
    ["nothing", new ArrayBuffer(0)],
    ["a page of HTML", new TextEncoder().encode("<!doctype html><title>Not found</title>").buffer],
    ["half of it", bytes.slice(0, bytes.byteLength / 2)],
  ])("refuses %s", (_, broken) => {
    expect(() => readWordTable(broken)).toThrow("no table of word vectors");
  });
});

describe("embedded-word-vectors", () => {
  it("reads its table once, and again after it could not", async () => {
    const answers = [new ArrayBuffer(0), bytes];
    let reads = 0;
    const vectors = embeddedWordVectors(async () => answers[reads++] ?? new ArrayBuffer(0));
    await expect(vectors.open()).rejects.toThrow("no table");
    const opened = await vectors.open();
    expect(await vectors.open()).toBe(opened);
    expect(reads).toBe(2);
  });
});
