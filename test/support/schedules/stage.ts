import { env } from "cloudflare:workers";
import { taskIdOf } from "../../../src/domain/ids";
import { batchOf, putBatch, rows, type Scene, scene } from "../scene";
import { type Control, takeControl } from "./bindings-control";
import { Ledger, type Subject } from "./ledger";
import { IDS } from "./steps";

/** What all schedules share: an agent, a collection, and the namespace that they are in. */
export interface Stage {
  readonly scene: Scene;
  readonly namespaceId: string;
}

/** One schedule under way. */
export interface Play {
  readonly stage: Stage;
  readonly control: Control;
  readonly ledger: Ledger;
  readonly subjects: readonly Subject[];
  /** The client's own ids for its invokes. */
  readonly invokeIds: readonly string[];
  /** Calls that have not returned; a schedule goes on while one is stalled. */
  readonly pending: Set<Promise<void>>;
  troubled: boolean;
  daysWaited: number;
}

const MEMORIES = 2;

export async function newStage(): Promise<Stage> {
  const from = await scene(MEMORIES);
  const requestId = crypto.randomUUID();
  await putBatch(requestId, batchOf(from));
  const [row] = await rows<{ namespace_id: string }>("SELECT namespace_id FROM tasks WHERE request_id = ?", requestId);
  return { scene: from, namespaceId: row?.namespace_id ?? "" };
}

export async function newPlay(stage: Stage): Promise<Play> {
  const ledger = new Ledger();
  for (let id = 0; id < IDS; id++) {
    const requestId = crypto.randomUUID();
    ledger.subject(requestId, await taskIdOf(stage.namespaceId, requestId));
  }
  return {
    stage,
    control: takeControl(),
    ledger,
    subjects: [...ledger.subjects],
    invokeIds: [crypto.randomUUID(), crypto.randomUUID()],
    pending: new Set(),
    troubled: false,
    daysWaited: 0,
  };
}

// Bindings of the tests alone, from the environment of whoever runs them.
const variables: Readonly<Record<string, unknown>> = { ...env };

/** Where the project's requests objects are placed. */
export const placement = textIn("REQUEST_OBJECTS") ?? "per-request";

/** What whoever runs the tests chose: a seed, the path to one schedule, how many. */
export function chosen(): { readonly seed?: number; readonly path: string | undefined; readonly runs?: number } {
  const [seed, runs] = [textIn("SCHEDULE_SEED"), textIn("SCHEDULE_RUNS")];
  return {
    path: textIn("SCHEDULE_PATH"),
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(runs !== undefined && { runs: Number(runs) }),
  };
}

function textIn(name: string): string | undefined {
  const value = variables[name];
  return typeof value === "string" ? value : undefined;
}
