import { describe, expect, it } from "vitest";
import { call } from "../support/api";
import { batchOf, endOf, onceEach, scene } from "../support/scene";

describe("batches-id-reserve", () => {
  it("holds an id that shows as unbound, and is filled once", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const reserve = () => call("POST", "/v1/batches/id", { headers: { requestId } });
    const reserved = await reserve();
    expect([reserved.status, reserved.body]).toEqual([
      201,
      { id: expect.stringMatching(/^task_/), put_key: expect.any(String), expires_at: expect.any(String) },
    ]);
    const { id, put_key: putKey } = reserved.body;
    expect((await reserve()).body).toEqual(reserved.body);
    const shown = await call("GET", `/v1/batches/${id}`);
    expect(shown.body).toMatchObject({ status: "unbound", state: "not_started", operation: null });
    const fill = (body = batchOf(from)) => call("PUT", `/v1/batches/${id}`, { body, headers: { putKey } });
    const first = await fill();
    expect([first.status, first.body.id, first.body.status]).toEqual([201, id, "created"]);
    const again = await fill();
    expect([again.status, again.body.id]).toEqual([200, id]);
    expect((await fill(batchOf(from, { name: "x" }))).body).toMatchObject({
      code: "request-id-reused",
      mismatch: ["/name"],
    });
    expect((await call("PUT", "/v1/batches", { body: batchOf(from), headers: { requestId } })).body.code).toBe(
      "request-id-reused",
    );
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect((await reserve()).body).toEqual(reserved.body);
  });
});
