import { describe, expect, it } from "vitest";
import { isLinearizable, minimalViolation, print, Undecided } from "../../support/linearizability";
import { recorder } from "../../support/request-history";
import type { History, Kind, Shown } from "../../support/request-spec";

/** In all; of each id, so many clients do their share at once. */
const OPERATIONS = 10_000;
const CLIENTS = 8;
const OPERATIONS_PER_CLIENT = 5;
const IDS = OPERATIONS / (CLIENTS * OPERATIONS_PER_CLIENT);
/** So many violations are reduced and printed. */
const SHOWN_MAX = 5;
const LIMIT_MS = 600_000;
/** `VITE_SEED=… vitest run …` draws the same operations again; how they interleave is the machine's choice. */
const SEED = Number((import.meta as { env?: Record<string, string> }).env?.["VITE_SEED"] ?? Date.now() % 1_000_000);

describe("the history of a request id and its task", () => {
  it(
    `is linearizable over ${OPERATIONS} operations of ${CLIENTS} clients on ${IDS} ids, some with faults`,
    async () => {
      const { record, unmet } = await recorder(SEED);
      const bad: History[] = [];
      let count = 0;
      for (let id = 0; id < IDS; id++) {
        const history = await record({ clients: CLIENTS, operations: OPERATIONS_PER_CLIENT });
        count += history.length;
        if (!isLinearizable(history)) bad.push(history);
      }
      const left = bad
        .slice(0, SHOWN_MAX)
        .map((history) => print(minimalViolation(history)))
        .join("\n\n");
      expect(bad.length, `ids with a violation, seed ${SEED}:\n${left}\n`).toBe(0);
      expect(count).toBeGreaterThanOrEqual(OPERATIONS);
      expect(unmet()).toEqual([]);
    },
    LIMIT_MS,
  );
});

/**
 * A history written as `kind [body] answer [status [run]] [@call-return]; …`; without times, one operation after the
 * other: the nth is called at 10n + 1 and returns at 10n + 2.
 */
function historyOf(text: string): History {
  return text.split("; ").map((line, client) => {
    const [words = "", times = `${10 * client + 1}-${10 * client + 2}`] = line.split(" @");
    const [kind, ...rest] = words.split(" ");
    const body = kind === "create" ? { body: rest.shift() ?? "" } : {};
    const [code, word, run] = rest;
    const about = word?.includes("-") ? { problem: word } : word && { shown: word as Shown };
    const answer = { code: Number(code), ...about, ...(run && { run: Number(run) }) };
    const [called = 0, returned = 0] = times.split("-").map(Number);
    const seen = code === "unknown" ? code : answer;
    return { client, kind: kind as Kind, ...body, call: called, return: returned, seen };
  });
}

const OPENED = "create a 201 open";
const CANCELED = `${OPENED}; cancel 200 canceled`;

describe("the checker accepts", () => {
  it.each([
    ["a creation, its replay, its end", `${OPENED}; create a 200 open; get 200 complete 1`],
    ["nothing before the creation", `get 404; cancel 404; delete 404; invoke 404; ${OPENED}`],
    ["a replay that returns before the first answer", "create a 201 open @1-9; create a 200 open @2-3"],
    ["another body, once one has won", `${OPENED}; create b 422`],
    ["a look-up at any time", `look-up 404; ${OPENED}; look-up 200 open; delete 204; look-up 410 canceled`],
    ["a creation that started nothing, and the next", `create b 503 creation-unavailable; get 404; ${OPENED}`],
    [
      "a bar: the look-up shows it, and there is nothing to run",
      "cancel-request 200 canceled; look-up 200 canceled; get 404; invoke 409 task-unfilled; delete 404",
    ],
    [
      "a creation after its cancel",
      "cancel-request 200 canceled; get 404; create a 201 canceled; create a 200 canceled",
    ],
    [
      "a cancel before it, and a further run that a second try of the creation shows",
      "cancel-request 200 canceled @1-2; create a 201 open @3-9; invoke 202 open @4-5",
    ],
    [
      "an invoke that a cancel of the ended run overtakes",
      `${CANCELED}; invoke 202 canceled @31-40; cancel 200 canceled @32-39; get 200 canceled 1 @41-42`,
    ],
    ["a cancel that meets a completed task", `${OPENED}; cancel 200 complete; get 200 complete`],
    ["a further run", `${CANCELED}; invoke 202 open; get 200 complete 2`],
    [
      "a further run that is canceled before it is shown",
      `${CANCELED}; invoke 202 canceled @31-40; cancel 200 canceled @32-39; get 200 canceled 2 @41-42`,
    ],
    ["a refused further run", `${OPENED}; invoke 409; get 200 complete 1`],
    ["a removal", `${OPENED}; delete 204; create a 410; create b 410; get 410; invoke 410; cancel 410; delete 410`],
    ["a first creation that a removal overtakes", "create a 410 @1-9; create a 200 open @2-3; delete 204 @4-5"],
    ["an unknown creation that took effect", "create a unknown; create a 200 open"],
    ["an unknown creation that never took effect", `create b unknown; get 404; ${OPENED}`],
    ["an unknown creation that takes effect late", "create a unknown; get 404; create b 422"],
    ["an unknown cancel that takes effect late", `${OPENED}; cancel unknown; get 200 open; get 200 canceled`],
    ["how a removed task ended", `${OPENED}; get 200 complete; delete 204; create a 410 complete`],
  ])("%s", (_, text) => {
    expect(isLinearizable(historyOf(text))).toBe(true);
  });
});

