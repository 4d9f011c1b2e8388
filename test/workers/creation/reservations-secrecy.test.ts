import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, describe, it, vi } from "vitest";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { keptByObject } from "../../support/requests-object";
import { fill, reserved } from "../../support/reserve";
import { batchOf, endOf, scene } from "../../support/scene";

beforeEach(() => resetFaults());
afterEach(() => vi.restoreAllMocks());

/** Everything that stands in D1. */
async function dumpDatabase(): Promise<string> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'",
  ).all<{ name: string }>();
  const dumps = tables.results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all());
  return JSON.stringify(await Promise.all(dumps));
}

describe("the put key", () => {
  it("is nowhere in the logs or in D1, right or wrong, however it was sent", async () => {
    const levels = (["debug", "log", "info", "warn", "error"] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => undefined),
    );
    const from = await scene(1);
    const held = await reserved();
    const wrongKey = `0.${"abcd".repeat(16)}`;
    await fill({ ...held, putKey: wrongKey }, batchOf(from));
    arm("fails-before", "UPDATE requests SET fingerprint");
    await fill(held, batchOf(from, { put_key: held.putKey }));
    await call("PUT", `/v1/batches/${held.id}`, { body: batchOf(from, { put_key: held.putKey }) });
    await fill(held, batchOf(from, { name: "other", put_key: held.putKey }));
    await endOf(held.id);
    const logged = JSON.stringify(levels.flatMap((spy) => spy.mock.calls));
    for (const text of [logged, await dumpDatabase()]) {
      expect(text).toContain(held.id);
      expect(text).not.toContain(held.putKey.split(".")[1]);
      expect(text).not.toContain(wrongKey.split(".")[1]);
      expect(text).not.toContain("put_key");
    }
    // The object has it in memory alone, while a call passes.
    expect(await keptByObject(held.id)).toEqual({ alarm: null, tables: [], values: [] });
  });
});
