import { z } from "@hono/zod-openapi";
import { problemTitle } from "./problem-catalogue";

export const ProblemV1 = z
  .object({
    type: z.string().openapi({ description: "Where the problem is documented.", example: "/problems/agent-not-found" }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().openapi({ description: "What is wrong, and what to do." }),
    code: z.string().openapi({ description: "Stable: program against it.", example: "agent-not-found" }),
    trace_id: z.string(),
    retryable: z.boolean().openapi({ description: "Whether the same call may be sent again as it is." }),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .openapi({ description: "One entry a fault." }),
  })
  .openapi("ProblemV1");

/** For each status, a code that stands for it in the document's example. */
const EXAMPLES = {
  400: ["json-invalid", "The body is not valid JSON at character 17."],
  401: ["key-invalid", "Send a valid key: Authorization: Bearer <key>."],
  403: ["admin-key-required", "Only the admin key may do this."],
  404: ["agent-not-found", "There is no such agent. Check the id."],
  409: ["agent-name-taken", "Another agent of this namespace has this name. Choose another."],
  410: ["agent-deleted", "This agent was deleted. Read it with ?include_deleted=true."],
  412: ["version-changed", "It was changed since you read it. Read it again, and send If-Match with the new ETag."],
  413: ["body-too-large", "The body is larger than 1,048,576 bytes. Send less."],
  415: ["media-type-unsupported", "Send the body as Content-Type: application/json."],
  422: ["validation-failed", "/name: This field is required: give a string."],
  429: ["rate-limited", "This key sends too many requests. Wait, then go on."],
  503: ["creation-pending", "The task is accepted, but its row is not proven yet. Send the same call again."],
} as const;
export type ProblemStatus = keyof typeof EXAMPLES;

/** The error answers of an operation, to be spread into its `responses`. Each has an example. */
export function problems<S extends ProblemStatus>(...statuses: readonly S[]) {
  const entries = statuses.map((status) => [status, problemResponse(status)] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- there is one entry for each status of S, and nothing else
  return Object.fromEntries(entries) as Record<S, ReturnType<typeof problemResponse>>;
}

function problemResponse(status: ProblemStatus) {
  const [code, detail] = EXAMPLES[status];
  const example = {
    type: `/problems/${code}`,
    title: problemTitle(code),
    status,
    detail,
    code,
    trace_id: "6f1c8a52-3a3e-4a52-9d0e-2f6f1f0f7f11",
    retryable: status === 429 || status === 503,
    errors: [],
  };
  return {
    description: problemTitle(code),
    content: { "application/problem+json": { schema: ProblemV1, example } },
  };
}

/** Every operation under /v1 can answer these. */
export const COMMON_PROBLEMS = [401, 429, 503] as const;
/** Every operation with a JSON body can answer these too. */
export const BODY_PROBLEMS = [400, 413, 415, 422] as const;

export const SECURED: { bearer: string[] }[] = [{ bearer: [] }];

export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export function jsonRequest<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } };
}

/**
 * A body that the document shows and no validator reads: the creation door does, behind the look-up. A validator of the
 * route would refuse a replay for what its schema has become since.
 */
export function documentedRequest(schema: string) {
  return { required: true, content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } } };
}
