/*
 * The sequential specification of one request id and its task: what each operation does at one moment, and which answers it
 * may then be given.
 */
export type Kind = "create" | "get" | "look-up" | "cancel" | "cancel-request" | "invoke" | "delete";
/** `open` is every state of a task that has not ended. */
export type Shown = "open" | "complete" | "canceled" | "error";

export interface Seen {
  readonly code: number;
  /** The code of a problem, where one code of HTTP may mean two things. */
  readonly problem?: string;
  /** The task's status in the answer, or how it ended; and its run where the answer tells it. */
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

export interface State {
  /** `barred`: canceled before any creation. `removed`: a tombstone is left, which tells how it ended. */
  readonly phase: "absent" | "barred" | "there" | "removed";
  readonly body: string;
  readonly status: Shown;
  readonly run: number;
}

/** What an operation does at one moment. */
export interface Step {
  readonly reads: boolean;
  /** It may as well do nothing. */
  readonly optional?: boolean;
  /** The state after it, or undefined where its answer is impossible. */
  readonly next: (state: State) => State | undefined;
}

export const START: State = { phase: "absent", body: "", status: "open", run: 1 };
const read = (allowed: (state: State) => boolean): Step => ({
  reads: true,
  next: (state) => (allowed(state) ? state : undefined),
});
const write = (next: Step["next"]): Step => ({ reads: false, next });

const isThere = ({ phase }: State): boolean => phase === "there";
const isInvisible = ({ phase }: State): boolean => phase === "absent" || phase === "barred";
const removed = ({ shown }: Seen): Step =>
  read(({ phase, status }) => phase === "removed" && status === (shown ?? status));
const showing = ({ shown, run }: Seen): Step =>
  read((state) => isThere(state) && state.status === (shown ?? state.status) && state.run === (run ?? state.run));
/** What the look-up shows: of a bar, too. */
const known = (seen: Seen): Step =>
  read((state) => (state.phase === "barred" ? seen.shown === "canceled" : showing(seen).next(state) !== undefined));

/** What the task does on its own: it may complete at any moment. */
export function onItsOwn(state: State): State | undefined {
  return isThere(state) && state.status === "open" ? { ...state, status: "complete" } : undefined;
}

/** One row, or two in one transaction: whoever sees the one sees the other. */
const create = (body: string): Step =>
  write(({ phase }) => {
    if (phase !== "absent" && phase !== "barred") return undefined;
    return { ...START, phase: "there", body, status: phase === "absent" ? "open" : "canceled" };
  });
const cancel = write((state) => {
  if (!isThere(state)) return undefined;
  return state.status === "open" ? { ...state, status: "canceled" } : state;
});
const cancelRequest = write((state) => {
  if (state.phase === "absent") return { ...state, phase: "barred", status: "canceled" };
  return state.phase === "barred" ? state : cancel.next(state);
});
const invoke = write((state) => {
  if (!isThere(state) || state.status === "complete") return undefined;
  return state.status === "open" ? state : { ...state, status: "open", run: state.run + 1 };
});
const remove = write((state) => {
  if (!isThere(state)) return undefined;
  return { ...state, phase: "removed", status: state.status === "open" ? "canceled" : state.status };
});
/** An effect that the answer does not tell of. */
const perhaps = ({ next }: Step): Step => write((state) => next(state) ?? state);

/** The steps of an operation that took effect whatever its answer. */
export function effectOf({ kind, body = "" }: Operation): readonly Step[] {
  const effects = { create: create(body), cancel, "cancel-request": cancelRequest, invoke, delete: remove };
  return kind === "get" || kind === "look-up" ? [] : [effects[kind]];
}

/**
 * The steps that explain an answer, in their order; they need not be at the same moment, because an answer shows the
 * task as it is a little after what the operation did. Undefined: no state at all gives this answer.
 */
export function stepsOf(operation: Operation, seen: Seen, history: History): readonly Step[] | undefined {
  const { kind, body = "" } = operation;
  // What it did may have been overtaken by a removal.
  if (seen.code === 410) return [...(kind === "delete" ? [] : effectOf(operation).map(perhaps)), removed(seen)];
  switch (`${kind} ${seen.code}`) {
    case "create 201":
      return [create(body), showing(seen)];
    case "create 200":
      return [read((state) => state.body === body && showing(seen).next(state) !== undefined)];
    case "create 422":
      return [read((state) => isThere(state) && state.body !== body)];
    case "create 503":
      return seen.problem === NOTHING_STARTED ? [] : undefined;
    case "get 200":
      return [showing(seen)];
    case "look-up 200":
      return [known(seen)];
    case "look-up 404":
      return [read(({ phase }) => phase === "absent")];
    case "cancel 200":
      return [cancel, showing(seen)];
    case "cancel-request 200":
      return [cancelRequest, known(seen)];
    case "invoke 202":
      return [{ ...invoke, optional: seen.shown !== "open" && meetsCancel(operation, history) }, showing(seen)];
    case "invoke 409":
      if (seen.problem === "task-unfilled") return [read(({ phase }) => phase === "barred")];
      return [showing({ ...seen, shown: "complete" })];
    case "delete 204":
      return [remove];
    case "get 404":
    case "cancel 404":
    case "invoke 404":
    case "delete 404":
      return [read(isInvisible)];
    default:
      return undefined;
  }
}

/** A creation that is answered so has no effect, ever. */
export const NOTHING_STARTED = "creation-unavailable";

/** An invoke opens nothing where a cancel, of the ended run too, came after it had read the task: the cancel prevails. */
function meetsCancel(invoked: Operation, history: History): boolean {
  return history.some(
    ({ kind, call, return: end, seen }) =>
      kind.startsWith("cancel") && call < invoked.return && (seen === "unknown" || end > invoked.call),
  );
}
