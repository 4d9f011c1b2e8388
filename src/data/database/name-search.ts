import { and, eq, isNull, sql, type SQL } from "drizzle-orm";
import type { Metadata } from "../../domain/metadata";
import type { Position } from "../../domain/page";
import type { agents, collections } from "../schema/core";

/** What a search of agents or of collections may leave out. */
export interface NounFilters {
  readonly includeDeleted: boolean;
  /** Whether the metadata is looked at: it may be long, and is read only then. */
  readonly readMetadata: boolean;
}

/** What a search looks at. */
export interface Searched extends Position {
  readonly name: string;
  readonly description: string | null;
  /** Null where it was not asked for. */
  readonly metadata: Metadata | null;
}

type Nouns = typeof agents | typeof collections;

export function searchedColumns(table: Nouns, { readMetadata }: NounFilters) {
  return {
    id: table.id,
    createdAtMs: table.createdAtMs,
    name: table.name,
    description: table.description,
    metadata: readMetadata
      ? sql<Metadata | null>`${table.metadata}`.mapWith(table.metadata)
      : sql<Metadata | null>`NULL`,
  };
}

export function whereOf(table: Nouns, namespaceId: string, { includeDeleted }: NounFilters): SQL | undefined {
  return and(eq(table.namespaceId, namespaceId), includeDeleted ? undefined : isNull(table.deletedAtMs));
}
