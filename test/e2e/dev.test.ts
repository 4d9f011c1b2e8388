import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { findFreePort, LOCAL_HOST } from "../../scripts/dev/ports.ts";
import { PROJECT_ROOT } from "../../scripts/dev/wrangler.ts";
import { Service, type ServiceOptions } from "../support/service.ts";

/** What a checkout has. The packages are lent to it. */
const CHECKED_IN = [
  "package.json",
  "wrangler.toml",
  "tsconfig.json",
  ".dev.vars.example",
  "scripts",
  "src",
  "migrations",
];

describe("npm run dev, in a fresh checkout", () => {
  let project: string;
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "refrain-checkout-"));
    for (const name of CHECKED_IN) await cp(resolve(PROJECT_ROOT, name), join(project, name), { recursive: true });
    await symlink(resolve(PROJECT_ROOT, "node_modules"), join(project, "node_modules"));
    return () => rm(project, { recursive: true, force: true });
  });

  it("writes .dev.vars from its example, and prints the address, the docs page and a key that work", async () => {
    const service = await start({ project, command: ["npm", "run", "dev"], variables: { ADMIN_KEY: undefined } });
    await expect.poll(() => service.output).toContain("Refrain is ready.");

    expect(await readFile(join(project, ".dev.vars"), "utf8")).toBe(
      await readFile(join(project, ".dev.vars.example"), "utf8"),
    );
    expect(service.output).toContain("Authorization: Bearer dev-admin-key");
    expect(printed(service, "address")).toBe(service.address);
    expect(await (await fetch(printed(service, "docs"))).text()).toContain("<title>Refrain API</title>");
    expect((await fetch(`${service.address}/scalar.js`)).status).toBe(200);
    const agents = await service.call("GET", "/v1/agents", { key: "dev-admin-key" });
    expect([agents.status, agents.body.items]).toEqual([200, []]);
  });

  it("keeps a .dev.vars that is there, and prints its key", async () => {
    const own = "ADMIN_KEY=a-key-of-my-own\nRATE_LIMIT=off\n";
    await writeFile(join(project, ".dev.vars"), own);
    const service = await start({ project, command: ["npm", "run", "dev"], variables: { ADMIN_KEY: undefined } });
    await expect.poll(() => service.output).toContain("Authorization: Bearer a-key-of-my-own");

    expect(await readFile(join(project, ".dev.vars"), "utf8")).toBe(own);
    expect((await service.call("GET", "/v1/agents", { key: "a-key-of-my-own" })).status).toBe(200);
    expect((await service.call("GET", "/v1/agents", { key: "dev-admin-key" })).status).toBe(401);
  });
});

describe("npm run dev", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "hands the environment's variables on, and %s ends all of it",
    async (signal) => {
      const service = await start({
        variables: { ADMIN_KEY: "other-key-123", SERVER_KEYS: "7:new-secret,6:old-secret" },
      });
      expect((await service.call("GET", "/v1/agents", { key: "other-key-123" })).status).toBe(200);
      expect((await service.call("GET", "/v1/agents", { key: "dev-admin-key" })).status).toBe(401);
      const reserved = await service.call("POST", "/v1/batches/id", { key: "other-key-123" });
      expect(reserved.body.put_key).toMatch(/^7\./);

      service.signal(signal);
      await service.gone();
      await expect(fetch(service.address)).rejects.toThrow("fetch failed");
    },
  );

  it("says in one sentence that the port is taken, and ends with 1", async () => {
    const other = createServer().listen(0, LOCAL_HOST);
    onTestFinished(() => void other.close());
    await new Promise((listening) => other.once("listening", listening));
    const { port } = other.address() as AddressInfo;

    expect(await runDev({ PORT: String(port) })).toEqual({
      code: 1,
      stdout: "",
      stderr: `Port ${port} of ${LOCAL_HOST} is taken: end what listens there, or set PORT to another.\n`,
    });
  });

  it("says in one sentence that a port is none, and ends with 1", async () => {
    expect(await runDev({ PORT: "eighty" })).toEqual({
      code: 1,
      stdout: "",
      stderr: 'PORT must be a number from 1 to 65535, not "eighty".\n',
    });
  });

  it("says that another version made the state folder, and how to remove it, and leaves it as it is", async () => {
    const stateDir = await newFolder();
    const databases = join(stateDir, "v3/d1/miniflare-D1DatabaseObject");
    await mkdir(databases, { recursive: true });
    const db = new DatabaseSync(join(databases, `${"0".repeat(64)}.sqlite`));
    db.exec("CREATE TABLE d1_migrations (name TEXT); INSERT INTO d1_migrations VALUES ('0000_core.sql')");
    db.close();
    const before = await readdir(stateDir, { recursive: true });

    const end = await runDev({ PORT: String(await findFreePort()), STATE_DIR: stateDir });
    expect([end.code, end.stdout]).toEqual([1, ""]);
    expect(end.stderr).toBe(
      [
        `The local data in ${stateDir} was made by another version of Refrain: its database has the migration 0000_core.sql, which this version does not have, and it cannot be brought up to date.`,
        "Remove the folder to start with an empty service. All local data goes with it:",
        `  rm -r ${stateDir}`,
        "Or keep it, and set STATE_DIR to another folder.",
        "",
      ].join("\n"),
    );
    expect(await readdir(stateDir, { recursive: true })).toEqual(before);
  });

  it("names a variable of the Worker that is wrong, and ends with 1", async () => {
    const end = await runDev({
      PORT: String(await findFreePort()),
      STATE_DIR: await newFolder(),
      LEASE_SECONDS: "soon",
    });
    expect(end.code).toBe(1);
    expect(end.stdout + end.stderr).toContain("at LEASE_SECONDS");
    expect(end.stderr).toMatch(/^The service cannot run with its variables: .+\.$/m);
  });
});

async function start(options: ServiceOptions): Promise<Service> {
  const service = new Service(options);
  onTestFinished(() => service.stop());
  await service.start();
  return service;
}

/** What stands behind a label of the lines that say the service is ready. */
function printed({ output }: Service, label: string): string {
  return new RegExp(`^ +${label} +(\\S+)$`, "m").exec(output)?.[1] ?? "";
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "refrain-dev-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs it to its end. */
function runDev(variables: Readonly<Record<string, string>>) {
  return new Promise<{ code: number | string | undefined; stdout: string; stderr: string }>((settle) => {
    const env = { ...process.env, ...variables };
    execFile(process.execPath, ["scripts/dev.ts"], { cwd: PROJECT_ROOT, env }, (error, stdout, stderr) => {
      settle({ code: error ? (error.code ?? undefined) : 0, stdout, stderr });
    });
  });
}
