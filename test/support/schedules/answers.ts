import type { Seen } from "./ledger";

/** An answer in a few words. */
export function answerOf({ code, problem, status, run, name }: Seen): string {
  if (code === 0) return "(no answer yet)";
  return [code, problem, name, status, run && `run ${run}`].filter(Boolean).join(" ");
}
