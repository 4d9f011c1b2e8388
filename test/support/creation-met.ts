import type { Role, Sending, Strike } from "./creation-places";

/*
 * Which of two strikes can both be met: what a creation comes to after the first has struck. Where it is the machine's choice,
 * the second is not waited for.
 */

type Why = string | undefined;

/** @returns why the second of two faults cannot be met once the first has been, or undefined. */
export function whyNotMetBy(sending: Sending): (first: Strike, second: Strike) => Why {
  return (first, second) => {
    switch (second.place.role) {
      case "write":
        return rowIsSeen(first, sending);
      case "read-back":
        return isAnsweredWithAnError(first) ? undefined : "only an error at the write is read back";
      case "ring":
        return bellIsRung(first, second);
      case "look":
        return first.place.role === "look" ? "the bell was heard" : undefined;
      default:
        return undefined;
    }
  };
}

/** Kinds after which the caller goes on as if nothing had been. */
const isHarmless = ({ kind }: Strike) => kind === "doubles" || kind === "reorders";
const isAt = ({ place }: Strike, ...roles: readonly Role[]) => roles.includes(place.role);
const isAnsweredWithAnError = (strike: Strike) =>
  isAt(strike, "write") && !isHarmless(strike) && !strike.kind.startsWith("crashes");
/** The row stands before anybody looks again. */
const isWritten = (strike: Strike) =>
  isAt(strike, "write") && (isHarmless(strike) || ["fails-after", "crashes-after"].includes(strike.kind));
/** The row comes by itself while others look. */
const landsOvertaken = (strike: Strike) => isAt(strike, "write") && strike.lands === "overtaken";

function rowIsSeen(first: Strike, sending: Sending): Why {
  // What is known lets a repeat in without a look.
  if (sending === "known") return undefined;
  if (isAt(first, "ring", "look") || isWritten(first)) return "the row stands by then, and is seen before";
  const isDone = isAt(first, "call") && ["fails-after", "doubles"].includes(first.kind);
  if (sending === "bulk" && isDone) return "the rows stand by then, and are seen before";
  if (sending === "both" && landsOvertaken(first)) return "the row may stand by then";
  return undefined;
}

function bellIsRung(first: Strike, second: Strike): Why {
  const mustCrash = second.kind.startsWith("crashes");
  if (mustCrash && landsOvertaken(first) && first.kind === "lands-late")
    return "the row landed by itself, and no object rings for it";
  if (!isAt(first, "ring", "look")) return undefined;
  const isLost = isAt(first, "ring") && ["fails-before", "hangs", "drops", "crashes-before"].includes(first.kind);
  if (!isLost) return "the bell was heard, and a task of one part needs no other";
  return mustCrash ? "whoever rings from then on is the sweeper, not the object" : undefined;
}
