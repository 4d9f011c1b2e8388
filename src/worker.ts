import { createApp, endFormat } from "./api/app";
import { openServices } from "./runtime/composition";
import { sweepAll } from "./runtime/consumers/scheduled";
import { consumeQueues } from "./runtime/consumers/webhook-consumer";

export { ModelGateObject } from "./runtime/objects/model-gate/model-gate-object";
export { TaskRequestObject } from "./runtime/objects/requests/task-request-object";
export { TaskWatchObject } from "./runtime/objects/watching/watch-object";

const app = createApp();

export default {
  fetch: app.fetch,
  queue: (batch, env) => consumeQueues(openServices(env), endFormat, batch),
  scheduled: (_controller, env) => sweepAll(openServices(env)),
} satisfies ExportedHandler<Env>;
