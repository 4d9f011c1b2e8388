import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { ClaimAnswer, ClaimRequest, TaskRequests } from "../../services/ports/task-requests";
import { ServiceError } from "../../services/errors/errors";
import { requestsUnavailable, requestUnreadable } from "../../services/errors/refusals";
import { objectNameOf, type Placement } from "../config/placement";
import { RECORD_UNREADABLE } from "../config/record-unreadable";

/** An object's own steps have shorter limits; these are for an object that cannot be reached. */
const CLAIM_WITHIN_MS = 10_000;
const ENDED_WITHIN_MS = 3_000;
const OBJECTS_AT_ONCE = 16;

type Objects = Env["TASK_REQUESTS"];

/** The requests objects behind their port, where the placement says that they are. */
export function objectRequests(objects: Objects, placement: Placement): TaskRequests {
  return requestsOf(objects, (taskId) => objectNameOf(placement, taskId));
}

/** The object of that name behind the port, whatever the placement says. */
export function requestsAt(objects: Objects, name: string): TaskRequests {
  return requestsOf(objects, () => name);
}

function requestsOf(objects: Objects, nameOf: (taskId: string) => string): TaskRequests {
  const objectOf = (taskId: string) => objects.getByName(nameOf(taskId));
  return {
    claim: (requests) => claimAt(objects, nameOf, requests),
    find: (taskId) => reach(twice(() => objectOf(taskId).find(taskId))),
    poke: (taskId) => within(CLAIM_WITHIN_MS, objectOf(taskId).poke(taskId)),
    ended: (taskId, run) => within(ENDED_WITHIN_MS, Promise.resolve(objectOf(taskId).ended(taskId, run))),
    cancel: (request) => reach(twice(() => objectOf(request.taskId).cancel(request))),
    remove: (head) => reach(twice(() => objectOf(head.id).remove(head))),
    removeEnded: (head) => reach(twice(() => objectOf(head.id).removeEnded(head))),
    // Not tried twice: without an id of its own, a second try would open a further run.
    invoke: (request) => reach(objectOf(request.taskId).invoke(request)),
    waitForEnd: (taskId, timeoutMs) =>
      within(timeoutMs + ENDED_WITHIN_MS, objectOf(taskId).waitForEnd(taskId, timeoutMs)),
  };
}

/** One call for all requests of an object; an object that cannot be reached is no matter of the others. */
async function claimAt(
  objects: Objects,
  nameOf: (taskId: string) => string,
  requests: readonly ClaimRequest[],
): Promise<readonly ClaimAnswer[]> {
  const groups = Map.groupBy(requests, ({ taskId }) => nameOf(taskId));
  const [only] = groups.keys();
  if (groups.size === 1 && only !== undefined) return claimTogether(objects, only, requests);
  const slot = pLimit(OBJECTS_AT_ONCE);
  const answers = new Map<ClaimRequest, ClaimAnswer>();
  const calls = [...groups].map(([name, group]) =>
    slot(async () => {
      const answered = await claimTogether(objects, name, group);
      group.forEach((request, index) => answers.set(request, answered[index] ?? unproven("There was no answer.")));
    }),
  );
  await Promise.all(calls);
  return requests.map((request) => answers.get(request) ?? unproven("There was no answer."));
}

async function claimTogether(
  objects: Objects,
  name: string,
  requests: readonly ClaimRequest[],
): Promise<readonly ClaimAnswer[]> {
  try {
    // The call ids are the same in both tries, so a second try after a lost answer is still the first creation.
    return await within(
      CLAIM_WITHIN_MS,
      twice<readonly ClaimAnswer[]>(() => objects.getByName(name).claim(requests)),
    );
  } catch (error) {
    return requests.map(() => unproven(errorText(error)));
  }
}

function unproven(reason: string): ClaimAnswer {
  return { kind: "unproven", reason };
}

/** @throws ServiceError `unavailable` when there is no answer in time. */
function reach<T>(answer: Promise<T>): Promise<T> {
  return within(CLAIM_WITHIN_MS, answer)
    .catch(readable)
    .catch((error: unknown) => {
      throw error instanceof ServiceError ? error : requestsUnavailable();
    });
}

/** Of an object's error only the message arrives here; one of them is to be told apart. @throws always. */
function readable(error: unknown): never {
  if (error instanceof Error && error.message.includes(RECORD_UNREADABLE)) throw requestUnreadable();
  throw error;
}

/** One more try with a fresh stub, unless the object says that it is overloaded. */
async function twice<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isOverloaded(error)) throw error;
    return call();
  }
}

function isOverloaded(error: unknown): boolean {
  return typeof error === "object" && error !== null && "overloaded" in error && error.overloaded === true;
}
