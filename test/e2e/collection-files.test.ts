import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { useService } from "../support/service.ts";

const LINES = 4_000;
const END_MS_MAX = 120_000;

// A short lease, so that what a killed process held is soon free.
const service = useService({ variables: { LEASE_SECONDS: "3" } });
const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "refrain-e2e-files-"));
  return () => rm(folder, { recursive: true, force: true });
});

/** curl, as a person uses it. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("curl", [
    "-sS",
    "--fail-with-body",
    "-H",
    `Authorization: Bearer ${service.key}`,
    ...args,
  ]);
  return stdout;
}

async function newCollection(name: string): Promise<string> {
  return (await service.call("PUT", "/v1/collections", { body: { name } })).body.collection_id;
}

const urlOf = (id: string, verb: string) => `${service.address}/v1/collections/${id}/${verb}`;

/** @returns the path of the task. */
async function sendFile(id: string, file: string, requestId: string = randomUUID()): Promise<string> {
  const headers = ["-H", "Content-Type: application/x-ndjson", "-H", `requestId: ${requestId}`];
  const answer = await curl("-X", "PUT", urlOf(id, "import"), ...headers, "--data-binary", `@${file}`);
  return `/v1/checkmate/tasks/${JSON.parse(answer).task_id}`;
}

async function imported(id: string, file: string, requestId?: string): Promise<any> {
  const path = await sendFile(id, file, requestId);
  return vi.waitUntil(
    async () => {
      const { body } = await service.call("GET", path);
      return body.ended_at !== null && body;
    },
    { timeout: END_MS_MAX, interval: 50 },
  );
}

/** A file of lines, each with an external id of its own. */
async function fileOf(name: string, lines: number, textOf: (index: number) => string): Promise<string> {
  const file = join(folder, name);
  const texts = Array.from({ length: lines }, (_, i) => JSON.stringify({ text: textOf(i), external_id: `${i}` }));
  await writeFile(file, `${texts.join("\n")}\n`);
  return file;
}

const textsOf = (file: string): readonly string[] =>
  file
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line).text)
    .toSorted();

describe("collection-import and collection-export, with curl", () => {
  it("take a file, give it back, and take that again", async () => {
    const file = await fileOf("own.ndjson", LINES, (i) => `In ${i} Marta sold boats.`);
    const [first, second] = [await newCollection("first"), await newCollection("second")];
    expect((await imported(first, file)).result).toMatchObject({ created: LINES, refused: 0 });

    const exported = join(folder, "exported.ndjson");
    await curl(urlOf(first, "export"), "-o", exported);
    expect((await imported(second, exported)).result).toMatchObject({ created: LINES, refused: 0 });
    expect((await imported(second, exported)).result).toMatchObject({ created: 0, skipped: LINES });

    const copied = join(folder, "copied.ndjson");
    await curl(urlOf(second, "export"), "-o", copied);
    const again = textsOf(await readFile(copied, "utf8"));
    expect(again).toEqual(textsOf(await readFile(exported, "utf8")));
    expect(again).toHaveLength(LINES);
  });

  it("goes on with an import after kill -9, and adds each line once", async () => {
    const file = await fileOf("crash.ndjson", LINES, (i) => `In ${i} Pavel swam.`);
    const id = await newCollection("crash");
    const requestId = randomUUID();
    const path = await sendFile(id, file, requestId);
    const read = async () => (await service.call("GET", path)).body;
    await vi.waitUntil(async () => (await read()).progress.done > 1_000, { timeout: END_MS_MAX, interval: 10 });
    await service.kill9();
    await service.start();
    const task = await imported(id, file, requestId);
    expect(task).toMatchObject({ status: "complete", result: { created: LINES, skipped: 0, refused: 0 } });
    expect((await service.call("GET", `/v1/collections/${id}`)).body.memory_count).toBe(LINES);
  });

  it("ends cleanly for a client that leaves in the middle of an export", async () => {
    const id = await newCollection("large");
    const text = "x".repeat(7_900);
    const file = await fileOf("large.ndjson", 5_000, (i) => `${i} ${text}`);
    await imported(id, file);
    const leaver = new AbortController();
    onTestFinished(() => leaver.abort());
    const response = await fetch(urlOf(id, "export"), {
      headers: { Authorization: `Bearer ${service.key}` },
      signal: leaver.signal,
    });
    const reader = response.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    leaver.abort();
    await expect(async () => {
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read());
    }).rejects.toThrow("aborted");
    const whole = await curl(urlOf(id, "export"), "-o", "/dev/null", "-w", "%{size_download}");
    expect(Number(whole)).toBeGreaterThan(39_000_000);
    expect(service.output).not.toContain('"level":"error"');
  });
});
