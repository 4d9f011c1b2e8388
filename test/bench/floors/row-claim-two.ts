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

/** As `row-claim`, with a read before the transaction: what stands already, and what is referred to. */
export class Meeting extends DurableObject<Bindings> {
  async claim(id: string, body: string): Promise<Kept | undefined> {
    const { DB, TASK_BELLS } = this.env;
    const read = DB.prepare("SELECT id, body FROM kept WHERE id = ?").bind(id);
    const before = await read.first<Kept>();
    if (before !== null) return before;
    const insert = DB.prepare("INSERT INTO kept (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING").bind(id, body);
    const [, stands] = await DB.batch<Kept>([insert, read]);
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
