import { errorText } from "../../domain/basics/error-text";
import pLimit from "p-limit";
import type { Services } from "../../services/context";
import { LeaseKeeper } from "../../services/parts/lease-keeper";
import { ModelCalls } from "../../services/model/call-slots";
import type { RunServices } from "../../services/parts/part-work";
import { answerBell } from "../../services/runs/answer-bell";
import { Bell } from "../adapters/task-bells";

const FAILED_BELL_DELAY_SECONDS = 10;
/** A Worker has 128 MB, and a step may need 20 of them. */
const STEPS_AT_ONCE = 2;

/**
 * Answers the bells of one batch side by side. A dead letter is a bell like any other: it only rings, and what the
 * task's state allows decides.
 */
export async function consumeBells(services: Services, batch: MessageBatch): Promise<void> {
  const modelCalls = new ModelCalls(services);
  const stepSlot = pLimit(STEPS_AT_ONCE);
  const recallSlot = pLimit(1);
  const leases = new LeaseKeeper(services);
  const run = { ...services, modelCalls, stepSlot, recallSlot, leases };
  await Promise.all(batch.messages.map((message) => consume(run, message)));
  await modelCalls.close();
}

async function consume(services: RunServices, message: Message): Promise<void> {
  const bell = Bell.safeParse(message.body);
  if (!bell.success) {
    // Not ours, or of another version. The task's object rings again in the words of this one.
    services.log("error", "bell-unreadable", { message_id: message.id });
    message.ack();
    return;
  }
  try {
    const waitedMs = services.clock.nowMs() - message.timestamp.getTime();
    const verdict = await answerBell(services, bell.data.task_id, waitedMs);
    if (verdict.kind === "again") message.retry({ delaySeconds: verdict.delaySeconds });
    else message.ack();
  } catch (error) {
    services.log("error", "bell-failed", { task_id: bell.data.task_id, error: errorText(error) });
    message.retry({ delaySeconds: FAILED_BELL_DELAY_SECONDS });
  }
}
