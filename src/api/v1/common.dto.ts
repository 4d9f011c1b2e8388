import { z } from "@hono/zod-openapi";
import { METADATA_KEY_MAX_CHARACTERS, METADATA_MAX_CHARACTERS } from "../../domain/metadata";
import {
  ALPHA_MAX,
  DEFAULT_MEMORY_SETTINGS,
  MAX_MEMORIES_MAX,
  MAX_MEMORY_STRATEGIES,
  type MemorySettings,
  TOP_K_VECTORS_MAX,
  hasNoWeight,
} from "../../domain/recall/memory-settings";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../../domain/page";

export const NAME_MAX_CHARACTERS = 200;
export const DESCRIPTION_MAX_CHARACTERS = 2_000;

export const NameV1 = z.string().min(1).max(NAME_MAX_CHARACTERS);
export const DescriptionV1 = z.string().max(DESCRIPTION_MAX_CHARACTERS).nullable();
/** RFC 3339 writes years with four digits; a time with an offset may lie outside in UTC. */
const YEAR_0000_MS = Date.parse("0000-01-01T00:00:00Z");
const YEAR_10000_MS = Date.parse("+010000-01-01T00:00:00Z");

export const TimestampV1 = z.iso
  .datetime({ offset: true, error: "Must be an RFC 3339 time, such as 2026-03-01T12:00:00Z." })
  .refine((text) => !(Date.parse(text) < YEAR_0000_MS || Date.parse(text) >= YEAR_10000_MS), {
    error: "Must be a time of the years 0000 to 9999 in UTC.",
  })
  .openapi({ format: "date-time", example: "2026-03-01T12:00:00.000Z" });

export const MetadataV1 = z
  .record(z.string().max(METADATA_KEY_MAX_CHARACTERS), z.unknown())
  .refine((value) => JSON.stringify(value).length <= METADATA_MAX_CHARACTERS, {
    error: `Must be at most ${METADATA_MAX_CHARACTERS} characters of JSON.`,
  })
  .openapi({ type: "object", description: "Whatever you want to keep with it. Never interpreted.", example: {} });

/** Ids are opaque: one of a wrong form answers the same 404 as an unknown one, so no pattern stands here. */
export const idParameter = (name: string, example: string) =>
  z
    .string()
    .openapi({ param: { name, in: "path" }, example, description: `The id of the ${name.replace("_id", "")}.` });

export const LimitQueryV1 = z.coerce
  .number()
  .int()
  .min(1)
  .max(PAGE_SIZE_MAX)
  .default(PAGE_SIZE_DEFAULT)
  .openapi({ description: "How many items a page has.", example: 20 });
/** Filters and cursors have no example: the docs page would send it with every trial, and find nothing. */
export const CursorQueryV1 = z.string().optional().openapi({ description: "The `next_cursor` of the page before." });
/** A misspelled parameter is refused, not ignored: a `dry_run` that is not read would do the thing. */
export const NoQueryV1 = z.strictObject({});
/** A query parameter that is on or off. */
export const FlagQueryV1 = z
  .enum(["true", "false"])
  .default("false")
  .transform((value) => value === "true");

/** A database statement takes a hundred values in all. */
const SEVERAL_MAX = 20;

/** One value or several, and not none: an empty list says nothing. In a query the parameter stands several times. */
export const severalV1 = <T extends z.ZodType>(item: T) =>
  z.union([z.array(item).min(1).max(SEVERAL_MAX), item.transform((one) => [one])]).optional();

export const IncludeDeletedQueryV1 = FlagQueryV1.openapi({
  description: "Whether deleted things are shown too.",
  example: "true",
});

/** Of a DELETE. The thing in question stands in the operation's own description. */
export const RemovalQueryV1 = z.strictObject({
  hard: FlagQueryV1.openapi({ description: "Remove for good.", example: "false" }),
  dry_run: FlagQueryV1.openapi({ description: "Change nothing: only count what would go.", example: "true" }),
});

export function toRemoval(query: { hard: boolean; dry_run: boolean }) {
  return { hard: query.hard, dryRun: query.dry_run };
}

export const IfMatchHeadersV1 = z.object({
  "If-Match": z.string().optional().openapi({ description: "The ETag as it was read, or `*`.", example: '"1"' }),
});

