import { createApp, endFormat } from "./api/app";
import { armSweeper, armSweeperOnce } from "./runtime/adapters/sweeper-client";
import { openServices } from "./runtime/composition";
import { consumeQueues } from "./runtime/consumers/webhook-consumer";

export { ModelGateObject } from "./runtime/objects/model-gate/model-gate-object";
export { TaskRequestObject } from "./runtime/objects/requests/task-request-object";
export { Sweeper } from "./runtime/objects/sweeper/sweeper";
export { TaskWatchObject } from "./runtime/objects/watching/watch-object";

const app = createApp();

export default {
  fetch: async (request: Request, env, ctx) => {
    const answer = await app.fetch(request, env, ctx);
    // Where no cron runs, as locally, this alone arms it. Nobody waits for it.
    ctx.waitUntil(armSweeperOnce(env));
    return answer;
  },
  queue: (batch, env) => consumeQueues(openServices(env), endFormat, batch),
  scheduled: async (_controller, env) => void (await armSweeper(env)),
} satisfies ExportedHandler<Env>;
