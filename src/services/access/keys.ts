import { findHashedApiKey, insertApiKey, listApiKeys, removeApiKey } from "../../data/access/api-key-store";
import { findNamespace, getDefaultNamespaceId } from "../../data/access/namespace-store";
import type { ApiKey } from "../../domain/access/api-key";
import { hexOf, newId, sha256Hex } from "../../domain/ids";
import type { Page, PageRequest } from "../../domain/page";
import type { CallContext, Services } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { knownKeysOf } from "./known-keys";
import { requireAdmin } from "./namespaces";

const ADMIN_KEY_ID = "key_admin";
const SECRET_BYTES = 32;
const PREFIX_CHARACTERS = 12;
/** A bearer key: `rfr_`, the 32 hex digits of the key's id, and the secret's 64. */
const BEARER = /^rfr_([0-9a-f]{32})_([0-9a-f]{64})$/;

/** Who calls. */
export type Caller = Pick<CallContext, "namespaceId" | "keyId" | "admin">;

/**
 * Finds out who calls; a key that was proved here lately costs no read of D1.
 * @throws ServiceError `unauthenticated` for a key that is missing, malformed, unknown or past its end.
 */
export async function authenticate(services: Services, adminKey: string, bearer: string | null): Promise<Caller> {
  if (bearer === null) throw keyInvalid();
  if (sameDigest(await sha256Hex(bearer), await digestOfAdminKey(adminKey)))
    return { namespaceId: await getDefaultNamespaceId(services.db), keyId: ADMIN_KEY_ID, admin: true };
  const [, idDigits, secret] = BEARER.exec(bearer) ?? [];
  if (idDigits === undefined || secret === undefined) throw keyInvalid();
  const keys = knownKeysOf(services.db);
  const id = `key_${idDigits}`;
  const look = keys.look(services.clock.nowMs());
  const kept = keys.find(id, look.atMs);
  const key = kept ?? (await findHashedApiKey(services.db, id));
  if (key === undefined || !sameDigest(await sha256Hex(secret), key.secretHash)) throw keyInvalid();
  if (kept === undefined) keys.keep(key, look);
  return { namespaceId: key.namespaceId, keyId: key.id, admin: false };
}

let known: { readonly adminKey: string; readonly digest: string } | undefined;

/** Computed once. It holds the value and not its promise, because a Worker must not wait for what another call began. */
async function digestOfAdminKey(adminKey: string): Promise<string> {
  if (known?.adminKey !== adminKey) known = { adminKey, digest: await sha256Hex(adminKey) };
  return known.digest;
}

function keyInvalid(): ServiceError {
  return new ServiceError("unauthenticated", "key-invalid", "Send a valid key: Authorization: Bearer <key>.");
}

/** Compares two digests in constant time: how long it takes says nothing of where they differ. */
function sameDigest(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

export interface KeyDraft {
  readonly name: string;
  /** Null for the namespace of the caller. */
  readonly namespaceId: string | null;
  readonly expiresAtMs: number | null;
}

/**
 * Makes a key. `bearer` is the whole bearer key: it is shown once, and cannot be read again.
 * @throws ServiceError `admin-key-required`, `namespace-not-found`; `validation-failed` for an end that is past.
 */
export async function createKey(
  ctx: CallContext,
  draft: KeyDraft,
): Promise<{ readonly key: ApiKey; readonly bearer: string }> {
  requireAdmin(ctx);
  if (draft.expiresAtMs !== null && draft.expiresAtMs <= ctx.clock.nowMs()) throw endIsPast();
  const namespaceId = await namespaceOf(ctx, draft.namespaceId, "/namespace_id");
  const id = newId("key");
  const secret = hexOf(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const bearer = `rfr_${id.slice("key_".length)}_${secret}`;
  const prefix = bearer.slice(0, PREFIX_CHARACTERS);
  const { name, expiresAtMs } = draft;
  const secretHash = await sha256Hex(secret);
  return { key: await insertApiKey(ctx.db, { id, namespaceId, name, prefix, expiresAtMs, secretHash }), bearer };
}

/**
 * The keys of a namespace, expired ones too; of the caller's own when none is given.
 * @throws ServiceError `admin-key-required`, `namespace-not-found`.
 */
export async function listKeys(ctx: CallContext, namespaceId: string | null, page: PageRequest): Promise<Page<ApiKey>> {
  requireAdmin(ctx);
  return listApiKeys(ctx.db, await namespaceOf(ctx, namespaceId, null), page);
}

/**
 * Ends a key: in this isolate at once, and in all others within 10 seconds (`KEY_KNOWN_MS`).
 * @throws ServiceError `admin-key-required`, `key-not-found`.
 */
export async function removeKey(ctx: CallContext, id: string): Promise<void> {
  requireAdmin(ctx);
  try {
    if (!(await removeApiKey(ctx.db, id))) throw notFound("key");
  } finally {
    // Also when the answer was lost, or another call was first: the key may be gone.
    knownKeysOf(ctx.db).forget(id);
  }
}

async function namespaceOf(ctx: CallContext, namespaceId: string | null, pointer: string | null): Promise<string> {
  if (namespaceId === null) return ctx.namespaceId;
  if ((await findNamespace(ctx.db, namespaceId)) === undefined) throw notFound("namespace", pointer);
  return namespaceId;
}

function endIsPast(): ServiceError {
  const detail = "Must lie in the future.";
  return new ServiceError("invalid", "validation-failed", `/expires_at: ${detail}`, {
    faults: [{ pointer: "/expires_at", detail }],
  });
}
