import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { toReVoiceInput } from "../../../src/api/v1/batches.dto";
import { openServices } from "../../../src/runtime/composition";
import type { TextGenerator } from "../../../src/services/ports/ports";
import { succeed } from "../../../src/services/errors/outcome";
import { previewReVoicing } from "../../../src/services/creation/preview-re-voicing";
import { call } from "../../support/api";
import { loggedCalls, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { generatorOn } from "../../support/model-consumer";
import { refusalOf, pointersOf } from "../../support/refusal";
import { endOf, reVoiced, rows, type Scene, scene } from "../../support/scene";
import { fails, retells, says, scriptedModel } from "../../support/scripted-model";
import { rowCounts } from "../../support/tenant";

beforeEach(() => resetFaults());

const BODY = { target: { name: "retold" } };
const pathOf = ({ agentId, collectionId }: Pick<Scene, "agentId" | "collectionId">) =>
  `/v1/agents/${agentId}/collections/${collectionId}/re-voice`;

function dryRun(from: Scene, query = "", body: unknown = BODY, headers: Record<string, string> = {}) {
  return call("PUT", `${pathOf(from)}?dry_run=true${query}`, { body, headers });
}

/** The same with a model of our own, as the door calls it. */
async function previewWith(generator: TextGenerator, from: Scene, count = 5, more: object = {}) {
  const [row] = await rows<{ namespace_id: string }>("SELECT namespace_id FROM agents WHERE id = ?", from.agentId);
  const services = { ...openServices(withFaults(env)), generator };
  const ctx = { ...services, namespaceId: row?.namespace_id ?? "", keyId: "key_1", admin: false };
  const ids = { agentId: from.agentId, collectionId: from.collectionId, pointers: { agent: null, source: null } };
  return previewReVoicing(ctx, succeed(toReVoiceInput({ ...BODY, ...more }, ids)), count);
}

describe("agent-collection-re-voice with dry_run=true", () => {
  it("answers 200 with the count, the most calls, and the first five memories in time, retold", async () => {
    const from = await scene(8);
    const { status, headers, body } = await dryRun(from);
    expect([status, headers.get("location")]).toEqual([200, null]);
    expect(body).toMatchObject({ memories: 8, model_calls_max: 16 });
    expect(body.preview).toHaveLength(5);
    for (const { source, text, guard } of body.preview) {
      expect(from.memoryIds).toContain(source.memory_id);
      expect(source.text).toMatch(/^I fed \d+ dogs/);
      expect(text).toContain("hounds");
      expect(guard).toEqual({ verdict: "re_voiced", problem: null });
    }
  });

  it("shows the texts that the task then writes, in the task's order", async () => {
    const from = await scene([
      { text: "I fed 3 dogs in Porto.", occurred_at: "2003-01-01T00:00:00Z" },
      { text: "I fed 2 dogs in Lisbon.", occurred_at: "2001-01-01T00:00:00Z" },
    ]);
    const { preview } = (await dryRun(from)).body;
    expect(preview.map(({ source }: any) => source)).toEqual([
      { memory_id: from.memoryIds[1], text: "I fed 2 dogs in Lisbon.", occurred_at: "2001-01-01T00:00:00.000Z" },
      { memory_id: from.memoryIds[0], text: "I fed 3 dogs in Porto.", occurred_at: "2003-01-01T00:00:00.000Z" },
    ]);
    const started = await call("PUT", pathOf(from), { body: BODY });
    await endOf(started.body.task_id);
    const made = new Map(
      (await reVoiced(started.body.task_id)).map((memory) => [memory.source_memory_id, memory.text]),
    );
    for (const { source, text } of preview) expect(text).toBe(made.get(source.memory_id));
  });

  it("makes nothing: no row is written, no object is asked, no bell is rung", async () => {
    const from = await scene(3);
    const before = await rowCounts();
    resetFaults();
    expect((await dryRun(from)).status).toBe(200);
    const writes = /^(queue: |object: |db: (insert|update|delete))/i;
    expect(loggedCalls().filter((label) => writes.test(label))).toEqual([]);
    expect(await rowCounts()).toEqual(before);
  });

  it("uses up no requestId: the real call with it is the first", async () => {
    const from = await scene(2);
    const headers = { requestId: crypto.randomUUID() };
    expect((await dryRun(from, "", BODY, headers)).status).toBe(200);
    const started = await call("PUT", pathOf(from), { body: BODY, headers });
    expect([started.status, started.headers.get("idempotent-replayed")]).toEqual([202, "false"]);
    // And afterwards it does not become a replay.
    expect((await dryRun(from, "", BODY, headers)).status).toBe(200);
  });

  it.each([
    ["&preview=0", 0],
    ["&preview=2", 2],
    ["&preview=5", 3],
  ])("shows as many as %s asks for and there are", async (query, count) => {
    const { body } = await dryRun(await scene(3), query);
    expect(body.preview).toHaveLength(count);
    expect(body.memories).toBe(3);
  });

  it.each(["6", "-1", "1.5", "many"])("answers 422 to preview=%s", async (count) => {
    const answer = await dryRun(await scene(1), `&preview=${count}`);
    expect([refusalOf(answer), pointersOf(answer)]).toEqual(["422 validation-failed", ["/query/preview"]]);
  });

  it.each(["preview=3", "dry_run=false&preview=3", "dry_run=yes", "dryrun=true", "dry_run=TRUE"])(
    "starts nothing when the query is %s: it may be meant as a dry run",
    async (query) => {
      const from = await scene(1);
      const before = await rowCounts();
      const answer = await call("PUT", `${pathOf(from)}?${query}`, { body: BODY });
      expect(refusalOf(answer)).toBe("422 validation-failed");
      expect(await rowCounts()).toEqual(before);
    },
  );

  it("is the real call with dry_run=false", async () => {
    const started = await call("PUT", `${pathOf(await scene(1))}?dry_run=false`, { body: BODY });
    expect(started.status).toBe(202);
  });
});

describe("agent-collection-re-voice with dry_run=true refuses what the real call refuses", () => {
  const refused: [
    string,
    (from: Scene) => Promise<readonly [Pick<Scene, "agentId" | "collectionId">, unknown, object?]>,
  ][] = [
    ["a body without a target", async (from) => [from, {}]],
    ["an unknown field", async (from) => [from, { ...BODY, tempo: 1 }]],
    ["broken JSON", async (from) => [from, "{"]],
    ["an unknown agent", async (from) => [{ ...from, agentId: `agent_${"0".repeat(32)}` }, BODY]],
    ["an unknown collection", async (from) => [{ ...from, collectionId: "none" }, BODY]],
    ["the source as the target", async (from) => [from, { target: { collection_id: from.collectionId } }]],
    ["a malformed requestId", async (from) => [from, BODY, { requestId: "1" }]],
    ["settings without weight", async (from) => [from, { ...BODY, source_memory_settings: WEIGHTLESS }]],
    ["an empty collection", async (from) => [{ ...from, collectionId: (await scene([])).collectionId }, BODY]],
    [
      "a disabled agent",
      async (from) => {
        await call("PATCH", `/v1/agents/${from.agentId}`, { body: { enabled: false } });
        return [from, BODY];
      },
    ],
    [
      "a deleted agent",
      async (from) => {
        await call("DELETE", `/v1/agents/${from.agentId}`);
        return [from, BODY];
      },
    ],
  ];
  const WEIGHTLESS = { relevance_alpha: 0, importance_alpha: 0, recency_alpha: 0 };

  it.each(refused)("%s", async (_, prepare) => {
    const [at, body, headers = {}] = await prepare(await scene(1));
    const real = await call("PUT", pathOf(at), { body, headers: { ...headers } });
    const dry = await call("PUT", `${pathOf(at)}?dry_run=true`, { body, headers: { ...headers } });
    expect(real.status).toBeGreaterThanOrEqual(400);
    expect([refusalOf(dry), dry.body.detail, pointersOf(dry)]).toEqual([
      refusalOf(real),
      real.body.detail,
      pointersOf(real),
    ]);
  });
});

describe("a dry run with a model", () => {
  it("recalls as the task does, and asks for no more memories than are shown", async () => {
    const from = await scene(4);
    const model = scriptedModel(retells());
    const { preview } = await previewWith(generatorOn(model), from, 2);
    expect(preview.map(({ text }) => text)).toEqual(preview.map(({ source }) => `Aye: ${source.text}`));
    expect(model.asked).toHaveLength(2);
    for (const { data } of model.asked) expect(data.related_memories.length).toBeGreaterThan(0);
  });

  it("asks nothing where nothing is to be shown", async () => {
    const model = scriptedModel(retells());
    const { memories, preview } = await previewWith(generatorOn(model), await scene(4), 0);
    expect([memories, preview, model.asked]).toEqual([4, [], []]);
  });

  it("shows what the guard says, after the repair that the task would ask for", async () => {
    const from = await scene([{ text: "I paid Anna 40 euros in Lisbon." }]);
    const model = scriptedModel(retells(() => "I paid Roberto 40 euros in Lisbon."));
    const { preview } = await previewWith(generatorOn(model), from);
    expect(preview).toMatchObject([
      {
        text: "I paid Roberto 40 euros in Lisbon.",
        verdict: "flagged",
        problem: { code: "facts-lost", missing: ["Anna"], added: ["Roberto"] },
      },
    ]);
    expect(model.asked).toHaveLength(2);
  });

  it("says for each memory why there is no text, and shows the others", async () => {
    const from = await scene([{ text: "I paid Anna." }, { text: "I fed Rex." }, { text: "I saw Lisbon." }]);
    const model = scriptedModel(({ data, ...asked }) => {
      const { text } = data.memory;
      const act = text.includes("Anna") ? fails(503) : text.includes("Rex") ? says('{"refusal": "no"}') : retells();
      return act({ data, ...asked });
    });
    const { preview } = await previewWith(generatorOn(model), from);
    const shown = new Map(preview.map(({ source, ...entry }) => [source.text, entry]));
    expect(shown.get("I paid Anna.")).toMatchObject({
      text: null,
      verdict: "failed",
      problem: { code: "model-unavailable" },
    });
    expect(shown.get("I fed Rex.")).toMatchObject({ text: null, problem: { code: "generation-failed" } });
    expect(shown.get("I saw Lisbon.")).toEqual({ text: "Aye: I saw Lisbon.", verdict: "re_voiced", problem: null });
  });
});
