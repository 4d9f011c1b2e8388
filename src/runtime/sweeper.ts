import type { Services } from "../services/context";
import { sweepVectors } from "../services/embedding";
import { sweep } from "../services/sweep";

/** The cron's work, each minute. */
export async function sweepTasks(services: Services): Promise<void> {
  const count = await sweep(services);
  if (count > 0) services.log("info", "swept", { count });
  await sweepVectors(services);
}
