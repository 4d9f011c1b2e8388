const GETTING_STARTED = `
# Getting started

\`npm run dev\` serves on \`http://127.0.0.1:8787\`, where the key \`dev-admin-key\` works. These lines, in one shell
with \`curl\`, \`jq\` and \`node\`, make an agent and two memories, and have the agent tell them in its own voice:

\`\`\`bash
API=http://127.0.0.1:8787
KEY=dev-admin-key

call() {
  curl -sS -X "$1" "$API$2" \\
    -H "Authorization: Bearer $KEY" \\
    -H "Content-Type: application/json" \\
    "\${@:3}"
}

# 1. Who remembers, and in which voice
AGENT=$(call PUT /v1/agents -d '{
  "name": "Old Captain '$RANDOM$RANDOM'",
  "voice": {
    "openers": ["Mark this:"],
    "lexicon": { "boats": "hulls" }
  }
}' | jq -r .agent_id)

# 2. What is remembered
COLLECTION=$(call PUT /v1/collections -d '{
  "name": "Summers at the harbour"
}' | jq -r .collection_id)

call PUT /v1/collections/$COLLECTION/memories -d '{
  "memories": [
    { "text": "On 14 July 2003 Marta sold 3 boats." },
    { "text": "Her cousin Pavel never learned to swim." }
  ]
}' | jq -c '.results[]'

# 3. The long work: sent twice, done once
REQUEST_ID=$(node -p 'crypto.randomUUID()')
for attempt in 1 2; do
  call PUT /v1/batches -d '{
    "operation": "re-voice",
    "agent_id": "'$AGENT'",
    "collection_id": "'$COLLECTION'",
    "target": { "name": "As the captain tells it" }
  }' \\
    -H "requestId: $REQUEST_ID" \\
    -H "Prefer: wait=10" > task.json
  jq -c '[.id, .status]' task.json
done

# 4. What came of it
TOLD=$(jq -r .result.collection_id task.json)
call GET /v1/collections/$TOLD/memories | jq -r '.items[].text'
\`\`\`

# Exactly once

Give each piece of work a GUID that you make, in the header \`requestId\`, and send the same one whenever you try again:
after a lost answer, a timeout, a 5xx, a crash of your own. The first answer is 201, each later one 200 with
\`Idempotent-Replayed: true\` and the task as it is now. The same GUID with another body is refused (422
[\`request-id-reused\`](/problems/request-id-reused)). Not sure whether anything arrived? Ask
\`GET /v1/requests/{request_id}\`. Want to give up? \`PATCH /v1/requests/{request_id}/cancel\`: after its 200 nothing runs
under that id, also where the request itself is still on its way.

A 503 that says \`doubt_until\` means: it is not certain whether this call did anything. Send it again with the same id. A
look-up that answers 404 with an \`as_of\` at or after that time is final: nothing will come of it.

Agents, collections and invokes take a \`requestId\` too, if you like: a repeat answers 200 with the first, as it is now. One id
is good for one thing: the same GUID for an agent and for a batch is refused.

# Watching

\`GET /v1/checkmate/tasks/{task_id}/events\` with \`Accept: text/event-stream\` streams what happens to a task, from its
birth to its end. Come back with the last \`id\` as \`Last-Event-ID\` whenever the stream closes before the \`end\`: nothing is
lost, and nothing comes twice.

# Webhooks

A batch may name a \`webhook\`: an https address that is told when the task ends, and of what. Messages are
[CloudEvents](https://cloudevents.io), signed as [Standard Webhooks](https://www.standardwebhooks.com) has it with the
secret of the address (\`GET /v1/webhooks/{webhook_id}/secret\`). Answer 2xx within 15 seconds; else the message comes again,
ten times in about three days, with the same \`webhook-id\`. It may come twice: look at the id. 410 ends it.

# Deleting

\`DELETE\` marks a thing as deleted: from then on it answers 410, \`?include_deleted=true\` reads it, and
\`PATCH …/undelete\` brings it back. With \`?hard=true\` it is removed for good. \`?dry_run=true\` changes nothing and
counts what would go.

# Keys

Every path under \`/v1\` takes \`Authorization: Bearer <key>\`. The admin key acts in the namespace \`default\`, and makes
namespaces and keys; a key made with \`PUT /v1/keys\` sees its own namespace and nothing else.

# Lists

Lists are newest first. Give \`next_cursor\` as \`cursor\` for the next page; it is \`null\` at the end.

# Errors

Every error is \`application/problem+json\` (RFC 9457): \`code\` is stable, \`detail\` says what to do, \`retryable\` whether the
same call may be sent again, \`errors\` points to each fault, and \`type\` leads to a page about the code, such as
[/problems/validation-failed](/problems/validation-failed). Quote \`trace_id\` when you report one.
`;

/** The head of the OpenAPI document. The tags stand in the order of the main job. */
export const openApiInfo = {
  openapi: "3.1.0",
  info: {
    title: "Refrain API",
    version: "1.0.0",
    summary: "Long-term memory for AI agents in their own voice, and long work that starts exactly once.",
    description: [
      "Agents keep **collections** of **memories**. Re-voicing retells a collection in an agent's own voice; it is long",
      "work, and runs as a **task**. However often the same request is sent, one task runs, and every answer shows it.",
      GETTING_STARTED,
    ].join("\n"),
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: "/", description: "This deployment" }],
  tags: [
    { name: "agents", "x-displayName": "Agents", description: "Who remembers, and in which voice." },
    { name: "collections", "x-displayName": "Collections", description: "Memories that belong together." },
    { name: "memories", "x-displayName": "Memories", description: "What is remembered." },
    { name: "recall", "x-displayName": "Recall", description: "Finding memories again." },
    { name: "batches", "x-displayName": "Batches", description: "Long work, created exactly once." },
    {
      name: "checkmate",
      "x-displayName": "CheckMate",
      description: "Every task, whatever door made it: follow it, read what became of each memory, cancel it.",
    },
    {
      name: "webhooks",
      "x-displayName": "Webhooks",
      description: "Who is told of the ends of tasks, and what became of each message.",
    },
    { name: "requests", "x-displayName": "Requests", description: "What became of a requestId." },
    {
      name: "namespaces",
      "x-displayName": "Namespaces",
      description: "Tenants. Nothing is seen from one to another.",
    },
    { name: "keys", "x-displayName": "Keys", description: "Bearer keys of a namespace." },
    { name: "service", "x-displayName": "Service", description: "Health and documentation. No key needed." },
  ],
  "x-tagGroups": [
    { name: "Memory", tags: ["agents", "collections", "memories", "recall"] },
    { name: "Work", tags: ["batches", "checkmate", "webhooks", "requests"] },
    { name: "Administration", tags: ["namespaces", "keys", "service"] },
  ],
};
