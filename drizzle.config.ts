import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: [
    "./src/data/schema/core.ts",
    "./src/data/schema/requests.ts",
    "./src/data/schema/tasks.ts",
    "./src/data/schema/vectors.ts",
    "./src/data/schema/webhooks.ts",
  ],
  out: "./migrations",
});
