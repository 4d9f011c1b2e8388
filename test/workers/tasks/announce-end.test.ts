import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { announceEnd, announceEnds, type RunEnd, TOLD_ENDS_MAX } from "../../../src/services/tasks/announce-end";

const ID = "task_00000000000000000000000000000001";
const DELIVERY = "delivery_00000000000000000000000000000001_2";
const ALL = ["object", "watchers", "webhook"] as const;
type Hearer = (typeof ALL)[number];

/** Real services whose three hearers note what they are told; `hear` may fail or wait. */
function hearing(hear: (hearer: Hearer) => Promise<void> = async () => {}) {
  const real = openServices(env);
  const told: string[] = [];
  const logged: unknown[] = [];
  const note = (hearer: Hearer, what: string) => {
    told.push(`${hearer} ${what}`);
    return hear(hearer);
  };
  const services = {
    ...real,
    requests: { ...real.requests, ended: (id: string) => note("object", id) },
    watchers: { ...real.watchers, tell: (id: string) => note("watchers", id) },
    webhooks: { ...real.webhooks, bells: { ring: (ids: readonly string[]) => note("webhook", ids.join(" ")) } },
    log: (_level: string, event: string) => void logged.push(event),
  };
  const end: RunEnd = { id: ID, run: 2, watchedUntilMs: real.clock.nowMs() + 60_000, hasWebhook: true };
  return { services, told, logged, end };
}

describe("the end of a run", () => {
  it("is told to its object, to those who watch, and to the queue of webhooks", async () => {
    const { services, told, end } = hearing();
    await announceEnd(services, end);
    expect(told.toSorted()).toEqual([`object ${ID}`, `watchers ${ID}`, `webhook ${DELIVERY}`]);
  });

  it("is told to all three at once: none waits for another", async () => {
    const gate = Promise.withResolvers<void>();
    const { services, told, end } = hearing(() => gate.promise);
    const announced = announceEnd(services, end);
    await expect.poll(() => told.length).toBe(3);
    gate.resolve();
    await announced;
  });

  it.each(ALL)("is told to the others when that fails: %s", async (failing) => {
    const { services, told, logged, end } = hearing(async (hearer) => {
      if (hearer === failing) throw new Error("Injected");
    });
    await announceEnd(services, end);
    expect(told).toHaveLength(3);
    expect(logged).toEqual([failing === "webhook" ? "delivery-bell-lost" : "end-not-told"]);
  });

  it("is told to no watchers where nobody watches, and to no queue without a webhook", async () => {
    const { services, told, end } = hearing();
    await announceEnd(services, { ...end, watchedUntilMs: services.clock.nowMs() - 1, hasWebhook: false });
    await announceEnd(services, { ...end, watchedUntilMs: null, hasWebhook: false });
    expect(told).toEqual([`object ${ID}`, `object ${ID}`]);
  });
});

describe("many ends", () => {
  it("are told to a bounded number of objects, and rung for in one call where they have a webhook", async () => {
    const { services, told, end } = hearing();
    const ends = Array.from({ length: TOLD_ENDS_MAX + 1 }, (_, run) => ({ ...end, run, hasWebhook: run % 100 === 0 }));
    await announceEnds(services, ends);
    expect(told.filter((line) => line.startsWith("object"))).toHaveLength(TOLD_ENDS_MAX);
    expect(told.filter((line) => line.startsWith("watchers"))).toHaveLength(TOLD_ENDS_MAX);
    const deliveries = [0, 100, 200].map((run) => `${DELIVERY.slice(0, -2)}_${run}`);
    expect(told.filter((line) => line.startsWith("webhook"))).toEqual([`webhook ${deliveries.join(" ")}`]);
  });

  it("that are none make no call", async () => {
    const { services, told } = hearing();
    await announceEnds(services, []);
    expect(told).toEqual([]);
  });
});
