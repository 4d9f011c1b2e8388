interface Bindings {
  readonly DB: D1Database;
}

/** One insert into D1, and no object. A POST makes the table. */
export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    const body = await request.text();
    if (request.method === "POST") await env.DB.exec("CREATE TABLE kept (id TEXT PRIMARY KEY, body TEXT NOT NULL)");
    else await env.DB.prepare("INSERT INTO kept (id, body) VALUES (?, ?)").bind(id, body).run();
    return Response.json({ id }, { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
