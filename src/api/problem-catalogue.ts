interface CatalogueEntry {
  readonly title: string;
  /** What it means and what to do, for the page at /problems/{code}. */
  readonly advice: string;
}

/** Every code that an answer can carry. Codes are stable; a test finds each code of the source here. */
const CATALOGUE = {
  "internal-error": ["Internal error", "A bug on our side. Report the trace id if it happens again."],
  "json-invalid": [
    "The body is not JSON we can trust",
    "Send UTF-8 JSON without duplicate keys, lone surrogates, integers beyond 2^53 or more than 32 levels.",
  ],
  "header-invalid": ["A header is malformed", "Correct the header that the detail names."],
  "cursor-invalid": ["The cursor is not ours", "Use `next_cursor` as it was given, with the same filters."],
  "cursor-ahead": [
    "The cursor is beyond the last event",
    "Use the `sequence` of an event of this task: the last one that you have.",
  ],
  "too-many-watchers": [
    "The task has too many watchers",
    "Read its events in pages, or open the stream again after `Retry-After` seconds.",
  ],
  "watchers-full": [
    "No more streams can be held",
    "Read the events in pages, or open the stream again after `Retry-After` seconds.",
  ],
  "request-id-missing": [
    "A requestId is required",
    "Send the header `requestId` with a GUID that you make, and send the same one when you try again.",
  ],
  "request-id-invalid": [
    "The requestId is not usable",
    "Send one RFC 9562 GUID, once, that is not all zeros. `Idempotency-Key` is an alias; send either.",
  ],
  "request-id-reused": [
    "This requestId belongs to another request",
    "Use a new requestId for a new request. `mismatch` points to what differs from the first.",
  ],
  "key-invalid": ["No valid key", "Send `Authorization: Bearer <key>` with a key that exists and has not expired."],
  "admin-key-required": ["Only the admin key may do this", "Namespaces and keys are managed with the admin key."],
  "put-key-missing": [
    "A put key is required",
    "Send the `put_key` that came with the reserved id: as the header `putKey`, or in the body.",
  ],
  "put-key-invalid": ["The put key is wrong", "Send the one that came with this id when it was reserved."],
  "too-many-held-ids": [
    "The namespace holds too many ids without work",
    "Fill or cancel open reservations, or wait until they end. Cancels that came before their creation count too.",
  ],
  "task-unfilled": ["Nobody has filled this id", "There is nothing to run: fill it, or start a new task."],
  "request-canceled": [
    "This requestId was canceled before it came",
    "Nothing was made. Use a new requestId for a new request.",
  ],
  "route-not-found": ["There is no such path", "See /docs for the paths of this API."],
  "method-not-allowed": ["This path has other methods", "Use one of the methods in the `Allow` header."],
  "body-too-large": ["The body is too large", "Send fewer or smaller things in one call."],
  "media-type-unsupported": ["Not a media type we read", "Send `Content-Type: application/json`."],
  "validation-failed": [
    "The request does not fit its schema",
    "Each entry of `errors` points to one fault and says what to do.",
  ],
  "version-changed": ["It was changed since you read it", "Read it again and send `If-Match` with the new ETag."],
  "rate-limited": ["Too many requests", "Wait for `Retry-After` seconds."],
  "agent-not-found": ["No such agent", "Check the id; ids of other namespaces are unknown here."],
  "agent-deleted": [
    "The agent was deleted",
    "Read it with `?include_deleted=true`, or restore it with `PATCH …/undelete`.",
  ],
  "agent-name-taken": [
    "The name is taken",
    "`agent_id` names the agent that has it. Choose another name, or use that agent.",
  ],
  "agent-busy": ["Too many writers change this agent", "Send the same call again."],
  "agent-collections-full": ["The agent has all the collections it can have", "Unbind one first."],
  "agent-disabled": ["The agent is disabled", "Enable it with `PATCH /v1/agents/{agent_id}`."],
  managed: ["The system owns it", "Things with `managed: true` cannot be changed."],
  "collection-not-found": ["No such collection", "Check the id; ids of other namespaces are unknown here."],
  "collection-deleted": [
    "The collection was deleted",
    "Read it with `?include_deleted=true`, or restore it with `PATCH …/undelete`.",
  ],
  "collection-busy": ["Too many writers change this collection", "Send the same call again."],
  "collection-empty": ["The collection has no memories", "Add memories before you re-voice it."],
  "analysis-too-large": [
    "The collection is too large to be analyzed at once",
    "Send `Prefer: respond-async`, and read the result of the task.",
  ],
  "body-broken": ["The body broke off", "Send it again as a whole."],
  "line-invalid": [
    "A line of the file cannot be imported",
    "The detail names the line. What comes before it was added; correct the file and import it again: what is there already is skipped.",
  ],
  "file-not-found": ["The task has no file", "Only an export has one, once it is complete."],
  "file-gone": ["The file is no longer kept", "Export the collection again, or send the file of the import again."],
  "memory-not-found": ["No such memory", "Check the id of the memory and of its collection."],
  "memory-deleted": [
    "The memory was deleted",
    "Read it with `?include_deleted=true`, or restore it with `PATCH …/undelete`.",
  ],
  "memory-exists": [
    "Another memory is this one",
    "`memory_id` names the memory that has this external_id, or says the same. Change that one, or delete it first.",
  ],
  "memory-busy": ["Too many writers change this memory", "Send the same call again."],
  "truncation-unfinished": ["More memories than one call removes", "Send the same call again: it goes on."],
  "write-unconfirmed": [
    "Stored or not: the database did not say",
    "Send the same call again. What is there already is skipped: nothing is stored twice.",
  ],
  "target-is-source": [
    "The target is the source",
    "Re-voiced memories go to another collection: name a new one, or give another id.",
  ],
  "task-not-found": ["No such task", "Check the id; ids of other namespaces are unknown here."],
  "task-deleted": ["The task was removed", "What it wrote stays in its collection. Its requestId will not run again."],
  "task-complete": ["The task is complete", "There is nothing to do again. Start a new task with a new requestId."],
  "task-unfinished": [
    "Memories of the task were never done",
    "It ended early. Invoke it without `from=failed`: it goes on with all that is left, and keeps what is done.",
  ],
  "nothing-failed": ["Nothing failed", "The task has no failed memory, so there is nothing to do again."],
  "removal-pending": ["Being removed, not yet proven", "It will be carried out. Send the same call again to be sure."],
  "cancel-pending": ["Being canceled, not yet proven", "It will be carried out. Send the same call again to be sure."],
  "request-id-retired": [
    "The requestId is retired",
    "What it made was removed. Use a new requestId for a new request.",
  ],
  "request-not-found": ["Nothing was accepted under this requestId", "Sending the same request with it is safe."],
  "webhook-refused": [
    "The address of the webhook is refused",
    "Give an https address of the public internet, without a user, a password or a port. Redirects are not followed.",
  ],
  "webhook-not-found": ["No such webhook", "List them with `GET /v1/webhooks`."],
  "webhook-disabled": [
    "The webhook is disabled",
    "Nothing is sent to it. Enable it with `PATCH /v1/webhooks/{webhook_id}`; its server may have answered 410.",
  ],
  "webhook-secret-lost": [
    "The secret cannot be made any more",
    "The server's key behind it is gone from `SERVER_KEYS`. Make another with `PATCH …/rotate-secret`.",
  ],
  "webhook-busy": ["Too many writers change this webhook", "Send the same call again."],
  "delivery-not-found": ["No such delivery", "List them with `GET /v1/webhooks/{webhook_id}/deliveries`."],
  "namespace-not-found": ["No such namespace", "List them with `GET /v1/namespaces`."],
  "namespace-name-taken": ["The name is taken", "Choose another name for the namespace."],
  "key-not-found": ["No such key", "List the keys with `GET /v1/keys`."],
  "creation-pending": [
    "Accepted, not yet proven",
    "The request is kept and will be carried out. Send the same call again to see the task.",
  ],
  "creation-unavailable": [
    "Creation cannot be made safe now",
    "Nothing was started. Send the same call again, with the same requestId.",
  ],
  "reference-gone": [
    "Something the task needs was deleted",
    "A task ends as `error` with this code when its agent or a collection is gone.",
  ],
  "attempts-exhausted": [
    "Every attempt failed",
    "A task ends as `error` with this code when a part failed too often without progress.",
  ],
  "budget-exhausted": [
    "The task has used up its budget",
    "`max_model_calls` or `max_tokens` of its request is reached, over all its runs; the detail says which. What is done is kept, and an invoke ends at once. To have all done, start a new task with more.",
  ],
  "item-failed": ["A memory failed", "With `on_item_error: fail` one failed memory ends its task."],
  "model-unavailable": ["The model does not answer", "Nothing to do: the task tries again, later each time."],
  "index-unavailable": [
    "The index of vectors does not answer",
    "Nothing to do: the task tries again, later each time.",
  ],
  "model-answer-too-large": [
    "The model's answer had no end",
    "It was cut off. The item's detail says how far it came.",
  ],
  "generation-failed": ["The generator failed on this memory", "The item's detail says why."],
  "memory-unanswered": [
    "The model answers, but not for this memory",
    "It failed or said nothing for this memory in several turns, and answered other calls each time. It is tried again by an invoke.",
  ],
  "facts-lost": ["The fact guard marked this memory", "`missing` and `added` name what differs from the source."],
  "length-suspect": [
    "The length marked this memory",
    "The text is far shorter or longer than its source: the model may have answered something else.",
  ],
  "memory-gone": [
    "The memory was deleted meanwhile",
    "An item is skipped when its source memory was deleted after the task began.",
  ],
  "service-unavailable": [
    "Not available now",
    "A part of the service does not answer. Reads may be sent again at once.",
  ],
  "not-ready": ["A part of the service does not answer", "Wait; the detail names the part."],
} as const satisfies Record<string, readonly [title: string, advice: string]>;

export const PROBLEM_CODES: readonly string[] = Object.keys(CATALOGUE);

export function findProblem(code: string): CatalogueEntry | undefined {
  const entry = Object.entries(CATALOGUE).find(([known]) => known === code)?.[1];
  return entry === undefined ? undefined : { title: entry[0], advice: entry[1] };
}

export function problemTitle(code: string): string {
  return findProblem(code)?.title ?? code;
}
