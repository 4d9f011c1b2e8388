import { beforeEach, describe, expect, it } from "vitest";
import { CLEANED_PER_CALL_MAX, cleanTasks } from "../../../src/services/tasks/clean-tasks";
import { call } from "../../support/api";
import { callerIn, jumpingClock } from "../../support/caller";
import { arm, resetFaults } from "../../support/faults";
import { holdBack } from "../../support/held-back";
import { newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { refuses } from "../../support/refused";
import { batchOf, endOf, putBatch, reVoiced, rows, scene } from "../../support/scene";
import { insertTaskRows } from "../../support/task-rows";

beforeEach(() => resetFaults());

const DAY_MS = 86_400_000;
const PATH = "/v1/checkmate/tasks";
/** The transaction that removes a task. */
const REMOVAL = "status = task.status";
const clean = (query = "", key?: string) => call("DELETE", PATH + query, key === undefined ? {} : { key });
const daysAgo = (days: number) => Date.now() - days * DAY_MS;
const ended = (namespaceId: string, days: number, count = 1) =>
  insertTaskRows({ namespaceId, count, status: "complete", createdAtMs: daysAgo(days), endedAtMs: daysAgo(days) });
const rowsOf = (namespaceId: string) => rows("SELECT * FROM tasks WHERE namespace_id = ? ORDER BY id", namespaceId);

describe("checkmate-tasks-clean", () => {
  it("removes tasks that ended more than seven days ago, whose request ids answer 410 from then on", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await endOf(id);
    const made = await reVoiced(id);
    await rows("UPDATE tasks SET ended_at_ms = ? WHERE id = ?", daysAgo(7.01), id);
    const { status, body } = await clean();
    expect([status, body]).toEqual([200, { cleaned: 1, dry_run: false }]);
    expect(refusalOf(await call("GET", `/v1/checkmate/tasks/${id}`))).toBe("410 task-deleted");
    expect(refusalOf(await putBatch(requestId, batchOf(from)))).toBe("410 request-id-retired");
    expect(refusalOf(await call("GET", `/v1/requests/${requestId}`))).toBe("410 request-id-retired");
    expect(made).toHaveLength(2);
    expect(await reVoiced(id)).toEqual(made);
  });

  it("leaves the younger, the open, the removed and another tenant's as they are", async () => {
    const [{ namespaceId, key }, other] = [await newTenant(), await newTenant()];
    await ended(namespaceId, 6.9);
    await insertTaskRows({ namespaceId, count: 1, status: "running", createdAtMs: 1 });
    const [removed] = await ended(namespaceId, 30);
    await call("DELETE", `/v1/batches/${removed}`, { key });
    await ended(other.namespaceId, 30);
    const before = [await rowsOf(namespaceId), await rowsOf(other.namespaceId)];
    expect((await clean("", key)).body).toEqual({ cleaned: 0, dry_run: false });
    expect([await rowsOf(namespaceId), await rowsOf(other.namespaceId)]).toEqual(before);
  });

  it("takes the days that it is given, and with 0 all that have ended", async () => {
    const { namespaceId, key } = await newTenant();
    for (const days of [0.5, 2, 4]) await ended(namespaceId, days);
    const cleaned = async (query: string) => (await clean(query, key)).body.cleaned;
    expect(await cleaned("?older_than_days=3")).toBe(1);
    expect(await cleaned("?older_than_days=0")).toBe(2);
    expect(await cleaned("?older_than_days=0")).toBe(0);
  });

  it("only counts with dry_run, also more than one call removes", async () => {
    const { namespaceId, key } = await newTenant();
    await ended(namespaceId, 8, CLEANED_PER_CALL_MAX + 1);
    const before = await rowsOf(namespaceId);
    expect((await clean("?dry_run=true", key)).body).toEqual({ cleaned: CLEANED_PER_CALL_MAX + 1, dry_run: true });
    expect(await rowsOf(namespaceId)).toEqual(before);
  });

  it("counts what is proven, and goes on with the rest when it is sent again", async () => {
    const { namespaceId, key } = await newTenant();
    const ids = await ended(namespaceId, 8, 3);
    arm("fails-before", REMOVAL, 1);
    expect((await clean("", key)).body.cleaned).toBe(2);
    expect((await clean("", key)).body.cleaned).toBe(1);
    for (const id of ids)
      expect(refusalOf(await call("GET", `/v1/checkmate/tasks/${id}`, { key }))).toBe("410 task-deleted");
  });

  it("answers 503 when none is proven to be removed", async () => {
    const { namespaceId, key } = await newTenant();
    await ended(namespaceId, 8, 2);
    arm("fails-before", REMOVAL, 2);
    expect(refusalOf(await clean("", key))).toBe("503 removal-pending");
    expect((await clean("", key)).body.cleaned).toBe(2);
  });

  it("removes a bounded number in one call, those that ended first", async () => {
    const { namespaceId } = await newTenant();
    await ended(namespaceId, 8, CLEANED_PER_CALL_MAX - 1);
    const last = await ended(namespaceId, 7.5, 2);
    const [first] = await ended(namespaceId, 90);
    const input = { olderThanDays: 7, dryRun: false };
    expect(await cleanTasks(callerIn(namespaceId), input)).toBe(CLEANED_PER_CALL_MAX);
    const left = (await rowsOf(namespaceId)).map(({ id }) => id);
    expect(left).not.toContain(first);
    expect(new Set(left)).toEqual(new Set(last));
  });

  it("leaves a task that is invoked while it cleans", async () => {
    arm("drops", "queue: sendBatch", 1);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await rows("UPDATE tasks SET ended_at_ms = ? WHERE id = ?", daysAgo(4_000), id);
    const removal = holdBack(REMOVAL, id);
    const cleaned = clean("?older_than_days=3650");
    await removal.isHeld();
    expect((await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`)).status).toBe(202);
    removal.free();
    expect((await cleaned).body.cleaned).toBe(0);
    expect((await endOf(id)).status).toBe("complete");
  });

  it("begins no further removal when its time is up, and counts those it made", async () => {
    const { namespaceId } = await newTenant();
    await ended(namespaceId, 8, 10);
    const caller = callerIn(namespaceId, { clock: jumpingClock(6_000) });
    expect(await cleanTasks(caller, { olderThanDays: 7, dryRun: false })).toBe(3);
    expect(await rowsOf(namespaceId)).toHaveLength(7);
  });
});

const bad = (what: string, query: string, pointer: string) => ({
  what,
  send: () => clean(query),
  refusal: "422 validation-failed",
  pointers: [pointer],
});

describe("checkmate-tasks-clean: the query", () => {
  const days = "/query/older_than_days";
  refuses([
    bad("days that are empty, which must not be 0", "?older_than_days=", days),
    bad("days of spaces", "?older_than_days=%20", days),
    bad("days below 0", "?older_than_days=-1", days),
    bad("half a day", "?older_than_days=0.5", days),
    bad("a word", "?older_than_days=week", days),
    bad("days in hex", "?older_than_days=0x7", days),
    bad("days twice", "?older_than_days=7&older_than_days=1", days),
    bad("3,651 days", "?older_than_days=3651", days),
    bad("a dry_run that is neither true nor false", "?dry_run=1", "/query/dry_run"),
    bad("a misspelled parameter", "?dryrun=true", "/query/dryrun"),
  ]);
});
