import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../scripts/dev/wrangler.ts";
import { sampleMemories } from "../../scripts/sample/collection.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "refrain-test-"));
  return () => rm(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo with a folder for temporary files of its own, so that what it leaves can be seen. */
function demo(...args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [resolve(PROJECT_ROOT, "scripts/demo.ts"), ...args], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  // `close` comes when nobody holds the pipes any more: a process left behind would keep them open.
  return new Promise((done) => child.on("close", (code) => done({ code, ...said })));
}

describe("npm run demo", () => {
  it("loses an answer, gets the same task, re-voices the sample for two agents, and leaves nothing behind", async () => {
    const run = await demo("--json");
    expect([run.code, run.stderr]).toEqual([0, ""]);
    const events = run.stdout.trim().split("\n");
    const summary: unknown = JSON.parse(events.at(-1) ?? "");
    expect(summary).toMatchObject({
      event: "summary",
      ok: true,
      tasks: 2,
      same_task: true,
      re_voiced: 2 * sampleMemories.length,
      skipped: 0,
      failed: 0,
    });
    expect((await readdir(folder)).filter((name) => name.startsWith("refrain-demo-"))).toEqual([]);
  });

  it("does the same for a person's own lines", async () => {
    const file = join(folder, "lines.txt");
    await writeFile(file, "I fed 12 dogs in Lisbon.\nAnna sold me 3 clocks in May 2019.\n");
    const run = await demo("--file", file);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("Idempotent-Replayed: true");
    expect(run.stdout).toMatch(/all +4 +0 +0 +0/);
  });

  it("says in one sentence that a file is missing or broken, and ends with 1", async () => {
    const broken = join(folder, "broken.ndjson");
    await writeFile(broken, '{ "text": "whole" }\n{ "text": \n');
    for (const file of [join(folder, "missing.txt"), broken]) {
      const run = await demo("--file", file);
      expect(run.code).toBe(1);
      expect(run.stderr.trim().split("\n")).toHaveLength(1);
      expect(run.stderr).toContain(file);
      expect(run.stdout).toBe("");
    }
  });
});
