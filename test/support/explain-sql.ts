import { env } from "cloudflare:workers";
import { afterAll } from "vitest";
import { isAllowed, isScan, notedSql } from "./explained-sql";

/* What the code asks D1 in a file of tests is explained when the file is done: no statement may scan a table. */
afterAll(async () => {
  const scans: string[] = [];
  for (const [sql, bound] of notedSql()) {
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...bound)
      .all<{ detail: string }>();
    for (const { detail } of plan.results) if (isScan(detail) && !isAllowed(sql)) scans.push(`${detail}: ${sql}`);
  }
  if (scans.length > 0) throw new Error(`Statements that scan a table:\n${scans.join("\n")}`);
});
