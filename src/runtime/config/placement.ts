import { groupOfTask } from "../../domain/ids";

/** Where the objects of requests are: one object a request, or so many shared ones. */
export type Placement = "per-request" | number;

/**
 * The name of the object where all calls of a task's request id meet. No two placements share a name. The items of a bulk that have no ids
 * of their own are in one object: that is what makes a bulk cheap.
 */
export function objectNameOf(placement: Placement, taskId: string): string {
  const group = groupOfTask(taskId);
  if (placement === "per-request") return group;
  return `shared-${placement}-${bucketOf(group, placement)}`;
}

const HEX_DIGITS = 8;

/** Groups end in hex digits of a SHA-256, which spread evenly by themselves. */
function bucketOf(group: string, count: number): number {
  const value = Number.parseInt(group.slice(-HEX_DIGITS), 16);
  return Number.isNaN(value) ? 0 : value % count;
}
