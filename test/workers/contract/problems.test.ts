/// <reference types="vite/types/importMeta.d.ts" />
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../../src/api/app";
import { PROBLEM_CODES } from "../../../src/api/problem-catalogue";
import { call } from "../../support/api";

const sources: Readonly<Record<string, string>> = import.meta.glob("../../../src/**/*.ts", {
  query: "?raw",
  eager: true,
  import: "default",
});

/** How source says a code: as an error, as a missing or deleted noun, or as the problem of an item or a task. */
const SAYS_CODE: readonly (readonly [pattern: RegExp, toCode: (found: string) => string])[] = [
  [/new (?:ServiceError|HttpProblem)\(\s*(?:"[\w-]+"|\d+),\s*"([\w-]+)"/g, (code) => code],
  [/new TaskFault\(\s*"([\w-]+)"/g, (code) => code],
  [/\bnotFound\("([\w-]+)"/g, (noun) => `${noun}-not-found`],
  [/\bgone\("([\w-]+)"/g, (noun) => `${noun}-deleted`],
  [/\bcode: "([\w-]+)"/g, (code) => code],
  [/'code', '([\w-]+)'/g, (code) => code],
];

const code = Object.entries(sources).filter(([path]) => !path.endsWith("/problem-catalogue.ts"));

function codesOf(text: string): readonly string[] {
  return SAYS_CODE.flatMap(([pattern, toCode]) => [...text.matchAll(pattern)].map((match) => toCode(match[1] ?? "")));
}

const said = new Set(code.flatMap(([, text]) => codesOf(text)));

describe("the catalogue of problems", () => {
  it("reads the source", () => {
    expect(code.length).toBeGreaterThan(50);
    expect(said.size).toBeGreaterThan(30);
  });

  it("has every code that the source says", () => {
    expect([...said].filter((found) => !PROBLEM_CODES.includes(found))).toEqual([]);
  });

  it("has no code that the source does not say", () => {
    expect(PROBLEM_CODES.filter((known) => !said.has(known))).toEqual([]);
  });

  it("can be held against the source, because errors name their codes as plain text", () => {
    const unreadable = code.flatMap(([path, text]) => {
      const calls = [...text.matchAll(/new (?:ServiceError|HttpProblem)\(\s*([^,]+),\s*([^,)]+)/g)];
      return calls.filter((match) => !/^"[\w-]+"$/.test(match[2] ?? "")).map((match) => `${path}: ${match[2]}`);
    });
    // The three helpers that make the codes of nouns, and pass a code on.
    expect(unreadable.filter((found) => !found.includes("services/errors/errors.ts"))).toEqual([]);
  });

  it("has codes in kebab case", () => {
    expect(PROBLEM_CODES.filter((known) => !/^[a-z]+(-[a-z]+)*$/.test(known))).toEqual([]);
  });
});

describe("problem-get", () => {
  it("is a page for every code, which says what to do, and needs no key", async () => {
    for (const known of PROBLEM_CODES) {
      const { status, headers, body } = await call("GET", `/problems/${known}`, { key: null });
      expect([known, status]).toEqual([known, 200]);
      expect(headers.get("content-type")).toMatch(/^text\/html/);
      expect(body).toContain(`<code>${known}</code>`);
      expect(body).toMatch(/<p>.{10,}\.<\/p>/s);
    }
  });

  it("answers 404 to an unknown code, with the list of all", async () => {
    for (const unknown of ["no-such-code", "constructor", "__proto__", "%3Cscript%3E"]) {
      const { status, headers, body } = await call("GET", `/problems/${unknown}`, { key: null });
      expect([unknown, status]).toEqual([unknown, 404]);
      expect(headers.get("content-type")).toMatch(/^text\/html/);
      const listed = [...String(body).matchAll(/href="\/problems\/([\w-]+)"/g)].map((match) => match[1]);
      expect(listed).toEqual(PROBLEM_CODES);
    }
  });
});

describe("a bug", () => {
  const thrown: readonly unknown[] = [new Error("secret"), new TypeError("secret"), "secret", { secret: 1 }, undefined];

  it.each(thrown)("answers 500 and says nothing of what was thrown: %s", async (value) => {
    const app = createApp();
    app.get("/bug", () => {
      throw value;
    });
    const answer = await app.request("/bug", {}, env);
    const body: any = await answer.json();
    expect([answer.status, body.code, body.retryable]).toEqual([500, "internal-error", false]);
    expect(body.trace_id).toBe(answer.headers.get("x-trace-id"));
    expect(JSON.stringify(body)).not.toContain("secret");
  });
});
