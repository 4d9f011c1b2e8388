import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { batchOf, endOf, onceEach, putBatch, rows, type Scene, scene } from "../../support/scene";

/** Identical calls of one id at once, and the calls of two bodies together. */
const CROWD = 1_000;
/** Many ids, each sent so often. The full size is 1,000 ids: `npm run storms`; too long for every run of the tests. */
const MANY_IDS = Number("STORM_IDS" in env ? env.STORM_IDS : 80);
/** So many calls at once are more than one process answers before their time is up: then clients call again. */
const IS_TOO_MUCH = "STORM_IDS" in env;
const CALLS_PER_ID = 20;
/** A client's wait before it repeats a call that was answered 503. */
const REPEATED_AFTER_MS = 1_000;
const LIMIT_MS = 300_000;

let life: Scene;
beforeAll(async () => {
  life = await scene(3);
});
beforeEach(() => resetFaults());

function atOnce(count: number, put: (index: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => put(index)));
}

/** How often each status was answered. */
function tally(answers: readonly (Answer | undefined)[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const answer of answers) if (answer) counts[answer.status] = (counts[answer.status] ?? 0) + 1;
  return counts;
}

/**
 * What clients do that all call at once: those answered 503 call again after a while, until there is none.
 * @returns for each call its last answer; and how many were answered 503.
 */
async function untilProven(ids: readonly string[], put: (requestId: string) => Promise<Answer>) {
  const answers = new Map<number, Answer>();
  let pending = 0;
  const callAgain = async (): Promise<number> => {
    const open = [...ids.keys()].filter((index) => !answers.has(index));
    const given = await Promise.all(open.map((index) => put(ids[index] ?? "")));
    given.forEach((answer, at) => answer.status === 503 || answers.set(open[at] ?? 0, answer));
    pending += given.filter(({ status }) => status === 503).length;
    return ids.length - answers.size;
  };
  await until(callAgain, (left) => left === 0, LIMIT_MS, REPEATED_AFTER_MS);
  return { answers: ids.map((_, index) => answers.get(index)), pending };
}

describe("batches-create, in a storm", () => {
  it(
    `makes one task and one run of ${CROWD} identical calls at once, and re-voices each memory once`,
    async () => {
      const requestId = crypto.randomUUID();
      const answers = await atOnce(CROWD, () => putBatch(requestId, batchOf(life)));
      expect(tally(answers)).toEqual({ 200: CROWD - 1, 201: 1 });
      expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
      const task = await endOf(answers[0]?.body.id, LIMIT_MS);
      expect(await onceEach(life, task)).toBe(true);
      expect(await rows("SELECT id, run FROM tasks WHERE request_id = ?", requestId)).toEqual([
        { id: task.task_id, run: 1 },
      ]);
      expect(task.attempts).toBe(1);
    },
    LIMIT_MS,
  );

  it(
    `lets one of two bodies win when each is sent ${CROWD / 2} times at once, and tells the other its task`,
    async () => {
      const requestId = crypto.randomUUID();
      const bodies = ["a", "b"].map((name) => batchOf(life, { name }));
      const answers = await atOnce(CROWD, (index) => putBatch(requestId, bodies[index % 2]));
      expect(tally(answers)).toEqual({ 200: CROWD / 2 - 1, 201: 1, 422: CROWD / 2 });
      const winner = answers.findIndex((answer) => answer.status === 201);
      const won = answers[winner]?.body;
      const told = answers.map(({ status, body }) =>
        status === 422 ? [body.code, body.task_id] : [body.name, body.id],
      );
      expect(told).toEqual(
        answers.map((_, index) => [index % 2 === winner % 2 ? won.name : "request-id-reused", won.id]),
      );
      expect(await rows("SELECT name, run FROM tasks WHERE request_id = ?", requestId)).toEqual([
        { name: won.name, run: 1 },
      ]);
      expect(await onceEach(life, await endOf(won.id, LIMIT_MS))).toBe(true);
    },
    LIMIT_MS,
  );

  it(
    `makes one task for each of ${MANY_IDS} ids that are sent ${CALLS_PER_ID} times each, all at once`,
    async () => {
      // Without bells nothing runs: the storm is of creations alone.
      arm("drops", "queue: sendBatch", MANY_IDS * CALLS_PER_ID * 2);
      const ids = Array.from({ length: MANY_IDS }, () => crypto.randomUUID());
      const idOf = (index: number): string => ids[index % MANY_IDS] ?? "";
      const calls = Array.from({ length: MANY_IDS * CALLS_PER_ID }, (_, index) => idOf(index));
      const { answers, pending } = await untilProven(calls, (requestId) => putBatch(requestId, batchOf(life)));
      expect(IS_TOO_MUCH ? 0 : pending).toBe(0);
      for (const [index, requestId] of ids.entries()) {
        const own = answers.filter((_, at) => at % MANY_IDS === index);
        const { 200: replayed = 0, 201: first = 0 } = tally(own);
        expect(replayed + first).toBe(CALLS_PER_ID);
        // A creation whose answer was 503 may stand all the same: then its client's next call finds it.
        expect(first).toBe(IS_TOO_MUCH ? Math.min(first, 1) : 1);
        const [row, ...others] = await rows("SELECT id FROM tasks WHERE request_id = ?", requestId);
        expect(others).toEqual([]);
        expect(own.every((answer) => answer?.body.id === row?.["id"])).toBe(true);
      }
      const canceled = await Promise.all(ids.map((requestId) => call("PATCH", `/v1/requests/${requestId}/cancel`)));
      expect(tally(canceled)).toEqual({ 200: MANY_IDS });
      resetFaults();
    },
    LIMIT_MS,
  );
});
