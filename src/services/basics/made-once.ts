import canonicalize from "canonicalize";
import { findCreation } from "../../data/made-once-store";
import { parseOwnJson } from "../../domain/basics/own-json";
import { createdIdOf, newId } from "../../domain/ids";
import { bodyMismatchPointers } from "../../domain/tasks/request";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";

/** The request id under which a client creates an agent or a collection, and what it asked for. */
export interface CreationRequest {
  readonly requestId: string;
  /** As sent: no defaults are filled in, so that a later default breaks no replay. */
  readonly body: unknown;
}

/** What a creation made, or found. */
export interface Created<T> {
  readonly made: T;
  /** True when an earlier call made it. */
  readonly replayed: boolean;
}

type Noun = "agent" | "collection";

/** The id of what is to be made: derived from the request id, so that a repeat means the same thing; else a new one. */
export async function idToCreate(ctx: CallContext, noun: Noun, request: CreationRequest | null): Promise<string> {
  return request === null ? newId(noun) : createdIdOf(noun, ctx.namespaceId, request.requestId);
}

/** What is kept of a request: canonical JSON (RFC 8785), the same for all texts that mean the same. */
export function keptBody(request: CreationRequest | null): string | null {
  return request === null ? null : (canonicalize(request.body) ?? "null");
}

/**
 * Whether an earlier call of this request made something, which may be deleted by now.
 * @throws ServiceError `request-id-reused` when that call asked for something else; `request-id-retired` when what it
 * made was removed for good.
 */
export async function wasCreated(ctx: CallContext, noun: Noun, id: string, request: CreationRequest): Promise<boolean> {
  const first = await findCreation(ctx.db, ctx.namespaceId, id);
  if (first === undefined) return false;
  if (first.body === null) throw retired(noun, id);
  if (first.body === keptBody(request)) return true;
  throw reused(noun, id, first.createdAtMs, bodyMismatchPointers(parseOwnJson<unknown>(first.body), request.body));
}

function reused(noun: Noun, id: string, firstSeenAtMs: number, mismatch: readonly string[]): ServiceError {
  const detail = `This requestId was used for another ${noun}, which is untouched. Use a new requestId for a new request.`;
  return new ServiceError("mismatch", "request-id-reused", detail, {
    faults: mismatch.map((pointer) => ({ pointer, detail: "Differs from the first request." })),
    extensions: { [`${noun}_id`]: id, first_seen_at: new Date(firstSeenAtMs).toISOString(), mismatch },
  });
}

function retired(noun: Noun, id: string): ServiceError {
  const detail = `The ${noun} of this requestId was removed. The id makes no other; use a new one for a new request.`;
  return new ServiceError("gone", "request-id-retired", detail, { extensions: { [`${noun}_id`]: id } });
}
