import { webhookIdOf } from "../../domain/ids";
import type { CallContext } from "../context";
import type { NameResolver } from "../ports/ports";
import type { TaskInput } from "../ports/task-input";
import { checkAddress } from "./webhook-address";

/** What a creation asks for, with the address that wants to hear of its end checked. @throws ServiceError `webhook-refused`. */
export async function withCheckedWebhook(
  { namespaceId, webhooks }: CallContext,
  resolver: NameResolver,
  input: TaskInput,
): Promise<TaskInput> {
  const { wish } = input;
  if (!wish) return input;
  const url = await checkAddress(wish.url, "/webhook/url", { ...webhooks, resolver });
  const secretKey = webhooks.secrets.newest;
  return { ...input, webhook: { ...wish, url, secretKey, id: await webhookIdOf(namespaceId, url) } };
}
