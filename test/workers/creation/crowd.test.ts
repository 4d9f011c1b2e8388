import { describe, expect, it } from "vitest";
import { CREATIONS_WAITING_MAX } from "../../../src/runtime/config/limits";
import { notFound } from "../../../src/services/errors/errors";
import type { ClaimAnswer, ClaimRequest } from "../../../src/services/ports/task-requests";
import { objectOf } from "../../support/placement";
import { taskOfRequest } from "../../support/requests-object";
import { batchOf, putBatch, scene } from "../../support/scene";

/** What tells the answers of a crowd apart. */
const codeOf = (answer: ClaimAnswer) => (answer.kind === "refused" ? answer.error.code : answer.kind);

describe("the requests object, in a crowd", () => {
  it("refuses at once who finds too many waiting, answers those, and leaves the id unused", async () => {
    const requestId = crypto.randomUUID();
    const request: ClaimRequest = {
      door: "create",
      taskId: await taskOfRequest(requestId),
      namespaceId: "namespace_of_a_crowd",
      requestId,
      keyId: "key_admin",
      type: "batch",
      material: "{}",
      fingerprint: "of-a-crowd",
      callId: "call",
      wanted: { ok: false, error: notFound("agent").value },
    };
    const crowd = Array.from({ length: CREATIONS_WAITING_MAX + 2 }, () => request);
    const codes = (await objectOf(request.taskId).claim(crowd)).map((answer) => codeOf(answer));
    const tooMany = ["creation-unavailable", "creation-unavailable"];
    expect(codes).toEqual([...Array.from({ length: CREATIONS_WAITING_MAX }, () => "agent-not-found"), ...tooMany]);
    expect((await putBatch(requestId, batchOf(await scene(1)))).status).toBe(201);
  });
});
