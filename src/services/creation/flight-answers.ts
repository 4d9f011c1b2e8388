import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import { type Decision, decisionOf } from "../../domain/requests/decision";
import type { StandingRequest } from "../../domain/requests/request";
import type { Task } from "../../domain/tasks/task";
import type { Standing } from "../../data/requests/creation-read-store";
import type { Services } from "../context";
import type { CreationAnswer } from "../ports/task-requests";
import type { FlyingCall } from "./flight";
import { mismatchOf, readMaterials, retiredOf } from "./standing-request";

interface Mismatched {
  readonly row: StandingRequest;
  readonly isOfBulk: boolean;
}

/** The answers of a flight as they come. A call that has one keeps it. */
export class FlightAnswers {
  readonly #answers = new Map<FlyingCall, CreationAnswer>();
  /** Items whose rows stand, of bulks whose own row does not yet: what they are told once it does. */
  readonly #found = new Map<FlyingCall, CreationAnswer>();
  /** Where they differ is still to be read. */
  readonly #mismatched = new Map<FlyingCall, Mismatched>();

  constructor(private readonly calls: readonly FlyingCall[]) {}

  get open(): readonly FlyingCall[] {
    return this.calls.filter((call) => !this.#answers.has(call) && !this.#mismatched.has(call));
  }

  /** The open calls whose rows do not stand, those of one id together, in the order in which they came. */
  groups(): Iterable<readonly FlyingCall[]> {
    const unfound = this.open.filter((call) => !this.#found.has(call));
    return Map.groupBy(unfound, ({ taskId }) => taskId).values();
  }

  openOf(taskId: string): readonly FlyingCall[] {
    return this.open.filter((call) => call.taskId === taskId);
  }

  set(call: FlyingCall, answer: CreationAnswer): void {
    this.#answers.set(call, answer);
  }

  /** Answers the open calls of which a row decides. */
  decide(standing: Standing): void {
    for (const call of this.open) {
      const bulkRow = call.bulk === null ? undefined : standing.requests.get(call.bulk.id);
      const ofBulk =
        call.bulk === null ? "open" : decisionOf(bulkRow, { ...call.bulk, door: "task" }, standing.readAtMs);
      if (bulkRow !== undefined && (ofBulk === "mismatch" || ofBulk === "retired")) {
        this.#answer(call, { row: bulkRow, isOfBulk: true }, ofBulk);
        continue;
      }
      const found = this.#found.get(call);
      if (found !== undefined) {
        if (ofBulk !== "open") this.set(call, found);
        continue;
      }
      const row = standing.requests.get(call.taskId);
      const decision = decisionOf(row, call, standing.readAtMs);
      if (decision === "unknown") this.set(call, { kind: "unknown" });
      else if (decision === "mine" || decision === "replay") {
        // What is accepted of a bulk is accepted under its id too: nobody hears of it before that row stands.
        const answers = call.bulk !== null && ofBulk === "open" ? this.#found : this.#answers;
        answers.set(call, acceptanceOf(decision, call, standing.tasks.get(call.taskId)));
      } else if (row !== undefined) this.#answer(call, { row, isOfBulk: false }, decision);
    }
  }

  #answer(call: FlyingCall, of: Mismatched, decision: Decision): void {
    switch (decision) {
      case "mismatch":
        this.#mismatched.set(call, of);
        return;
      case "retired":
        this.set(call, { kind: "retired", ...retiredOf(of.row), isOfBulk: of.isOfBulk });
        return;
      default:
        return;
    }
  }

  isAccepted(call: FlyingCall): boolean {
    const answer = this.#answers.get(call) ?? this.#found.get(call);
    return answer !== undefined && isAcceptance(answer);
  }

  /** Tasks that calls of this flight made. */
  made(): readonly Task[] {
    return [...this.#answers.values()].flatMap((answer) => (answer.kind === "made" ? [answer.task] : []));
  }

  /** Says where calls differ from the request that stands: read in one trip, and only then. Never throws. */
  async explain({ db, log }: Services, withinMs: number): Promise<void> {
    if (this.#mismatched.size === 0) return;
    const ids = [...new Set([...this.#mismatched.values()].map(({ row }) => row.id))];
    const materials = await within(withinMs, readMaterials(db, ids)).catch((error: unknown) => {
      log("warn", "mismatch-not-explained", { error: errorText(error) });
      return new Map<string, string>();
    });
    for (const [call, { row, isOfBulk }] of this.#mismatched) {
      const { material } = isOfBulk && call.bulk !== null ? call.bulk : call;
      this.set(call, { kind: "mismatch", ...mismatchOf(row, materials.get(row.id), material), isOfBulk });
    }
  }

  of(call: FlyingCall): CreationAnswer {
    return this.#answers.get(call) ?? { kind: "unproven", reason: "There was no answer." };
  }
}

function acceptanceOf(decision: "mine" | "replay", { taskId }: FlyingCall, task: Task | undefined): CreationAnswer {
  // Both rows are written in one transaction, and read in one.
  if (task === undefined) throw new Error(`The request ${taskId} stands without its task.`);
  return { kind: decision === "mine" ? "made" : "replayed", task };
}

function isAcceptance({ kind }: CreationAnswer): boolean {
  return kind === "made" || kind === "replayed";
}
