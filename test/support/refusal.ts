import { assert } from "vitest";
import type { Answer } from "./api";

const SENTENCE = /^\S.*[.]$/s;
const POINTER = /^(\/([^~/]|~[01])*)*$/;

/**
 * A refusal in short, such as "401 key-invalid".
 * @throws AssertionError when the answer is no sound problem: one with a code, a sentence that says what to do, the trace id of
 * its header, and pointers that are such, each with a sentence of its own.
 */
export function refusalOf({ status, headers, body }: Answer): string {
  const faults: string[] = [];
  const demand = (isSo: boolean, what: string) => void (isSo || faults.push(what));
  demand(headers.get("content-type") === "application/problem+json", "its media type");
  demand(body?.status === status, "status");
  demand(body?.type === `/problems/${body?.code}`, "type");
  demand(typeof body?.title === "string" && body.title !== "" && body.title !== body.code, "title");
  demand(SENTENCE.test(body?.detail), "detail, which must be a sentence");
  demand(typeof body?.trace_id === "string" && body.trace_id === headers.get("x-trace-id"), "trace_id");
  demand(body?.retryable === [429, 503].includes(status), "retryable");
  demand(Array.isArray(body?.errors), "errors");
  for (const { pointer, detail } of body?.errors ?? []) {
    demand(POINTER.test(pointer), `errors: the pointer ${pointer}`);
    demand(SENTENCE.test(detail), `errors: the detail of ${pointer}, which must be a sentence`);
  }
  if (faults.length === 0) return `${status} ${body.code}`;
  return assert.fail(`Not sound: ${faults.join("; ")}. It was: ${status} ${JSON.stringify(body)}`);
}

/** Where the faults are, in order of the alphabet. */
export function pointersOf({ body }: Answer): readonly string[] {
  return body.errors.map((fault: { pointer: string }) => fault.pointer).toSorted();
}
