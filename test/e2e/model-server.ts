import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { onTestFinished } from "vitest";
import { LOCAL_HOST } from "../../scripts/dev/ports.ts";
import type { ScriptedModel } from "../support/scripted-model.ts";

/** Puts a scripted model behind a real socket, until the test ends. @returns its base URL. */
export async function serveModel(model: ScriptedModel): Promise<string> {
  const server = createServer((request, response) => {
    answer(model, request, response).catch((error: unknown) => {
      // Who asked has hung up, or the script broke off on purpose.
      response.destroy(error instanceof Error ? error : undefined);
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
  return `http://${LOCAL_HOST}:${port}/v1`;
}

async function answer(model: ScriptedModel, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as [string, string]] : [],
  );
  const body = Buffer.concat(chunks).toString();
  const said = await model.fetch(`http://${LOCAL_HOST}${request.url}`, {
    method: "POST",
    headers,
    body,
    signal: gone.signal,
  });
  response.writeHead(said.status, Object.fromEntries(said.headers));
  if (said.body === null) return void response.end();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same stream under Node's own name
  await pipeline(Readable.fromWeb(said.body as ReadableStream), response);
}
