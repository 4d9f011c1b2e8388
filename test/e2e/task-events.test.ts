import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { createParser } from "eventsource-parser";
import { describe, expect, it } from "vitest";
import { useService } from "../support/service.ts";
import { makeScene, putBatch, reVoicing, taskAtEnd } from "./re-voicing-scene.ts";

const service = useService();
const run = promisify(execFile);

const urlOf = (taskId: string) => `${service.address}/v1/checkmate/tasks/${taskId}/events`;

interface Told {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: any;
}

function eventsIn(text: string): readonly Told[] {
  const told: Told[] = [];
  createParser({ onEvent: ({ id, event, data }) => told.push({ id, event, data: JSON.parse(data) }) }).feed(text);
  return told;
}

/** curl, as a person watches with it, until the stream closes. */
async function curl(taskId: string, ...args: readonly string[]): Promise<string> {
  const headers = ["-H", `Authorization: Bearer ${service.key}`, "-H", "Accept: text/event-stream"];
  return (await run("curl", ["-sSN", "--fail-with-body", ...headers, ...args, urlOf(taskId)])).stdout;
}

async function started(memories: number): Promise<string> {
  const { body } = await putBatch(service, randomUUID(), reVoicing(await makeScene(service, memories), "retold"));
  return body.id;
}

describe("checkmate-task-events-list, with curl -N", () => {
  it("tells a task from its birth to its end while it runs, and closes; the end as the cursor is 204", async () => {
    const id = await started(120);
    const [snapshot, ...events] = eventsIn(await curl(id));
    expect(snapshot).toMatchObject({ id: undefined, event: "snapshot", data: { task_id: id } });
    expect(events.map((event) => Number(event.id))).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "complete", progress: { done: 120 } } });
    const last = events.at(-1)?.id ?? "";
    expect(await curl(id, "-H", `Last-Event-ID: ${last}`, "-w", "%{http_code}")).toBe("204");
    expect(eventsIn(await curl(id, "-H", "Last-Event-ID: 2")).map((event) => event.id)).toEqual(
      events.slice(2).map((event) => event.id),
    );
  });

  it("does no harm by leaving, and goes on by its cursor when it comes back", async () => {
    const id = await started(120);
    const leaver = new AbortController();
    const headers = { authorization: `Bearer ${service.key}`, accept: "text/event-stream" };
    const response = await fetch(urlOf(id), { headers, signal: leaver.signal });
    let text = "";
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    while (!text.includes("id: 1\n")) text += decoder.decode((await reader?.read())?.value, { stream: true });
    leaver.abort();
    await taskAtEnd(service, id);
    const seen = eventsIn(text.slice(0, text.lastIndexOf("\n\n") + 2)).flatMap(({ id }) => id ?? []);
    const rest = eventsIn(await curl(id, "-H", `Last-Event-ID: ${seen.at(-1) ?? ""}`));
    const all = [...seen, ...rest.map((event) => event.id)].map(Number);
    expect(all).toEqual(all.map((_, index) => index + 1));
    expect(rest.at(-1)?.event).toBe("end");
    expect(service.output).not.toContain('"level":"error"');
  });
});
