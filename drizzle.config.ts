import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: [
    "./src/data/schema.ts",
    "./src/data/task-schema.ts",
    "./src/data/vector-schema.ts",
    "./src/data/webhook-schema.ts",
  ],
  out: "./migrations",
});
