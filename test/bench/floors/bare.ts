/** The least that an answer costs: the request is read, and nothing is kept. */
export default {
  async fetch(request) {
    await request.text();
    return Response.json({ id: request.headers.get("requestId") }, { status: 201 });
  },
} satisfies ExportedHandler;
