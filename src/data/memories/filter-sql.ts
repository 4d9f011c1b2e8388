import { and, eq, gte, lt, lte, type SQL, sql } from "drizzle-orm";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import { memories } from "../schema/core";

/** The condition on a row of `memories`; undefined where nothing is asked. */
export function recallFilterSql(filters: RecallFilters): SQL | undefined {
  const { type, occurredFromMs, occurredBeforeMs, importanceMin, importanceMax, metadata } = filters;
  const happenedAtMs = sql`coalesce(${memories.occurredAtMs}, ${memories.createdAtMs})`;
  return and(
    type === undefined ? undefined : eq(memories.type, type),
    occurredFromMs === undefined ? undefined : gte(happenedAtMs, occurredFromMs),
    occurredBeforeMs === undefined ? undefined : lt(happenedAtMs, occurredBeforeMs),
    importanceMin === undefined ? undefined : gte(memories.importance, importanceMin),
    importanceMax === undefined ? undefined : lte(memories.importance, importanceMax),
    metadata === undefined ? undefined : holdsAll(JSON.stringify(metadata)),
  );
}

/** True where every key that is asked for has just this value. `type` tells 1 from true and from "1". */
function holdsAll(asked: string): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM json_each(${asked}) AS asked WHERE NOT EXISTS (
    SELECT 1 FROM json_each(${memories.metadata}) AS held
    WHERE held.key = asked.key AND held.type = asked.type AND held.value IS asked.value))`;
}
