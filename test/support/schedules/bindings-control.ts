/**
 * The bindings under the control of a schedule: calls that fail or stall where the schedule says, and bells that wait
 * until it delivers them. Tests and Worker share one isolate, so this module's state is common to both.
 */
export type FaultKind = "fails-before" | "fails-after" | "hangs" | "stalls-before" | "stalls-after";
/** Which calls a fault may hit. */
export type Place = "object" | "write" | "read" | "queue";

export interface Fault {
  readonly kind: FaultKind;
  readonly at: Place;
  /** Calls of the place that pass before the fault hits one. */
  readonly skip: number;
  /** Calls in a row that it hits. */
  readonly times: number;
}

interface Stall {
  readonly label: string;
  /** Does what was held back, and lets the caller go on, if it still lives. */
  readonly release: () => Promise<void>;
}

export interface Control {
  armed: { readonly fault: Fault; seen: number }[];
  /** What faults hit, in words. */
  fired: string[];
  stalls: Stall[];
  bells: unknown[];
  /** Calls that hang for ever. */
  hung: number;
  /** Counts beginnings and ends of calls: while it stands still, nothing moves. */
  moves: number;
}

let control: Control | undefined;

const HELD_LOOK_MS = 4;

/** From here on bells wait, and faults may be armed. @returns what a schedule steers. */
export function takeControl(): Control {
  control = { armed: [], fired: [], stalls: [], bells: [], hung: 0, moves: 0 };
  return control;
}

/** The bindings are as they were before. */
export function endControl(): void {
  control = undefined;
}

/** One call of a binding. */
export async function controlled<T>(label: string, work: () => Promise<T>): Promise<T> {
  const own = control;
  if (own === undefined) return work();
  own.moves += 1;
  try {
    return await faulty(own, label, work);
  } finally {
    own.moves += 1;
  }
}

/** The queue, whose messages wait while a schedule has control. */
export function holdable<Q extends Queue>(queue: Q): Q {
  return new Proxy(queue, {
    get: (target, key) => {
      if (control !== undefined && key === "sendBatch") return holdBells;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function holdBells(messages: Iterable<{ readonly body: unknown }>): Promise<void> {
  for (const { body } of messages) control?.bells.push(body);
}

async function faulty<T>(own: Control, label: string, work: () => Promise<T>): Promise<T> {
  const fault = nextFault(own, label);
  if (fault === undefined) return work();
  own.fired.push(`${fault.kind} ${label.replaceAll(/\s+/g, " ").slice(0, 90)}`);
  switch (fault.kind) {
    case "fails-before":
      throw new Error("Injected: fails before.");
    case "fails-after":
      await work();
      throw new Error("Injected: done, but answered an error.");
    case "hangs":
      own.hung += 1;
      return new Promise<T>(() => undefined);
    case "stalls-before":
      return stalled(own, label, work);
    case "stalls-after": {
      const value = await work();
      return stalled(own, label, async () => value);
    }
    default:
      return fault.kind satisfies never;
  }
}

function nextFault(own: Control, label: string): Fault | undefined {
  for (const armed of own.armed.filter(({ fault }) => isAt(fault.at, label))) {
    armed.seen += 1;
    const { skip, times } = armed.fault;
    if (armed.seen === skip + times) own.armed = own.armed.filter((other) => other !== armed);
    if (armed.seen > skip) return armed.fault;
  }
  return undefined;
}

function isAt(place: Place, label: string): boolean {
  if (place === "object" || place === "queue") return label.startsWith(`${place}: `);
  const writes = /\b(insert|update|delete)\b/i.test(label);
  return label.startsWith("db: ") && writes === (place === "write");
}

/**
 * The work is done by whoever releases it, so that it happens though its caller died meanwhile, as a write does that is
 * on its way. The caller looks for the outcome on its own: workerd ends a call that waits for nothing.
 */
async function stalled<T>(own: Control, label: string, work: () => Promise<T>): Promise<T> {
  const outcomes: ({ readonly value: T } | { readonly error: unknown })[] = [];
  const release = async (): Promise<void> => {
    own.moves += 1;
    const outcome = await work().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    outcomes.push(outcome);
    own.moves += 1;
  };
  own.stalls.push({ label, release });
  own.moves += 1;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, HELD_LOOK_MS));
    if (control !== own) throw new Error("The schedule of this call is over.");
    const [outcome] = outcomes;
    if (outcome === undefined) continue;
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }
}
