import type { Answer } from "../api";
import type { Body } from "./steps";

export type Asked = "put" | "get" | "get-request" | "cancel" | "cancel-request" | "delete" | "invoke";

/** One call about a task, and what its answer said. */
export interface Seen {
  readonly asked: Asked;
  readonly body?: Body;
  /** The client's id of an invoke. */
  readonly own?: string;
  /** Whether another object than the usual one was asked. */
  readonly elsewhere?: boolean;
  /** Both from one counter; never returned: Infinity, with code 0. */
  readonly call: number;
  return: number;
  code: number;
  problem?: string;
  status?: string;
  run?: number;
  name?: string;
  /** Whether the record of the request says until when it is kept. */
  kept?: boolean;
  /** Whether anything had gone wrong by then: a fault, or a crash. */
  troubled: boolean;
  /** Whether time enough had passed for retention to end. */
  aged: boolean;
}

/** A request id, its task, and all that was seen of them. */
export interface Subject {
  /** Null for one that POST minted, and that no answer named. */
  readonly requestId: string | null;
  readonly minted: boolean;
  readonly taskId: string;
  readonly seen: Seen[];
}

/** Things that excuse an answer. */
interface Circumstances {
  readonly troubled: boolean;
  readonly aged: boolean;
}

/** The history of a schedule. */
export class Ledger {
  readonly subjects: Subject[] = [];
  readonly trace: string[] = [];
  #ticks = 0;

  subject(requestId: string | null, taskId: string, minted = false): Subject {
    const known = this.subjects.find((subject) => subject.taskId === taskId);
    if (known !== undefined) return known;
    const subject: Subject = { requestId, minted, taskId, seen: [] };
    this.subjects.push(subject);
    return subject;
  }

  /** Those that anybody asked about. */
  get touched(): readonly Subject[] {
    return this.subjects.filter(({ seen }) => seen.length > 0);
  }

  begin(subject: Subject, asked: Pick<Seen, "asked" | "body" | "own" | "elsewhere">): Seen {
    this.#ticks += 1;
    const open = { return: Number.POSITIVE_INFINITY, code: 0, troubled: true, aged: true };
    const seen: Seen = { ...asked, call: this.#ticks, ...open };
    subject.seen.push(seen);
    return seen;
  }

  end(seen: Seen, answer: Pick<Answer, "status" | "body"> & { readonly headers?: Headers }, then: Circumstances): void {
    this.#ticks += 1;
    const { status: code, body } = answer;
    Object.assign(seen, { return: this.#ticks, code, ...then });
    if (code >= 400) {
      seen.problem = body?.code;
      return;
    }
    if (body === null) return;
    if (typeof body.status === "string") seen.status = body.status;
    if (typeof body.name === "string") seen.name = body.name;
    if (seen.asked === "get-request") seen.kept = body.expires_at !== null;
    const etag = answer.headers?.get("etag");
    if (seen.asked === "get" && typeof etag === "string") seen.run = Number(etag.replaceAll('"', ""));
  }

  say(line: string): void {
    this.trace.push(line);
  }
}
