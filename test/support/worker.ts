import { TaskRequestObject as RealObject } from "../../src/runtime/objects/requests/task-request-object";
import { Sweeper as RealSweeper } from "../../src/runtime/objects/sweeper/sweeper";
import { TaskWatchObject as RealWatchObject } from "../../src/runtime/objects/watching/watch-object";
import { openServices } from "../../src/runtime/composition";
import worker from "../../src/worker";
import { testClaimRate } from "./claim-rate";
import { withFaults } from "./faulty-bindings";
import { sweeperServices } from "./sweeper";
import { watchLimits } from "./watch-limits";

/** The Worker under test: the real one, behind bindings that can be made to fail. */
export default {
  fetch: (request: Request, env, ctx) => worker.fetch(request, withFaults(env), ctx),
  queue: (batch, env) => worker.queue(batch, withFaults(env)),
  scheduled: (controller, env) => worker.scheduled(controller, withFaults(env)),
} satisfies ExportedHandler<Env>;

export { ModelGateObject } from "../../src/runtime/objects/model-gate/model-gate-object";

export class TaskRequestObject extends RealObject {
  constructor(ctx: DurableObjectState, env: Env) {
    const faulty = withFaults(env, ctx);
    super(ctx, faulty, { ...openServices(faulty), claimRate: testClaimRate });
  }
}

export class Sweeper extends RealSweeper {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, sweeperServices(openServices(withFaults(env, ctx))));
  }
}

export class TaskWatchObject extends RealWatchObject {
  constructor(ctx: DurableObjectState, env: Env) {
    const faulty = withFaults(env, ctx);
    super(ctx, faulty, openServices(faulty), watchLimits);
  }
}
