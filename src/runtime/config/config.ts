import { z } from "zod";
import type { Limits } from "../../services/context";
import { type EmbedderConfig, embedderConfigOf, embedderFaults, EmbedderVariables } from "./embedder-config";
import type { GateLimits } from "../../domain/model/model-gate";
import { gateLimitsOf, isGiven, type ModelConfig, modelConfigOf, ModelVariables } from "./model-config";
import type { Placement } from "./placement";

const seconds = (fallback: number) => z.coerce.number().min(0.1).max(3_600).default(fallback);
const days = (fallback: number) => z.coerce.number().min(1).max(3_650).default(fallback);
const count = (fallback: number, max: number) => z.coerce.number().int().min(1).max(max).default(fallback);

const REQUEST_OBJECTS_MAX = 1_000;

const RequestObjects = z.union(
  [z.literal("per-request"), z.coerce.number().int().min(1).max(REQUEST_OBJECTS_MAX)],
  `Must be per-request, or how many shared objects: 1 to ${REQUEST_OBJECTS_MAX}.`,
);

/** "2:secret,1:older secret": the first makes new keys, all are known. */
const ServerKeyPairs = z
  .string()
  .regex(/^\d{1,9}:[^,]{8,}(,\d{1,9}:[^,]{8,})*$/, "Must be version:secret pairs, such as 2:new-secret,1:old-secret.")
  .transform((list) => list.split(",").map((pair) => pair.split(/:(.*)/s, 2)))
  .transform((pairs) => pairs.map(([version = "", secret = ""]) => ({ version, secret })))
  .refine((keys) => new Set(keys.map(({ version }) => version)).size === keys.length, "Each version must be another.");

/** An empty one is as none. */
const ServerKeys = z.preprocess((list) => (list === "" ? undefined : list), ServerKeyPairs.optional());

/** No wildcards: each host is named. */
const HOST = /^[^\s/?#@*\\]+$/;

/** "127.0.0.1:9000, hooks.test": hosts as a URL has them. */
const Hosts = z
  .string()
  .default("")
  .transform((list) =>
    list
      .split(",")
      .map((host) => host.trim())
      .filter((host) => host !== ""),
  )
  .refine(
    (hosts) => hosts.every((host) => HOST.test(host) && URL.canParse(`http://${host}`)),
    "Must be hosts, each with its port where it has one: 127.0.0.1:9000, hooks.test.",
  )
  // As the URL standard writes the host of an address; the port of either scheme goes without saying.
  .transform((hosts) => new Set(hosts.map((host) => new URL(`http://${host}`).host.replace(/:443$/, ""))));

const OwnVariables = z.object({
  REQUEST_OBJECTS: RequestObjects.default("per-request"),
  SERVER_KEYS: ServerKeys,
  ADMIN_KEY: z.string().min(8, "ADMIN_KEY must have 8 characters or more: wrangler secret put ADMIN_KEY"),
  LEASE_SECONDS: seconds(60),
  HEARTBEAT_SECONDS: seconds(15),
  RING_SECONDS: seconds(10),
  SWEEP_SECONDS: z.union([z.literal("off"), seconds(15)]).default(15),
  PART_SECONDS: seconds(5),
  PARALLEL_PARTS: count(4, 100),
  MODEL_CALLS_PER_INVOCATION: count(6, 1_000),
  RETENTION_DAYS: days(90),
  TOMBSTONE_DAYS: days(400),
  RATE_LIMIT: z.enum(["on", "off"]).default("on"),
  WEBHOOK_ALLOW_HOSTS: Hosts,
  WEBHOOK_RESOLVER_URL: z.url({ protocol: /^https?$/ }).default("https://cloudflare-dns.com/dns-query"),
});

/** What zod calls a fault of our own finding; no code of a problem. */
const OWN_ISSUE = "custom";
const NEEDED = "MODEL_PROVIDER=openai-compatible needs it.";
const Variables = OwnVariables.extend(ModelVariables.shape)
  .extend(EmbedderVariables.shape)
  .refine((variables) => isGiven("MODEL_BASE_URL", variables), { path: ["MODEL_BASE_URL"], error: NEEDED })
  .refine((variables) => isGiven("MODEL_NAME", variables), { path: ["MODEL_NAME"], error: NEEDED })
  .superRefine((variables, check) => {
    for (const { variable, detail } of embedderFaults(variables))
      check.addIssue({ code: OWN_ISSUE, path: [variable], message: detail });
  });

export interface Config {
  readonly adminKey: string;
  readonly model: ModelConfig;
  readonly gate: GateLimits;
  readonly embedder: EmbedderConfig;
  readonly rateLimited: boolean;
  readonly placement: Placement;
  /** Secrets behind put keys; the first makes new ones. */
  readonly serverKeys: readonly ServerKey[];
  readonly webhooks: { readonly allowHosts: ReadonlySet<string>; readonly resolverUrl: string };
  readonly limits: Limits;
}

export interface ServerKey {
  readonly version: string;
  readonly secret: string;
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
    model: modelConfigOf(v),
    gate: gateLimitsOf(v),
    embedder: embedderConfigOf(v),
    rateLimited: v.RATE_LIMIT === "on",
    placement: v.REQUEST_OBJECTS,
    serverKeys: v.SERVER_KEYS ?? [{ version: "0", secret: v.ADMIN_KEY }],
    webhooks: { allowHosts: v.WEBHOOK_ALLOW_HOSTS, resolverUrl: v.WEBHOOK_RESOLVER_URL },
    limits: {
      leaseSeconds: v.LEASE_SECONDS,
      heartbeatSeconds,
      ringSeconds: v.RING_SECONDS,
      sweepSeconds: v.SWEEP_SECONDS === "off" ? null : v.SWEEP_SECONDS,
      partSeconds: v.PART_SECONDS,
      parallelParts: v.PARALLEL_PARTS,
      modelCallsPerInvocation: v.MODEL_CALLS_PER_INVOCATION,
      modelTimeoutSeconds: v.MODEL_TIMEOUT_SECONDS,
      retentionDays: v.RETENTION_DAYS,
      tombstoneDays: v.TOMBSTONE_DAYS,
    },
  };
}
