import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../support/api";
import { watch } from "../support/event-stream";
import { resetFaults } from "../support/faults";
import { batchOf, putBatch, scene, endOf } from "../support/scene";
import { silentTask, bellOf } from "../support/requests-object";

beforeEach(() => resetFaults());

describe("checkmate-task-events-list, as a stream", () => {
  it("replays and closes", async () => {
    const id = (await putBatch(crypto.randomUUID(), batchOf(await scene(3)))).body.id;
    await endOf(id);
    const client = await watch(id);
    console.log(JSON.stringify(await client.whole()));
    console.log((await call("GET", `/v1/checkmate/tasks/${id}/events?limit=2`)).body);
    console.log((await call("GET", `/v1/batches/${id}/log`)).body);
  });
  it("live", async () => {
    const id = await silentTask(await scene(3));
    const client = await watch(id);
    await client.until(c => c.events.length === 2);
    await bellOf(id);
    const all = await client.whole();
    console.log(client.types);
    const leaver = await silentTask(await scene(3));
    const l = await watch(leaver);
    await l.until(c => c.events.length === 2);
    await l.leave();
  });
});
