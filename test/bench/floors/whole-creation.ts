import { DurableObject } from "cloudflare:workers";

interface Bindings {
  readonly DB: D1Database;
  readonly OBJECTS: DurableObjectNamespace<Keeper>;
  readonly TASK_BELLS: Queue<string>;
}

/** All that an acknowledged creation leaves: a claim with its alarm, a row, a bell; each by its plainest call. */
export class Keeper extends DurableObject<Bindings> {
  async keep(id: string, body: string): Promise<void> {
    await Promise.all([this.ctx.storage.put("body", body), this.ctx.storage.setAlarm(Date.now() + 9_000)]);
    await this.env.DB.prepare("INSERT INTO kept (id, body) VALUES (?, ?)").bind(id, body).run();
    await this.env.TASK_BELLS.send(id);
  }

  override async alarm(): Promise<void> {}
}

export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    const body = await request.text();
    if (request.method === "POST") await env.DB.exec("CREATE TABLE kept (id TEXT PRIMARY KEY, body TEXT NOT NULL)");
    else await env.OBJECTS.getByName(id).keep(id, body);
    return Response.json({ id }, { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
