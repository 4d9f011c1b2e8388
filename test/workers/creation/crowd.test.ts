import { describe, expect, it } from "vitest";
import { CREATIONS_WAITING_MAX } from "../../../src/runtime/config/limits";
import { notFound } from "../../../src/services/errors/errors";
import type { CreationAnswer } from "../../../src/services/ports/task-requests";
import { batchCall } from "../../support/creation-calls";
import { objectOf } from "../../support/placement";
import { batchOf, putBatch, type Scene, scene } from "../../support/scene";

/** What tells the answers of a crowd apart. */
const codeOf = (answer: CreationAnswer) => (answer.kind === "refused" ? answer.error.code : answer.kind);

/** Two more than may wait ask for the same at once. */
async function crowdOf(from: Scene, isSecondTry: boolean) {
  const requestId = crypto.randomUUID();
  const wanted = { ok: false, error: notFound("agent").value } as const;
  const call = await batchCall(from, {}, { requestId, wanted, isSecondTry });
  const crowd = Array.from({ length: CREATIONS_WAITING_MAX + 2 }, () => call);
  const codes = (await objectOf(call.taskId).create(crowd, null)).map(codeOf);
  return { requestId, served: codes.slice(0, CREATIONS_WAITING_MAX), tooMany: codes.slice(CREATIONS_WAITING_MAX) };
}

describe("the requests object, in a crowd", () => {
  it("refuses at once who finds too many waiting, answers those, and leaves the id unused", async () => {
    const from = await scene(1);
    const { requestId, served, tooMany } = await crowdOf(from, false);
    expect(new Set(served)).toEqual(new Set(["agent-not-found"]));
    expect(tooMany).toEqual(["creation-unavailable", "creation-unavailable"]);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(201);
  });

  it("tells a second try that it is in doubt: the first may have been carried out", async () => {
    const { served, tooMany } = await crowdOf(await scene(1), true);
    expect(new Set([...served, ...tooMany])).toEqual(new Set(["unproven"]));
  });
});
