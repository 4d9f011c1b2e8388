import type { Context } from "hono";
import type { Page, PageRequest, Position } from "../domain/page";
import type { ApiEnv } from "./env";
import { HttpProblem } from "./problem";

/** Opaque to clients: the position after which the next page begins. */
export function encodeCursor(position: Position): string {
  return btoa(`${position.createdAtMs}.${position.id}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws HttpProblem 400 `cursor-invalid` for a cursor that is not ours. */
export function decodeCursor(cursor: string): Position {
  const match = /^(\d{1,16})\.([a-z_0-9]{1,64})$/.exec(fromBase64Url(cursor));
  if (match?.[1] === undefined || match[2] === undefined)
    throw new HttpProblem(400, "cursor-invalid", "This cursor is not one of ours. Use next_cursor as it was given.");
  return { createdAtMs: Number(match[1]), id: match[2] };
}

function fromBase64Url(text: string): string {
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "";
  }
}

export function pageRequestOf(query: { readonly limit: number; readonly cursor?: string | undefined }): PageRequest {
  return { limit: query.limit, after: query.cursor === undefined ? null : decodeCursor(query.cursor) };
}

/** The body of a list; sets `Link: rel="next"` where there is a next page. */
export function listOf<T, V>(
  c: Context<ApiEnv>,
  page: Page<T>,
  toView: (item: T) => V,
): { items: V[]; next_cursor: string | null } {
  const next = page.next === null ? null : encodeCursor(page.next);
  if (next !== null) {
    const url = new URL(c.req.url);
    url.searchParams.set("cursor", next);
    c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  return { items: page.items.map((item) => toView(item)), next_cursor: next };
}

/** A cursor inside one thing: the place in it. @throws HttpProblem 400 for a cursor of another thing. */
export function decodeCursorOf(id: string, cursor: string): number {
  const position = decodeCursor(cursor);
  if (position.id !== id) throw new HttpProblem(400, "cursor-invalid", "This cursor belongs to another list.");
  return position.createdAtMs;
}
