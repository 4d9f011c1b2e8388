import { constants as fsConstants, copyFileSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";

import { buildAssets } from "./build-assets.ts";
import { Unhealthy, waitUntilHealthy } from "./dev/health.ts";
import { areMigrationsNoted, DATABASE_NAME, noteMigrations, unknownMigrations } from "./dev/migrations.ts";
import { LOCAL_HOST, portFault } from "./dev/ports.ts";
import { adminKeyInForce, variableArguments, workerVariableNames } from "./dev/worker-variables.ts";
import { PROJECT_ROOT, runWrangler } from "./dev/wrangler.ts";

const PORT_DEFAULT = 8787;
const STATE_DIR_DEFAULT = ".wrangler/state";

/** A fault that its sentence explains; a stack would only hide it. */
class DevFault extends Error {}

const signals = signalRelay();

async function main(): Promise<number> {
  const port = readPort(process.env["PORT"]);
  const stateDir = resolve(process.env["STATE_DIR"] || STATE_DIR_DEFAULT);
  await requireFreePort(port);
  await requireOwnState(stateDir);
  writeDevVars();
  buildAssets();
  await applyMigrations(stateDir);
  const early = signals.received();
  if (early !== undefined) return 128 + constants.signals[early];

  const ended = new AbortController();
  const address = `http://${LOCAL_HOST}:${port}`;
  const announced = announceWhenHealthy(address, ended.signal);
  const end = await runWrangler(serveArguments(port, stateDir), {
    stateDir,
    onSignal: signals.onSignal,
    output: "inherit",
  });
  ended.abort();
  const served = await announced;
  if (served === "refused") {
    throw new DevFault("The service cannot run with its variables: the error above names what is wrong, and where.");
  }
  return end.code;
}

function serveArguments(port: number, stateDir: string): readonly string[] {
  const names = workerVariableNames(readRoot("wrangler.toml"), readRoot(".dev.vars.example"));
  // Whatever is named besides is for wrangler, such as another entry: `npm run dev -- test/bench/chaos/worker.ts`. It comes
  // first: an entry behind a `--var` would be taken for one more variable.
  const args = [
    "dev",
    ...process.argv.slice(2),
    "--local",
    "--ip",
    LOCAL_HOST,
    "--port",
    String(port),
    "--persist-to",
    stateDir,
  ];
  // Any free port: two services at once must not fight for the debugger's usual one.
  args.push("--inspector-port", "0");
  if (!process.stdin.isTTY) args.push("--show-interactive-dev-session=false");
  return [...args, ...variableArguments(names, process.env)];
}

function readPort(value: string | undefined): number {
  if (value === undefined || value === "") return PORT_DEFAULT;
  const port = Number(value);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new DevFault(`PORT must be a number from 1 to 65535, not "${value}".`);
}

async function requireFreePort(port: number): Promise<void> {
  const fault = await portFault(port);
  if (fault === "EADDRINUSE") {
    throw new DevFault(`Port ${port} of ${LOCAL_HOST} is taken: end what listens there, or set PORT to another.`);
  }
  if (fault !== undefined) throw new DevFault(`Nothing can listen on port ${port} of ${LOCAL_HOST} (${fault}).`);
}

/** Before anything is written: what another version made stays as it is, for its developer to decide on. */
async function requireOwnState(stateDir: string): Promise<void> {
  if (areMigrationsNoted(stateDir)) return;
  const [first] = await unknownMigrations(stateDir);
  if (first === undefined) return;
  throw new DevFault(
    [
      `The local data in ${stateDir} was made by another version of Refrain: its database has the migration ${first}, which this version does not have, and it cannot be brought up to date.`,
      "Remove the folder to start with an empty service. All local data goes with it:",
      `  rm -r ${stateDir}`,
      "Or keep it, and set STATE_DIR to another folder.",
    ].join("\n"),
  );
}

/** Keeps a .dev.vars that is there: it may hold the developer's own keys. */
function writeDevVars(): void {
  try {
    const target = resolve(PROJECT_ROOT, ".dev.vars");
    copyFileSync(resolve(PROJECT_ROOT, ".dev.vars.example"), target, fsConstants.COPYFILE_EXCL);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

async function applyMigrations(stateDir: string): Promise<void> {
  if (areMigrationsNoted(stateDir)) return;
  const args = ["d1", "migrations", "apply", DATABASE_NAME, "--local", "--persist-to", stateDir];
  const end = await runWrangler(args, { stateDir, onSignal: signals.onSignal, output: "quiet" });
  if (signals.received() !== undefined) return;
  if (end.code !== 0) throw new DevFault(`The migrations could not be applied:\n${end.said.trimEnd()}`);
  noteMigrations(stateDir);
}

/** A service that cannot serve is ended: its log has said why. */
async function announceWhenHealthy(address: string, ended: AbortSignal): Promise<"served" | "refused"> {
  try {
    await waitUntilHealthy(address, ended);
  } catch (error) {
    // Else wrangler ended before the service ever answered, and has said why.
    if (!(error instanceof Unhealthy)) return "served";
    signals.end();
    return "refused";
  }
  const key = adminKeyInForce(process.env, readRoot(".dev.vars"));
  process.stdout.write(
    [
      "",
      "Refrain is ready.",
      `  address  ${address}`,
      `  docs     ${address}/docs`,
      key === undefined ? "  key      none: set ADMIN_KEY in .dev.vars" : `  key      Authorization: Bearer ${key}`,
      "",
      "",
    ].join("\n"),
  );
  return "served";
}

/** Hands each signal to whatever child runs at the time. A parent that vanished counts as SIGTERM. */
function signalRelay() {
  let send: ((signal: NodeJS.Signals) => void) | undefined;
  let received: NodeJS.Signals | undefined;
  const receive = (signal: NodeJS.Signals): void => {
    received = signal;
    send?.(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, receive);
  process.on("disconnect", () => receive("SIGTERM"));
  return {
    received: () => received,
    /** Ends whatever child runs now. */
    end: () => send?.("SIGINT"),
    onSignal: (target: (signal: NodeJS.Signals) => void): void => {
      send = target;
    },
  };
}

function readRoot(name: string): string {
  return readFileSync(resolve(PROJECT_ROOT, name), "utf8");
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof DevFault)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
process.exit();
