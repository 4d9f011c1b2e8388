import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

/**
 * What creation promises, whatever the placement of the requests objects: these files run over both. The pairs of faults
 * have a project of their own: a crash of one case must not reset the object of another, so there are many objects.
 */
const OVER_BOTH_PLACEMENTS = [
  "creation/batches-create",
  "creation/bell-after-answer",
  "creation/bulk",
  "creation/crash-table",
  "creation/crash-table-late",
  "creation/creation-doubt",
  "creation/creation-faults",
  "creation/creation-guards",
  "creation/creation-hops",
  "creation/doors",
  "creation/linearizability",
  "creation/request-cancel",
  "creation/request-get",
  "creation/request-object",
  "creation/reservation-races",
  "creation/reservations",
  "creation/reservations-end",
  "creation/reservations-faults",
  "creation/reservations-fill",
  "creation/reservations-limit",
  "creation/reservations-secrecy",
  "creation/schedules-faults",
  "creation/schedules-races",
  "creation/storms",
  "creation/waiting",
  "runs/crash-table-runs",
  "runs/invoke",
  "runs/task-runs",
  "tasks/removal",
];

/** Tests in workerd, with real D1, objects and queues. */
function inWorkerd(name: string, include: string[], bindings: Record<string, unknown>): TestProjectConfiguration {
  const fixed = {
    ADMIN_KEY: "test-admin-key",
    RATE_LIMIT: "off",
    // Short, so that what waits for a lapsed lease or an alarm is soon there.
    LEASE_SECONDS: "2",
    HEARTBEAT_SECONDS: "0.5",
    // Nothing arms the sweeper but its own tests.
    SWEEP_SECONDS: "off",
  };
  return {
    plugins: [
      cloudflareTest({
        main: "./test/support/worker.ts",
        wrangler: { configPath: "./wrangler.toml" },
        remoteBindings: false,
        miniflare: {
          bindings: { ...fixed, ...bindings },
          // No test reaches the network: names of webhooks cannot be resolved, but where a test has a network of its own.
          outboundService: () => new Response("There is no network here.", { status: 503 }),
        },
      }),
    ],
    test: {
      name,
      include,
      setupFiles: ["test/support/apply-migrations.ts", "test/support/travel-back.ts", "test/support/explain-sql.ts"],
      testTimeout: 30_000,
    },
  };
}

export default defineConfig(async () => {
  const bindings = {
    TEST_MIGRATIONS: await readD1Migrations("./migrations"),
    ...fromEnvironment("SCHEDULE_SEED", "SCHEDULE_PATH", "SCHEDULE_RUNS", "STORM_IDS"),
  };
  const overBoth = OVER_BOTH_PLACEMENTS.map((file) => `test/workers/${file}.test.ts`);
  return {
    test: {
      // Most tests wait for alarms and limits of time: two files at once leave no core idle, on two cores too.
      maxWorkers: 2,
      projects: [
        { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
        inWorkerd("workers", ["test/workers/**/!(creation-pairs-gathered).test.ts"], bindings),
        inWorkerd("workers-shared", overBoth, { ...bindings, REQUEST_OBJECTS: "3" }),
        inWorkerd("workers-pairs", ["test/workers/creation/creation-pairs-gathered.test.ts"], {
          ...bindings,
          REQUEST_OBJECTS: "1000",
        }),
        {
          test: {
            name: "e2e",
            include: ["test/e2e/**/*.test.ts"],
            testTimeout: 180_000,
            hookTimeout: 120_000,
            fileParallelism: false,
          },
        },
      ],
    },
  };
});

/** Variables of the environment do not reach the Worker, nor its tests; those named do, where they are set. */
function fromEnvironment(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
