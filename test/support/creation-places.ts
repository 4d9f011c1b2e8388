import type { FaultKind } from "./faults";

/*
 * The places of a creation where a fault can strike.
 */

/**
 * What a client sends: one task; one whose agent and collection its object knows already, so that it is created in one trip;
 * a bulk of two, which one object creates together; or one task through two versions of the Worker, which place its object
 * differently, the second as soon as a fault strikes the first.
 */
export type Sending = "one" | "known" | "bulk" | "both";

/** What a call on the way of a creation is for. `read-back` comes only after a write whose answer was lost. */
export type Role = "key" | "call" | "read" | "write" | "read-back" | "ring" | "look";

export const CALL = "object: create";
export const RING = "queue: sendBatch";

/** One call on the way of a creation. */
export interface Place {
  readonly role: Role;
  readonly label: string;
}

/**
 * When what is under way lands: as soon as a later call of the same binding has overtaken it, or when the client's repeat
 * has been acknowledged.
 */
export type Landing = "overtaken" | "acknowledged";

export interface Strike {
  readonly place: Place;
  readonly kind: FaultKind;
  readonly lands?: Landing;
}

/** The role of a call by its label. */
export function roleOf(label: string): Role | undefined {
  if (label === CALL) return "call";
  if (label === RING) return "ring";
  if (label.includes("api_keys")) return "key";
  if (label.startsWith("db: INSERT INTO requests")) return "write";
  if (label.startsWith("db: SELECT 'requests'")) return label.includes("'agents'") ? "read" : "read-back";
  if (label.startsWith("db: select") && label.includes('from "tasks"')) return "look";
  return undefined;
}
