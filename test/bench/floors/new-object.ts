import { DurableObject } from "cloudflare:workers";

interface Bindings {
  readonly OBJECTS: DurableObjectNamespace<Keeper>;
}

/** A new object a request, with one durable put: the least that a creation with an object of its own costs. */
export class Keeper extends DurableObject<Bindings> {
  async keep(body: string): Promise<void> {
    await this.ctx.storage.put("body", body);
  }
}

export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    await env.OBJECTS.getByName(id).keep(await request.text());
    return Response.json({ id }, { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
