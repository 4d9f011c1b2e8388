import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

/*
 * The second lock on the rules of the house: who may import what. The first is the linter.
 */

const LINES_MAX = 250;

interface Rule {
  /** Which files it is for: the first rule whose beginning fits. */
  readonly files: string;
  /** Beginnings of paths below src. A file may always import its own folder, where it is named here. */
  readonly may: readonly string[];
  /** Packages: the name, or the beginning up to a slash or colon. */
  readonly packages: readonly string[];
}

/** Small libraries that know nothing of HTTP, SQL, Workers or schemas. */
const PURE = ["canonicalize", "ipaddr.js", "p-limit", "stemmer", "uuid", "jsonc-parser"];

const RULES: readonly Rule[] = [
  { files: "domain/", may: ["domain/"], packages: [] },
  { files: "data/", may: ["domain/", "data/"], packages: ["drizzle-orm"] },
  { files: "services/", may: ["domain/", "data/", "services/"], packages: PURE },
  {
    files: "providers/",
    may: ["services/ports/ports.ts", "services/errors/errors.ts", "domain/", "providers/"],
    packages: ["zod", "compromise", "eventsource-parser", "standardwebhooks", ...PURE],
  },
  {
    files: "runtime/",
    may: ["services/", "data/database/database.ts", "providers/", "domain/", "runtime/"],
    packages: ["zod", "cloudflare:workers", ...PURE],
  },
  {
    files: "api/",
    may: ["services/", "runtime/composition.ts", "domain/", "api/"],
    packages: ["hono", "@hono/zod-openapi", "@scalar/hono-api-reference", "zod", ...PURE],
  },
  { files: "worker.ts", may: ["api/app.ts", "runtime/"], packages: [] },
];

interface Import {
  readonly from: string;
  /** A path below src, or a package. */
  readonly to: string;
  readonly isPackage: boolean;
  readonly isType: boolean;
}

