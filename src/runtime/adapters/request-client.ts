import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { CalledBulk, CreationAnswer, CreationCall, TaskRequests } from "../../services/ports/task-requests";
import { objectNameOf, type Placement } from "../config/placement";

/** An object's own steps have shorter limits; these are for an object that cannot be reached. */
const CREATE_WITHIN_MS = 10_000;
const ENDED_WITHIN_MS = 3_000;
const OBJECTS_AT_ONCE = 16;

type Objects = Env["TASK_REQUESTS"];

/** The objects of request ids behind their port, where the placement says that they are. */
export function objectRequests(objects: Objects, placement: Placement): TaskRequests {
  const nameOf = (taskId: string) => objectNameOf(placement, taskId);
  const objectOf = (taskId: string) => objects.getByName(nameOf(taskId));
  return {
    create: async (calls, bulk) => {
      const slot = pLimit(OBJECTS_AT_ONCE);
      const answers = new Map<CreationCall, CreationAnswer>();
      const groups = Map.groupBy(calls, ({ taskId }) => nameOf(taskId));
      const asked = [...groups].map(([name, group]) =>
        slot(async () => {
          const answered = await createAt(objects, name, group, bulk);
          group.forEach((call, index) => answers.set(call, answered[index] ?? unproven("There was no answer.")));
        }),
      );
      await Promise.all(asked);
      return calls.map((call) => answers.get(call) ?? unproven("There was no answer."));
    },
    ended: (taskId) => within(ENDED_WITHIN_MS, Promise.resolve(objectOf(taskId).ended(taskId))),
    waitForEnd: (of, timeoutMs) =>
      within(timeoutMs + ENDED_WITHIN_MS, Promise.resolve(objectOf(of.taskId).waitForEnd(of, timeoutMs))),
  };
}

/** One call for all that is an object's; an object that cannot be reached is no matter of the others. */
async function createAt(
  objects: Objects,
  name: string,
  calls: readonly CreationCall[],
  bulk: CalledBulk | null,
): Promise<readonly CreationAnswer[]> {
  const create = async (tried: readonly CreationCall[]): Promise<readonly CreationAnswer[]> =>
    objects.getByName(name).create(tried, bulk);
  try {
    return await within(
      CREATE_WITHIN_MS,
      create(calls).catch((error: unknown) => again(error, calls, create)),
    );
  } catch (error) {
    return calls.map(() => unproven(errorText(error)));
  }
}

/**
 * One more try with a fresh stub, under the same call ids: so a second try after a lost answer is still the first creation.
 * None where the object says that it is overloaded.
 */
function again<R>(
  error: unknown,
  calls: readonly CreationCall[],
  create: (calls: readonly CreationCall[]) => Promise<R>,
): Promise<R> {
  if (isOverloaded(error)) throw error;
  return create(calls.map((call) => ({ ...call, isSecondTry: true })));
}

function unproven(reason: string): CreationAnswer {
  return { kind: "unproven", reason };
}

function isOverloaded(error: unknown): boolean {
  return typeof error === "object" && error !== null && "overloaded" in error && error.overloaded === true;
}
