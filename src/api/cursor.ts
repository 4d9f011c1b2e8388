import type { Context } from "hono";
import { type Page, PAGE_SIZE_DEFAULT, type PageRequest, type Position } from "../domain/page";
import type { ApiEnv } from "./env";
import { HttpProblem } from "./problem";

/** Opaque to clients: the position after which the next page begins. */
export function encodeCursor(position: Position): string {
  return btoa(`${position.createdAtMs}.${position.id}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws HttpProblem 400 `cursor-invalid` for a cursor that is not ours. */
export function decodeCursor(cursor: string): Position {
  const match = /^(-?\d{1,16})\.([a-z_0-9]{1,64})$/.exec(fromBase64Url(cursor));
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

interface GivenPage {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export function pageRequestOf(query: GivenPage): PageRequest {
  return {
    limit: query.limit ?? PAGE_SIZE_DEFAULT,
    after: query.cursor === undefined ? null : decodeCursor(query.cursor),
  };
}

interface ListView<V> {
  items: V[];
  next_cursor: string | null;
}

/** The body of a list whose cursor travels in the body of the request. */
export function pageOf<T, V>(page: Page<T>, toView: (item: T) => V): ListView<V> {
  return { items: page.items.map((item) => toView(item)), next_cursor: page.next && encodeCursor(page.next) };
}

/** The body of a list; sets `Link: rel="next"` where there is a next page. */
export function listOf<T, V>(c: Context<ApiEnv>, page: Page<T>, toView: (item: T) => V): ListView<V> {
  const view = pageOf(page, toView);
  if (view.next_cursor !== null) {
    const url = new URL(c.req.url);
    url.searchParams.set("cursor", view.next_cursor);
    c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  return view;
}

/** A cursor inside one thing: the place in it. @throws HttpProblem 400 for a cursor of another thing. */
export function decodeCursorOf(id: string, cursor: string): number {
  const position = decodeCursor(cursor);
  if (position.id !== id) throw new HttpProblem(400, "cursor-invalid", "This cursor belongs to another list.");
  return position.createdAtMs;
}
