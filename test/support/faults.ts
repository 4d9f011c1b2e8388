/**
 * Faults around the real bindings. Tests and Worker share one isolate, so this module's state is common to both. Every
 * call of a binding passes through and is logged under a label: "db: <sql>", "queue: sendBatch", "object: <method>".
 */
export type FaultKind =
  /** Throws, and nothing happened. */
  | "fails-before"
  /** It happened, but the answer is an error. */
  | "fails-after"
  /** Never answers, and nothing happened. */
  | "hangs"
  /** Happens twice. */
  | "doubles"
  /** Says it happened, though it did not. */
  | "drops";

interface ArmedFault {
  readonly at: string;
  readonly kind: FaultKind;
  left: number;
}

let armed: ArmedFault[] = [];
let calls: string[] = [];
let fired: string[] = [];

/** Arms a fault at the next calls whose label holds `at`. */
export function arm(kind: FaultKind, at: string, times = 1): void {
  armed.push({ at, kind, left: times });
}

export function resetFaults(): void {
  armed = [];
  calls = [];
  fired = [];
}

/** Labels of the calls that a fault hit. */
export function firedFaults(): readonly string[] {
  return fired;
}

/** Labels of all calls since the last reset. */
export function loggedCalls(): readonly string[] {
  return calls;
}

/** How many round trips to D1 there were whose statements hold `text`. */
export function databaseCalls(text = ""): number {
  return calls.filter((label) => label.startsWith("db: ") && label.includes(text)).length;
}

/** Sends one call through the faults. */
export async function through<T>(label: string, work: () => Promise<T>): Promise<T> {
  calls.push(label);
  const fault = armed.find(({ at, left }) => left > 0 && label.includes(at));
  if (fault === undefined) return work();
  fault.left -= 1;
  fired.push(label);
  switch (fault.kind) {
    case "fails-before":
      throw new Error(`Injected: fails before (${fault.at})`);
    case "fails-after":
      await work();
      throw new Error(`Injected: done, but answered an error (${fault.at})`);
    case "hangs":
      return new Promise<T>(() => undefined);
    case "doubles":
      await work();
      return work();
    case "drops":
      return undefined as T;
    default:
      throw new Error(`No such fault: ${String(fault.kind)}`);
  }
}
