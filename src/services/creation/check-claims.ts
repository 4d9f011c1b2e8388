import { errorText } from "../../domain/basics/error-text";
import { holdId } from "../../data/tasks/held-id-store";
import { findForCreation, type References } from "../../data/tasks/reference-store";
import { isUnfilled, RESERVATION_MS } from "../../domain/tasks/reservation";
import type { NewTask, Task } from "../../domain/tasks/task";
import type { Services } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { tooManyHeld } from "./held-ids";
import { fail, type Outcome, outcomeOf, valueOf } from "../errors/outcome";
import type { ClaimRequest } from "../ports/task-requests";
import { rateLimited } from "../access/rate-limit";
import { idsOf, planTask } from "./plan-task";
import { unavailableOf } from "../errors/refusals";

/** What was found about a request that no claim is known of. */
export interface CheckedClaim {
  readonly request: ClaimRequest;
  /** What to claim, or why to refuse. */
  readonly verdict: Outcome<NewTask>;
  /** A row that stands all the same. */
  readonly standing: Task | undefined;
}

/**
 * The checks that come behind the look-up: quota, then schema and references. One round trip to the database for all
 * requests that came together.
 */
export async function checkClaims(
  services: Services,
  requests: readonly ClaimRequest[],
): Promise<readonly CheckedClaim[]> {
  const read = await readFor(services, requests);
  return Promise.all(
    requests.map(async (request) => {
      const standing = read.ok ? read.value.tasks.get(request.taskId) : undefined;
      const check = async () => toClaim(services, request, { known: valueOf(read), standing });
      const verdict = await outcomeOf(check).catch((error: unknown) => uncheckable(services, error));
      return { request, verdict, standing };
    }),
  );
}

async function readFor(services: Services, requests: readonly ClaimRequest[]) {
  try {
    const wanted = requests.map(({ taskId, namespaceId, wanted }) => ({
      namespaceId,
      taskId,
      ...(wanted.ok ? idsOf(wanted.value) : { agentIds: [], collectionIds: [] }),
    }));
    return { ok: true, value: await findForCreation(services.db, wanted) } as const;
  } catch (error) {
    return uncheckable(services, error);
  }
}

/** The database does not answer, so nothing can be checked, and nothing is claimed. @throws any other error. */
function uncheckable(services: Services, error: unknown): ReturnType<typeof fail> {
  if (unavailableOf(error) === undefined) throw error;
  services.log("warn", "creation-checks-failed", { error: errorText(error) });
  const detail = "The request could not be checked, and nothing was started. Send it again.";
  return fail(new ServiceError("unavailable", "creation-unavailable", detail).value);
}

/** @throws ServiceError the refusal. */
async function toClaim(
  services: Services,
  request: ClaimRequest,
  found: { readonly known: References; readonly standing: Task | undefined },
): Promise<NewTask> {
  const { door, taskId, namespaceId, keyId, type, fingerprint } = request;
  const { known, standing } = found;
  if (standing === undefined || (door === "fill" && isUnfilled(standing))) await requireQuota(services, request);
  const plan = await planTask(taskId, namespaceId, valueOf(request.wanted), known);
  const requestId = request.requestId ?? standing?.requestId;
  if (requestId === undefined) throw notFound("task");
  if (door === "reserve" && standing === undefined) await hold(services, request);
  const acceptedAtMs = services.clock.nowMs();
  const createdAtMs = door === "fill" ? (standing?.createdAtMs ?? acceptedAtMs) : acceptedAtMs;
  return { ...plan, id: taskId, namespaceId, requestId, keyId, type, fingerprint, createdAtMs, acceptedAtMs };
}

/** The rate of a key counts what is claimed: a replay never comes here. */
async function requireQuota({ claimRate }: Services, { keyId }: ClaimRequest): Promise<void> {
  if (claimRate === null || (await claimRate.take(keyId))) return;
  throw rateLimited();
}

async function hold(services: Services, { namespaceId, taskId }: ClaimRequest): Promise<void> {
  const held = await holdId(services.db, { namespaceId, taskId, forMs: RESERVATION_MS });
  if (!held) throw tooManyHeld();
}