const SRC = join(import.meta.dirname, "../../src");
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const texts = new Map(files.map((file) => [file, readFileSync(join(SRC, file), "utf8")]));

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`, over several lines too. */
const IMPORT = /^\s*(?:import|export)\s(?:[^;"'`]*?\sfrom\s*)?["']([^"']+)["']|\bimport\(\s*["'`]([^"'`]+)["'`]\s*\)/gm;

/** Gone when the code runs, so that it makes no cycle: a stub is typed by the object that it calls. */
const TYPE_IMPORT = /^\s*import\stype\s/;

function importsOf(from: string): readonly Import[] {
  const text = texts.get(from) ?? "";
  return [...text.matchAll(IMPORT)].map((match) => {
    const given = match[1] ?? match[2] ?? "";
    const isType = TYPE_IMPORT.test(match[0]);
    if (!given.startsWith(".")) return { from, to: given, isPackage: true, isType };
    return { from, to: fileOf(normalize(join(dirname(from), given))), isPackage: false, isType };
  });
}

function fileOf(path: string): string {
  return [path, `${path}.ts`, join(path, "index.ts")].find((candidate) => texts.has(candidate)) ?? path;
}

const imports = files.flatMap(importsOf);
const say = ({ from, to }: Import) => `${from} imports ${to}`;

function isAllowed({ from, to, isPackage }: Import): boolean {
  const rule = RULES.find(({ files: beginning }) => from.startsWith(beginning));
  if (rule === undefined) return false;
  if (!isPackage) return rule.may.some((beginning) => to.startsWith(beginning));
  return rule.packages.some((name) => to === name || to.startsWith(`${name}/`));
}

/** Ways to the present time past `now.ts`: SQLite's own words for it, and the program's clock. */
const OTHER_CLOCK =
  /\b(?:unixepoch|strftime|julianday|current_(?:timestamp|date|time))\b|'now'|\bDate\.now\b|\bnew Date\b/gi;

/** A time that a caller hands in: what `now.ts` gives has the same name, and is called where it is used. */
const HANDED_TIME = /\bnowMs\b(?!\()/g;

const ofClocks = (text: string, words: RegExp) =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(IMPORT, "")
    .match(words) ?? [];

/** The files that call a function or method of that name. What is made there does not count. */
function callersOf(name: string): readonly string[] {
  const calls = new RegExp(`(?<!function )\\b${name}\\(`);
  return files.filter((file) => calls.test(texts.get(file) ?? "")).toSorted();
}

/** The folder of a file; a file that lies on the floor itself, outside of all rooms, is a room by itself. */
const roomOf = (path: string) => (path.split("/").length > 2 ? dirname(path) : path);

/** `api/v1` of `api/v1/batches.dto.ts`. */
const versionOf = (path: string) => /^api\/v\d+(?=\/)/.exec(path)?.[0];

describe("the house", () => {
  it("is read in full: every file stands under a rule, and every import leads to a file or a package", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(files.length);
    expect(files.filter((file) => !RULES.some((rule) => file.startsWith(rule.files)))).toEqual([]);
    expect(imports.filter(({ to, isPackage }) => !isPackage && !texts.has(to)).map(say)).toEqual([]);
  });

  it("misses no line that begins with import", () => {
    const lines = [...texts.values()].flatMap((text) => text.match(/^import\b/gm) ?? []);
    const found = files.flatMap((file) =>
      (texts.get(file)?.match(IMPORT) ?? []).filter((line) => /^\s*import\s/.test(line)),
    );
    expect(found.length).toBe(lines.length);
  });

  it("has folders that import only what they may", () => {
    expect(imports.filter((found) => !isAllowed(found)).map(say)).toEqual([]);
  });

  it("has versions of the contract that know nothing of each other, but for the list of a version's routes", () => {
    const crossing = imports.filter(({ from, to }) => {
      const [own, other] = [versionOf(from), versionOf(to)];
      return own !== undefined && other !== undefined && own !== other && !from.endsWith("/index.ts");
    });
    expect(crossing.map(say)).toEqual([]);
  });

  it("has no cycle", () => {
    const graph = new Map(
      files.map((file) => [file, importsOf(file).filter(({ isPackage, isType }) => !isPackage && !isType)]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
      if (done.has(file) || trail.includes(file)) return;
      for (const { to } of graph.get(file) ?? []) visit(to, [...trail, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("has no two rooms that import each other, types counted", () => {
    const crossing = imports.filter(({ isPackage, from, to }) => !isPackage && roomOf(from) !== roomOf(to));
    const passages = new Set(crossing.map(({ from, to }) => `${roomOf(from)} → ${roomOf(to)}`));
    expect(passages.size).toBeGreaterThan(100);
    const mutual = crossing.filter(({ from, to }) => passages.has(`${roomOf(to)} → ${roomOf(from)}`));
    expect(mutual.map(say)).toEqual([]);
  });

  it("tells of the end of a task in one place", () => {
    expect(callersOf("ringForEnds?")).toEqual(["services/tasks/announce-end.ts"]);
    expect(callersOf("(?<=\\.)ended")).toEqual([
      // The port's call on its way: the stub of the object.
      "runtime/adapters/request-client.ts",
      "services/tasks/announce-end.ts",
    ]);
  });

  it("has no barrel: a file says what it makes, not what others make", () => {
    const passing = files.filter((file) =>
      /^\s*export\s(?:type\s)?(?:\*|\{[^}]*\})[^;]*\sfrom\s/m.test(texts.get(file) ?? ""),
    );
    // The Worker's entry must export its Durable Objects.
    expect(passing).toEqual(["worker.ts"]);
  });

  it("has no default export but the Worker's", () => {
    const withDefault = files.filter((file) =>
      /^\s*export\s+(?:default\b|\{[^}]*\bas default\b)/m.test(texts.get(file) ?? ""),
    );
    expect(withDefault).toEqual(["worker.ts"]);
  });

  it(`has no file over ${LINES_MAX} lines, not counting blank lines and comments`, () => {
    const long = files.map((file) => [file, codeLines(texts.get(file) ?? "")] as const);
    expect(long.filter(([, lines]) => lines > LINES_MAX)).toEqual([]);
  });
});

describe("the time of SQL", () => {
  const stores = [...texts].filter(([file]) => file.startsWith("data/") && file !== "data/database/now.ts");

  it("is asked for in one place", () => {
    expect(ofClocks(texts.get("data/database/now.ts") ?? "", OTHER_CLOCK)).toEqual(["unixepoch"]);
    expect(stores.filter(([, text]) => ofClocks(text, OTHER_CLOCK).length > 0).map(([file]) => file)).toEqual([]);
  });

  it("is never handed in by a caller", () => {
    expect(stores.filter(([, text]) => ofClocks(text, HANDED_TIME).length > 0).map(([file]) => file)).toEqual([]);
  });

  it.each([
    "sql`SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)`",
    "sql`SELECT strftime('%s')`",
    "sql`SELECT julianday()`",
    "sql`SELECT current_timestamp`",
    "sql`SELECT datetime('now')`",
    "set({ updatedAtMs: Date.now() })",
    "set({ updatedAtMs: new Date().getTime() })",
  ])("has a lock that sees another clock in %s", (planted) => {
    expect(ofClocks(planted, OTHER_CLOCK)).toHaveLength(1);
  });

  it.each([
    "export async function renew(db: Database, nowMs: number): Promise<void> {}",
    "export function renew(db: Database, nowMs = 0) {}",
    "export function renew(db: Database, { nowMs }: Times) {}",
    "export interface Times {\n  readonly nowMs: number;\n}",
    "export interface Times {\n  readonly nowMs?: number;\n}",
    "sql`SET updated_at_ms = ${times.nowMs}`",
  ])("has a lock that sees the time of a caller in %s", (planted) => {
    expect(ofClocks(planted, HANDED_TIME)).toHaveLength(1);
  });

  it("may be imported, called and spoken of", () => {
    const text = `import { nowMs } from "../database/now";
/** See {@link nowMs}. */
sql\`SET updated_at_ms = \${nowMs(db)}\``;
    expect([...ofClocks(text, HANDED_TIME), ...ofClocks(text, OTHER_CLOCK)]).toEqual([]);
  });
});

describe("the contract", () => {
  it("gives each schema a name of its own: of two with one name the document would show one", () => {
    const named = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(/\.openapi\(\s*"(\w+V\d+)"/g)].map(([, name]) => ({ name, file })),
    );
    expect(named.length).toBeGreaterThan(50);
    const byName = Map.groupBy(named, ({ name }) => name);
    expect([...byName.values()].filter((all) => all.length > 1)).toEqual([]);
  });
});

function codeLines(text: string): number {
  const lines = text.replaceAll(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, "").split("\n");
  return lines.filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length;
}