export const etagHeaderV1 = z.string().openapi({ description: "The version, for `If-Match`.", example: '"1"' });
export const locationHeaderV1 = z.string().openapi({ description: "Where it is read." });
export const replayedHeaderV1 = z
  .string()
  .openapi({ description: "`true` when an earlier call of this requestId made it.", example: "false" });

export const listV1 = <T extends z.ZodType>(item: T, name: string) =>
  z
    .object({
      items: z.array(item),
      next_cursor: z.string().nullable().openapi({
        description: "Give it as `cursor` for the next page; null at the end.",
        example: "MTc2NzIyNTYwMDAwMC50YXNrXzFm",
      }),
    })
    .openapi(name);

const alpha = (fallback: number, what: string) =>
  z
    .number()
    .min(0)
    .max(ALPHA_MAX)
    .openapi({ description: `Weight of ${what}. Default ${fallback}.`, example: fallback });

/** Any subset of the fields; what is not given comes from the agent, else from the defaults. */
export const MemorySettingsV1 = z
  .strictObject({
    enabled: z.boolean().openapi({ description: "Use this group at all. Default true.", example: true }),
    top_k_vectors: z.number().int().min(1).max(TOP_K_VECTORS_MAX).openapi({
      description:
        "Candidates that the search returns, per collection; at most 2,000 of all collections together. Default 20.",
      example: 20,
    }),
    relevance_alpha: alpha(DEFAULT_MEMORY_SETTINGS.relevanceAlpha, "relevance"),
    importance_alpha: alpha(DEFAULT_MEMORY_SETTINGS.importanceAlpha, "importance"),
    recency_alpha: alpha(DEFAULT_MEMORY_SETTINGS.recencyAlpha, "recency"),
    min_score: z.number().min(0).max(1).openapi({ description: "Drops what scores lower. Default 0.", example: 0.2 }),
    max_memories: z
      .number()
      .int()
      .min(0)
      .max(MAX_MEMORIES_MAX)
      .openapi({ description: "Keeps at most so many. Default 10.", example: 10 }),
    max_memory_strategy: z
      .enum(MAX_MEMORY_STRATEGIES)
      .openapi({ description: "Which to keep. Default highest_score.", example: "highest_score" }),
  })
  .partial()
  .refine((given) => !hasNoWeight({ ...DEFAULT_MEMORY_SETTINGS, ...toMemorySettings(given) }), {
    error: "At least one of relevance_alpha, importance_alpha and recency_alpha must be above 0.",
  })
  .openapi("MemorySettingsV1");

export interface GivenMemorySettingsV1 {
  enabled?: boolean | undefined;
  top_k_vectors?: number | undefined;
  relevance_alpha?: number | undefined;
  importance_alpha?: number | undefined;
  recency_alpha?: number | undefined;
  min_score?: number | undefined;
  max_memories?: number | undefined;
  max_memory_strategy?: MemorySettings["maxMemoryStrategy"] | undefined;
}

/** Only the fields that were given. */
export function toMemorySettings(given: GivenMemorySettingsV1): Partial<MemorySettings> {
  return withoutUndefined({
    enabled: given.enabled,
    topKVectors: given.top_k_vectors,
    relevanceAlpha: given.relevance_alpha,
    importanceAlpha: given.importance_alpha,
    recencyAlpha: given.recency_alpha,
    minScore: given.min_score,
    maxMemories: given.max_memories,
    maxMemoryStrategy: given.max_memory_strategy,
  });
}

export function toMemorySettingsV1(settings: Partial<MemorySettings>): GivenMemorySettingsV1 {
  return withoutUndefined({
    enabled: settings.enabled,
    top_k_vectors: settings.topKVectors,
    relevance_alpha: settings.relevanceAlpha,
    importance_alpha: settings.importanceAlpha,
    recency_alpha: settings.recencyAlpha,
    min_score: settings.minScore,
    max_memories: settings.maxMemories,
    max_memory_strategy: settings.maxMemoryStrategy,
  });
}

/** Milliseconds since the epoch to RFC 3339 in UTC. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

export function toTimestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}

/** RFC 3339 to milliseconds since the epoch. */
export function toMsOrNull(timestamp: string | null | undefined): number | null {
  return timestamp === null || timestamp === undefined ? null : Date.parse(timestamp);
}

type WithoutUndefined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops the keys whose value is undefined, so that a spread of the rest overrides nothing with it. */
export function withoutUndefined<T extends object>(given: T): WithoutUndefined<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only keys whose value is undefined are gone, which is what the type says
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as WithoutUndefined<T>;
}
