import { z } from "@hono/zod-openapi";
import type { Namespace } from "../../domain/access/namespace";
import { NameV1, TimestampV1, toTimestamp } from "./common.dto";

const NamespaceNameV1 = NameV1.openapi({ description: "Unique in the deployment.", example: "harbour-museum" });

export const NamespaceCreateV1 = z.strictObject({ name: NamespaceNameV1 }).openapi("NamespaceCreateV1");

export const NamespaceV1 = z
  .object({
    namespace_id: z.string().openapi({ example: "namespace_3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f" }),
    name: NamespaceNameV1,
    created_at: TimestampV1,
  })
  .openapi("NamespaceV1");

export function toNamespaceV1(namespace: Namespace): z.output<typeof NamespaceV1> {
  return { namespace_id: namespace.id, name: namespace.name, created_at: toTimestamp(namespace.createdAtMs) };
}
