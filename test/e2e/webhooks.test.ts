import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { describe, expect, it, onTestFinished } from "vitest";
import { LOCAL_HOST } from "../../scripts/dev/ports.ts";
import { Service } from "../support/service.ts";

/*
 * Real sockets from the queue's consumer to a receiver, which lies inside of the network and is let through by name.
 */

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver() {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  });
  server.listen(0, LOCAL_HOST);
  await new Promise((listening) => server.once("listening", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port, not on a path
  const { port } = server.address() as AddressInfo;
  return { host: `${LOCAL_HOST}:${port}`, received };
}

describe("npm run dev with WEBHOOK_ALLOW_HOSTS", () => {
  it("tells a local receiver of the end of a task, signed, and no other host", async () => {
    const { host, received } = await receiver();
    const service = new Service({ variables: { WEBHOOK_ALLOW_HOSTS: host } });
    onTestFinished(() => service.stop());
    await service.start();
    const { body: agent } = await service.call("PUT", "/v1/agents", { body: { name: "Mara" } });
    const { body: collection } = await service.call("PUT", "/v1/collections", { body: { name: "life" } });
    const memories = [{ text: "Pavel never learned to swim." }];
    await service.call("PUT", `/v1/collections/${collection.collection_id}/memories`, { body: { memories } });
    const create = (url: string) => {
      const { collection_id } = collection;
      const task = { operation: "re-voice", agent_id: agent.agent_id, collection_id, target: { name: "retold" } };
      const headers = { requestId: crypto.randomUUID() };
      return service.call("PUT", "/v1/batches", { body: { ...task, webhook: { url } }, headers });
    };

    expect((await create("http://127.0.0.1:1/hook")).body.code).toBe("webhook-refused");
    const { status, body: task } = await create(`http://${host}/hook`);
    expect(status).toBe(201);
    await expect.poll(() => received.length, { timeout: 30_000 }).toBe(1);

    const path = `/v1/webhooks/${task.webhook.webhook_id}`;
    const { body: secret } = await service.call("GET", `${path}/secret`);
    const [message] = received;
    const headers = Object.fromEntries(
      Object.entries(message?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    const event = new Webhook(secret.secret).verify(message?.body ?? "", headers);
    expect(event).toMatchObject({ type: "refrain.task.complete", subject: task.task_id, data: { status: "complete" } });
    const deliveries = () => service.call("GET", `${path}/deliveries`);
    await expect.poll(async () => (await deliveries()).body.items[0].state).toBe("delivered");
    expect((await deliveries()).body.items).toHaveLength(1);
    expect((await deliveries()).body.items[0].log).toEqual([expect.objectContaining({ status: 204, error: null })]);
    expect(service.output).not.toContain(secret.secret);
  });
});
