import { createdIdOf, newId } from "../../domain/ids";
import type { DirectClaim } from "../../data/requests/request-store";
import type { StandingRequest } from "../../domain/requests/request";
import type { Created } from "../basics/created";
import type { CallContext } from "../context";
import { directClaimOf, findMadeBefore, writeClaim } from "./direct-claim";

/** The request id under which a client creates an agent or a collection, and what it asked for. */
export interface CreationRequest {
  readonly requestId: string;
  /** As sent: no defaults are filled in, so that a later default breaks no replay. */
  readonly body: unknown;
}

/** How an agent, or a collection, is made and read. */
interface NounStore<T> {
  /** Writes it in one transaction with its claim. `made` is undefined where it was not made. */
  readonly insert: (
    id: string,
    claim: DirectClaim | null,
  ) => Promise<{ readonly made: T | undefined; readonly request: StandingRequest | undefined }>;
  /** @throws ServiceError when it was deleted. */
  readonly get: (id: string) => Promise<T>;
}

/**
 * Makes an agent or a collection; under a request id once, and each repeat shows it as it is now.
 * @returns undefined where nothing was made though nothing came under its request id: something else is in the way.
 * @throws ServiceError `request-id-reused`, `request-id-retired`, `request-canceled`; `creation-pending` in doubt.
 */
export async function makeOnce<T>(
  ctx: CallContext,
  noun: "agent" | "collection",
  request: CreationRequest | null,
  { insert, get }: NounStore<T>,
): Promise<Created<T> | undefined> {
  if (request === null) {
    const { made } = await insert(newId(noun), null);
    return made && { made, replayed: false };
  }
  const { requestId, body } = request;
  const madeId = await createdIdOf(noun, ctx.namespaceId, requestId);
  const asked = { api: 1, type: noun, operation: `${noun}s-create`, path: {}, body } as const;
  const claim = await directClaimOf(ctx, { door: noun, madeId, madeRun: null, requestId, request: asked });
  return writeClaim<Created<T> | undefined>(ctx, claim, {
    write: async () => {
      const { made } = await insert(madeId, claim);
      if (made !== undefined) return { made, replayed: false };
      return (await findMadeBefore(ctx, claim)) ? { made: await get(madeId), replayed: true } : undefined;
    },
    readBack: async () => ({ made: await get(madeId), replayed: false }),
  });
}
