import { WorkflowEntrypoint } from "cloudflare:workers";

interface Bindings {
  readonly TASKS: Workflow<string>;
}

/** Cloudflare's own start of long work under an id. What it starts does nothing. */
export class Nothing extends WorkflowEntrypoint<Bindings, string> {
  override async run(): Promise<void> {}
}

export default {
  async fetch(request, env) {
    const id = request.headers.get("requestId") ?? "";
    const instance = await env.TASKS.create({ id, params: await request.text() });
    return Response.json({ id: instance.id }, { status: 201 });
  },
} satisfies ExportedHandler<Bindings>;
