import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBugs } from "../../scripts/museum/bugs.ts";

/*
 * The museum itself takes minutes. This is cheap, and keeps it from rotting unseen.
 */

const ROOT = join(import.meta.dirname, "../..");
const bugs = readBugs(join(ROOT, "test/museum"));

/** Why the patch cannot be applied; empty when it can. */
function whatIsInTheWay(patch: string): string {
  try {
    execFileSync("git", ["apply", "--check", patch], { cwd: ROOT, encoding: "utf8", stdio: "pipe" });
    return "";
  } catch (error) {
    return String(error);
  }
}

describe("the museum", () => {
  it("has bugs of others, bugs of the model, and bugs of our own", () => {
    const origins = bugs.map(({ source }) => (source.includes("#") ? "others" : source));
    expect([...new Set(origins)].toSorted()).toEqual(["model", "others", "ours"]);
  });
});

describe.each(bugs)("the bug $name", ({ path, killers }) => {
  it("can still be planted in the source", () => {
    expect(whatIsInTheWay(path)).toBe("");
  });

  it("names tests that are there", () => {
    for (const { file, testName = "" } of killers) {
      expect(readFileSync(join(ROOT, file), "utf8")).toContain(testName);
    }
  });
});
