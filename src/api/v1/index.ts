import type { Api } from "../env";
import { agentCollectionsRoutes } from "./agent-collections.routes";
import { agentsRoutes } from "./agents.routes";
import { batchCreationRoutes } from "./batch-creation.routes";
import { batchesRoutes } from "./batches.routes";
import { checkmateRoutes } from "./checkmate.routes";
import { checkmateManyRoutes } from "./checkmate-many.routes";
import { collectionWorkRoutes } from "./collection-work.routes";
import { collectionsRoutes } from "./collections.routes";
import { keysRoutes } from "./keys.routes";
import { memoriesRoutes } from "./memories.routes";
import { memoryChangesRoutes } from "./memory-changes.routes";
import { namespacesRoutes } from "./namespaces.routes";
import { policiesRoutes } from "./policies.routes";
import { recallRoutes } from "./recall.routes";
import { requestsRoutes } from "./requests.routes";
import { taskEventsRoutes } from "./task-events.routes";

/** Version 1 of the contract, in the order of the main job: that is how the documentation shows it. */
export function v1Routes(app: Api): void {
  agentsRoutes(app);
  agentCollectionsRoutes(app);
  collectionsRoutes(app);
  collectionWorkRoutes(app);
  memoriesRoutes(app);
  memoryChangesRoutes(app);
  recallRoutes(app);
  batchCreationRoutes(app);
  batchesRoutes(app);
  checkmateRoutes(app);
  checkmateManyRoutes(app);
  taskEventsRoutes(app);
  requestsRoutes(app);
  policiesRoutes(app);
  namespacesRoutes(app);
  keysRoutes(app);
}
