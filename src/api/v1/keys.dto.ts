import { z } from "@hono/zod-openapi";
import type { ApiKey } from "../../domain/access/api-key";
import type { KeyDraft } from "../../services/access/keys";
import { NameV1, TimestampV1, toMsOrNull, toTimestamp, toTimestampOrNull } from "./common.dto";

const KeyNameV1 = NameV1.openapi({ description: "What the key is for.", example: "nightly import" });
const NamespaceIdV1 = z.string().openapi({ example: "namespace_3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f" });
const ExpiresAtV1 = TimestampV1.nullable().openapi({
  description: "From then on the key is refused; null for no end.",
  example: "2099-01-01T00:00:00Z",
});

export const KeyCreateV1 = z
  .strictObject({
    name: KeyNameV1,
    namespace_id: NamespaceIdV1.optional().openapi({ description: "Default: the namespace `default`." }),
    expires_at: ExpiresAtV1.optional(),
  })
  .openapi("KeyCreateV1");

export const KeyV1 = z
  .object({
    key_id: z.string().openapi({ example: "key_9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a" }),
    name: KeyNameV1,
    namespace_id: NamespaceIdV1,
    prefix: z.string().openapi({ description: "The first characters of the bearer key.", example: "rfr_9d8c7b6a" }),
    expires_at: ExpiresAtV1,
    created_at: TimestampV1,
  })
  .openapi("KeyV1");

export const NewKeyV1 = KeyV1.extend({
  key: z.string().openapi({
    description: "The whole bearer key. It is shown this once and cannot be read again.",
    example: `rfr_9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a_${"0".repeat(64)}`,
  }),
}).openapi("NewKeyV1");

export function toKeyDraft(given: z.output<typeof KeyCreateV1>): KeyDraft {
  return {
    name: given.name,
    namespaceId: given.namespace_id ?? null,
    expiresAtMs: toMsOrNull(given.expires_at),
  };
}

export function toKeyV1(key: ApiKey): z.output<typeof KeyV1> {
  return {
    key_id: key.id,
    name: key.name,
    namespace_id: key.namespaceId,
    prefix: key.prefix,
    expires_at: toTimestampOrNull(key.expiresAtMs),
    created_at: toTimestamp(key.createdAtMs),
  };
}

export function toNewKeyV1(created: { readonly key: ApiKey; readonly bearer: string }): z.output<typeof NewKeyV1> {
  return { ...toKeyV1(created.key), key: created.bearer };
}
