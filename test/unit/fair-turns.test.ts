import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairTurns } from "../../src/domain/model/fair-turns";

/** Waiting things: of which namespace and task. */
const waiting = fc.array(
  fc.record({ namespaceId: fc.constantFrom("a", "b", "c", "d"), taskId: fc.constantFrom("1", "2", "3") }),
  {
    maxLength: 60,
  },
);

function filled(places: readonly { readonly namespaceId: string; readonly taskId: string }[]) {
  const turns = new FairTurns<{ namespaceId: string; taskId: string; at: number }>();
  for (const [at, place] of places.entries()) turns.add(place, { ...place, at });
  return turns;
}

const place = (namespaceId: string) => ({ namespaceId, taskId: "1" });

function takeAll<T>(turns: FairTurns<T>, admits?: (namespaceId: string) => boolean): T[] {
  const taken: T[] = [];
  for (let item = turns.take(admits); item !== undefined; item = turns.take(admits)) taken.push(item);
  return taken;
}

describe("fair turns", () => {
  it("take whatever waits, each once", () => {
    fc.assert(
      fc.property(waiting, (places) => {
        const taken = takeAll(filled(places));
        expect(taken.map(({ at }) => at).toSorted((a, b) => a - b)).toEqual(places.map((_, at) => at));
      }),
    );
  });

  it("pass no namespace over more than once a round while it waits, and no task of a namespace either", () => {
    fc.assert(
      fc.property(waiting, (places) => {
        const taken = takeAll(filled(places));
        for (const key of ["namespaceId", "taskId"] as const) {
          const rounds =
            key === "namespaceId"
              ? [taken]
              : ["a", "b", "c", "d"].map((one) => taken.filter(({ namespaceId }) => namespaceId === one));
          for (const sequence of rounds) expect(passedOver(sequence.map((item) => item[key]))).toEqual([]);
        }
      }),
    );
  });

  it("take the oldest of a task first", () => {
    fc.assert(
      fc.property(waiting, (places) => {
        const groups = Map.groupBy(takeAll(filled(places)), ({ namespaceId, taskId }) => namespaceId + taskId);
        for (const group of groups.values()) {
          const order = group.map(({ at }) => at);
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it("go past a namespace that may not have its turn, and keep its place", () => {
    const turns = filled([place("a"), place("b"), place("a"), place("b")]);
    expect(turns.take((namespaceId) => namespaceId !== "a")).toMatchObject({ namespaceId: "b" });
    expect(turns.take(() => false)).toBeUndefined();
    expect(takeAll(turns).map(({ namespaceId }) => namespaceId)).toEqual(["a", "b", "a"]);
  });

  it("let go what no longer has to wait, and nothing else", () => {
    fc.assert(
      fc.property(waiting, fc.constantFrom("a", "b"), (places, gone) => {
        const turns = filled(places);
        const removed = turns.removeIf(({ namespaceId }) => namespaceId === gone);
        expect(removed.every(({ namespaceId }) => namespaceId === gone)).toBe(true);
        expect(turns.size).toBe(places.length - removed.length);
        expect(takeAll(turns).some(({ namespaceId }) => namespaceId === gone)).toBe(false);
      }),
    );
  });
});

/** Who had a second turn between two of another, which waited all the time. */
function passedOver(sequence: readonly string[]): readonly string[] {
  return sequence.flatMap((key, at) => {
    const next = sequence.indexOf(key, at + 1);
    const between = next === -1 ? [] : sequence.slice(at + 1, next);
    return between.filter((other, index) => between.indexOf(other) !== index);
  });
}
