import { DurableObject } from "cloudflare:workers";

interface Bindings {
  readonly OBJECTS: DurableObjectNamespace<Keeper>;
  readonly SHARED_OBJECTS: string;
}

/** One durable insert into one of n objects: the least that a creation in shared objects costs. */
export class Keeper extends DurableObject<Bindings> {
  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS kept (id TEXT PRIMARY KEY, body TEXT NOT NULL)");
  }

  keep(id: string, body: string): void {
    this.ctx.storage.sql.exec("INSERT INTO kept (id, body) VALUES (?, ?)", id, body);
  }
}

export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    const object = Number.parseInt(id.slice(0, 8), 16) % Number(env.SHARED_OBJECTS);
    await env.OBJECTS.getByName(String(object)).keep(id, await request.text());
    return Response.json({ id }, { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
