import { describe, expect, it } from "vitest";
import type { HashedApiKey } from "../../../src/data/access/api-key-store";
import { KEY_KNOWN_MS, KNOWN_KEYS_MAX, KnownKeys } from "../../../src/services/access/known-keys";

const keyOf = (id: string, expiresAtMs: number | null = null): HashedApiKey => ({
  id,
  namespaceId: "namespace_1",
  name: "test",
  prefix: "rfr_",
  secretHash: "0".repeat(64),
  expiresAtMs,
  createdAtMs: 0,
});

describe("the keys that an isolate knows", () => {
  it("are known for ten seconds from before they were read, and no longer", () => {
    const keys = new KnownKeys();
    const key = keyOf("a");
    keys.keep(key, keys.look(1_000));
    expect(keys.find("a", 1_000 + KEY_KNOWN_MS - 1)).toBe(key);
    expect(keys.find("a", 1_000 + KEY_KNOWN_MS)).toBeUndefined();
    expect(KEY_KNOWN_MS).toBe(10_000);
  });

  it("are not known by a clock that was put back", () => {
    const keys = new KnownKeys();
    keys.keep(keyOf("a"), keys.look(86_400_000));
    expect(keys.find("a", 1_000)).toBeUndefined();
  });

  it("are not known past their end", () => {
    const keys = new KnownKeys();
    keys.keep(keyOf("a", 5_000), keys.look(1_000));
    expect(keys.find("a", 4_999)?.id).toBe("a");
    expect(keys.find("a", 5_000)).toBeUndefined();
  });

  it("are a thousand at most: the one that was read first makes room", () => {
    const keys = new KnownKeys();
    for (let i = 0; i <= KNOWN_KEYS_MAX; i++) keys.keep(keyOf(`key ${i}`), keys.look(0));
    const known = Array.from({ length: KNOWN_KEYS_MAX + 1 }, (_, i) => keys.find(`key ${i}`, 0) !== undefined);
    expect(known.indexOf(false)).toBe(0);
    expect(known.lastIndexOf(false)).toBe(0);
  });

  it("are the same thousand when one of them is read again", () => {
    const keys = new KnownKeys();
    for (let i = 0; i < KNOWN_KEYS_MAX; i++) keys.keep(keyOf(`key ${i}`), keys.look(0));
    keys.keep(keyOf("key 0"), keys.look(1));
    keys.keep(keyOf("another"), keys.look(1));
    expect([keys.find("key 0", 1)?.id, keys.find("key 1", 1)?.id]).toEqual(["key 0", undefined]);
  });

  it("are not those that were removed, nor those whose read was under way meanwhile", () => {
    const keys = new KnownKeys();
    keys.keep(keyOf("a"), keys.look(0));
    const before = keys.look(0);
    keys.forget("a");
    expect(keys.find("a", 0)).toBeUndefined();
    keys.keep(keyOf("a"), before);
    expect(keys.find("a", 0)).toBeUndefined();
    keys.keep(keyOf("b"), keys.look(0));
    expect(keys.find("b", 0)?.id).toBe("b");
  });
});
