/**
 * A checker for the history of one request id and its task: is there an order of the operations, each at some moment
 * between its call and its return, in which the sequential specification gives every answer that was seen? The search is
 * that of Wing & Gong, with the memory of visited configurations that Lowe added.
 */
export type Kind = "create" | "get" | "cancel" | "cancel-request" | "invoke" | "delete";
/** `open` is every state of a task that has not ended. */
export type Shown = "open" | "complete" | "canceled" | "error";

export interface Seen {
  readonly code: number;
  /** The task's status in the answer, and its run where the answer tells it. */
  readonly shown?: Shown;
  readonly run?: number;
}

export interface Operation {
  readonly client: number;
  readonly kind: Kind;
  /** Which of the bodies a creation sent. */
  readonly body?: string;
  /** Both from one monotonic counter. */
  readonly call: number;
  readonly return: number;
  /** `unknown` when the answer does not tell: it may take effect at any time after its call, or never. */
  readonly seen: Seen | "unknown";
}

export type History = readonly Operation[];

interface State {
  /** `canceled-before`: no creation yet. `claimed`: the row is not there yet, so no read by task id shows it. */
  readonly phase: "absent" | "canceled-before" | "claimed" | "there" | "deleted";
  readonly body: string;
  /** What the task was when it was claimed. */
  readonly born: Shown;
  readonly status: Shown;
  readonly run: number;
}

/** What an operation does at one moment: the state after it, or undefined where its answer is impossible. */
type Step = { readonly reads: boolean; readonly next: (state: State) => State | undefined };

const START: State = { phase: "absent", body: "", born: "open", status: "open", run: 1 };
const read = (allowed: (state: State) => boolean): Step => ({
  reads: true,
  next: (state) => (allowed(state) ? state : undefined),
});
const write = (next: Step["next"]): Step => ({ reads: false, next });

const isThere = ({ phase }: State): boolean => phase === "there";
const isInvisible = ({ phase }: State): boolean => !["there", "deleted"].includes(phase);
const deleted = read(({ phase }) => phase === "deleted");
const showing = ({ shown, run }: Seen): Step =>
  read((state) => isThere(state) && state.status === (shown ?? state.status) && state.run === (run ?? state.run));

/** What the task does on its own: its row comes after its claim, and it may complete at any moment. */
function onItsOwn(state: State): State | undefined {
  if (state.phase === "claimed") return { ...state, phase: "there" };
  return isThere(state) && state.status === "open" ? { ...state, status: "complete" } : undefined;
}

const claim = (body: string): Step =>
  write(({ phase }) => {
    if (phase !== "absent" && phase !== "canceled-before") return undefined;
    const born = phase === "absent" ? "open" : "canceled";
    return { ...START, phase: "claimed", body, born, status: born };
  });
const cancel = write((state) => {
  if (!isThere(state)) return undefined;
  return state.status === "open" ? { ...state, status: "canceled" } : state;
});
const cancelRequest = write((state) => {
  if (state.phase === "absent") return { ...state, phase: "canceled-before", status: "canceled" };
  if (state.phase === "claimed") return { ...state, phase: "there", status: "canceled" };
  return state.phase === "canceled-before" ? state : cancel.next(state);
});
const invoke = write((state) => {
  if (!isThere(state) || state.status === "complete") return undefined;
  return state.status === "open" ? state : { ...state, status: "open", run: state.run + 1 };
});
const remove = write((state) => {
  if (isInvisible(state)) return undefined;
  return { ...state, phase: "deleted", status: state.status === "open" ? "canceled" : state.status };
});
/** An effect that the answer does not tell of. */
const perhaps = ({ next }: Step): Step => write((state) => next(state) ?? state);

/** The steps of an operation that took effect whatever its answer. */
function effectOf({ kind, body = "" }: Operation): readonly Step[] {
  const effects = { create: claim(body), cancel, "cancel-request": cancelRequest, invoke, delete: remove };
  return kind === "get" ? [] : [effects[kind]];
}

/**
 * The steps that explain an answer, in their order; they need not be at the same moment, because an answer shows the
 * task as it is a little after what the operation did. Undefined: no state at all gives this answer.
 */
function stepsOf(operation: Operation, seen: Seen): readonly Step[] | undefined {
  const { kind, body = "" } = operation;
  // What it did may have been overtaken by a removal.
  if (seen.code === 410) return [...(kind === "delete" ? [] : effectOf(operation).map(perhaps)), deleted];
  switch (`${kind} ${seen.code}`) {
    case "create 201": {
      // A task that is shown as just born is shown without a look: only its row must be there by then.
      const born = read((state) => !isInvisible(state) && state.born === "open");
      const shown = showing(seen);
      if (seen.shown !== "open") return [claim(body), shown];
      return [claim(body), read((state) => (born.next(state) ?? shown.next(state)) !== undefined)];
    }
    case "create 200":
      return [read((state) => state.body === body && showing(seen).next(state) !== undefined)];
    case "create 422":
      return [read((state) => ["claimed", "there"].includes(state.phase) && state.body !== body)];
    case "get 200":
      return [showing(seen)];
    case "cancel 200":
      return [cancel, showing(seen)];
    case "cancel-request 200":
      // The tombstone of a removed task tells how it ended.
      return [perhaps(cancelRequest), read(({ phase, status }) => phase !== "absent" && status === seen.shown)];
    case "invoke 202":
      return [invoke, showing(seen)];
    case "invoke 409":
      return [showing({ ...seen, shown: "complete" })];
    case "delete 204":
      return [read(isThere), remove];
    case "get 404":
    case "cancel 404":
    case "invoke 404":
    case "delete 404":
      return [read(isInvisible)];
    default:
      return undefined;
  }
}

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
    const steps = operation.seen === "unknown" ? effectOf(operation) : stepsOf(operation, operation.seen);
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
  const violates = (part: History): boolean => {
    try {
      return !isLinearizable(part, 20_000);
    } catch (error) {
      if (error instanceof Undecided) return false;
      throw error;
    }
  };
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
      const answer = [seen.code, seen.shown, seen.run && `run ${seen.run}`].filter(Boolean).join(" ");
      return [`[${call}..${end}] client ${client}: ${nameOf(operation)} -> ${answer}`];
    });
  return [...lines, ...(counts.length > 0 ? [`whatever became of ${counts.join(", ")}`] : [])].join("\n");
}

function nameOf({ kind, body }: Operation): string {
  return body === undefined ? kind : `${kind} ${body}`;
}
