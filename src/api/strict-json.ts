import { JsonFault, parseStrictJson as parse } from "../services/basics/strict-json";
import { HttpProblem } from "./problem";

/** Parses a body that means one thing only. @throws HttpProblem 400 `json-invalid`. */
export function parseStrictJson(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof JsonFault)
      throw new HttpProblem(400, "json-invalid", error.message.replace(/^It is /, "The body is "));
    throw error;
  }
}
