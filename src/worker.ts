import { createApp } from "./api/app";
import { openServices } from "./runtime/context";
import { sweepAll } from "./runtime/sweeper";
import { consumeBells } from "./runtime/task-consumer";

export { ModelGateObject } from "./runtime/model-gate-object";
export { TaskRequestObject } from "./runtime/task-request-object";
export { TaskWatchObject } from "./runtime/task-watch-object";

const app = createApp();

export default {
  fetch: app.fetch,
  queue: (batch, env) => consumeBells(openServices(env), batch),
  scheduled: (_controller, env) => sweepAll(openServices(env)),
} satisfies ExportedHandler<Env>;
