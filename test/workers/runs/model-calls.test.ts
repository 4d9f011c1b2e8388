import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GATE_PERMIT_MS, type GateReport } from "../../../src/domain/model/model-gate";
import {
  type ANSWER,
  answered,
  busyFor,
  CountingModel,
  gateOf,
  invocation,
  LATENCY_MS,
} from "../../support/model-gate";

/*
 * Invocations of a consumer, a model, and the gate between them, on a clock that the tests turn.
 */

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

describe("the calls of one invocation", () => {
  it.each([6, 16])(
    "are never more than %i at once, over all its bells, and as many as that while there is work",
    async (most) => {
      const model = new CountingModel();
      const one = invocation(most);
      const started = ["t1", "t2", "t3"].map((taskId) => one.start(model, 25, { taskId }));
      // A few at a time are begun, so that the thread is never held for long: that takes a moment each.
      await vi.advanceTimersByTimeAsync((LATENCY_MS + 10) * Math.ceil(75 / most));
      expect((await Promise.all(started)).map(answered)).toEqual([25, 25, 25]);
      expect(model.most).toBe(most);
      expect(model.calls).toHaveLength(75);
    },
  );

  it("go to namespaces in turns: a small task is done before a third of a big one, though it came later", async () => {
    const model = new CountingModel();
    const one = invocation(6);
    void one.start(model, 300, { namespaceId: "big" });
    await vi.advanceTimersByTimeAsync(LATENCY_MS * 2);
    let doneAt = 0;
    void one.start(model, 30, { namespaceId: "small" }).then(() => (doneAt = model.calls.length));
    await vi.advanceTimersByTimeAsync(LATENCY_MS * 60);
    expect(doneAt).toBeGreaterThan(0);
    expect(doneAt).toBeLessThan(100);
    expect(model.calls).toHaveLength(330);
  });

  it("keep their slot until their work has stopped, not only until it was told to", async () => {
    const model = new CountingModel();
    const one = invocation(1);
    const stopping = Promise.withResolvers<typeof ANSWER>();
    const place = {
      namespaceId: "a",
      taskId: "t",
      deadlineMs: 1e9,
      isOver: () => false,
      begin: () => {},
      fail: () => {},
    };
    const first = one.calls.run(place, 1, () => stopping.promise);
    const second = one.calls.run(place, 1, () => model.ask("a"));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(model.calls).toHaveLength(0);
    stopping.reject(new Error("aborted"));
    await expect(first).rejects.toThrow("aborted");
    expect(model.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(LATENCY_MS);
    expect((await second).begun).toBe(true);
  });
});

describe("the calls of two invocations", () => {
  it("are never more at once than their gate grants, and as many as that while there is work", async () => {
    const { port, gate } = gateOf(10);
    const model = new CountingModel();
    const both = [invocation(8, port), invocation(8, port)];
    const started = both.map((each) => each.start(model, 100));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await Promise.all(started)).map(answered)).toEqual([100, 100]);
    expect(model.most).toBe(10);
    await Promise.all(both.map(({ calls }) => calls.close()));
    expect(gate.record.busy).toBe(false);
  });

  it("are shared out in turns between namespaces: the small task ends before a third of the big one", async () => {
    const { port } = gateOf(6);
    const model = new CountingModel();
    void invocation(6, port).start(model, 400, { namespaceId: "big" });
    await vi.advanceTimersByTimeAsync(500);
    let doneAt = 0;
    void invocation(6, port)
      .start(model, 20, { namespaceId: "small" })
      .then(() => (doneAt = model.calls.length));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(doneAt).toBeGreaterThan(0);
    expect(doneAt).toBeLessThan(133);
    expect(model.calls).toHaveLength(420);
  });

  it("rest both when the model asks for it, and go on after it: nothing has failed", async () => {
    const { port, gate } = gateOf(12);
    const model = new CountingModel((call) => {
      if (call === 3) throw busyFor(4);
    });
    const both = [invocation(6, port), invocation(6, port)];
    const started = both.map((each) => each.start(model, 20));
    await vi.advanceTimersByTimeAsync(LATENCY_MS + 50);
    expect(gate.record).toMatchObject({ limit: 6, restUntilMs: expect.closeTo(4_200, -2) });
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await Promise.all(started)).map(answered)).toEqual([20, 20]);
    // The other hears of it with its next word, two seconds later at most.
    expect(model.calls.filter(({ atMs }) => atMs > 2_300 && atMs < 4_200)).toEqual([]);
    expect(model.calls).toHaveLength(41);
    expect(gate.record.limit).not.toBe(6);
  });

  it("tell the gate of a rest as soon as the report that was under way is back", async () => {
    const { port, gate } = gateOf(12);
    const slow = {
      report: async (report: GateReport) => {
        const answer = await port.report(report);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        return answer;
      },
    };
    let refusedAt = 0;
    const model = new CountingModel(() => {
      if (refusedAt > 0 || Date.now() < 3_100) return;
      refusedAt = Date.now();
      throw busyFor(4);
    });
    void invocation(6, slow).start(model, 200);
    // Reports are under way from 0 to 1 s, and from 3 to 4 s.
    await vi.advanceTimersByTimeAsync(3_950);
    expect([refusedAt > 3_000, gate.record.restUntilMs]).toEqual([true, 0]);
    await vi.advanceTimersByTimeAsync(100);
    expect(gate.record).toMatchObject({ limit: 6, restUntilMs: expect.closeTo(8_000, -2) });
  });

  it("have the slots of an invocation that has died, after a time", async () => {
    const { port, gate } = gateOf(8);
    const report = {
      holderId: "dead",
      tokensPerCall: 1,
      answered: 0,
      unused: { requests: 0, tokens: 0 },
      throttled: null,
    };
    gate.answer({ ...report, demands: [{ namespaceId: "a", kept: 8, wanted: 8 }] }, 0);
    const model = new CountingModel();
    const started = invocation(8, port).start(model, 8);
    await vi.advanceTimersByTimeAsync(GATE_PERMIT_MS - LATENCY_MS);
    expect(model.calls.length).toBe(0);
    await vi.advanceTimersByTimeAsync(GATE_PERMIT_MS);
    expect(answered(await started)).toBe(8);
  });
});

