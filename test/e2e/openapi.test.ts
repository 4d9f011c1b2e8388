import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../scripts/dev/wrangler.ts";
import { useService } from "../support/service.ts";

const SNAPSHOT = resolve(PROJECT_ROOT, "docs/openapi.json");
const HOW_TO_UPDATE =
  "The contract differs from docs/openapi.json. If that is meant: UPDATE_OPENAPI=1 npm run test:e2e -- openapi";
/** Paths of the service itself. They take nothing that could be wrong, so there is no 4xx to document. */
const PUBLIC_PATH = /^#\/paths\/~1(healthz|readyz|openapi\.json|docs)\//;

const service = useService();

let source: string;
let document: any;
beforeAll(async () => {
  source = await (await fetch(`${service.address}/openapi.json`)).text();
  document = JSON.parse(source);
});

describe("openapi-get", () => {
  it("passes Redocly's recommended rules with no error and no warning", async () => {
    const config = await createConfig({ extends: ["recommended"] });
    const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
    const said = problems.map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer ?? "" }));
    const waived = ({ ruleId, at }: (typeof said)[number]) =>
      ruleId === "operation-4xx-response" && PUBLIC_PATH.test(at);
    expect(said.filter((problem) => !waived(problem))).toEqual([]);
  });

  it("is the contract that is checked in", () => {
    const served = `${JSON.stringify(document, null, 2)}\n`;
    if (process.env["UPDATE_OPENAPI"] === "1") writeFileSync(SNAPSHOT, served);
    const checkedIn = existsSync(SNAPSHOT) ? readFileSync(SNAPSHOT, "utf8") : "";
    expect(served, HOW_TO_UPDATE).toBe(checkedIn);
  });

  it("gives every operation an id, a summary, a tag that is described, and examples of its errors", () => {
    const tags = document.tags.map((tag: { name: string }) => tag.name);
    const faults = operations().flatMap(({ name, operation }) => {
      const answers: [string, any][] = Object.entries(operation.responses);
      const bare = answers.filter(([status, answer]) => {
        const problem = answer.content?.["application/problem+json"];
        return name.includes("/v1") && Number(status) >= 400 && problem?.example === undefined;
      });
      return [
        ...(operation.operationId && operation.summary ? [] : [`${name}: no operationId or no summary`]),
        ...(tags.includes(operation.tags?.[0]) ? [] : [`${name}: its tag is not described`]),
        ...bare.map(([status]) => `${name}: ${status} has no example`),
      ];
    });
    expect(faults).toEqual([]);
  });

  it("asks for a key under /v1, and nowhere else", () => {
    const asking = operations().map(({ name, operation }) => [name.includes("/v1/"), operation.security.length > 0]);
    expect(asking.every(([versioned, secured]) => versioned === secured)).toBe(true);
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });
  });
});

function operations(): { readonly name: string; readonly operation: any }[] {
  const paths: [string, Record<string, any>][] = Object.entries(document.paths);
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
}
