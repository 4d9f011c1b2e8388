import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PROJECT_ROOT } from "../../scripts/dev/wrangler.ts";
import { useService } from "../support/service.ts";

const SNAPSHOT = resolve(PROJECT_ROOT, "docs/openapi.json");
const HOW_TO_UPDATE =
  "The contract differs from docs/openapi.json. If that is meant: UPDATE_OPENAPI=1 npm run test:e2e -- openapi";
/** Paths of the service itself. They take nothing that could be wrong, so there is no 4xx to document. */
const PATH_WITHOUT_INPUT = /^#\/paths\/~1(healthz|readyz|openapi\.json|docs)\//;

const service = useService();

let source: string;
beforeAll(async () => {
  source = await (await fetch(`${service.address}/openapi.json`)).text();
});

describe("openapi-get", () => {
  it("passes Redocly's recommended rules with no error and no warning", async () => {
    const config = await createConfig({ extends: ["recommended"] });
    const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
    const said = problems.map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer ?? "" }));
    const isWaived = ({ ruleId, at }: (typeof said)[number]) =>
      ruleId === "operation-4xx-response" && PATH_WITHOUT_INPUT.test(at);
    expect(said.filter((problem) => !isWaived(problem))).toEqual([]);
  });

  it("is the contract that is checked in", () => {
    const served = `${JSON.stringify(JSON.parse(source), null, 2)}\n`;
    if (process.env["UPDATE_OPENAPI"] === "1") writeFileSync(SNAPSHOT, served);
    const checkedIn = existsSync(SNAPSHOT) ? readFileSync(SNAPSHOT, "utf8") : "";
    // oxlint-disable-next-line vitest/valid-expect -- vitest takes a message, which says here how to go on
    expect(served, HOW_TO_UPDATE).toBe(checkedIn);
  });

  it("begins with lines for a shell that do what they say", async () => {
    const folder = await mkdtemp(join(tmpdir(), "refrain-e2e-shell-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const said = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", gettingStarted()], { cwd: folder });

    expect(said.stderr).toBe("");
    const [first, second, task, replay, ...told] = said.stdout.trimEnd().split("\n");
    expect([first, second]).toEqual([expect.stringContaining('"created"'), expect.stringContaining('"created"')]);
    expect(task).toMatch(/^\["task_\w+","complete"\]$/);
    expect(replay).toBe(task);
    expect(told).toHaveLength(2);
    expect(told.join("\n")).toContain("On 14 July 2003 Marta sold 3 hulls.");
    expect(told.join("\n")).toContain("cousin Pavel never learned to swim.");
  });
});

/** The shell lines of the description, sent to this service with its key. */
function gettingStarted(): string {
  const lines = /```bash\n([^`]+)```/.exec(JSON.parse(source).info.description)?.[1] ?? "";
  return lines.replace("http://127.0.0.1:8787", service.address).replace("dev-admin-key", service.key);
}
