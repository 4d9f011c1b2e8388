import {
  effectOf,
  type History,
  onItsOwn,
  type Operation,
  START,
  type State,
  type Step,
  stepsOf,
} from "./request-spec";

/*
 * A checker for the history of one request id and its task: is there an order of the operations, each at some moment
 * between its call and its return, in which the sequential specification gives every answer that was seen? The search is
 * that of Wing & Gong, with the memory of visited configurations that Lowe added.
 */

/** A step in the search. One that need not happen stands for an unknown answer. */
interface Entry extends Step {
  readonly call: number;
  readonly return: number;
  readonly needed: boolean;
  /** The entry of the same operation that comes before it. */
  readonly after: bigint;
}

/** @returns undefined when some answer is impossible in every state. */
function entriesOf(history: History): Entry[] | undefined {
  const entries: Entry[] = [];
  for (const operation of history) {
    const unknown = operation.seen === "unknown";
    const steps = operation.seen === "unknown" ? effectOf(operation) : stepsOf(operation, operation.seen, history);
    if (steps === undefined) return undefined;
    for (const [at, step] of steps.entries()) {
      const after = at === 0 ? 0n : 1n << BigInt(entries.length - 1);
      const end = unknown ? Number.POSITIVE_INFINITY : operation.return;
      entries.push({ ...step, call: operation.call, return: end, needed: !unknown, after });
    }
  }
  return entries;
}

/** The history is too tangled to be decided with so much memory. */
export class Undecided extends Error {}

/** @throws Undecided after `limit` configurations. */
export function isLinearizable(history: History, limit = 300_000): boolean {
  const entries = entriesOf(history);
  if (entries === undefined) return false;
  const visited = new Set<string>();
  const stack: { readonly done: bigint; readonly state: State }[] = [{ done: 0n, state: START }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { done, state } = top;
    const key = `${done.toString(36)} ${Object.values(state).join(" ")}`;
    if (visited.has(key)) continue;
    visited.add(key);
    if (visited.size > limit) throw new Undecided(`Undecided after ${limit} configurations.`);
    const open = entries.map((entry, at) => ({ entry, bit: 1n << BigInt(at) })).filter(({ bit }) => !(done & bit));
    if (!open.some(({ entry }) => entry.needed)) return true;
    const soonest = Math.min(...open.map(({ entry }) => entry.return));
    const ready = open.filter(({ entry }) => entry.call < soonest && (entry.after & done) === entry.after);
    // A read that fits now changes nothing for the others: taking it at once loses no order.
    const fitting = ready.find(({ entry }) => entry.reads && entry.next(state) !== undefined);
    if (fitting !== undefined) {
      stack.push({ done: done | fitting.bit, state });
      continue;
    }
    const moved = onItsOwn(state);
    if (moved !== undefined) stack.push({ done, state: moved });
    for (const { entry, bit } of ready) {
      const next = entry.next(state);
      if (entry.optional === true) stack.push({ done: done | bit, state });
      // What need not happen and changes nothing is left out.
      if (next !== undefined && (entry.needed || next !== state)) stack.push({ done: done | bit, state: next });
    }
  }
  return false;
}

/**
 * What is left of a history that is not linearizable when every answer is forgotten that the verdict does not need: the
 * shortest prefix, then one operation after the other made `unknown`, or dropped where it has no effect.
 */
export function minimalViolation(history: History): History {
  const ends = history.map((operation) => operation.return).toSorted((a, b) => a - b);
  const prefixes = ends.map((end) => until(history, end));
  let left = prefixes.find(violates) ?? history;
  for (const operation of left) {
    const forgotten = left.map((other) => (other === operation ? { ...other, seen: "unknown" as const } : other));
    if (violates(forgotten)) left = forgotten;
  }
  // What may have had an effect stays: without it, the rest could look wrong for want of its cause.
  return left.filter((operation) => operation.seen !== "unknown" || effectOf(operation).length > 0);
}

function violates(history: History): boolean {
  try {
    return !isLinearizable(history, 20_000);
  } catch (error) {
    if (error instanceof Undecided) return false;
    throw error;
  }
}

/** What was known at a moment: calls that had not returned by then are unknown. */
function until(history: History, end: number): History {
  return history
    .filter((operation) => operation.call < end)
    .map((operation) => (operation.return > end ? { ...operation, seen: "unknown" as const } : operation));
}

/** One line an operation, in the order of the calls; those whose answers do not matter are summed up in the last. */
export function print(history: History): string {
  const unknown = history.filter(({ seen }) => seen === "unknown").map(nameOf);
  const counts = [...new Set(unknown)]
    .toSorted()
    .map((name) => `${unknown.filter((n) => n === name).length} x ${name}`);
  const lines = history
    .toSorted((a, b) => a.call - b.call)
    .flatMap((operation) => {
      const { client, call, return: end, seen } = operation;
      if (seen === "unknown") return [];
      const answer = [seen.code, seen.problem, seen.shown, seen.run && `run ${seen.run}`].filter(Boolean).join(" ");
      return [`[${call}..${end}] client ${client}: ${nameOf(operation)} -> ${answer}`];
    });
  return [...lines, ...(counts.length > 0 ? [`whatever became of ${counts.join(", ")}`] : [])].join("\n");
}

function nameOf({ kind, body }: Operation): string {
  return body === undefined ? kind : `${kind} ${body}`;
}
