import { openServices } from "../../../src/runtime/composition";
import { Sweep } from "../../../src/services/sweeping/sweep";

// oxlint-disable-next-line import/export -- the classes of the service, which its bindings name
export * from "../../../src/worker";

/** Ids of the tasks that are due: see `growth-fill.ts`. */
const DUE_AGAIN = "UPDATE tasks SET ring_at_ms = 1, rings = 0 WHERE id >= 'due_' AND id < 'due`'";

/** One sweep a request. Its page of due tasks is as full each time: what it delayed is made due again. */
export default {
  async fetch(_request, env) {
    await new Sweep(openServices(env)).take();
    await env.DB.prepare(DUE_AGAIN).run();
    return Response.json({}, { status: 201 });
  },
} satisfies ExportedHandler<Env>;
