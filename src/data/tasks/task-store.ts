import { and, eq, inArray, sql, type SQL } from "drizzle-orm";
import type { Page, PageRequest } from "../../domain/page";
import type { Task, TaskStatus } from "../../domain/tasks/task";
import { type Operation } from "../../domain/tasks/operations";
import type { Database } from "../database/database";
import { after, newestFirst, toPage } from "../database/page";
import { tasks } from "../schema/tasks";
import { taskColumns, toTask } from "../parts/task-row";

/** The statement behind {@link findTask}, for a batch. */
export function selectTask(db: Database, namespaceId: string, taskId: string) {
  return db
    .select(taskColumns)
    .from(tasks)
    .where(and(eq(tasks.namespaceId, namespaceId), eq(tasks.id, taskId)));
}

export async function findTask(db: Database, namespaceId: string, taskId: string): Promise<Task | undefined> {
  const rows = await selectTask(db, namespaceId, taskId);
  return rows[0] && toTask(rows[0]);
}

/** What a consumer needs of a task. */
export type FoundTask = Pick<Task, "id" | "namespaceId" | "status" | "run" | "command" | "watchedUntilMs" | "webhook">;

/** By id alone: a bell carries nothing else. The namespace comes from the row, and goes into every later query. */
export async function findTaskToRun(db: Database, taskId: string): Promise<FoundTask | undefined> {
  const { id, namespaceId, status, run, command, watchedUntilMs, webhook } = tasks;
  const rows = await db
    .select({ id, namespaceId, status, run, command, watchedUntilMs, webhook })
    .from(tasks)
    .where(eq(tasks.id, taskId));
  return rows[0];
}

export interface TaskFilter {
  readonly statuses?: readonly TaskStatus[] | undefined;
  readonly operations?: readonly Operation[] | undefined;
  readonly types?: readonly Task["type"][] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly sinceMs?: number | undefined;
  readonly oldestFirst?: boolean | undefined;
}

export async function listTasks(
  db: Database,
  namespaceId: string,
  filter: TaskFilter,
  page: PageRequest,
): Promise<Page<Task>> {
  const order = filter.oldestFirst ? [tasks.createdAtMs, tasks.id] : newestFirst(tasks.createdAtMs, tasks.id);
  const rows = await db
    .select(taskColumns)
    .from(tasks)
    .where(
      and(
        eq(tasks.namespaceId, namespaceId),
        filter.oldestFirst ? before(page) : after(page.after, tasks.createdAtMs, tasks.id),
        ...conditionsOf(filter),
      ),
    )
    .orderBy(...order)
    .limit(page.limit + 1);
  return toPage(rows.map(toTask), page);
}

function before(page: PageRequest): SQL | undefined {
  if (page.after === null) return undefined;
  return sql`(${tasks.createdAtMs}, ${tasks.id}) > (${page.after.createdAtMs}, ${page.after.id})`;
}

/** What a filter says of the rows of tasks, but for their namespace and their order. */
export function conditionsOf(filter: TaskFilter): (SQL | undefined)[] {
  return [
    // Each once: D1 takes a hundred values in all.
    filter.statuses && inArray(tasks.status, [...new Set(filter.statuses)]),
    filter.operations && inArray(tasks.operation, [...new Set(filter.operations)]),
    filter.types && inArray(tasks.type, [...new Set(filter.types)]),
    filter.name === undefined ? undefined : eq(tasks.name, filter.name),
    filter.ids && inArray(tasks.id, [...filter.ids]),
    filter.sinceMs === undefined ? undefined : sql`${tasks.createdAtMs} >= ${filter.sinceMs}`,
    ...(filter.tags ?? []).map(
      (tag) => sql`EXISTS (SELECT 1 FROM json_each(${tasks.tags}) WHERE json_each.value = ${tag})`,
    ),
  ];
}
