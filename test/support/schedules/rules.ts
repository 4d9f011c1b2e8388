import { answerOf } from "./answers";
import type { Asked, Seen, Subject } from "./ledger";

/** What each call may be answered at all. 503 needs trouble, 410 a removal or the end of retention. */
const CODES: Readonly<Record<Asked, readonly number[]>> = {
  put: [200, 201, 422],
  get: [200, 404],
  "get-request": [200, 404],
  cancel: [200, 404],
  "cancel-request": [200],
  delete: [204, 404],
  invoke: [202, 404, 409],
};
const ENDS = new Set(["complete", "canceled", "error"]);

type Rule = (seen: readonly Seen[]) => readonly string[];

const told = (seen: Seen) => `${seen.asked} ${seen.body ?? ""} [${seen.call}..${seen.return}] ${answerOf(seen)}`;
const isAcknowledged = ({ asked, code }: Seen) => asked === "put" && (code === 200 || code === 201);
const isOf =
  (...asked: readonly Asked[]) =>
  (seen: Seen) =>
    asked.includes(seen.asked);
/** What was called before an answer came may have brought it about. */
const couldCause = (cause: Seen, answer: Seen) => cause !== answer && cause.call < answer.return;
const isAfter = (later: Seen, earlier: Seen) => later.call > earlier.return;
const wrong = (what: string, ...those: readonly Seen[]) => `${what}: ${those.map(told).join("; then ")}`;

const onlyKnownAnswers: Rule = (all) =>
  all.filter((seen) => !isAllowed(all, seen)).map((seen) => wrong("an answer that there is not", seen));

function isAllowed(all: readonly Seen[], seen: Seen): boolean {
  if (seen.code === 0) return seen.troubled;
  if (seen.code === 503) return seen.troubled;
  // The id of an invoke is good for one task, and lives as long as that.
  if (seen.own !== undefined && (seen.code === 422 || seen.code === 410)) return true;
  if (seen.code === 410) return seen.aged || all.some((other) => isOf("delete")(other) && other.call < seen.return);
  return CODES[seen.asked].includes(seen.code);
}

const oneFirst: Rule = (all) => {
  const firsts = all.filter(({ asked, code }) => asked === "put" && code === 201);
  return firsts.length > 1 ? [wrong("a second first creation", ...firsts)] : [];
};

const oneBody: Rule = (all) => {
  const winner = all.find(isAcknowledged);
  const puts = all.filter(isOf("put"));
  return puts.flatMap((seen) => {
    if (seen.code === 422) {
      if (seen.problem !== "request-id-reused") return [wrong("refused", seen)];
      const other = puts.some((put) => put.body !== seen.body && couldCause(put, seen));
      if (!other || seen.body === winner?.body) return [wrong("a mismatch without cause", seen)];
    }
    if (!isAcknowledged(seen)) return [];
    if (seen.body !== winner?.body || (seen.name !== undefined && seen.name !== seen.body))
      return [wrong("another's task", seen)];
    if (seen.code === 200 && !puts.some((put) => put.body === seen.body && couldCause(put, seen)))
      return [wrong("a replay of nothing", seen)];
    return [];
  });
};

const oneName: Rule = (all) => {
  const names = new Set(all.flatMap(({ name }) => name ?? []));
  return names.size > 1 ? [`the task changed its name: ${[...names].join(", ")}`] : [];
};

/** What was acknowledged is there for whoever asks after. */
const staysThere: Rule = (all) =>
  all
    .filter((seen) => isAcknowledged(seen) || (isOf("get")(seen) && seen.code === 200))
    .flatMap((seen) => {
      const lost = all.find((later) => isAfter(later, seen) && later.code === 404);
      return lost === undefined ? [] : [wrong("lost", seen, lost)];
    });

const staysGone: Rule = (all) =>
  all
    .filter(({ asked, code }) => asked === "delete" && code === 204)
    .flatMap((seen) => {
      const back = all.find((later) => isAfter(later, seen) && ![410, 503, 0].includes(later.code));
      return back === undefined ? [] : [wrong("back from its removal", seen, back)];
    });

/** A cancel shows the task as it is a little later: only an invoke that overlapped can have opened it again. */
const cancelEnds: Rule = (all) =>
  all
    .filter((seen) => isOf("cancel", "cancel-request")(seen) && seen.code === 200)
    .filter((seen) => !ENDS.has(seen.status ?? "") && !mayHaveOpened(all, seen, seen))
    .map((seen) => wrong("a cancel that ended nothing", seen));

const canceledByWish: Rule = (all) =>
  all
    .filter(({ status }) => status === "canceled")
    .filter(
      (seen) => !all.some((cause) => isOf("cancel", "cancel-request", "delete")(cause) && cause.call < seen.return),
    )
    .map((seen) => wrong("canceled, though nobody wished it", seen));

/** An end stays until an invoke opens the next run; complete stays for ever. */
const endsAbsorb: Rule = (all) => {
  const shown = all.filter(({ status }) => status !== undefined);
  return shown
    .filter(({ status }) => ENDS.has(status ?? ""))
    .flatMap((end) => {
      const later = shown.find(
        (seen) => isAfter(seen, end) && seen.status !== end.status && !mayDiffer(all, end, seen),
      );
      return later === undefined ? [] : [wrong("an end that changed", end, later)];
    });
};

function mayDiffer(all: readonly Seen[], end: Seen, later: Seen): boolean {
  if (end.status === "complete") return false;
  if (end.run !== undefined && later.run !== undefined) return later.run > end.run;
  return mayHaveOpened(all, end, later);
}

/** Whether an invoke may have opened a run between the call of one and the answer of another. */
function mayHaveOpened(all: readonly Seen[], from: Seen, to: Seen): boolean {
  return all.some((invoke) => isOf("invoke")(invoke) && invoke.call < to.return && effectEnd(invoke) > from.call);
}

/** Until when a call may take effect: one that was not answered with certainty, at any time. */
function effectEnd(seen: Seen): number {
  return seen.code === 503 ? Number.POSITIVE_INFINITY : seen.return;
}

const runsGrow: Rule = (all) => {
  const shown = all.filter(({ run }) => run !== undefined);
  return shown.flatMap((seen) => {
    const later = shown.find((other) => isAfter(other, seen) && (other.run ?? 0) < (seen.run ?? 0));
    const invokes = all.filter((other) => isOf("invoke")(other) && other.call < seen.return);
    const openings = new Set(invokes.map((invoke) => invoke.own ?? invoke.call)).size;
    if (later !== undefined) return [wrong("a run that went back", seen, later)];
    return (seen.run ?? 0) > 1 + openings ? [wrong(`a run more than ${openings} invokes`, seen)] : [];
  });
};

const onlyCompleteIsRefused: Rule = (all) =>
  all
    .filter(({ asked, problem }) => asked === "invoke" && problem === "task-complete")
    .flatMap((seen) => {
      const other = all.find(
        (later) => isAfter(later, seen) && later.status !== undefined && later.status !== "complete",
      );
      return other === undefined ? [] : [wrong("refused as complete, which it is not", seen, other)];
    });

const RULES: readonly Rule[] = [
  onlyKnownAnswers,
  oneFirst,
  oneBody,
  oneName,
  staysThere,
  staysGone,
  cancelEnds,
  canceledByWish,
  endsAbsorb,
  runsGrow,
  onlyCompleteIsRefused,
];

/** What in the history of a request id cannot be. */
export function violationsOf({ seen }: Subject): readonly string[] {
  return RULES.flatMap((rule) => rule(seen));
}