describe("the checker rejects", () => {
  it.each([
    ["two first creations", "create a 201 open @1-9; create a 201 open @2-8"],
    ["an older state after a newer", `${OPENED}; get 200 complete; get 200 open`],
    ["an older run after a newer", `${CANCELED}; invoke 202 open; get 200 open 2; get 200 canceled 1`],
    ["a replay before any creation", "create a 200 open @1-2; create a 201 open @3-4"],
    ["a replay though the first was refused", "create a 422; create a 200 open"],
    ["no task after a creation", `${OPENED}; get 404`],
    ["an end that changes within a run", `${OPENED}; get 200 complete 1; get 200 canceled 1; cancel 200 canceled`],
    ["canceled, then complete", `${CANCELED}; get 200 complete`],
    ["a cancel that leaves the task open", "create a 201 open @1-9; cancel-request 200 open @2-8"],
    ["a creation that runs in spite of its cancel", `cancel-request 200 canceled; ${OPENED}`],
    ["a replay of another body", `${OPENED}; create b 200 open`],
    ["a mismatch that nothing came before", `create b 422; ${OPENED}`],
    ["a further run of a complete task", `${OPENED}; get 200 complete; invoke 202 open`],
    ["a further run that is not opened", `${CANCELED}; invoke 202 canceled; get 200 canceled 1`],
    ["two runs for one invoke", `${CANCELED}; invoke 202 open; get 200 open 3`],
    ["a task that returns after its removal", `${OPENED}; delete 204; get 200 canceled`],
    ["a removal that nobody asked for", `${OPENED}; get 410`],
    ["a removal that was not the first, though it was", `${OPENED}; delete 410; get 410`],
    ["two removals in a row", `${OPENED}; delete 204; delete 204`],
    ["an end that nobody asked for", `${OPENED}; get 200 canceled; cancel 200 canceled`],
    ["an unknown creation that takes effect twice", `create a unknown; create a 200 open; ${OPENED}`],
    ["an answer that there is not", "create a 500"],
    ["a mismatch before the task is there", "create a 201 open @1-9; create b 422 @2-3; get 404 @4-5"],
    ["a creation that started nothing, and yet is replayed", "create a 503 creation-unavailable; create a 200 open"],
    ["a look-up that knows nothing of an accepted creation", `${OPENED}; look-up 404`],
    ["a look-up that forgets a bar", "cancel-request 200 canceled; look-up 404"],
    ["a further run of a bar", "cancel-request 200 canceled; invoke 202 open"],
    ["a removed task that ended otherwise", `${OPENED}; get 200 complete; delete 204; create a 410 canceled`],
    ["a cancel that overlaps no invoke and yet opens none", `${CANCELED}; invoke 202 canceled; get 200 canceled`],
  ])("%s", (_, text) => {
    expect(isLinearizable(historyOf(text))).toBe(false);
  });

  it("and names what the verdict rests on", () => {
    const history = historyOf(`get 404; ${OPENED}; create a 200 open; get 200 complete 1; get 200 canceled 1; get 410`);
    const left = "[41..42] client 4: get -> 200 canceled run 1\nwhatever became of 2 x create a";
    expect(print(minimalViolation(history))).toBe(left);
  });

  it("nothing that it cannot decide with the memory it is given", () => {
    const tangled = historyOf(`${OPENED}; ${"cancel unknown; invoke unknown; ".repeat(8)}get 200 error`);
    expect(() => isLinearizable(tangled, 100)).toThrow(Undecided);
  });
});
