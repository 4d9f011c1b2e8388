import { DurableObject } from "cloudflare:workers";

interface Kept {
  readonly id: string;
  readonly body: string;
}

interface Bindings {
  readonly DB: D1Database;
  readonly OBJECTS: DurableObjectNamespace<Meeting>;
  readonly TASK_BELLS: Queue<string>;
}

/** A row is the claim: an object that keeps nothing, one transaction in D1, and a bell after the answer. A POST makes the table. */
export class Meeting extends DurableObject<Bindings> {
  async claim(id: string, body: string): Promise<Kept | undefined> {
    const { DB, TASK_BELLS } = this.env;
    const [, stands] = await DB.batch<Kept>([
      DB.prepare("INSERT INTO kept (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING").bind(id, body),
      DB.prepare("SELECT id, body FROM kept WHERE id = ?").bind(id),
    ]);
    this.ctx.waitUntil(TASK_BELLS.send(id));
    return stands?.results[0];
  }
}

export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    const body = await request.text();
    if (request.method !== "POST")
      return Response.json(await env.OBJECTS.getByName(id).claim(id, body), { status: 201 });
    await env.DB.exec("CREATE TABLE kept (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID");
    return Response.json({ id }, { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
