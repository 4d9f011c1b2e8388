import { taskIdOf } from "../../domain/ids";
import { decisionOf, isBarred } from "../../domain/requests/decision";
import type { RequestMaterial, StandingRequest } from "../../domain/requests/request";
import { type DirectClaim, findRequestNow } from "../../data/requests/request-store";
import { errorText } from "../../domain/basics/error-text";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { countSeenCalls } from "./count-calls";
import { deadlineOf } from "./create-task";
import { fingerprintOf } from "./fingerprint";
import {
  mismatchOf,
  readMaterials,
  requestCanceled,
  requestReused,
  requestRetired,
  retiredOf,
} from "./standing-request";

/** What a door that makes no task of its own claims a request id for. */
export interface ClaimFor extends Pick<DirectClaim, "door" | "madeId" | "madeRun"> {
  readonly requestId: string;
  readonly request: RequestMaterial;
}

/** The claim of one call of such a door. Sent again under the same call id it is the same. */
export async function directClaimOf(ctx: CallContext, { requestId, request, ...what }: ClaimFor): Promise<DirectClaim> {
  const { namespaceId } = ctx;
  const id = await taskIdOf(namespaceId, requestId);
  const call = { callId: crypto.randomUUID(), deadlineMs: deadlineOf(ctx) };
  return { ...what, ...call, id, namespaceId, requestId, ...(await fingerprintOf(request)) };
}

/**
 * Whether an earlier call of this request id made something, which may be gone by now; false where nothing has come.
 * @throws ServiceError `request-id-reused`, `request-id-retired`, `request-canceled`.
 */
export async function wasMadeBefore(
  ctx: CallContext,
  claim: DirectClaim,
  { row, readAtMs }: { readonly row: StandingRequest | undefined; readonly readAtMs: number },
): Promise<boolean> {
  if (row === undefined) return false;
  if (isBarred(row)) throw requestCanceled();
  const decision = decisionOf(row, { ...claim, door: "task" }, readAtMs);
  if (decision === "retired") throw requestRetired(retiredOf(row));
  if (decision === "open" || decision === "unknown" || decision === "mine") return false;
  const isReplay = decision === "replay";
  await countSeenCalls(ctx, [{ id: row.id, replays: Number(isReplay), mismatches: Number(!isReplay) }]);
  if (isReplay) return true;
  const materials = await readMaterials(ctx.db, [row.id]);
  throw requestReused(mismatchOf(row, materials.get(row.id), claim.material));
}

/** The same, read now. */
export async function findMadeBefore(ctx: CallContext, claim: DirectClaim): Promise<boolean> {
  return wasMadeBefore(ctx, claim, await findRequestNow(ctx.db, ctx.namespaceId, claim.id));
}

/**
 * Runs the write of a claim. Where it fails the row is read back, and decides.
 * @param write the transaction that begins with the claim.
 * @param readBack what it made, once its row is known to carry this call.
 * @throws ServiceError `creation-pending` while the write may still land.
 */
export async function writeClaim<T>(
  ctx: CallContext,
  claim: DirectClaim,
  { write, readBack }: { readonly write: () => Promise<T>; readonly readBack: () => Promise<T> },
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    // What was told of a row that stands is no matter of doubt.
    if (error instanceof ServiceError) throw error;
    ctx.log("warn", "claim-not-written", { request: claim.id, error: errorText(error) });
    const found = await findRequestNow(ctx.db, ctx.namespaceId, claim.id).catch(() => undefined);
    if (found?.row === undefined || isBarred(found.row)) throw inDoubt(claim);
    if (found.row.callId === claim.callId) return readBack();
    throw await whyNot(ctx, claim, found);
  }
}

/** Another call's row stands: what that says of this one; its repeat is answered with what was made. */
async function whyNot(
  ctx: CallContext,
  claim: DirectClaim,
  found: { readonly row: StandingRequest | undefined; readonly readAtMs: number },
): Promise<ServiceError> {
  try {
    await wasMadeBefore(ctx, claim, found);
    return inDoubt(claim);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
}

/** The 503 of a call that has no row: it is safe to send it again. */
export function inDoubt({ requestId, deadlineMs }: DirectClaim): ServiceError {
  const detail = "It is not proven yet. Send the same call with the same requestId again: it is done once.";
  const extensions = { request_id: requestId, doubt_until: new Date(deadlineMs).toISOString() };
  return new ServiceError("unavailable", "creation-pending", detail, { extensions });
}
