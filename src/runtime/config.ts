import { z } from "zod";
import type { Limits } from "../services/context";

const seconds = (fallback: number) => z.coerce.number().min(0.1).max(3_600).default(fallback);
const days = (fallback: number) => z.coerce.number().min(1).max(3_650).default(fallback);
const count = (fallback: number, max: number) => z.coerce.number().int().min(1).max(max).default(fallback);

const Variables = z.object({
  ADMIN_KEY: z.string().min(8, "ADMIN_KEY must have 8 characters or more: wrangler secret put ADMIN_KEY"),
  LEASE_SECONDS: seconds(60),
  HEARTBEAT_SECONDS: seconds(15),
  PART_SECONDS: seconds(5),
  PARALLEL_PARTS: count(4, 100),
  MODEL_CALLS_PER_INVOCATION: count(6, 1_000),
  RETENTION_DAYS: days(90),
  TOMBSTONE_DAYS: days(400),
  MODEL_PROVIDER: z.enum(["embedded"]).default("embedded"),
  RATE_LIMIT: z.enum(["on", "off"]).default("on"),
});

export interface Config {
  readonly adminKey: string;
  readonly modelProvider: "embedded";
  readonly rateLimited: boolean;
  readonly limits: Limits;
}

/** Reads the Worker's variables. @throws Error that names each variable that is wrong and what it should be. */
export function readConfig(env: unknown): Config {
  const parsed = Variables.safeParse(env);
  if (!parsed.success) throw new Error(`The configuration is wrong.\n${z.prettifyError(parsed.error)}`);
  const v = parsed.data;
  // A lease must outlive several heartbeats, or a slow one would lose a part that is alive.
  const heartbeatSeconds = Math.min(v.HEARTBEAT_SECONDS, v.LEASE_SECONDS / 3);
  return {
    adminKey: v.ADMIN_KEY,
    modelProvider: v.MODEL_PROVIDER,
    rateLimited: v.RATE_LIMIT === "on",
    limits: {
      leaseSeconds: v.LEASE_SECONDS,
      heartbeatSeconds,
      partSeconds: v.PART_SECONDS,
      parallelParts: v.PARALLEL_PARTS,
      modelCallsPerInvocation: v.MODEL_CALLS_PER_INVOCATION,
      retentionDays: v.RETENTION_DAYS,
      tombstoneDays: v.TOMBSTONE_DAYS,
    },
  };
}
