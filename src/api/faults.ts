import type { z } from "@hono/zod-openapi";
import { type Fault, FAULTS_MAX, ServiceError } from "../services/errors/errors";

type Issue = z.core.$ZodIssue;

/** One fault a thing that is wrong, each with a pointer to it and a sentence that says what to do. */
export function faultsOf(error: z.core.$ZodError, prefix = ""): readonly Fault[] {
  const faults: Fault[] = [];
  for (const issue of error.issues) {
    if (faults.length >= FAULTS_MAX) break;
    faults.push(...faultsOfIssue(issue, prefix));
  }
  return faults.slice(0, FAULTS_MAX);
}

/** @returns the 422 of a body or query that does not fit its schema. */
export function validationFailed(faults: readonly Fault[]): ServiceError {
  const first = faults[0];
  const where = first === undefined || first.pointer === "" ? "The request" : first.pointer;
  const count = faults.length < FAULTS_MAX ? String(faults.length) : `${FAULTS_MAX} or more`;
  const more = faults.length > 1 ? ` There are ${count} faults; see errors.` : "";
  return new ServiceError("invalid", "validation-failed", `${where}: ${first?.detail ?? "is not valid."}${more}`, {
    faults,
  });
}

export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function faultsOfIssue(issue: Issue, prefix: string): readonly Fault[] {
  const pointer = prefix + pointerOf(issue.path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.slice(0, FAULTS_MAX).map((key) => ({
      pointer: pointer + pointerOf([key]),
      detail: "This field is not known here. Remove it, or check its spelling.",
    }));
  if (issue.code === "invalid_union") {
    const exclusive = exclusiveKeys(issue.errors);
    if (exclusive.length > 0) return [{ pointer, detail: `Give exactly one of: ${exclusive.join(", ")}.` }];
    // The branch that came nearest tells most: one that takes such a value at all, and the one with the fewest faults.
    const fitting = issue.errors.filter((branch) => !branch.some(isOfWrongType));
    const nearest = (fitting.length > 0 ? fitting : issue.errors).toSorted((a, b) => a.length - b.length)[0];
    if (nearest !== undefined && nearest.length > 0) return nearest.flatMap((inner) => faultsOfIssue(inner, pointer));
  }
  return [{ pointer, detail: sentenceOf(issue) }];
}

/** The fields that stand together, though each branch knows a part of them only; none when something else is wrong. */
function exclusiveKeys(branches: readonly (readonly Issue[])[]): readonly string[] {
  const refused = branches.map((branch) =>
    branch.flatMap((issue) => (issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : [])),
  );
  const areAlone = branches.every((branch, i) => branch.length === 1 && refused[i]?.length !== 0);
  const keys = [...new Set(refused.flat())];
  return areAlone ? keys.filter((key) => refused.some((known) => !known.includes(key))) : [];
}

function isOfWrongType(issue: Issue): boolean {
  return issue.code === "invalid_type" && issue.path.length === 0;
}

/** zod keeps the input out of its issues, and tells what it received in the message alone. */
function isAbsent(issue: Issue): boolean {
  return issue.message.endsWith("received undefined");
}

function sentenceOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return isAbsent(issue)
        ? `This field is required: give ${article(issue.expected)}.`
        : `Must be ${article(issue.expected)}.`;
    case "too_small":
      return `Must ${sizeVerb(issue.origin)} at least ${amountOf(issue.origin, Number(issue.minimum))}.`;
    case "too_big":
      return `Must ${sizeVerb(issue.origin)} at most ${amountOf(issue.origin, Number(issue.maximum))}.`;
    case "invalid_value":
      return `Must be one of: ${issue.values.map(String).join(", ")}.`;
    case "not_multiple_of":
      return "Must be a whole number.";
    case "invalid_union":
      return "options" in issue
        ? `Must be one of: ${issue.options?.map(String).join(", ")}.`
        : "Has no form that fits.";
    case "invalid_key":
      return `Its name does not fit. ${issue.issues.map((inner) => sentenceOf(inner)).join(" ")}`;
    default:
      return issue.message.endsWith(".") ? issue.message : `${issue.message}.`;
  }
}

function article(expected: string): string {
  const names: Record<string, string> = { int: "a whole number", record: "an object", nonoptional: "a value" };
  return names[expected] ?? (/^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`);
}

function sizeVerb(origin: string): string {
  return origin === "string" || origin === "array" || origin === "record" || origin === "map" ? "have" : "be";
}

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ["character", "characters"],
  array: ["item", "items"],
  record: ["entry", "entries"],
  map: ["entry", "entries"],
};

function amountOf(origin: string, amount: number): string {
  const unit = UNITS[origin]?.[amount === 1 ? 0 : 1];
  return `${amount.toLocaleString("en")}${unit === undefined ? "" : ` ${unit}`}`;
}
