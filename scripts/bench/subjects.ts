import type { Load } from "./load.ts";
import type { BenchWorker } from "./runtime.ts";
import { BATCHES_PATH, HEADERS, type Scene } from "./scene.ts";
import { type Against, nameAgainst } from "./targets.ts";
import { type Floor, FLOORS, loadFloor, type Placement, type ServiceCode, serviceWorker } from "./workers.ts";

const CONNECTIONS = 16;
const MANY_CONNECTIONS = 64;
/** A bulk works on 16 items at once, so that a few fill what 64 connections would. */
const BULK_CONNECTIONS = 4;
const BULK_ITEMS = 100;

/** One thing to measure. */
export interface Subject {
  readonly name: string;
  readonly worker: BenchWorker;
  /** How it is made ready, once in each round: by a call of the request id that is used from then on. */
  readonly prime: "post" | "first-put" | "none";
  readonly load: Omit<Load, "address" | "until" | "requestId">;
  /** One request id for all requests of a round, or a new one for each. */
  readonly sameId: boolean;
  /** What one answer stands for. */
  readonly tasks: number;
  /** Whose state it starts from; a floor starts from nothing. */
  readonly scene: Scene | null;
  readonly placement: Placement | null;
}

interface ServiceDraft {
  readonly name: string;
  readonly placement: Placement;
  readonly kind: "new" | "replay" | "bulk";
  readonly connections?: number;
  /** The other commit is measured in it too. */
  readonly compared?: true;
}

/** The service at another commit. */
export interface Former {
  readonly against: Against;
  readonly scene: Scene;
}

/** All subjects, in the order of the table: the other commit's beside ours, so that one disturbance falls on both. */
export async function listSubjects(
  scene: Scene,
  sharedObjects: number,
  former: Former | null = null,
): Promise<readonly Subject[]> {
  const floors = FLOORS.map((floor) => floorSubject(scene, floor, sharedObjects));
  const drafts: readonly ServiceDraft[] = [
    { name: "request-new", placement: "per-request", kind: "new", compared: true },
    { name: "request-replay", placement: "per-request", kind: "replay" },
    { name: "request-bulk", placement: "per-request", kind: "bulk", compared: true },
    { name: "shared-new", placement: sharedObjects, kind: "new", compared: true },
    { name: "shared-new-64", placement: sharedObjects, kind: "new", connections: MANY_CONNECTIONS },
    { name: "shared-replay", placement: sharedObjects, kind: "replay" },
    { name: "shared-bulk", placement: sharedObjects, kind: "bulk", compared: true },
  ];
  const services = drafts.flatMap((draft) => {
    const ours = serviceSubject(scene, draft);
    if (former === null || draft.compared === undefined) return [ours];
    return [ours, serviceSubject(former.scene, { ...draft, name: nameAgainst(draft.name, former.against) })];
  });
  return Promise.all([...floors, ...services]);
}

/** Floors get what the service gets: the same method, path, headers and body. */
async function floorSubject(scene: Scene, floor: Floor, sharedObjects: number): Promise<Subject> {
  const isReplay = floor === "object-and-read";
  return {
    name: floor,
    worker: await loadFloor(floor, sharedObjects),
    prime: "post",
    load: loadOf(JSON.stringify(scene.batch), CONNECTIONS, isReplay ? 200 : 201),
    sameId: isReplay,
    tasks: 1,
    scene: null,
    placement: null,
  };
}

async function serviceSubject(scene: Scene, { name, placement, kind, connections }: ServiceDraft): Promise<Subject> {
  const worker = await serviceWorker(scene.service, placement);
  const isReplay = kind === "replay";
  const single = loadOf(JSON.stringify(scene.batch), connections ?? CONNECTIONS, isReplay ? 200 : 201);
  return {
    name,
    worker,
    prime: isReplay ? "first-put" : "none",
    load: kind === "bulk" ? bulkLoad(scene) : single,
    sameId: isReplay,
    tasks: kind === "bulk" ? BULK_ITEMS : 1,
    scene,
    placement,
  };
}

/** Sweeps, one after the other; a request counts as one. */
export async function sweepSubject(scene: Scene, sweep: ServiceCode): Promise<Subject> {
  return {
    name: "sweep-page",
    worker: await serviceWorker(sweep, "per-request"),
    prime: "none",
    load: loadOf("", 1, 201),
    sameId: false,
    tasks: 1,
    scene,
    placement: null,
  };
}

function bulkLoad(scene: Scene): Subject["load"] {
  const body = JSON.stringify({ items: Array.from({ length: BULK_ITEMS }, () => scene.batch) });
  return { ...loadOf(body, BULK_CONNECTIONS, 200), bodyHolds: { text: '"status":201', times: BULK_ITEMS } };
}

function loadOf(body: string, connections: number, status: number): Subject["load"] {
  return { path: BATCHES_PATH, headers: HEADERS, body, connections, status };
}
