import { DurableObject } from "cloudflare:workers";

interface Bindings {
  readonly DB: D1Database;
  readonly OBJECTS: DurableObjectNamespace<Keeper>;
}

/** One object call and one read by key in D1: the least that a replay costs. A POST keeps what is found. */
export class Keeper extends DurableObject<Bindings> {
  async keep(body: string): Promise<void> {
    await this.ctx.storage.put("body", body);
  }

  find(): Promise<string | undefined> {
    return this.ctx.storage.get<string>("body");
  }
}

export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    const object = env.OBJECTS.getByName(id);
    const body = await request.text();
    if (request.method === "POST") {
      await env.DB.exec("CREATE TABLE kept (id TEXT PRIMARY KEY, body TEXT NOT NULL)");
      await env.DB.prepare("INSERT INTO kept (id, body) VALUES (?, ?)").bind(id, body).run();
      await object.keep(body);
    }
    const row = env.DB.prepare("SELECT id, body FROM kept WHERE id = ?").bind(id).first();
    const [kept, found] = await Promise.all([object.find(), row]);
    return Response.json(found, { status: kept === body ? 200 : 409 });
  },
} satisfies ExportedHandler<Bindings>;
