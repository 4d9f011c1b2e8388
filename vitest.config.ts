import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

export default defineConfig(async () => {
  const migrations = await readD1Migrations("./migrations");
  return {
    test: {
      projects: [
        { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
        {
          plugins: [
            cloudflareTest({
              main: "./test/support/worker.ts",
              wrangler: { configPath: "./wrangler.toml" },
              remoteBindings: false,
              miniflare: {
                bindings: {
                  ADMIN_KEY: "test-admin-key",
                  RATE_LIMIT: "off",
                  // Short, so that what waits for a lapsed lease or an alarm is soon there.
                  LEASE_SECONDS: "2",
                  HEARTBEAT_SECONDS: "0.5",
                  TEST_MIGRATIONS: migrations,
                  ...fromEnvironment("REQUEST_OBJECTS", "SCHEDULE_SEED", "SCHEDULE_PATH", "SCHEDULE_RUNS"),
                },
              },
            }),
          ],
          test: {
            name: "workers",
            include: ["test/workers/**/*.test.ts"],
            setupFiles: ["test/support/apply-migrations.ts"],
            testTimeout: 30_000,
          },
        },
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
