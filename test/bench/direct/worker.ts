import { courteous, openServices } from "../../../src/runtime/composition";
import { createTogether } from "../../../src/services/creation/flight";
import type { TaskRequests } from "../../../src/services/ports/task-requests";
import service from "../../../src/worker";

// oxlint-disable-next-line import/export -- the classes of the service, which its bindings name
export * from "../../../src/worker";

/** What a Worker asks of the object of a request id, done by the Worker itself: each call is a transaction of its own. */
function here(env: Env, ctx: ExecutionContext): Pick<TaskRequests, "create"> {
  const services = courteous(openServices(env), (work) => ctx.waitUntil(work));
  return {
    create: async (calls, bulk) =>
      createTogether(
        services,
        calls.map((call) => ({ ...call, bulk })),
      ),
  };
}

/** The service without the objects of request ids. It does not count replays: there is nobody to add them up. */
export default {
  fetch: (request, env, ctx) => {
    const objects = { getByName: () => here(env, ctx) };
    return service.fetch(request, { ...env, TASK_REQUESTS: objects } as unknown as Env, ctx);
  },
} satisfies ExportedHandler<Env>;