describe("a model that asks for a rest beyond the turn", () => {
  it("is not asked any more: the call fails, and what waits is told until when", async () => {
    const { port } = gateOf(2);
    const model = new CountingModel(() => {
      throw busyFor(30);
    });
    const [first, ...others] = await Promise.all([
      invocation(1, port).start(model, 5, { deadlineMs: 5_000 }),
      vi.advanceTimersByTimeAsync(10_000),
    ]).then(([results]) => results);
    expect(first).toMatchObject({ status: "rejected", reason: { value: { retryAfterSeconds: 30 } } });
    for (const other of others) expect(other).toMatchObject({ value: { begun: false } });
    expect(model.calls).toHaveLength(1);
  });

  it("is not asked by a turn that comes later either, which has begun nothing and is told until when", async () => {
    const { port, gate } = gateOf(2);
    const report = { holderId: "h", tokensPerCall: 1, answered: 0, unused: { requests: 0, tokens: 0 }, demands: [] };
    gate.answer({ ...report, throttled: { restMs: 30_000 } }, 0);
    const model = new CountingModel();
    const started = invocation(1, port).start(model, 2, { deadlineMs: 5_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    const results = await started;
    for (const result of results) expect(result).toMatchObject({ value: { begun: false, restUntilMs: 30_000 } });
    expect(model.calls).toEqual([]);
  });
});

describe("the gate, of 1,000 memories at full pace", () => {
  it("is asked less than once in five memories", async () => {
    const { port, reports } = gateOf(16);
    const model = new CountingModel();
    const one = invocation(16, port);
    const started = one.start(model, 1_000);
    await vi.advanceTimersByTimeAsync(LATENCY_MS * 70);
    expect(answered(await started)).toBe(1_000);
    await one.calls.close();
    expect(reports.length).toBeLessThan(200);
    expect(model.most).toBe(16);
  });
});

describe("a gate that does not answer", () => {
  it.each(["down", "hanging"] as const)(
    "(%s) leaves an invocation one call at a time, until it is back",
    async (state) => {
      const { port, become } = gateOf(16);
      become(state);
      const model = new CountingModel();
      const one = invocation(16, port);
      const started = one.start(model, 200);
      await vi.advanceTimersByTimeAsync(6_000);
      expect(model.most).toBe(1);
      expect(model.calls.length).toBeGreaterThan(10);
      expect(one.logged).toEqual(["model-gate-unreachable"]);
      become("up");
      await vi.advanceTimersByTimeAsync(30_000);
      expect(answered(await started)).toBe(200);
      expect(model.most).toBe(16);
    },
  );

  it("leaves it what it was granted, as long as that stands", async () => {
    const { port, become } = gateOf(16);
    const model = new CountingModel();
    void invocation(16, port).start(model, 900);
    await vi.advanceTimersByTimeAsync(1_000);
    become("down");
    await vi.advanceTimersByTimeAsync(GATE_PERMIT_MS - 2_000);
    expect(model.open).toBe(16);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(model.open).toBe(1);
  });
});
