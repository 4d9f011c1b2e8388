import { taskIdOf } from "../../src/domain/ids";
import type { Answer } from "./api";
import { arm, disarm, type Fault, type FaultKind, land, resetFaults } from "./faults";
import { PLACEMENT } from "./placement";
import { type History, NOTHING_STARTED, type Operation, type Seen, type Shown } from "./request-spec";
import { batchOf, putBatch, rows, type Scene, scene } from "./scene";
import { type Version, versionOf } from "./versions";

/*
 * Records what clients see of one request id, to be judged by the checker.
 */

type Draw = () => number;

/** mulberry32: small, and the same everywhere. */
function drawsOf(seed: number): Draw {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Chosen = Pick<Operation, "kind" | "body">;
const CHOICES: readonly (readonly [weight: number, Chosen])[] = [
  [26, { kind: "create", body: "a" }],
  [10, { kind: "create", body: "b" }],
  [18, { kind: "get" }],
  [8, { kind: "look-up" }],
  [9, { kind: "cancel" }],
  [11, { kind: "cancel-request" }],
  [13, { kind: "invoke" }],
  [5, { kind: "delete" }],
];

function choose(draw: Draw): Chosen {
  let at = draw() * CHOICES.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, chosen] of CHOICES) if ((at -= weight) < 0) return chosen;
  return { kind: "get" };
}

const WRITE = "INSERT INTO tasks";
const CALL = "object: create";
const FAULTS: readonly (readonly [FaultKind, string])[] = [
  ["fails-before", WRITE],
  ["fails-after", WRITE],
  ["lands-late", WRITE],
  ["crashes-before", WRITE],
  ["crashes-after", WRITE],
  ["crashes-landing", WRITE],
  ["fails-before", CALL],
  ["fails-after", CALL],
  ["lands-late", CALL],
  ["drops", "queue: sendBatch"],
  // A cancel, an invoke, a removal.
  ["lands-late", 'update "tasks" set'],
  ["lands-late", "SET run = run + 1"],
  ["lands-late", "DELETE FROM tasks"],
];
/** How often, after an answer, what is under way lands. */
const LANDS = 0.2;

/** Every second id meets a fault, each kind in its turn, one to three times. */
function armFor(id: number, draw: Draw): Fault | undefined {
  const fault = id % 2 === 0 ? undefined : FAULTS[((id - 1) / 2) % FAULTS.length];
  const times = 1 + Math.floor(draw() * 3);
  return fault && arm(...fault, times);
}

/** Of two deployments at once. */
const VERSIONS = [versionOf(String(PLACEMENT)), versionOf("7")] as const;

interface Id {
  readonly life: Scene;
  readonly requestId: string;
  readonly taskId: string;
}

function send({ call }: Version, { life, requestId, taskId }: Id, { kind, body }: Chosen): Promise<Answer> {
  switch (kind) {
    case "create":
      return call("PUT", "/v1/batches", { body: batchOf(life, { name: body }), headers: { requestId } });
    case "get":
      return call("GET", `/v1/checkmate/tasks/${taskId}`);
    case "look-up":
      return call("GET", `/v1/requests/${requestId}`);
    case "cancel":
    case "invoke":
      return call("PATCH", `/v1/checkmate/tasks/${taskId}/${kind}`);
    case "cancel-request":
      return call("PATCH", `/v1/requests/${requestId}/cancel`);
    case "delete":
      return call("DELETE", `/v1/batches/${taskId}`);
    default:
      return kind satisfies never;
  }
}

function seenIn({ status: code, body, headers }: Answer): Seen | "unknown" {
  const problem: string | undefined = code >= 400 ? body?.code : undefined;
  if (code === 503 && problem !== NOTHING_STARTED) return "unknown";
  if (code >= 300) {
    const shown: string | undefined = body?.task_status;
    return { code, ...(problem && { problem }), ...(shown && { shown: shownOf(shown) }) };
  }
  if (body === null) return { code };
  const etag = headers.get("etag");
  const seen: Seen = { code, shown: shownOf(body.status) };
  return etag === null ? seen : { ...seen, run: Number(etag.replaceAll('"', "")) };
}

function shownOf(status: string): Shown {
  return (["complete", "canceled", "error"] satisfies Shown[]).find((end) => end === status) ?? "open";
}

/** How many do something with one fresh id at once, and how much each. */
interface Share {
  readonly clients: number;
  readonly operations: number;
}

interface Recorder {
  /** What several clients see of one fresh id, each through one of two deployments. */
  readonly record: (share: Share) => Promise<History>;
  /** Faults that no id has met so far. */
  readonly unmet: () => readonly string[];
}

export async function recorder(seed: number): Promise<Recorder> {
  const draw = drawsOf(seed);
  const life = await scene(1);
  const { body } = await putBatch(crypto.randomUUID(), batchOf(life));
  const [row] = await rows<{ namespace_id: string }>("SELECT namespace_id FROM tasks WHERE id = ?", body.id);
  const met = new Set<string>();
  let ids = 0;
  const record = async (share: Share): Promise<History> => {
    const requestId = crypto.randomUUID();
    const id = { life, requestId, taskId: await taskIdOf(row?.namespace_id ?? "", requestId) };
    const fault = armFor(ids++, draw);
    try {
      return await recordOne(draw, id, { ...share, fault });
    } finally {
      if (fault !== undefined && fault.fired > 0) met.add(nameOf([fault.kind, fault.at]));
      resetFaults();
      // Nothing is left to run into the next id's measurement; not part of the history.
      await send(VERSIONS[0], id, { kind: "cancel-request" });
    }
  };
  return { record, unmet: () => FAULTS.map(nameOf).filter((name) => !met.has(name)) };
}

const nameOf = ([kind, at]: (typeof FAULTS)[number]) => `${kind} at ${at}`;

async function recordOne(
  draw: Draw,
  id: Id,
  { clients, operations, fault }: Share & { readonly fault: Fault | undefined },
): Promise<History> {
  const history: Operation[] = [];
  let ticks = 0;
  const operate = async (client: number, chosen: Chosen): Promise<void> => {
    const called = ++ticks;
    const seen = seenIn(await send(VERSIONS[client % 2 === 0 ? 0 : 1], id, chosen));
    history.push({ client, ...chosen, call: called, return: ++ticks, seen });
    if (fault !== undefined && draw() < LANDS) await land(fault);
  };
  const plans = Array.from({ length: clients }, () => Array.from({ length: operations }, () => choose(draw)));
  await Promise.all(
    plans.map(async (plan, client) => {
      for (const chosen of plan) await operate(client, chosen);
    }),
  );
  if (fault !== undefined) await land(fault);
  disarm(fault);
  await operate(clients, { kind: "get" });
  return history;
}
