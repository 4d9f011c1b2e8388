/** Where the objects of requests are: one object a request, or so many shared ones. */
export type Placement = "per-request" | number;

export interface Placements {
  readonly current: Placement;
  /** Those that came before, whose objects may still hold claims; the latest first. */
  readonly former: readonly Placement[];
}

/** The name of the object that holds a task's claim. No two placements share a name. */
export function objectNameOf(placement: Placement, taskId: string): string {
  if (placement === "per-request") return taskId;
  return `shared-${placement}-${bucketOf(taskId, placement)}`;
}

const HEX_DIGITS = 8;

/** Task ids end in hex digits of a SHA-256, which spread evenly by themselves. */
function bucketOf(taskId: string, count: number): number {
  const value = Number.parseInt(taskId.slice(-HEX_DIGITS), 16);
  return Number.isNaN(value) ? 0 : value % count;
}
