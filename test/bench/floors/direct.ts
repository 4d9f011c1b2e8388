interface Bindings {
  readonly DB: D1Database;
  readonly TASK_BELLS: Queue<string>;
}

/** As `row-claim`, without an object: the Worker makes the transaction itself. */
export default {
  async fetch(request, env, ctx) {
    const id = request.headers.get("requestId") ?? "";
    const body = await request.text();
    if (request.method === "POST") {
      await env.DB.exec("CREATE TABLE kept (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID");
      return Response.json({ id }, { status: 201 });
    }
    const [, stands] = await env.DB.batch([
      env.DB.prepare("INSERT INTO kept (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING").bind(id, body),
      env.DB.prepare("SELECT id, body FROM kept WHERE id = ?").bind(id),
    ]);
    ctx.waitUntil(env.TASK_BELLS.send(id));
    return Response.json(stands?.results[0], { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
