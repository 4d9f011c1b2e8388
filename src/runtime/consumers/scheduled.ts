import { sweepRemovals } from "../../services/collections/remove-collection";
import type { Services } from "../../services/context";
import { sweepVectors } from "../../services/vectors/embed-memories";
import { sweep } from "../../services/tasks/sweep-tasks";
import { sweepDeliveries } from "../../services/webhooks/deliveries";

/** The cron's work, each minute. */
export async function sweepAll(services: Services): Promise<void> {
  const count = await sweep(services);
  if (count > 0) services.log("info", "swept", { count });
  const removals = await sweepRemovals(services);
  if (removals > 0) services.log("info", "removals-swept", { count: removals });
  const deliveries = await sweepDeliveries(services);
  if (deliveries > 0) services.log("info", "deliveries-swept", { count: deliveries });
  await sweepVectors(services);
}
